"""Rows of a set's Arrow file as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from .job import Job
from .lines import Impossible


@dataclass(frozen=True)
class Rows:
    """R rows, T actions of a chunk, A numbers of an action."""

    #: float32 [R, O]: the readings.
    state: Any
    #: int32 [R].
    task: Any
    #: float32 [R, T, A] in the robot type's units.
    action: Any
    #: bool [R, T]: false where the episode says nothing of it.
    present: Any
    #: float32 [R], mean 1 over the set.
    weight: Any
    #: A column of JPEG files for each camera.
    images: tuple[Any, ...]

    @property
    def count(self) -> int:
        return len(self.task)


def read_rows(path: Path, job: Job) -> Rows:
    try:
        with pa.memory_map(str(path)) as mapped:
            table = pa.ipc.open_file(mapped).read_all().combine_chunks()
    except (OSError, pa.ArrowInvalid) as error:
        raise Impossible(f"{path}: expected an Arrow file, got {error}") from error
    if table.num_rows == 0:
        raise Impossible(f"{path}: expected rows, got none")
    actions = len(job.actions)
    observation = numbers(path, table, "observation", len(job.observations))
    task = numbers(path, table, "task", None).astype(np.int64)
    if not (0 <= task.min() and task.max() < len(job.tasks)):
        raise Impossible(f"{path}: expected tasks from 0 to {len(job.tasks) - 1}, got {task.min()} to {task.max()}")
    action = numbers(path, table, "label", actions).astype(np.float32)[:, None, :]
    present = np.ones((table.num_rows, 1), bool)
    if job.horizon > 1:
        after = numbers(path, table, "future", (job.horizon - 1) * actions).astype(np.float32)
        action = np.concatenate([action, after.reshape(table.num_rows, -1, actions)], axis=1)
        present = np.hstack([present, numbers(path, table, "future_frames", job.horizon - 1) >= 0])
    state = observation.astype(np.float32)
    if not (np.isfinite(state).all() and np.isfinite(action).all()):
        raise Impossible(f"{path}: expected finite numbers, got NaN or infinity")
    images = tuple(column(path, table, f"image.{camera.name}") for camera in job.cameras)
    weight = numbers(path, table, "weight", None).astype(np.float64)
    return Rows(state, task.astype(np.int32), action, present, weight, images)


def column(path: Path, table: Any, name: str) -> Any:
    if name not in table.schema.names:
        raise Impossible(f"{path}: expected a column {name}, got {', '.join(table.schema.names)}")
    return table.column(name).chunk(0)


def numbers(path: Path, table: Any, name: str, width: int | None) -> Any:
    found = column(path, table, name)
    if found.null_count > 0:
        raise Impossible(f"{path}: expected no missing values in {name}, got {found.null_count}")
    if width is None:
        return found.to_numpy(zero_copy_only=False)
    if not pa.types.is_fixed_size_list(found.type) or found.type.list_size != width:
        raise Impossible(f"{path}: expected {width} numbers a row in {name}, got {found.type}")
    return found.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
