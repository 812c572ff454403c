"""Small sets and jobs for the tests, written as the mix writes them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

ROBOT: dict[str, object] = {
    "id": "test-bot",
    "version": 1,
    "observations": [{"name": name, "unit": "m", "min": -2, "max": 2} for name in "abc"],
    "actions": {"kind": "discrete", "names": ["left", "ahead", "right"]},
    "mirror": {
        "observations": {"swapped": [["a", "c"]], "negated": ["b"]},
        "actions": {"swapped": [["left", "right"]]},
    },
    "tasks": ["drive", "park"],
    "limits": {},
}
ARM: dict[str, object] = {
    **ROBOT,
    "actions": {"kind": "continuous", "ranges": [{"name": name, "unit": "rad", "min": -3, "max": 3} for name in ("reach", "turn")]},
    "mirror": {"observations": {}, "actions": {"negated": ["turn"]}},
}
CAMERA = {"name": "front", "learned": {"width": 32, "height": 24}}


def floats(values: np.ndarray) -> pa.Array:
    """[rows, width] as a column of fixed-size lists."""
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])


def jpeg(pixels: np.ndarray) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


def picture(place: int) -> np.ndarray:
    """Of the camera's size: a light square at the left (0), in the middle or at the right (2)."""
    pixels = np.full((24, 32, 3), 40, np.uint8)
    pixels[8:16, 2 + 10 * place : 10 + 10 * place] = 220
    return pixels


def columns(
    rows: int, seed: int, continuous: bool = False, history: int = 1, horizon: int = 1, images: bool = False, image_history: int = 1
) -> dict[str, pa.Array]:
    """Rows that can be learned: the label follows from readings and task, and of images from the oldest alone."""
    random = np.random.default_rng(seed)
    observation = random.uniform(-1, 1, (rows, 3)).astype(np.float32)
    task = (np.arange(rows) % 2).astype(np.int32)
    total = observation[:, 0] + observation[:, 1]
    discrete = np.where(task == 1, 2, np.where(total > 0, 1, 0)).astype(np.int32)
    action = np.stack([np.sin(total), observation[:, 2] * (1 + task)], axis=1).astype(np.float32)
    found = {
        "observation": floats(observation),
        "label": floats(action) if continuous else pa.array(discrete),
        "task": pa.array(task),
        "weight": pa.array(random.uniform(0.5, 1.5, rows).astype(np.float32)),
    }
    if history > 1:
        found["past"] = floats(np.tile(observation, (1, history - 1)))
        found["past_frames"] = floats(np.zeros((rows, history - 1), np.int32))
    if horizon > 1:
        after = np.concatenate([action * (0.9**k) for k in range(1, horizon)], axis=1).astype(np.float32)
        found["future"] = floats(after if continuous else np.tile(discrete[:, None], (1, horizon - 1)))
        frames = np.tile(np.arange(1, horizon, dtype=np.int32), (rows, 1))
        frames[::5, -1] = -1
        found["future_frames"] = floats(frames)
    if images:
        names = ["image.front", *(f"past_image.front.{back}" for back in range(1, image_history))]
        for name in names:
            places = discrete if name == names[-1] else random.integers(0, 3, rows)
            found[name] = pa.array([jpeg(picture(int(place))) for place in places], pa.binary())
    return found


def write_set(path: Path, found: Mapping[str, pa.Array], blocks: int = 3) -> None:
    table = pa.table(dict(found))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=max(1, -(-table.num_rows // blocks))):
            writer.write_batch(batch)


def write_job(
    folder: Path,
    settings: Mapping[str, object],
    train: Mapping[str, pa.Array] | None = None,
    validation: Mapping[str, pa.Array] | None = None,
    **more: object,
) -> Path:
    """Two sets and a job in a folder; what is given beside is put into the job."""
    folder.mkdir(parents=True, exist_ok=True)
    write_set(folder / "train.arrow", columns(400, 1) if train is None else train)
    write_set(folder / "validation.arrow", columns(150, 2) if validation is None else validation)
    job = {
        "contract": 1,
        "trainPath": str(folder / "train.arrow"),
        "validationPath": str(folder / "validation.arrow"),
        "trainRows": 400,
        "validationRows": 150,
        "robotType": ROBOT,
        "settings": {"maxSteps": 120, "evaluateEverySteps": 40, "device": "cpu", **settings},
        "seed": 3,
        "modelPath": str(folder / "model.onnx"),
        "checkpointDirectory": str(folder / "checkpoints"),
        "resumeFrom": None,
        "startFromPath": None,
        **more,
    }
    path = folder / "job.json"
    path.write_text(json.dumps(job))
    return path


class Run:
    """The program in a process of its own, its lines read as they come."""

    def __init__(self, job: Path, *options: str) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "flywheel_pytorch", *options, str(job)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[dict[str, object]] = []
        self.errors = ""

    def follow(self) -> Iterator[dict[str, object]]:
        assert self.child.stdout is not None
        for text in self.child.stdout:
            line = json.loads(text)
            self.lines.append(line)
            yield line

    def until(self, wanted: Callable[[dict[str, object]], bool]) -> dict[str, object]:
        for line in self.follow():
            if wanted(line):
                return line
        raise AssertionError(f"the program ended first: {self.end()} {self.errors}")

    def end(self) -> int:
        """Reads what remains; the exit code."""
        for _ in self.follow():
            pass
        assert self.child.stderr is not None
        self.errors = self.child.stderr.read()
        code = self.child.wait(60)
        for stream in (self.child.stdin, self.child.stdout, self.child.stderr):
            if stream is not None:
                stream.close()
        return code

    def of(self, event: str) -> list[dict[str, object]]:
        return [line for line in self.lines if line["event"] == event]


def run(job: Path, *options: str) -> Run:
    """The whole of a training; its exit code is `run.code`."""
    found = Run(job, *options)
    found.code = found.end()  # type: ignore[attr-defined]
    return found


def resumed(job: Path, checkpoint: Mapping[str, object]) -> Path:
    """The job of the next attempt, in the same folder."""
    value = json.loads(job.read_text())
    value["resumeFrom"] = {"step": checkpoint["step"], "path": checkpoint["path"]}
    path = job.with_name(f"job-{time.monotonic_ns()}.json")
    path.write_text(json.dumps(value))
    return path
