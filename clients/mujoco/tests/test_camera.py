"""The wrist camera; needs a renderer (MUJOCO_GL=egl or osmesa)."""

import contextlib
import threading
import unittest
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from flywheel_client import Decision, Status
from flywheel_client.answers import status_of
from flywheel_client.counts import Counts
from flywheel_mujoco.arm import ARRIVED_M, Arm
from flywheel_mujoco.body import BUILT_IN, Body, Camera
from flywheel_mujoco.main import body_asked
from flywheel_mujoco.robot import Robot
from flywheel_mujoco.rounds import Rounds
from flywheel_mujoco.scenario import Scenario

SEEING = BUILT_IN["push-arm-camera@1"]


def images_of(robot: int, episodes: int = 3) -> list[Any]:
    arm = Arm(1, robot)
    images = []
    for episode in range(episodes):
        arm.begin(episode, "push")
        for _ in range(5):
            arm.act([0.1, 0.1])
            images.append(arm.see(64, 48))
    arm.close()
    return images


class Images(unittest.TestCase):
    def test_show_the_table_under_the_wrist_and_the_same_again(self) -> None:
        arm = Arm(1, 0)
        self.addCleanup(arm.close)
        arm.begin(1, "push")
        first = arm.see(64, 48).copy()
        self.assertEqual((first.shape, first.dtype), ((48, 64, 3), np.uint8))
        np.testing.assert_array_equal(first, arm.see(64, 48))
        self.assertGreater(int(first.max()) - int(first.min()), 60)
        arm.begin(2, "push")
        self.assertFalse(np.array_equal(first, arm.see(64, 48)))
        self.assertEqual(arm.see(80, 60).shape, (60, 80, 3))

    def test_of_an_arm_that_stands_still_are_not_those_of_a_frozen_camera(self) -> None:
        """Collections refuse clips of which nearly all images equal the one before, but for 0.1 of 255."""
        arm = Arm(1, 0)
        self.addCleanup(arm.close)
        arm.begin(1, "push")
        last = arm.see(64, 48).astype(float)
        for _ in range(5):
            arm.act([0, 0])
            seen = arm.see(64, 48).astype(float)
            difference = float(np.abs(seen - last).mean())
            self.assertTrue(1 < difference < 5, difference)
            last = seen

    def test_are_the_same_in_threads(self) -> None:
        with ThreadPoolExecutor(4) as pool:
            for robot, images in enumerate(pool.map(images_of, range(4))):
                np.testing.assert_array_equal(np.stack(images), np.stack(images_of(robot)))

    def test_show_where_the_target_is(self) -> None:
        """Or nobody could learn to reach by them. The colour's middle tells it from the wrist, along the forearm and across."""
        arm = Arm(3, 0)
        self.addCleanup(arm.close)
        errors = []
        for episode in range(30):
            arm.begin(episode, "reach")
            image = arm.see(64, 48).astype(int)
            green = (image[..., 1] > image[..., 0] + 30) & (image[..., 1] > image[..., 2] + 30)
            if not green.any():
                continue  # below the forearm
            rows, columns = np.nonzero(green)
            metres = 2 * 0.42 * np.tan(np.radians(35)) / 48
            along, left = (columns.mean() - 31.5) * metres, (23.5 - rows.mean()) * metres
            turn = float(arm.data.qpos[0] + arm.data.qpos[1])
            seen = arm.tip + [along * np.cos(turn) - left * np.sin(turn), along * np.sin(turn) + left * np.cos(turn)]
            errors.append(float(np.linalg.norm(seen - arm.target)))
        self.assertGreater(len(errors), 24)
        self.assertLess(float(np.median(errors)), ARRIVED_M / 2)


