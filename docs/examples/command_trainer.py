"""Example of a training program for the `command` trainer; docs/training.md is the contract.

Trains a softmax (discrete actions) or linear (continuous actions) network with one hidden layer by Adam, in numpy.
Deterministic: the same job gives the same model, whether it ran through or was killed and started again.

    python docs/examples/command_trainer.py job.json
"""

import json
import math
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
from onnx import TensorProto, helper, numpy_helper

IMPOSSIBLE = 65  # exit code for a job that no further attempt can do
DEFAULTS = {
    "hiddenWidth": 64,
    "learningRate": 0.01,
    "batchSize": 64,
    "maxSteps": 2000,
    "evaluateEverySteps": 100,
    "checkpointEverySteps": 200,
}


def say(event: str, **facts) -> None:
    print(json.dumps({"event": event, **facts}), flush=True)


def end_with_the_caller() -> None:
    """Our standard input closes when the worker dies: nobody waits for us any more."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@dataclass
class Rows:
    observation: np.ndarray
    task: np.ndarray
    label: np.ndarray
    weight: np.ndarray


def read_rows(path: str) -> Rows:
    """Maps the Arrow file into memory: the columns are views, nothing is copied until it is used."""
    table = pa.ipc.open_file(pa.memory_map(path)).read_all().combine_chunks()

    def column(name: str) -> np.ndarray:
        data = table.column(name).chunk(0) if table.num_rows else table.column(name).combine_chunks()
        if pa.types.is_fixed_size_list(data.type):
            return data.flatten().to_numpy().reshape(-1, data.type.list_size)
        return data.to_numpy()

    return Rows(*(column(name) for name in ("observation", "task", "label", "weight")))


def features(rows: Rows, mean, deviation, tasks: int) -> np.ndarray:
    scaled = np.clip((rows.observation - mean) / deviation, -10, 10)
    return np.hstack([scaled, np.eye(tasks, dtype=np.float32)[rows.task]]).astype(np.float32)


def forward(parameters, x, discrete: bool):
    hidden = np.maximum(x @ parameters["w1"] + parameters["b1"], 0)
    score = hidden @ parameters["w2"] + parameters["b2"]
    if discrete:
        score = np.exp(score - score.max(axis=1, keepdims=True))
        score /= score.sum(axis=1, keepdims=True)
    return hidden, score


def loss_of(output, label, weight, discrete: bool) -> float:
    if discrete:
        per_row = -np.log(np.maximum(output[np.arange(len(label)), label], 1e-12))
    else:
        per_row = 0.5 * ((output - label) ** 2).sum(axis=1)
    return float((weight * per_row).sum() / weight.sum())


def agreement_of(output, label, tolerance, discrete: bool) -> float:
    if discrete:
        return float((output.argmax(axis=1) == label).mean())
    return float((np.abs(output - label) <= tolerance).all(axis=1).mean())


def gradients(parameters, x, label, weight, discrete: bool):
    hidden, output = forward(parameters, x, discrete)
    target = np.eye(output.shape[1], dtype=np.float32)[label] if discrete else label
    score = (output - target) * (weight / len(x))[:, None]
    behind = (score @ parameters["w2"].T) * (hidden > 0)
    return {"w1": x.T @ behind, "b1": behind.sum(axis=0), "w2": hidden.T @ score, "b2": score.sum(axis=0)}


def batch_of(rows: int, size: int, seed: int, step: int) -> np.ndarray:
    """Rows of a step: a pure function of seed and step, so that a resumed training sees what it would have seen."""
    steps = max(1, rows // size)
    order = np.random.default_rng([seed, step // steps]).permutation(rows)
    start = (step % steps) * size
    return order[start : start + size]


def save_state(path: Path, state: dict) -> None:
    temporary = path.with_suffix(".tmp.npz")
    np.savez(temporary, **state)
    temporary.rename(path)  # whole or not at all


def export(job, parameters, mean, deviation) -> None:
    robot = job["robotType"]
    actions = robot["actions"]
    discrete = actions["kind"] == "discrete"
    observations, tasks = len(robot["observations"]), len(robot["tasks"])
    width = len(actions["names"] if discrete else actions["ranges"])
    stored = {
        "mean": mean.astype(np.float32),
        "deviation": deviation.astype(np.float32),
        "least": np.float32(-10),
        "most": np.float32(10),
        "one_hot": np.eye(tasks, dtype=np.float32),
        **parameters,
    }
    node = helper.make_node
    nodes = [
        node("Sub", ["observation", "mean"], ["centred"]),
        node("Div", ["centred", "deviation"], ["scaled"]),
        node("Clip", ["scaled", "least", "most"], ["clipped"]),
        node("Gather", ["one_hot", "task"], ["task_row"], axis=0),
        node("Concat", ["clipped", "task_row"], ["x"], axis=1),
        node("Gemm", ["x", "w1", "b1"], ["before"]),
        node("Relu", ["before"], ["hidden"]),
        node("Gemm", ["hidden", "w2", "b2"], ["score"]),
        node("Softmax", ["score"], ["probabilities"], axis=1) if discrete else node("Identity", ["score"], ["action"]),
    ]
    graph = helper.make_graph(
        nodes,
        "policy",
        [
            helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["batch", observations]),
            helper.make_tensor_value_info("task", TensorProto.INT32, ["batch"]),
        ],
        [
            helper.make_tensor_value_info(
                "probabilities" if discrete else "action", TensorProto.FLOAT, ["batch", width]
            )
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in stored.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    Path(job["modelPath"]).write_bytes(model.SerializeToString())


def main() -> int:
    end_with_the_caller()
    job = json.loads(Path(sys.argv[1]).read_text())
    unknown = set(job["settings"]) - set(DEFAULTS)
    strange = {"cameras", "history", "horizon"} & set(job)
    if job["contract"] not in (1, 3) or unknown or strange:
        print(
            f"expected contract 1 or 3, no cameras, history or horizon, and settings {sorted(DEFAULTS)}, "
            f"got {job['contract']}, {sorted(strange)} and {sorted(unknown)}",
            file=sys.stderr,
        )
        return IMPOSSIBLE
    until = job.get("untilStep", math.inf)  # a search compares trainings there, and lets the best go on
    settings = {**DEFAULTS, **job["settings"]}
    robot, seed = job["robotType"], job["seed"]
    actions, tasks = robot["actions"], len(robot["tasks"])
    discrete = actions["kind"] == "discrete"
    train, validation = read_rows(job["trainPath"]), read_rows(job["validationPath"])
    if min(len(train.weight), len(validation.weight)) == 0:
        print("expected rows to train and to validate on, got none", file=sys.stderr)
        return IMPOSSIBLE
    mean, deviation = train.observation.mean(axis=0), train.observation.std(axis=0)
    deviation = np.where(deviation > 1e-6, deviation, 1)
    x, x_validation = (features(rows, mean, deviation, tasks) for rows in (train, validation))
    tolerance = None if discrete else np.array([0.05 * (r["max"] - r["min"]) for r in actions["ranges"]])

    random = np.random.default_rng(seed)
    width = len(actions["names"] if discrete else actions["ranges"])
    sizes = {"w1": (x.shape[1], settings["hiddenWidth"]), "w2": (settings["hiddenWidth"], width)}
    parameters = {
        "w1": random.uniform(-1, 1, sizes["w1"]).astype(np.float32) * np.sqrt(6 / x.shape[1]).astype(np.float32),
        "b1": np.zeros(settings["hiddenWidth"], np.float32),
        "w2": random.uniform(-1, 1, sizes["w2"]).astype(np.float32) * np.float32(0.1),
        "b2": np.zeros(width, np.float32),
    }
    names = list(parameters)
    moments = {f"{kind}_{name}": np.zeros_like(parameters[name]) for kind in ("m", "v") for name in names}
    step, evaluated, validation_loss, agreement = 0, 0.0, float("nan"), float("nan")
    if job["resumeFrom"] is not None:
        with np.load(job["resumeFrom"]["path"]) as state:
            step = int(state["step"])
            parameters = {name: state[name] for name in names}
            moments = {name: state[name] for name in moments}
            evaluated, validation_loss, agreement = state["evaluated"].tolist()
    while step < settings["maxSteps"] and evaluated < until:
        rows = batch_of(len(x), settings["batchSize"], seed, step)
        slope = gradients(parameters, x[rows], train.label[rows], train.weight[rows], discrete)
        step += 1
        for name in names:
            moments[f"m_{name}"] = np.float32(0.9) * moments[f"m_{name}"] + np.float32(0.1) * slope[name]
            moments[f"v_{name}"] = np.float32(0.999) * moments[f"v_{name}"] + np.float32(0.001) * slope[name] ** 2
            rate = settings["learningRate"] * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            change = np.float32(rate) * moments[f"m_{name}"] / (np.sqrt(moments[f"v_{name}"]) + np.float32(1e-8))
            parameters[name] = (parameters[name] - change).astype(np.float32)
        if step % 20 == 0:
            say("progress", step=step, maxSteps=settings["maxSteps"])
        if step % settings["evaluateEverySteps"] == 0 or step == settings["maxSteps"]:
            _, output = forward(parameters, x_validation, discrete)
            validation_loss = loss_of(output, validation.label, validation.weight, discrete)
            agreement = agreement_of(output, validation.label, tolerance, discrete)
            evaluated = step
            _, seen = forward(parameters, x[rows], discrete)
            say(
                "evaluation",
                step=step,
                trainLoss=loss_of(seen, train.label[rows], train.weight[rows], discrete),
                validationLoss=validation_loss,
                validationAgreementFraction=agreement,
            )
        if step % settings["checkpointEverySteps"] == 0 or evaluated >= until:
            path = Path(job["checkpointDirectory"]) / f"{step}.npz"
            told = np.array([evaluated, validation_loss, agreement])
            save_state(path, {"step": np.int64(step), "evaluated": told, **parameters, **moments})
            say("checkpoint", step=step, path=str(path))

    export(job, parameters, mean, deviation)
    say("done", steps=step, validationLoss=validation_loss, validationAgreementFraction=agreement, settings=settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
