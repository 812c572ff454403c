"""What somebody would do who knows how: a function of the task and of what the robot reads."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arm import ACTION_LIMIT, PEG_M, PUCK_M

_TOUCH_M = PUCK_M + PEG_M
#: It stays this far from the puck while it goes around it.
_CLEAR_M = _TOUCH_M + 0.025
_GAIN = 6.0


def expert_action(task: str, observation: Any) -> Any:
    """Speeds of the tip, m/s. To push: around the puck to its far side, then through its middle to the target."""
    values = np.asarray(observation, np.float64)
    tip, puck, target = values[4:6], values[6:8], values[8:10]
    if task == "reach":
        return _towards(tip, target)
    way = target - puck
    left = float(np.linalg.norm(way))
    ahead = way / left if left > 1e-6 else np.array([1.0, 0.0])
    aside = np.array([-ahead[1], ahead[0]])
    along, off = float((tip - puck) @ ahead), float((tip - puck) @ aside)
    if along < -0.6 * _TOUCH_M and abs(off) < 0.02:
        # Behind it: forward, and back to the line through both middles.
        speed = min(ACTION_LIMIT * 0.7, 0.04 + 3.0 * left)
        return _cut(speed * ahead - _GAIN * off * aside)
    if along < -_TOUCH_M:
        return _towards(tip, puck - _CLEAR_M * ahead)
    side = 1.0 if off >= 0 else -1.0
    if abs(off) < _CLEAR_M:
        # Beside or before it: away from it first, backwards as far as it lets.
        return _cut(ACTION_LIMIT * (side * aside - 0.4 * ahead))
    return _cut(ACTION_LIMIT * (-ahead + _GAIN * (_CLEAR_M - abs(off)) * side * aside))


def _towards(tip: Any, place: Any) -> Any:
    return _cut(_GAIN * (place - tip))


def _cut(speed: Any) -> Any:
    """As fast as it may, in the same direction."""
    most = float(np.abs(speed).max())
    return speed if most <= ACTION_LIMIT else speed * (ACTION_LIMIT / most)
