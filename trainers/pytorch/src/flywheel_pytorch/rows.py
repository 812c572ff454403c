"""Rows of a set's Arrow file, read where they lie: the file is mapped into memory, and only what a step needs is copied."""

from __future__ import annotations

import io
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from .job import Camera, Job
from .lines import Impossible


@dataclass(frozen=True)
class Batch:
    """Rows of one step. R rows, H frames, O observations, T actions of a chunk, A numbers of an action."""

    #: float32 [R, H, O], oldest frame first, in the robot type's units.
    observation: np.ndarray
    #: int32 [R].
    task: np.ndarray
    #: int64 [R, T] for discrete actions, float32 [R, T, A] in the robot type's units for continuous ones.
    label: np.ndarray
    #: float32 [R, T]: 0 where an action of a chunk lies beyond what the episode says; nobody learns it.
    present: np.ndarray
    #: float32 [R], mean 1 over the set.
    weight: np.ndarray
    #: uint8 for each camera: [R, height, width, 3], of a job with several images at once [R, images, height, width, 3], oldest first.
    images: tuple[np.ndarray, ...]


class Rows:
    """A set's file. Columns of numbers are views of the mapped file, batch by batch."""

    def __init__(self, path: Path, job: Job) -> None:
        self._job = job
        self._path = path
        try:
            self._map = pa.memory_map(str(path))
            self._file = pa.ipc.open_file(self._map)
            batches = [self._file.get_batch(index) for index in range(self._file.num_record_batches)]
        except (OSError, pa.ArrowInvalid) as error:
            raise Impossible(f"{path}: expected an Arrow file, got {error}") from error
        if sum(batch.num_rows for batch in batches) == 0:
            raise Impossible(f"{path}: expected rows, got none")
        self._batches = [batch for batch in batches if batch.num_rows > 0]
        self._starts = np.cumsum([0, *(batch.num_rows for batch in self._batches)])
        self.count = int(self._starts[-1])
        observations, actions = len(job.robot.observations), job.robot.action_size
        self._observation = self._numbers("observation", observations)
        self._past = self._numbers("past", (job.history - 1) * observations) if job.history > 1 else None
        self._label = self._numbers("label", None if job.robot.discrete else actions)
        self._task = self._numbers("task", None)
        self._weight = self._numbers("weight", None)
        chunked = job.horizon > 1
        after = (job.horizon - 1) * (1 if job.robot.discrete else actions)
        self._future = self._numbers("future", after) if chunked else None
        self._future_frames = self._numbers("future_frames", job.horizon - 1) if chunked else None
        # For each camera its columns, oldest image first.
        self._images = [
            [(name, self._binary(name)) for name in image_columns(camera, job.image_history)] for camera in job.cameras
        ]

    def _columns(self, name: str) -> list[Any]:
        found = [batch.schema.get_field_index(name) for batch in self._batches]
        if any(index < 0 for index in found):
            raise Impossible(f"{self._path}: expected a column {name}, got {', '.join(self._batches[0].schema.names)}")
        return [batch.column(index) for batch, index in zip(self._batches, found)]

    def _numbers(self, name: str, width: int | None) -> list[np.ndarray]:
        """Views [rows] or, with a width, [rows, width]."""
        views = []
        for column in self._columns(name):
            if column.null_count > 0:
                raise Impossible(f"{self._path}: expected no missing values in {name}, got {column.null_count}")
            if width is None:
                views.append(column.to_numpy(zero_copy_only=False))
                continue
            if not pa.types.is_fixed_size_list(column.type) or column.type.list_size != width:
                raise Impossible(f"{self._path}: expected {width} numbers a row in {name}, got {column.type}")
            views.append(column.flatten().to_numpy(zero_copy_only=False).reshape(-1, width))
        return views

    def _binary(self, name: str) -> list[Any]:
        columns = self._columns(name)
        for column in columns:
            if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
                raise Impossible(f"{self._path}: expected images in {name}, got {column.type}")
        return columns

    def _gather(self, views: list[np.ndarray], rows: np.ndarray) -> np.ndarray:
        first = views[0]
        taken = np.empty((len(rows), *first.shape[1:]), first.dtype)
        where = np.searchsorted(self._starts, rows, side="right") - 1
        for part in np.unique(where):
            chosen = where == part
            taken[chosen] = views[part][rows[chosen] - self._starts[part]]
        return taken

    def weights(self, rows: np.ndarray) -> np.ndarray:
        """float32 [R]."""
        return self._gather(self._weight, rows).astype(np.float32)

    def presence(self, rows: np.ndarray) -> np.ndarray:
        """float32 [R, T]: 1 where an action is inside its episode."""
        if self._future_frames is None:
            return np.ones((len(rows), 1), np.float32)
        inside = self._gather(self._future_frames, rows) >= 0
        return np.hstack([np.ones((len(rows), 1), np.float32), inside.astype(np.float32)])

    def labels(self, rows: np.ndarray) -> np.ndarray:
        label = self._gather(self._label, rows)
        width = self._job.robot.action_size
        chunk = label.reshape(len(rows), -1)
        if self._future is not None:
            chunk = np.concatenate([chunk, self._gather(self._future, rows)], axis=1)
        if not self._job.robot.discrete:
            return chunk.astype(np.float32).reshape(len(rows), -1, width)
        if chunk.size and not (0 <= chunk.min() and chunk.max() < width):
            raise Impossible(f"{self._path}: expected labels from 0 to {width - 1}, got {chunk.min()} to {chunk.max()}")
        return chunk.astype(np.int64)

    def windows(self, rows: np.ndarray) -> np.ndarray:
        """float32 [R, H, O], oldest frame first."""
        observation = self._gather(self._observation, rows).astype(np.float32)[:, None, :]
        if self._past is None:
            return observation
        past = self._gather(self._past, rows).astype(np.float32)
        return np.concatenate([past.reshape(len(rows), -1, observation.shape[2]), observation], axis=1)

    def read(self, rows: np.ndarray, pool: Executor) -> Batch:
        """Copies rows out, images decoded by the pool's threads. `rows` int64 [R]."""
        task = self._gather(self._task, rows).astype(np.int32)
        tasks = len(self._job.robot.tasks)
        if task.size and not (0 <= task.min() and task.max() < tasks):
            raise Impossible(f"{self._path}: expected tasks from 0 to {tasks - 1}, got {task.min()} to {task.max()}")
        images = tuple(self._decode(index, camera, rows, pool) for index, camera in enumerate(self._job.cameras))
        return Batch(self.windows(rows), task, self.labels(rows), self.presence(rows), self.weights(rows), images)

    def _decode(self, index: int, camera: Camera, rows: np.ndarray, pool: Executor) -> np.ndarray:
        columns = self._images[index]
        pixels = np.empty((len(rows), len(columns), camera.height, camera.width, 3), np.uint8)
        where = np.searchsorted(self._starts, rows, side="right") - 1

        def decode(place: int) -> None:
            row = int(rows[place] - self._starts[where[place]])
            for image, (name, parts) in enumerate(columns):
                pixels[place, image] = decode_image(parts[where[place]][row].as_buffer(), camera, name, int(rows[place]))

        for _ in pool.map(decode, range(len(rows))):
            pass
        return pixels if len(columns) > 1 else pixels[:, 0]

    def moments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Mean and scale (1 / standard deviation, 0 for a column that never varies) of readings and continuous actions, float32.

        In double precision, in one pass over the present frames. Raises Impossible, with the column, for a value that is not finite.
        """
        observation = moments_of(self._observation, [each.name for each in self._job.robot.observations])
        if self._job.robot.discrete:
            return (*observation, np.zeros(0, np.float32), np.zeros(0, np.float32))
        return (*observation, *moments_of(self._label, list(self._job.robot.action_names)))


def moments_of(views: list[np.ndarray], names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    shift = views[0][0].astype(np.float64)
    count, total, squares = 0, np.zeros_like(shift), np.zeros_like(shift)
    for view in views:
        for start in range(0, len(view), 65_536):
            difference = view[start : start + 65_536].astype(np.float64) - shift
            count += len(difference)
            total += difference.sum(axis=0)
            squares += (difference**2).sum(axis=0)
    mean = shift + total / count
    variance = np.maximum(0, squares / count - (total / count) ** 2)
    for name, value in zip(names, variance):
        if not np.isfinite(value):
            raise Impossible(f"expected finite numbers in {name}, got NaN or infinity")
    deviation = np.sqrt(variance)
    varies = deviation > 1e-6 * np.maximum(1, np.abs(mean))
    scale = np.where(varies, 1 / np.where(varies, deviation, 1), 0)
    return mean.astype(np.float32), scale.astype(np.float32)


def image_columns(camera: Camera, images: int) -> list[str]:
    """Columns of a camera's images, oldest first; the mix fills each row's with images of its own episode."""
    return [*(f"past_image.{camera.name}.{back}" for back in range(images - 1, 0, -1)), f"image.{camera.name}"]


def decode_image(data: Any, camera: Camera, column: str, row: int) -> np.ndarray:
    """uint8 [height, width, 3]. The size is checked before anything is decoded."""
    try:
        with Image.open(io.BytesIO(memoryview(data)), formats=("JPEG",)) as image:
            if image.size != (camera.width, camera.height):
                raise Impossible(
                    f"{column}, row {row}: expected {camera.width} x {camera.height} pixels, got {image.size[0]} x {image.size[1]}"
                )
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Impossible(f"{column}, row {row}: expected a whole JPEG, got {error}") from error
