"""What somebody would do who knows how: a function of the task and of what the robot reads."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arm import ACTION_LIMIT, PEG_M, PUCK_M

_TOUCH_M = PUCK_M + PEG_M
#: It goes around the puck at this distance of the middles.
_CLEAR_M = _TOUCH_M + 0.025
_GAIN = 6.0
#: How exactly it stands behind the puck before it pushes, rad.
_BEHIND = 0.3


def expert_action(task: str, observation: Any) -> Any:
    """
    Speeds of the tip, m/s. To push: around the puck to the side away from the target, and from there through its middle. One smooth rule, so
    that a small network can learn it: it turns towards the place behind, keeps its distance while it turns, and goes forward the more it stands there.
    """
    values = np.asarray(observation, np.float64)
    tip, puck, target = values[4:6], values[6:8], values[8:10]
    if task == "reach":
        return _towards(tip, target)
    way, outward = target - puck, tip - puck
    left, distance = float(np.linalg.norm(way)), max(1e-6, float(np.linalg.norm(outward)))
    ahead = way / left if left > 1e-6 else np.array([1.0, 0.0])
    outward = outward / distance
    around = np.array([-outward[1], outward[0]])
    # 0 behind the puck, ± π before it; grows along `around`.
    angle = float(np.arctan2(-ahead[0] * outward[1] + ahead[1] * outward[0], -(ahead @ outward)))
    behind = float(np.exp(-((angle / _BEHIND) ** 2)))
    forward = min(0.7 * ACTION_LIMIT, 0.05 + 3.0 * left)
    inward = behind * forward - (1 - behind) * _GAIN * (_CLEAR_M - distance)
    turning = -ACTION_LIMIT * float(np.tanh(angle / _BEHIND)) * min(1.0, _CLEAR_M / distance)
    return _cut(turning * around - inward * outward)


def _towards(tip: Any, place: Any) -> Any:
    return _cut(_GAIN * (place - tip))


def _cut(speed: Any) -> Any:
    """As fast as it may, in the same direction."""
    most = float(np.abs(speed).max())
    return speed if most <= ACTION_LIMIT else speed * (ACTION_LIMIT / most)
