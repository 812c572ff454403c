"""A policy of LeRobot as our models answer: in the robot type's units, [rows, actions] or [rows, execute, actions]."""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image
from torch import Tensor, nn

from .dataset import TASK
from .job import Camera, Job
from .lines import Failed, Impossible
from .rows import Rows

OPSET = 17
#: Of an action's range.
MOST_DIFFERENCE = 1e-4
ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Evaluation:
    loss: float
    agreement: float


class Answers(nn.Module):
    """Normalises, asks the policy, and takes the answer back to units, all within the graph."""

    def __init__(self, policy: Any, job: Job, stats: dict[str, Any]) -> None:
        super().__init__()
        self.policy, self.job = policy, job
        state, action = stats["observation.state"], stats["action"]
        for name, values in (("state_mean", state["mean"]), ("state_std", state["std"]), ("action_mean", action["mean"]), ("action_std", action["std"])):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32))
        self.register_buffer("least", torch.tensor([each.least for each in job.actions], dtype=torch.float32))
        self.register_buffer("most", torch.tensor([each.most for each in job.actions], dtype=torch.float32))
        self.register_buffer("one_hot", torch.eye(len(job.tasks)))

    def chunk(self, observation: Tensor, task: Tensor, images: list[Tensor]) -> Tensor:
        """[rows, horizon, actions], not cut to the ranges."""
        batch: dict[str, Any] = {
            "observation.state": (observation - self.state_mean) / (self.state_std + 1e-8),
            TASK: self.one_hot[task.long()] / (1 + 1e-8),
        }
        if self.job.cameras:
            batch["observation.images"] = [(image.permute(0, 3, 1, 2).float() / 255 - 0.5) / (0.25 + 1e-8) for image in images]
        scaled: Tensor = self.policy.model(batch)[0]
        return scaled * self.action_std + self.action_mean

    def forward(self, observation: Tensor, task: Tensor, *images: Tensor) -> Tensor:
        answer = torch.clamp(self.chunk(observation, task, list(images))[:, : self.job.execute], self.least, self.most)
        return answer[:, 0] if self.job.execute == 1 else answer


def open_policy(folder: Path, job: Job, stats: dict[str, Any]) -> Answers:
    from lerobot.policies.act.modeling_act import ACTPolicy

    # LeRobot prints; standard output is for lines of the contract.
    with contextlib.redirect_stdout(sys.stderr):
        policy = ACTPolicy.from_pretrained(str(folder), local_files_only=True)
    answers: Answers = Answers(policy.to("cpu").float().eval(), job, stats).eval()
    return answers


def inputs_of(rows: Rows, job: Job, picked: Any) -> dict[str, Any]:
    """Named as the model's inputs."""
    images = {
        f"image.{camera.name}": np.stack([decode(column[int(row)].as_py(), camera) for row in picked])
        for camera, column in zip(job.cameras, rows.images)
    }
    return {"observation": rows.state[picked], "task": rows.task[picked], **images}


def decode(data: bytes, camera: Camera) -> Any:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            if image.size != (camera.width, camera.height):
                raise Impossible(f"image.{camera.name}: expected {camera.width} x {camera.height} pixels, got {image.size[0]} x {image.size[1]}")
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise Impossible(f"image.{camera.name}: expected a whole JPEG, got {error}") from error


@torch.no_grad()
def evaluate(answers: Answers, rows: Rows, job: Job) -> Evaluation:
    """The mean absolute error over actions that are there, in standard deviations, and how often what would be executed is within the tolerance."""
    deviation = answers.action_std.numpy()
    sums, weights, agreeing, executed = 0.0, 0.0, 0, 0
    tolerance = np.array(job.tolerance)
    for first in range(0, rows.count, ROWS_AT_ONCE):
        picked = np.arange(first, min(rows.count, first + ROWS_AT_ONCE))
        inputs = inputs_of(rows, job, picked)
        observation, task, *images = (torch.from_numpy(np.ascontiguousarray(values)) for values in inputs.values())
        found = answers.chunk(observation, task, images).numpy()
        wrong, present = np.abs(found - rows.action[picked]), rows.present[picked]
        row_loss = (wrong / deviation).mean(axis=2)
        row_loss = (row_loss * present).sum(axis=1) / present.sum(axis=1)
        sums += float((row_loss * rows.weight[picked]).sum())
        weights += float(rows.weight[picked].sum())
        here = present[:, : job.execute]
        agreeing += int(((wrong[:, : job.execute] <= tolerance).all(axis=2) & here).sum())
        executed += int(here.sum())
    loss = sums / max(weights, 1e-12)
    if not np.isfinite(loss):
        raise Failed(f"the validation loss is not finite, got {loss}: a lower learningRate may help")
    return Evaluation(loss, agreeing / max(1, executed))


def export(answers: Answers, rows: Rows, job: Job) -> float:
    """Writes the model to its place, whole or not at all; returns the largest difference to PyTorch. Raises Impossible above 1e-4."""
    inputs = inputs_of(rows, job, np.arange(min(ROWS_AT_ONCE, rows.count)))
    temporary = job.model_path.with_suffix(".tmp")
    names = [*inputs, "action"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            answers,
            tuple(torch.from_numpy(np.ascontiguousarray(values[:2])) for values in inputs.values()),
            str(temporary),
            input_names=names[:-1],
            output_names=names[-1:],
            dynamic_axes={name: {0: "batch"} for name in names},
            opset_version=OPSET,
            dynamo=False,
        )
    onnx.checker.check_model(str(temporary))
    difference: float = compare(answers, inputs, job, temporary)
    if not difference <= MOST_DIFFERENCE:
        raise Impossible(f"export: expected the answers of PyTorch within {MOST_DIFFERENCE}, got {difference} away from them")
    temporary.replace(job.model_path)
    return difference


@torch.no_grad()
def compare(answers: Answers, inputs: dict[str, Any], job: Job, path: Path) -> float:
    """Over all rows together and over single rows, as a share of an action's range."""
    expected = answers(*(torch.from_numpy(np.ascontiguousarray(values)) for values in inputs.values())).numpy()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    used = {port.name: np.ascontiguousarray(inputs[port.name]) for port in session.get_inputs()}
    found = session.run(None, used)[0]
    alone = np.concatenate([session.run(None, {name: values[row : row + 1] for name, values in used.items()})[0] for row in range(min(8, len(expected)))])
    if found.shape != expected.shape:
        raise Impossible(f"export: expected answers {expected.shape}, got {found.shape}")
    size = np.array([max(1e-6, each.most - each.least) for each in job.actions])
    return float(max((np.abs(found - expected) / size).max(), (np.abs(alone - expected[: len(alone)]) / size).max()))
