"""The job file of the `command` contract (docs/training.md), checked before anything heavy is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .lines import Impossible
from .values import mapping, number, read_json, sequence, text, whole

#: 1: readings; 2: also `cameras`, `imageHistory`, `history`, `horizon` and `execute`; 3: also `untilStep`.
CONTRACTS = (1, 2, 3)
DEFAULT_TOLERANCE_FRACTION = 0.05
#: Images of a camera that a model may see at once: no more are in a set.
MOST_IMAGES = 16


@dataclass(frozen=True)
class Range:
    """One observation or continuous action, in its unit."""

    name: str
    unit: str
    least: float
    most: float


@dataclass(frozen=True)
class Camera:
    """What a model sees of a camera, in pixels."""

    name: str
    width: int
    height: int


@dataclass(frozen=True)
class Mirror:
    """How a row reads in a mirror: where each number comes from, and with which sign (1 or -1)."""

    observation_from: tuple[int, ...]
    observation_sign: tuple[int, ...]
    action_from: tuple[int, ...]
    action_sign: tuple[int, ...]
    #: For each camera of the job the one that it is in the mirror.
    camera_from: tuple[int, ...]


@dataclass(frozen=True)
class Robot:
    """The robot type, as far as a trainer needs it."""

    name: str
    observations: tuple[Range, ...]
    discrete: bool
    #: Names of discrete actions, or of the continuous ones.
    action_names: tuple[str, ...]
    #: Empty for discrete actions.
    action_ranges: tuple[Range, ...]
    tasks: tuple[str, ...]
    cameras: tuple[Camera, ...]
    #: An action agrees with its label when no value is off by more than this, in its unit; empty for discrete actions.
    tolerance: tuple[float, ...]
    #: The document's `mirror`, unread; None where it has none.
    mirror: Mapping[str, object] | None

    @property
    def action_size(self) -> int:
        return len(self.action_names)


@dataclass(frozen=True)
class Resume:
    step: int
    path: Path


@dataclass(frozen=True)
class Job:
    train_path: Path
    validation_path: Path
    robot: Robot
    #: Cameras to learn from, in the order of the job.
    cameras: tuple[Camera, ...]
    #: Images of each camera that the model sees at once, the present one included.
    image_history: int
    #: Frames that the model reads, the present included.
    history: int
    #: Actions that are learned at once, that of the present frame first.
    horizon: int
    #: How many of them the model answers.
    execute: int
    settings: Mapping[str, object]
    seed: int
    #: Ends at the first evaluation at or after this step, as part of a search; None: trains to the end.
    until_step: int | None
    model_path: Path
    checkpoint_directory: Path
    resume: Resume | None
    start_from: Path | None


def read_job(path: Path) -> Job:
    """Raises Impossible, naming the field, for a job that this program does not understand."""
    value = read_json(path)
    contract = whole(value.get("contract"), "contract")
    if contract not in CONTRACTS:
        raise Impossible(f"contract: expected one of {CONTRACTS}, got {contract}; a newer version of this package may know it")
    robot = read_robot(mapping(value.get("robotType"), "robotType"))
    horizon = whole(value.get("horizon", 1), "horizon", 1, 64)
    start = value.get("startFromPath")
    cameras = learned_cameras(value.get("cameras", []), robot)
    return Job(
        train_path=Path(text(value.get("trainPath"), "trainPath")),
        validation_path=Path(text(value.get("validationPath"), "validationPath")),
        robot=robot,
        cameras=cameras,
        image_history=images_at_once(value.get("imageHistory"), cameras),
        history=whole(value.get("history", 1), "history", 1, 64),
        horizon=horizon,
        execute=whole(value.get("execute", horizon), "execute", 1, horizon),
        settings=mapping(value.get("settings", {}), "settings"),
        seed=whole(value.get("seed"), "seed"),
        until_step=None if value.get("untilStep") is None else whole(value["untilStep"], "untilStep", 1),
        model_path=Path(text(value.get("modelPath"), "modelPath")),
        checkpoint_directory=Path(text(value.get("checkpointDirectory"), "checkpointDirectory")),
        resume=read_resume(value.get("resumeFrom")),
        start_from=None if start is None else Path(text(start, "startFromPath")),
    )


def read_resume(value: object) -> Resume | None:
    if value is None:
        return None
    found = mapping(value, "resumeFrom")
    return Resume(whole(found.get("step"), "resumeFrom.step"), Path(text(found.get("path"), "resumeFrom.path")))


def read_range(value: object, where: str) -> Range:
    found = mapping(value, where)
    return Range(
        text(found.get("name"), f"{where}.name"),
        text(found.get("unit"), f"{where}.unit"),
        number(found.get("min"), f"{where}.min"),
        number(found.get("max"), f"{where}.max"),
    )


def read_ranges(value: object, where: str) -> tuple[Range, ...]:
    return tuple(read_range(each, f"{where}.{index}") for index, each in enumerate(sequence(value, where)))


def read_robot(value: Mapping[str, object]) -> Robot:
    actions = mapping(value.get("actions"), "robotType.actions")
    kind = actions.get("kind")
    if kind not in ("discrete", "continuous"):
        raise Impossible(f"robotType.actions.kind: expected discrete or continuous, got {kind!r}")
    discrete = kind == "discrete"
    ranges = () if discrete else read_ranges(actions.get("ranges"), "robotType.actions.ranges")
    names = (
        tuple(text(name, "robotType.actions.names") for name in sequence(actions.get("names"), "robotType.actions.names"))
        if discrete
        else tuple(each.name for each in ranges)
    )
    limits = mapping(value.get("limits", {}), "robotType.limits")
    fraction = number(limits.get("actionToleranceFraction", DEFAULT_TOLERANCE_FRACTION), "actionToleranceFraction", 0, 1)
    mirror = value.get("mirror")
    return Robot(
        name=f"{text(value.get('id'), 'robotType.id')}@{whole(value.get('version'), 'robotType.version')}",
        observations=read_ranges(value.get("observations"), "robotType.observations"),
        discrete=discrete,
        action_names=names,
        action_ranges=ranges,
        tasks=tuple(text(task, "robotType.tasks") for task in sequence(value.get("tasks"), "robotType.tasks")),
        cameras=tuple(read_camera(each) for each in sequence(value.get("cameras", []), "robotType.cameras")),
        tolerance=tuple(fraction * (each.most - each.least) for each in ranges),
        mirror=None if mirror is None else mapping(mirror, "robotType.mirror"),
    )


def read_camera(value: object) -> Camera:
    found = mapping(value, "robotType.cameras")
    learned = mapping(found.get("learned"), "robotType.cameras.learned")
    return Camera(
        text(found.get("name"), "robotType.cameras.name"),
        whole(learned.get("width"), "learned.width", 1, 4096),
        whole(learned.get("height"), "learned.height", 1, 4096),
    )


def learned_cameras(value: object, robot: Robot) -> tuple[Camera, ...]:
    known = {camera.name: camera for camera in robot.cameras}
    names = [text(name, "cameras") for name in sequence(value, "cameras")]
    for name in names:
        if name not in known:
            raise Impossible(f"cameras: expected cameras of {robot.name} ({', '.join(known) or 'it has none'}), got {name}")
    return tuple(known[name] for name in names)


def images_at_once(value: object, cameras: tuple[Camera, ...]) -> int:
    if value is None:
        return 1
    images = whole(value, "imageHistory", 2, MOST_IMAGES)
    if not cameras:
        raise Impossible(f"imageHistory: expected cameras, of which {images} images are to be seen at once, got none")
    return images


def mirror_of(job: Job) -> Mirror:
    """Raises Impossible for a robot type that does not say what is left and right, or where a camera's partner is not learned from."""
    robot = job.robot
    if robot.mirror is None:
        raise Impossible(f"augmentation.flip: expected a robot type with mirror, got {robot.name}, which has none")
    observation_from, observation_sign = mirrored_numbers(
        mapping(robot.mirror.get("observations", {}), "mirror.observations"), [each.name for each in robot.observations]
    )
    action_from, action_sign = mirrored_numbers(
        mapping(robot.mirror.get("actions", {}), "mirror.actions"), list(robot.action_names)
    )
    names = [camera.name for camera in job.cameras]
    partners = pairs(mapping(robot.mirror.get("cameras", {}), "mirror.cameras"))
    wanted = [partners.get(name, name) for name in names]
    for name, partner in zip(names, wanted):
        if partner not in names:
            raise Impossible(f"cameras: expected {partner} as well, which changes places with {name} in a mirror")
    return Mirror(observation_from, observation_sign, action_from, action_sign, tuple(names.index(each) for each in wanted))


def pairs(value: Mapping[str, object]) -> dict[str, str]:
    partners: dict[str, str] = {}
    for pair in sequence(value.get("swapped", []), "mirror.swapped"):
        left, right = (text(name, "mirror.swapped") for name in sequence(pair, "mirror.swapped"))
        partners[left], partners[right] = right, left
    return partners


def mirrored_numbers(value: Mapping[str, object], names: list[str]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    places = {name: place for place, name in enumerate(names)}
    partners = pairs(value)
    negated = set(sequence(value.get("negated", []), "mirror.negated"))
    source = tuple(places.get(partners.get(name, name), place) for place, name in enumerate(names))
    return source, tuple(-1 if name in negated else 1 for name in names)
