"""What an arm senses: its robot type chooses among the readings, by name, and may give it the wrist camera."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .arm import ACTION_LIMIT, MOST_HEIGHT, MOST_WIDTH, OBSERVATIONS, RATE_HZ

CAMERA = "wrist"
#: A robot type is a short document.
_MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Camera:
    name: str
    #: Pixels of an image.
    width: int
    height: int
    #: Images a second, at most one a frame.
    rate_hz: float

    def is_due(self, frame: int) -> bool:
        """An image with the first frame of an episode, and from there at its own rate."""
        return frame == 0 or int(frame * self.rate_hz / RATE_HZ) > int((frame - 1) * self.rate_hz / RATE_HZ)


@dataclass(frozen=True)
class Body:
    #: Places in OBSERVATIONS, in the robot type's order.
    places: tuple[int, ...]
    camera: Camera | None = None

    def readings(self, observed: Any) -> Any:
        """Of all that `Arm.observe` gives, what this body reads."""
        return np.asarray(observed)[list(self.places)]


#: Those that come with the project; a test compares them with their documents.
BUILT_IN = {
    "push-arm@1": Body(tuple(range(len(OBSERVATIONS)))),
    "push-arm-camera@1": Body(tuple(range(6)), Camera(CAMERA, 64, 48, 10.0)),
}


def read_body(robot_type: str) -> Body:
    """Of a built-in robot type, or of a file with its document. Raises ValueError, naming the field."""
    if robot_type in BUILT_IN:
        return BUILT_IN[robot_type]
    path = Path(robot_type)
    if not path.is_file():
        raise ValueError(f"--robot-type: expected {', '.join(BUILT_IN)} or the file of a robot type, got {robot_type}")
    with path.open("rb") as file:
        text = file.read(_MOST_BYTES + 1)
    if len(text) > _MOST_BYTES:
        raise ValueError(f"{robot_type}: expected a robot type of at most {_MOST_BYTES} bytes")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as cause:
        raise ValueError(f"{robot_type}: expected JSON, got {cause}") from None
    try:
        return body_of(document)
    except ValueError as cause:
        raise ValueError(f"{robot_type}: {cause}") from None


def body_of(document: Any) -> Body:
    """What concerns an arm; the agent checks the rest of the document."""
    if not isinstance(document, dict):
        raise ValueError("expected a robot type")
    if document.get("rateHz") != RATE_HZ:
        raise ValueError(f"rateHz: expected {RATE_HZ}, got {_shown(document.get('rateHz'))}")
    actions = document.get("actions")
    ranges = actions.get("ranges") if isinstance(actions, dict) else None
    ends = [(each.get("min"), each.get("max")) for each in ranges if isinstance(each, dict)] if isinstance(ranges, list) else []
    if ends != [(-ACTION_LIMIT, ACTION_LIMIT)] * 2:
        raise ValueError(f"actions: expected two ranges from {-ACTION_LIMIT} to {ACTION_LIMIT}, the speeds of the tip")
    observations = document.get("observations")
    names = [each.get("name") if isinstance(each, dict) else None for each in observations] if isinstance(observations, list) else []
    for name in names:
        if name not in OBSERVATIONS:
            raise ValueError(f"observations: expected some of {', '.join(OBSERVATIONS)}, got {_shown(name)}")
    if not names:
        raise ValueError("observations: expected at least one")
    return Body(tuple(OBSERVATIONS.index(name) for name in names), _camera_of(document.get("cameras")))


def _camera_of(cameras: Any) -> Camera | None:
    if cameras is None:
        return None
    camera = cameras[0] if isinstance(cameras, list) and len(cameras) == 1 else None
    if not isinstance(camera, dict) or camera.get("name") != CAMERA or camera.get("colour") != "rgb":
        raise ValueError(f"cameras: expected one, of name {CAMERA} and colour rgb")
    sides: list[Any] = [camera.get("width"), camera.get("height")]
    for side, most in zip(sides, (MOST_WIDTH, MOST_HEIGHT)):
        if not _is_number(side) or side != int(side) or not 16 <= side <= most:
            raise ValueError(f"cameras: expected sides of 16 × 16 to {MOST_WIDTH} × {MOST_HEIGHT} pixels, got {_shown(side)}")
    rate_hz: Any = camera.get("rateHz")
    if not _is_number(rate_hz) or not 0 < rate_hz <= RATE_HZ:
        raise ValueError(f"cameras: expected a rateHz above 0 to {RATE_HZ}, got {_shown(rate_hz)}")
    return Camera(CAMERA, int(sides[0]), int(sides[1]), float(rate_hz))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -1e9 < value < 1e9


def _shown(value: Any) -> str:
    """Lists and objects may be nested deeper than Python can write."""
    return json.dumps(value)[:60] if value is None or isinstance(value, (str, int, float)) else f"a {type(value).__name__}"
