"""The job file of the `command` contract (docs/training.md) and its settings, checked before anything heavy is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .lines import Impossible
from .values import mapping, number, one_of, only, read_json, sequence, text, whole

CONTRACTS = (1, 2)
#: Policies whose answers are a function of what they see; others draw samples, and no gate could repeat them.
POLICIES = ("act",)
OPTION = re.compile(r"^[a-z][a-z0-9_]{0,63}$")
#: What follows from the job.
OURS = ("type", "device", "push_to_hub", "repo_id", "chunk_size", "n_action_steps", "n_obs_steps", "input_features", "output_features")
SETTINGS = ("policy", "maxSteps", "evaluateEverySteps", "batchSize", "learningRate", "device", "options")


@dataclass(frozen=True)
class Range:
    name: str
    least: float
    most: float


@dataclass(frozen=True)
class Camera:
    name: str
    width: int
    height: int


@dataclass(frozen=True)
class Settings:
    policy: str
    max_steps: int
    evaluate_every_steps: int
    batch_size: int
    learning_rate: float
    device: str
    options: Mapping[str, str | int | float | bool]

    def document(self) -> dict[str, object]:
        return {
            "policy": self.policy,
            "maxSteps": self.max_steps,
            "evaluateEverySteps": self.evaluate_every_steps,
            "batchSize": self.batch_size,
            "learningRate": self.learning_rate,
            "device": self.device,
            "options": dict(self.options),
        }


@dataclass(frozen=True)
class Job:
    train_path: Path
    validation_path: Path
    robot: str
    rate_hz: float
    observations: tuple[str, ...]
    actions: tuple[Range, ...]
    tasks: tuple[str, ...]
    cameras: tuple[Camera, ...]
    tolerance: tuple[float, ...]
    horizon: int
    execute: int
    seed: int
    settings: Settings
    model_path: Path
    checkpoint_directory: Path
    resume: tuple[int, Path] | None


def read_job(path: Path) -> Job:
    """Raises Impossible, naming the field, for a job that LeRobot cannot do."""
    value = read_json(path)
    contract = whole(value.get("contract"), "contract")
    if contract not in CONTRACTS:
        raise Impossible(f"contract: expected one of {CONTRACTS}, got {contract}: LeRobot's trainer stops at no rung of a search")
    if whole(value.get("history", 1), "history", 1, 64) > 1:
        raise Impossible(f"history: expected 1, because LeRobot's ACT reads the present frame alone, got {value['history']}")
    if value.get("imageHistory") is not None:
        raise Impossible(f"imageHistory: expected none, because LeRobot's ACT sees the present images alone, got {value['imageHistory']}")
    if value.get("startFromPath") is not None:
        raise Impossible("startFromPath: expected a cold start (warmStart false): a model.onnx cannot become weights of LeRobot's again")
    robot = mapping(value.get("robotType"), "robotType")
    actions = mapping(robot.get("actions"), "robotType.actions")
    if actions.get("kind") != "continuous":
        raise Impossible(f"robotType.actions.kind: expected continuous, which LeRobot's ACT answers, got {actions.get('kind')!r}")
    ranges = tuple(read_range(each, f"robotType.actions.ranges.{at}") for at, each in enumerate(sequence(actions.get("ranges"), "ranges")))
    limits = mapping(robot.get("limits", {}), "robotType.limits")
    fraction = number(limits.get("actionToleranceFraction", 0.05), "actionToleranceFraction", 0, 1)
    horizon = whole(value.get("horizon", 1), "horizon", 1, 64)
    resume = value.get("resumeFrom")
    found = None if resume is None else mapping(resume, "resumeFrom")
    return Job(
        train_path=Path(text(value.get("trainPath"), "trainPath")),
        validation_path=Path(text(value.get("validationPath"), "validationPath")),
        robot=f"{text(robot.get('id'), 'robotType.id')}@{whole(robot.get('version'), 'robotType.version')}",
        rate_hz=number(robot.get("rateHz"), "robotType.rateHz", 0.001, 10_000),
        observations=tuple(text(mapping(each, "observations").get("name"), "observations") for each in sequence(robot.get("observations"), "observations")),
        actions=ranges,
        tasks=tuple(text(task, "robotType.tasks") for task in sequence(robot.get("tasks"), "robotType.tasks")),
        cameras=read_cameras(value.get("cameras", []), robot.get("cameras", [])),
        tolerance=tuple(fraction * (each.most - each.least) for each in ranges),
        horizon=horizon,
        execute=whole(value.get("execute", horizon), "execute", 1, horizon),
        seed=whole(value.get("seed"), "seed"),
        settings=read_settings(mapping(value.get("settings", {}), "settings")),
        model_path=Path(text(value.get("modelPath"), "modelPath")),
        checkpoint_directory=Path(text(value.get("checkpointDirectory"), "checkpointDirectory")),
        resume=None if found is None else (whole(found.get("step"), "resumeFrom.step"), Path(text(found.get("path"), "resumeFrom.path"))),
    )


def read_settings(value: Mapping[str, object]) -> Settings:
    only(value, SETTINGS, "settings")
    steps = whole(value.get("maxSteps", 20_000), "settings.maxSteps", 1, 10_000_000)
    return Settings(
        policy=one_of(value.get("policy", "act"), POLICIES, "settings.policy"),
        max_steps=steps,
        evaluate_every_steps=min(steps, whole(value.get("evaluateEverySteps", 1000), "settings.evaluateEverySteps", 1)),
        batch_size=whole(value.get("batchSize", 8), "settings.batchSize", 1, 65_536),
        learning_rate=number(value.get("learningRate", 1e-5), "settings.learningRate", 1e-12, 1),
        device=one_of(value.get("device", "cpu"), ("cpu", "cuda"), "settings.device"),
        options=read_options(mapping(value.get("options", {}), "settings.options")),
    )


def read_options(value: Mapping[str, object]) -> dict[str, str | int | float | bool]:
    options: dict[str, str | int | float | bool] = {}
    for name, given in value.items():
        if not OPTION.match(name) or name in OURS:
            raise Impossible(f"settings.options: expected options of LeRobot's policy that do not follow from the job, got {name[:64]!r}")
        if not isinstance(given, (str, int, float, bool)) or (isinstance(given, str) and len(given) > 200):
            raise Impossible(f"settings.options.{name}: expected a text, a number, true or false, got {str(given)[:80]}")
        options[name] = given
    return options


def read_range(value: object, where: str) -> Range:
    found = mapping(value, where)
    return Range(text(found.get("name"), f"{where}.name"), number(found.get("min"), f"{where}.min"), number(found.get("max"), f"{where}.max"))


def read_cameras(names: object, known: object) -> tuple[Camera, ...]:
    cameras = {}
    for each in sequence(known, "robotType.cameras"):
        found = mapping(each, "robotType.cameras")
        learned = mapping(found.get("learned"), "robotType.cameras.learned")
        name = text(found.get("name"), "robotType.cameras.name")
        cameras[name] = Camera(name, whole(learned.get("width"), "learned.width", 1, 4096), whole(learned.get("height"), "learned.height", 1, 4096))
    wanted = [text(name, "cameras") for name in sequence(names, "cameras")]
    for name in wanted:
        if name not in cameras:
            raise Impossible(f"cameras: expected cameras of the robot type ({', '.join(cameras) or 'it has none'}), got {name}")
    return tuple(cameras[name] for name in wanted)
