"""The world by itself, without agents: test/long/arms.test.ts starts it."""

import json
import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import Any

import numpy as np

from flywheel_mujoco.arm import ACTION_LIMIT, OBSERVATIONS, TASKS, Arm, jacobian_at, joints_at
from flywheel_mujoco.body import BUILT_IN
from flywheel_mujoco.expert import expert_action
from flywheel_mujoco.main import read_robots
from flywheel_mujoco.robot import Robot
from flywheel_mujoco.rounds import Rounds
from flywheel_mujoco.scenario import Scenario, read_scenario

FRAMES = 80


def lived(arm: Arm, episode: int, task: str, act: Any, frames: int = FRAMES) -> list[Any]:
    arm.begin(episode, task)
    seen = []
    for _ in range(frames):
        seen.append(arm.observe())
        if arm.has_arrived or arm.has_lost:
            break
        arm.act(act(task, seen[-1]))
    return seen


class World(unittest.TestCase):
    def test_is_a_function_of_seed_robot_episode_and_actions(self) -> None:
        first, again, other = Arm(3, 1), Arm(3, 1), Arm(3, 2)
        lived(again, 7, "reach", expert_action)  # what was before does not matter
        for task in TASKS:
            here, there = lived(first, 4, task, expert_action), lived(again, 4, task, expert_action)
            np.testing.assert_array_equal(np.stack(here), np.stack(there))
        first.begin(4, "push")
        other.begin(4, "push")
        self.assertFalse(np.array_equal(first.observe(), other.observe()))
        first.begin(5, "push")
        again.begin(4, "push")
        self.assertFalse(np.array_equal(first.observe(), again.observe()))

    def test_can_be_done_by_who_knows_how_and_by_nobody_else(self) -> None:
        arm = Arm(1, 0)
        for task, least in (("reach", 1.0), ("push", 0.9)):
            done = 0
            for episode in range(50):
                lived(arm, episode, task, expert_action)
                done += arm.has_arrived
            self.assertGreaterEqual(done / 50, least, task)
        draw = np.random.default_rng(1)
        done = 0
        for episode in range(50):
            lived(arm, episode, "push", lambda *_: draw.uniform(-ACTION_LIMIT, ACTION_LIMIT, 2))
            done += arm.has_arrived
        self.assertLess(done / 50, 0.1)

    def test_puck_is_pushed_by_contact_alone(self) -> None:
        arm = Arm(1, 0)
        arm.begin(1, "push")
        before = arm.puck
        away = arm.tip + 1.0 * (arm.tip - before)
        for _ in range(20):
            arm.act(np.clip(5 * (away - arm.tip), -ACTION_LIMIT, ACTION_LIMIT))
        np.testing.assert_allclose(arm.puck, before, atol=1e-4)
        for _ in range(60):
            arm.act(np.clip(5 * (before - arm.tip), -ACTION_LIMIT, ACTION_LIMIT))
        self.assertGreater(np.linalg.norm(arm.puck - before), 0.02)

    def test_survives_any_action(self) -> None:
        arm = Arm(1, 0)
        arm.begin(1, "push")
        for action in ([np.nan, np.inf], [1e30, -1e30], [-np.inf, 0.1], np.array([9.0, 9.0, 9.0])):
            for _ in range(30):
                arm.act(action)
                self.assertTrue(np.isfinite(arm.observe()).all())
        with self.assertRaisesRegex(ValueError, "expected one of"):
            arm.begin(1, "juggle")

    def test_kinematics_agree_with_the_model(self) -> None:
        arm = Arm(1, 0)
        for episode in range(5):
            arm.begin(episode, "reach")
            shoulder, elbow = joints_at(arm.tip)
            np.testing.assert_allclose(arm.data.qpos[:2], [shoulder, elbow], atol=1e-9)
            step = 1e-6
            jacobian = jacobian_at(shoulder, elbow)
            for joint in range(2):
                moved = Arm(1, 0)
                moved.begin(episode, "reach")
                moved.data.qpos[joint] += step
                import mujoco

                mujoco.mj_forward(moved.model, moved.data)
                np.testing.assert_allclose((moved.tip - arm.tip) / step, jacobian[:, joint], atol=1e-4)

    def test_reads_what_its_robot_type_names(self) -> None:
        path = Path(__file__).parents[3] / "datasets/robot-types/push-arm.json"
        document = json.loads(path.read_text())
        self.assertEqual([each["name"] for each in document["observations"]], list(OBSERVATIONS))
        self.assertEqual([each["max"] for each in document["actions"]["ranges"]], [ACTION_LIMIT] * 2)
        self.assertEqual(document["tasks"], list(TASKS))
        arm = Arm(2, 0)
        low, high = (np.array([each[end] for each in document["observations"]]) for end in ("min", "max"))
        for task in TASKS:
            for episode in range(10):
                for seen in lived(arm, episode, task, expert_action):
                    self.assertTrue(((low <= seen) & (seen <= high)).all(), seen)


