"""Reads a LeRobot 3.0 data set by its published layout with pyarrow alone, and prints what its own reader would go by."""

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq

root = Path(sys.argv[1])
info = json.loads((root / "meta/info.json").read_text())
stats = json.loads((root / "meta/stats.json").read_text())
tasks = pq.read_table(root / "meta/tasks.parquet")
pandas = json.loads(tasks.schema.metadata[b"pandas"])
index = pandas["index_columns"][0]
sentences = dict(zip(tasks.column("task_index").to_pylist(), tasks.column(index).to_pylist()))


def files(folder):
    return sorted((root / folder).glob("*/*.parquet"))


data = [row for file in files("data") for row in pq.read_table(file).to_pylist()]
types = {}
for file in files("data"):
    types |= {field.name: str(field.type) for field in pq.read_schema(file)}
episodes = []
for row in (row for file in files("meta/episodes") for row in pq.read_table(file).to_pylist()):
    # The way LeRobot finds an episode: the rows between its offsets, in the file that its meta data names.
    path = info["data_path"].format(chunk_index=row["data/chunk_index"], file_index=row["data/file_index"])
    in_file = [frame for frame in pq.read_table(root / path).to_pylist() if frame["episode_index"] == row["episode_index"]]
    by_offset = data[row["dataset_from_index"] : row["dataset_to_index"]]
    episodes.append(row | {"same": in_file == by_offset, "path": path})
print(json.dumps({"info": info, "stats": stats, "tasks": sentences, "data": data, "types": types, "episodes": episodes}))
