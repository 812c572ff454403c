"""A training set as a LeRobot data set, v3.0: each row is an episode of as many frames as the chunk has actions, of which the first is learned from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .job import Job
from .rows import Rows

EPISODES_PER_FILE = 20_000
#: LeRobot's ACT is told of no task, and wants an image or this one beside the state: a number for each task, 1 for the row's own.
TASK = "observation.environment_state"


def write_dataset(folder: Path, rows: Rows, job: Job) -> Any:
    """Returns the rows in their order there: LeRobot knows no weights, so a row of weight 2 stands there twice."""
    order = copies(rows.weight)
    for first in range(0, len(order), EPISODES_PER_FILE):
        write_part(folder, rows, job, order[first : first + EPISODES_PER_FILE], first, first // EPISODES_PER_FILE)
    meta = folder / "meta"
    tasks = {"task_index": pa.array([0], pa.int64()), "__index_level_0__": pa.array(["do the task"])}
    pq.write_table(pa.table(tasks).replace_schema_metadata({"pandas": pandas_index()}), meta / "tasks.parquet")
    (meta / "info.json").write_text(json.dumps(info(job, len(order)), indent=4))
    (meta / "stats.json").write_text(json.dumps(statistics(rows, job, order), indent=4))
    return order


def copies(weight: Any) -> Any:
    """Indexes of rows, each about as often as its weight says, in their order: systematic sampling, a function of the weights."""
    ends = np.floor(np.cumsum(weight) + 0.5).astype(np.int64)
    return np.repeat(np.arange(len(weight)), np.diff(ends, prepend=0))


def write_part(folder: Path, rows: Rows, job: Job, order: Any, first: int, part: int) -> None:
    frames = job.horizon
    count = len(order) * frames
    index = np.arange(first * frames, first * frames + count)
    columns: dict[str, Any] = {
        "observation.state": numbers_of(np.repeat(rows.state[order], frames, axis=0)),
        TASK: numbers_of(np.eye(len(job.tasks), dtype=np.float32)[np.repeat(rows.task[order], frames)]),
        "action": numbers_of(rows.action[order].reshape(count, -1)),
        "timestamp": pa.array(np.tile(np.arange(frames) / job.rate_hz, len(order)).astype(np.float32)),
        "frame_index": pa.array(np.tile(np.arange(frames, dtype=np.int64), len(order))),
        "episode_index": pa.array(np.repeat(np.arange(first, first + len(order)), frames)),
        "index": pa.array(index),
        "task_index": pa.array(np.zeros(count, np.int64)),
    }
    for camera, files in zip(job.cameras, rows.images):
        values = [{"bytes": files[int(row)].as_py(), "path": None} for row in np.repeat(order, frames)]
        columns[f"observation.images.{camera.name}"] = pa.array(values, pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    name = f"chunk-{part // 1000:03d}/file-{part % 1000:03d}.parquet"
    for kind in ("data", "meta/episodes"):
        (folder / kind / name).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / "data" / name)
    episodes = np.arange(first, first + len(order))
    place = {"chunk_index": part // 1000, "file_index": part % 1000}
    meta: dict[str, Any] = {
        "episode_index": episodes,
        "tasks": [["do the task"]] * len(order),
        "length": np.full(len(order), frames),
        **{f"data/{key}": np.full(len(order), value) for key, value in place.items()},
        "dataset_from_index": episodes * frames,
        "dataset_to_index": (episodes + 1) * frames,
        **{f"meta/episodes/{key}": np.full(len(order), value) for key, value in place.items()},
    }
    pq.write_table(pa.table(meta), folder / "meta/episodes" / name)


def numbers_of(values: Any) -> Any:
    """[rows, width] as a column; one number alone is no list, as LeRobot's own writer has it."""
    width = values.shape[1]
    return pa.array(values[:, 0]) if width == 1 else pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), width)


def info(job: Job, episodes: int) -> dict[str, object]:
    own = {"timestamp": "float32", "frame_index": "int64", "episode_index": "int64", "index": "int64", "task_index": "int64"}
    cameras = {
        f"observation.images.{each.name}": {"dtype": "image", "shape": [each.height, each.width, 3], "names": ["height", "width", "channels"]}
        for each in job.cameras
    }
    return {
        "codebase_version": "v3.0",
        "robot_type": job.robot,
        "total_episodes": episodes,
        "total_frames": episodes * job.horizon,
        "total_tasks": 1,
        "chunks_size": 1000,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": job.rate_hz if job.rate_hz != int(job.rate_hz) else int(job.rate_hz),
        "splits": {"train": f"0:{episodes}"},
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": None,
        "features": {
            "observation.state": {"dtype": "float32", "shape": [len(job.observations)], "names": list(job.observations)},
            TASK: {"dtype": "float32", "shape": [len(job.tasks)], "names": list(job.tasks)},
            "action": {"dtype": "float32", "shape": [len(job.actions)], "names": [each.name for each in job.actions]},
            **cameras,
            **{key: {"dtype": dtype, "shape": [1], "names": None} for key, dtype in own.items()},
        },
    }


def statistics(rows: Rows, job: Job, order: Any) -> dict[str, object]:
    """By which LeRobot normalises. What never varies, and the numbers of tasks, stay as they are."""
    count = len(job.tasks)
    task = {"min": [0.0] * count, "max": [1.0] * count, "mean": [0.0] * count, "std": [1.0] * count, "count": [len(order)]}
    images = {
        f"observation.images.{each.name}": {
            "min": [[[0.0]]] * 3, "max": [[[1.0]]] * 3, "mean": [[[0.5]]] * 3, "std": [[[0.25]]] * 3, "count": [len(order)],
        }
        for each in job.cameras
    }  # fmt: skip
    return {"observation.state": moments(rows.state[order]), TASK: task, "action": moments(rows.action[order, 0]), **images}


def moments(values: Any) -> dict[str, list[float]]:
    mean, deviation = values.mean(axis=0, dtype=np.float64), values.std(axis=0, dtype=np.float64)
    varies = deviation > 1e-6 * np.maximum(1, np.abs(mean))
    return {
        "min": values.min(axis=0).tolist(),
        "max": values.max(axis=0).tolist(),
        "mean": mean.tolist(),
        "std": np.where(varies, deviation, 1).tolist(),
        "count": [len(values)],
    }


def pandas_index() -> str:
    kinds = [("task_index", "int64", "int64"), (None, "unicode", "object")]
    fields = ["task_index", "__index_level_0__"]
    return json.dumps(
        {
            "index_columns": ["__index_level_0__"],
            "column_indexes": [{"name": None, "field_name": None, "pandas_type": "unicode", "numpy_type": "object", "metadata": {"encoding": "UTF-8"}}],
            "columns": [
                {"name": name, "field_name": field, "pandas_type": kind, "numpy_type": numpy, "metadata": None}
                for (name, kind, numpy), field in zip(kinds, fields)
            ],
            "attributes": {},
            "creator": {"library": "flywheel", "version": "1"},
            "pandas_version": "2.2.0",
        }
    )