class Scenarios(unittest.TestCase):
    def test_are_read_or_refused_with_the_field(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scenario.json"

            def read(document: object) -> Scenario:
                path.write_text(json.dumps(document))
                return read_scenario(path)

            self.assertEqual(read({"world": {"kind": "arm"}}), Scenario())
            told = read({"world": {"kind": "arm", "tasks": ["push"]}, "framesPerEpisode": 30, "correctedFraction": 0.5, "taughtFraction": 0.25})
            self.assertEqual(told, Scenario(30, 0.5, 0.25, ("push",)))
            self.assertEqual(read({"world": {"kind": "arm"}, "episodeSeconds": 7}).episode_seconds, 7)
            for document, text in (
                ([], "expected"),
                ({"world": {"kind": "rooms"}}, "kind"),
                ({"world": {"kind": "arm", "tasks": ["fly"]}}, "tasks"),
                ({"world": {"kind": "arm"}, "framesPerEpisode": True}, "framesPerEpisode"),
                ({"world": {"kind": "arm"}, "correctedFraction": 2}, "correctedFraction"),
                ({"world": {"kind": "arm"}, "taughtFraction": -1}, "taughtFraction"),
                ({"world": {"kind": "arm"}, "episodeSeconds": -1}, "episodeSeconds"),
                ({"world": {"kind": "arm"}, "episodeSeconds": None}, "episodeSeconds"),
                ({"world": {"kind": "arm"}, "quirks": []}, "quirks"),
            ):
                with self.assertRaisesRegex(ValueError, text):
                    read(document)
            path.write_text('[{"robotId": "a"}]')
            with self.assertRaisesRegex(SystemExit, "token"):
                read_robots(path)


class Pace(unittest.TestCase):
    def test_is_the_scenarios_from_when_it_changes(self) -> None:
        told, over = [Scenario(episode_seconds=60.0)], threading.Event()
        agent: Any = None
        robot = Robot(0, agent, Arm(1, 0), BUILT_IN["push-arm@1"], lambda: told[-1], Rounds(), over, 5.0)
        waiting = threading.Thread(target=robot._wait_until_due, args=(time.monotonic(),))
        waiting.start()
        waiting.join(0.2)
        self.assertTrue(waiting.is_alive())
        told.append(Scenario(episode_seconds=0.1))
        waiting.join(5)
        self.assertFalse(waiting.is_alive())
        told.append(Scenario())
        begun = time.monotonic()
        robot._wait_until_due(begun - 4.7)
        self.assertGreaterEqual(time.monotonic() - begun, 0.29)
        over.set()
        robot._wait_until_due(time.monotonic() + 60)


class Round(unittest.TestCase):
    def test_nobody_is_an_episode_ahead(self) -> None:
        rounds, over, begun, lead = Rounds(), threading.Event(), [0] * 4, []
        lock = threading.Lock()
        for robot in range(4):
            rounds.join(robot)

        def live(robot: int) -> None:
            for _ in range(20):
                rounds.begin(robot, over)
                with lock:
                    begun[robot] += 1
                    lead.append(begun[robot] - min(begun))

        threads = [threading.Thread(target=live, args=(robot,)) for robot in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertLessEqual(max(lead), 1 + 1)
        self.assertEqual(begun, [20] * 4)
        rounds.join(9)
        rounds.leave(9)
        rounds.begin(0, over)


if __name__ == "__main__":
    unittest.main()