class PretendedEpisode:
    def __init__(self, agent: "PretendedAgent") -> None:
        self._agent = agent

    def record(self, seen: Any, action: Any, latency_ms: Any, at_us: int, *, decoding_ms: Any) -> None:
        self._agent.frames.append((at_us, len(seen), decoding_ms))

    def correct(self, seen: Any, action: Any, wanted: Any, latency_ms: Any, at_us: int, *, decoding_ms: Any) -> None:
        self.record(seen, action, latency_ms, at_us, decoding_ms=decoding_ms)

    def end(self, outcome: str, reason: str = "") -> bool:
        return True


class PretendedAgent:
    """Keeps what a robot tells it."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, int, Any]] = []
        self.images: list[tuple[str, Any, int]] = []
        self.shown: list[Any] = []
        self.flushes = 0

    @contextlib.contextmanager
    def episode(self, task: str) -> Iterator[PretendedEpisode]:
        yield PretendedEpisode(self)

    def record_image(self, camera: str, image: Any, at_us: int) -> None:
        self.images.append((camera, image, at_us))

    def decide(self, seen: Any, task: str, *, images: Any) -> Decision:
        self.shown.append(dict(images))
        return Decision("1.0.0", (0.1, -0.1), 1.0, 0.5)

    def intervene(self) -> None:
        pass

    def flush(self) -> None:
        self.flushes += 1

    def status(self) -> Status:
        return status_of({"installedVersion": "1.0.0", "waitingBytes": 0, "waitingImageBytes": 7, "waitingTelemetry": 0, "imagesDropped": {"tooMany": 2}})

    def counts(self) -> Counts:
        return Counts(images_dropped=3)


def lived(body: Body, **scenario: Any) -> tuple[Robot, PretendedAgent]:
    agent: Any = PretendedAgent()
    told = Scenario(frames=40, tasks=("push",), **scenario)
    robot = Robot(0, agent, Arm(1, 0), body, lambda: told, Rounds(), threading.Event(), 0.0)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(robot.live, 1).result()
    return robot, agent


class Robots(unittest.TestCase):
    def test_record_each_image_at_the_instant_of_its_frame_and_decide_by_the_newest(self) -> None:
        robot, agent = lived(SEEING)
        self.assertEqual(len(agent.frames), 40)
        self.assertEqual({size for _, size, _ in agent.frames}, {6})
        self.assertEqual([at_us for _, _, at_us in agent.images], [at_us for at_us, _, _ in agent.frames[::2]])
        self.assertEqual({(camera, image.shape) for camera, image, _ in agent.images}, {("wrist", (48, 64, 3))})
        self.assertEqual(len(agent.shown), 40)
        for frame, shown in enumerate(agent.shown):
            np.testing.assert_array_equal(shown["wrist"], agent.images[frame // 2][1])
        self.assertFalse(np.array_equal(agent.images[0][1], agent.images[-1][1]))
        self.assertEqual({decoding_ms for _, _, decoding_ms in agent.frames}, {0.5})
        self.assertEqual((robot.tally.images, robot.tally.frames), (20, 40))
        left = robot.drain(0.0, threading.Event())
        self.assertEqual((left.waiting_bytes, left.lost_images, left.is_nothing), (7, 5, False))

    def test_do_not_run_ahead_of_their_agent_when_they_are_shown_the_way(self) -> None:
        _, agent = lived(Body(SEEING.places, Camera("wrist", 32, 24, 20.0)), taught=1.0)
        self.assertEqual(agent.shown, [])
        self.assertEqual(agent.flushes, len(agent.images) // 16)
        self.assertGreater(agent.flushes, 0)

    def test_without_a_camera_show_nothing(self) -> None:
        robot, agent = lived(BUILT_IN["push-arm@1"])
        self.assertEqual((agent.images, robot.tally.images, {size for _, size, _ in agent.frames}), ([], 0, {10}))
        self.assertEqual([shown for shown in agent.shown if shown], [])

    def test_may_live_where_the_machine_renders(self) -> None:
        self.assertEqual(body_asked("push-arm-camera@1"), SEEING)


if __name__ == "__main__":
    unittest.main()
