"""Paths of the files below some folders that another Parquet reader finds rows of a robot, or of some episodes, in; one JSON object.

Arguments: a JSON file with the episodes, the robot, the folders. Whatever begins as Parquet does is read, whatever its name.
"""

import json
import pathlib
import sys

import pyarrow.compute
import pyarrow.parquet

episodes = json.loads(pathlib.Path(sys.argv[1]).read_text())
robot = sys.argv[2]
found, read = [], 0
for folder in sys.argv[3:]:
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if not path.is_file() or path.open("rb").read(4) != b"PAR1":
            continue
        file = pyarrow.parquet.ParquetFile(path)
        names = [name for name in ("episode_id", "robot_id") if name in file.schema_arrow.names]
        rows = file.read(columns=names).to_pydict()
        read += 1
        if robot in rows.get("robot_id", []) or not set(episodes).isdisjoint(rows.get("episode_id", [])):
            found.append(str(path))
print(json.dumps({"found": found, "read": read}))
