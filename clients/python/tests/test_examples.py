"""The examples: compiled, and the ROS 2 node run with a stub of rclpy that records calls."""

import importlib.util
import os
import sys
import tempfile
import time
import types
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

EXAMPLES = Path(__file__).parent.parent / "examples"
FAKE = str(Path(__file__).with_name("fake_agent.py"))


class Message:
    def __init__(self, data: Any = None) -> None:
        self.data = data


class Publisher:
    def __init__(self) -> None:
        self.published: list[list[float]] = []

    def publish(self, message: Message) -> None:
        self.published.append(list(message.data))


class Node:
    """What the example uses of rclpy.node.Node."""

    values = {
        "robot": "r1",
        "gateway": "http://127.0.0.1:1",
        "directory": "/nowhere",
        "root": "root.json",
        "task": "dock",
    }

    def __init__(self, name: str) -> None:
        self.calls: list[tuple[Any, ...]] = [("init", name)]
        self.warnings: list[str] = []

    def declare_parameter(self, name: str, value: object) -> None:
        self.calls.append(("parameter", name, value))

    def get_parameter(self, name: str) -> Any:
        return types.SimpleNamespace(value=self.values[name])

    def create_publisher(self, kind: object, topic: str, depth: int) -> Publisher:
        self.calls.append(("publisher", topic, depth))
        return Publisher()

    def create_subscription(self, kind: object, topic: str, callback: object, depth: int) -> None:
        self.calls.append(("subscription", topic, depth))

    def create_service(self, kind: object, name: str, callback: object) -> None:
        self.calls.append(("service", name))

    def get_logger(self) -> Any:
        return types.SimpleNamespace(warning=self.warnings.append, error=self.warnings.append)

    def destroy_node(self) -> None:
        self.calls.append(("destroy",))


def modules() -> dict[str, types.ModuleType]:
    names = ("rclpy", "rclpy.node", "std_msgs", "std_msgs.msg", "std_srvs", "std_srvs.srv")
    made = {name: types.ModuleType(name) for name in names}
    setattr(made["rclpy.node"], "Node", Node)
    setattr(made["std_msgs.msg"], "Float32MultiArray", Message)
    setattr(made["std_srvs.srv"], "SetBool", object)
    return made


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Examples(unittest.TestCase):
    def test_the_ros_node_decides_records_and_stops(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        state = os.path.join(folder.name, "lives")
        command = {"FLYWHEEL_AGENT_COMMAND": f"{sys.executable} -S -E {FAKE} stops {state}"}
        with mock.patch.dict(sys.modules, modules()), mock.patch.dict(os.environ, command):
            node = load("ros2_node").FlywheelNode()
        try:
            self.assertEqual(
                [call for call in node.calls if call[0] in ("subscription", "publisher", "service")],
                [
                    ("publisher", "~/safe_stop", 1),
                    ("publisher", "~/action", 1),
                    ("subscription", "~/observation", 1),
                    ("service", "~/episode"),
                ],
            )
            node.on_observation(Message([1.0, 2.0]))
            begun = node.on_episode(Message(True), types.SimpleNamespace())
            self.assertEqual([begun.success, begun.message], [True, "01EPISODE"])
            node.on_observation(Message([1.0, 2.0]))
            self.assertEqual(node.actions.published, [[2.0], [2.0]])
            node.agent.flush()
            self.assertEqual(node.agent.counts().frames_recorded, 1)
            # The fake agent orders a safe stop.
            node.agent.busy()
            deadline = time.monotonic() + 60
            while not node.agent._session.is_severed() and time.monotonic() < deadline:
                time.sleep(0.005)
            node.on_observation(Message([1.0, 2.0]))
            self.assertEqual([node.stops.published, node.is_recording], [[[]], False])
            self.assertRegex(node.warnings[0], "safe stop")
            ended = node.on_episode(Message(False), types.SimpleNamespace())
            self.assertEqual([ended.success, ended.message], [True, "there was none"])
        finally:
            node.destroy_node()
        self.assertEqual(node.calls[-1], ("destroy",))
        self.assertTrue(node.on_episode(Message(True), types.SimpleNamespace()).success is False)

    def test_the_loops_compile_and_explain_themselves(self) -> None:
        for name in ("robot_loop", "camera_loop"):
            module = load(name)
            with mock.patch.object(sys, "argv", [f"{name}.py", "--help"]), self.assertRaises(SystemExit) as caught:
                with mock.patch("sys.stdout"):
                    module.main()
            self.assertEqual(caught.exception.code, 0)
