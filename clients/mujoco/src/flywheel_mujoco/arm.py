"""The arm and its table. What happens is a function of seed, robot, episode and the actions given."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

RATE_HZ = 20
TASKS = ("reach", "push")
#: In the order of the robot type.
OBSERVATIONS = (
    "joint-shoulder", "joint-elbow", "speed-shoulder", "speed-elbow",
    "tip-x", "tip-y", "puck-x", "puck-y", "target-x", "target-y",
)  # fmt: skip
#: Of each speed of the tip that an action asks for, m/s.
ACTION_LIMIT = 0.3
#: The tip, or the puck, this near to the target has arrived, m.
ARRIVED_M = 0.025
LINK_M = 0.3
PUCK_M = 0.04
PEG_M = 0.015
#: Where pucks and targets lie: within reach from all sides, m.
NEAREST_M, FARTHEST_M, SIDE_M = 0.3, 0.47, 0.18
#: Of an image, pixels; as arm.xml has them.
MOST_WIDTH, MOST_HEIGHT = 160, 120
_SUBSTEPS = round(1 / (RATE_HZ * 0.005))
_MOST_JOINT_SPEED = 4.0
#: Deviation of an image sensor's noise, of 255.
_SENSOR_NOISE = 2.0
_DAMPING = 0.03
#: Arms are threads, and the display that all share is opened by the first of them.
_opening = threading.Lock()

Vector = "np.ndarray[Any, np.dtype[np.float64]]"


class Arm:
    """One robot's table. `begin` draws an episode, `act` moves for one period of the control loop."""

    def __init__(self, seed: int, robot: int) -> None:
        self.seed, self.robot = seed, robot
        self.model = mujoco.MjModel.from_xml_path(str(Path(__file__).with_name("arm.xml")))
        self.data = mujoco.MjData(self.model)
        self.task = TASKS[0]
        self.episode = 0
        self.target: Any = np.zeros(2)
        self._renderer: Any = None

    def begin(self, episode: int, task: str) -> None:
        """Lays out the table anew."""
        if task not in TASKS:
            raise ValueError(f"expected one of {TASKS}, got {task!r}")
        draw = np.random.default_rng([self.seed, self.robot, episode, TASKS.index(task)])
        self.task, self.episode = task, episode
        mujoco.mj_resetData(self.model, self.data)
        puck, target = self._draw_place(draw), self._draw_place(draw)
        while not 0.07 <= np.linalg.norm(target - puck) <= 0.16:
            puck, target = self._draw_place(draw), self._draw_place(draw)
        tip = self._draw_place(draw)
        while np.linalg.norm(tip - puck) < PUCK_M + PEG_M + 0.02 or np.linalg.norm(tip - target) < 2 * ARRIVED_M:
            tip = self._draw_place(draw)
        self.data.qpos[:] = [*joints_at(tip), *puck]
        self.target = target
        self.data.mocap_pos[0, :2] = target
        mujoco.mj_forward(self.model, self.data)

    @staticmethod
    def _draw_place(draw: np.random.Generator) -> Any:
        return np.array([draw.uniform(NEAREST_M, FARTHEST_M), draw.uniform(-SIDE_M, SIDE_M)])

    @property
    def tip(self) -> Any:
        return self.data.site("tip").xpos[:2].copy()

    @property
    def puck(self) -> Any:
        return self.data.qpos[2:4].copy()

    def observe(self) -> Any:
        """As OBSERVATIONS says, float32."""
        joints, speeds = self.data.qpos[:2], self.data.qvel[:2]
        return np.concatenate([joints, speeds, self.tip, self.puck, self.target]).astype(np.float32)

    def act(self, action: Any) -> None:
        """Moves the tip with these speeds, m/s, for one period; more than ACTION_LIMIT, or no number, is cut to it or to none."""
        wanted = np.clip(np.nan_to_num(np.asarray(action, np.float64)[:2], posinf=0.0, neginf=0.0), -ACTION_LIMIT, ACTION_LIMIT)
        for _ in range(_SUBSTEPS):
            jacobian = jacobian_at(self.data.qpos[0], self.data.qpos[1])
            # Damped least squares: near a stretched arm it gives way, not speed.
            squares = jacobian @ jacobian.T + _DAMPING**2 * np.eye(2)
            speeds = jacobian.T @ np.linalg.solve(squares, wanted)
            self.data.ctrl[:] = np.clip(speeds, -_MOST_JOINT_SPEED, _MOST_JOINT_SPEED)
            mujoco.mj_step(self.model, self.data)

    @property
    def has_arrived(self) -> bool:
        moved = self.tip if self.task == "reach" else self.puck
        return bool(np.linalg.norm(moved - self.target) <= ARRIVED_M)

    @property
    def has_lost(self) -> bool:
        """The puck lies where the peg cannot push it back, or the state is no number any more."""
        x, y = self.puck
        return not (0.15 < math.hypot(x, y) < 0.6) or not bool(np.isfinite(self.data.qpos).all())

    def see(self, width: int, height: int) -> Any:
        """
        What the wrist camera sees: uint8 [height, width, 3], with the noise of a sensor, so that an arm that stands still does not look like a
        camera that froze. The same in the same moment. Renders in software where there is no GPU (MUJOCO_GL=egl or osmesa). A renderer
        belongs to the thread that saw first: that one closes it, too.
        """
        if self._renderer is None or (self._renderer.width, self._renderer.height) != (width, height):
            self.close()
            with _opening:
                self._renderer = mujoco.Renderer(self.model, height, width)
        self._renderer.update_scene(self.data, camera="wrist")
        image = self._renderer.render()
        draw = np.random.default_rng([self.seed, self.robot, self.episode, TASKS.index(self.task), round(1e6 * self.data.time)])
        noise = _SENSOR_NOISE * draw.standard_normal(image.shape, np.float32)
        return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)

    def close(self) -> None:
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def joints_at(place: Any) -> tuple[float, float]:
    """Angles of shoulder and elbow with the tip at a place, the elbow bent to the left."""
    x, y = float(place[0]), float(place[1])
    bend = math.acos(min(1.0, max(-1.0, (x * x + y * y - 2 * LINK_M**2) / (2 * LINK_M**2))))
    return math.atan2(y, x) - bend / 2, bend


def jacobian_at(shoulder: float, elbow: float) -> Any:
    """How the tip moves with each joint, m/rad."""
    near = (LINK_M * math.cos(shoulder), LINK_M * math.sin(shoulder))
    far = (LINK_M * math.cos(shoulder + elbow), LINK_M * math.sin(shoulder + elbow))
    return np.array([[-near[1] - far[1], -far[1]], [near[0] + far[0], far[0]]])
