"""The policy as model.onnx, compared with PyTorch's own answers before anybody gets it; and weights read back from one."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper

from . import __version__
from .feed import Feed
from .job import Job
from .lines import Impossible
from .networks import Answers, Policy, Statistics
from .rows import Batch
from .settings import Settings

OPSET = 17
#: Of a probability, or of an action's range.
MOST_DIFFERENCE = 1e-4
COMPARED_ROWS = 256
METADATA_KEY = "flywheel.pytorch"


def export(policy: Policy, job: Job, settings: Settings, statistics: Statistics, feed: Feed) -> float:
    """Writes the model to its place, whole or not at all. Returns the largest difference to PyTorch; raises Impossible above 1e-4."""
    answers = Answers(policy.to("cpu").float(), job, statistics).eval()
    batch = feed.validate(np.arange(min(COMPARED_ROWS, feed.validation.count)))
    inputs = inputs_of(batch, job)
    temporary = job.model_path.with_suffix(".tmp")
    write(answers, inputs, job, temporary)
    describe(temporary, job, settings)
    difference: float = compare(answers, inputs, job, temporary)
    if not difference <= MOST_DIFFERENCE:
        raise Impossible(f"export: expected the answers of PyTorch within {MOST_DIFFERENCE}, got {difference} away from them")
    os.replace(temporary, job.model_path)
    return difference


def inputs_of(batch: Batch, job: Job) -> dict[str, np.ndarray]:
    """Named as the model's inputs. A second half of the rows has readings far outside of what was seen."""
    observation = batch.observation if job.history > 1 else batch.observation[:, 0]
    random = np.random.default_rng(job.seed)
    least, most = (np.array([getattr(each, end) for each in job.robot.observations]) for end in ("least", "most"))
    strange = (least + (most - least) * random.uniform(-1, 2, observation.shape)).astype(np.float32)
    images = {
        f"image.{camera.name}": np.concatenate([pixels, pixels[::-1]]) for camera, pixels in zip(job.cameras, batch.images)
    }
    return {"observation": np.concatenate([observation, strange]), "task": np.concatenate([batch.task, batch.task]), **images}


def write(answers: Answers, inputs: dict[str, np.ndarray], job: Job, path: Path) -> None:
    names = [*inputs, "probabilities" if job.robot.discrete else "action"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            answers,
            tuple(torch.from_numpy(values[:2].copy()) for values in inputs.values()),
            str(path),
            input_names=names[:-1],
            output_names=names[-1:],
            dynamic_axes={name: {0: "batch"} for name in names},
            opset_version=OPSET,
            dynamo=False,
            # Parameters keep their names, so that a later training can start from them.
            do_constant_folding=False,
        )


def describe(path: Path, job: Job, settings: Settings) -> None:
    """Names and settings into the metadata; nothing that changes between two trainings of the same job."""
    model = onnx.load(str(path))
    facts = {
        "version": __version__,
        "settings": settings.document(),
        "robotType": job.robot.name,
        "tasks": list(job.robot.tasks),
        "cameras": [camera.name for camera in job.cameras],
        "imageHistory": job.image_history,
        "history": job.history,
        "horizon": job.horizon,
        "execute": job.execute,
    }
    model.metadata_props.add(key=METADATA_KEY, value=json.dumps(facts, sort_keys=True))
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


@torch.no_grad()
def compare(answers: Answers, inputs: dict[str, np.ndarray], job: Job, path: Path) -> float:
    """The largest difference over all rows together and over single rows, as a share of a probability or of an action's range."""
    expected = answers(*(torch.from_numpy(values) for values in inputs.values())).numpy()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = {port.name for port in session.get_inputs()}
    # A policy with a single task does not read it.
    used = {name: values for name, values in inputs.items() if name in names}
    found = session.run(None, used)[0]
    singles = [session.run(None, {name: values[row : row + 1] for name, values in used.items()})[0] for row in range(8)]
    if found.shape != expected.shape:
        raise Impossible(f"export: expected answers {expected.shape}, got {found.shape}")
    size = np.float32(1) if job.robot.discrete else np.array([max(1e-6, each.most - each.least) for each in job.robot.action_ranges])
    whole = np.abs(found - expected) / size
    alone = np.abs(np.concatenate(singles)[: len(expected)] - expected[:8]) / size
    return float(max(whole.max(), alone.max()))


def warm_start(policy: Policy, path: Path) -> str:
    """Takes the weights of an earlier model of the same network; `warm`, or why the start is cold."""
    try:
        model = onnx.load(str(path))
    except Exception as error:
        return f"cold: the model cannot be read ({type(error).__name__})"
    stored = {each.name: each for each in model.graph.initializer}
    wanted = dict(policy.named_parameters())
    found: dict[str, torch.Tensor] = {}
    for name, parameter in wanted.items():
        tensor = stored.get(f"policy.{name}")
        if tensor is None:
            return f"cold: the model has no {name}, so it is of another network"
        if tuple(tensor.dims) != tuple(parameter.shape):
            return f"cold: expected {name} {list(parameter.shape)}, got {list(tensor.dims)}"
        found[name] = torch.from_numpy(numpy_helper.to_array(tensor).copy())
    with torch.no_grad():
        for name, parameter in wanted.items():
            parameter.copy_(found[name])
    return "warm"
