"""
A ROS 2 node around the agent: observations in, actions out, one episode a call of the service `~/episode` (true begins, false ends as a success).
Parameters: robot, gateway, directory, root, task. The token is in FLYWHEEL_ROBOT_TOKEN.
"""

from __future__ import annotations

from typing import Any

import rclpy
from rclpy.node import Node
from std_msgs.msg import Float32MultiArray
from std_srvs.srv import SetBool

from flywheel_client import Agent, EpisodeEnded, FlywheelError


class FlywheelNode(Node):  # type: ignore[misc]  # ROS 2 brings no types
    def __init__(self) -> None:
        super().__init__("flywheel")
        for name in ("robot", "gateway", "directory", "root", "task"):
            self.declare_parameter(name, "")
        self.stops = self.create_publisher(Float32MultiArray, "~/safe_stop", 1)
        self.actions = self.create_publisher(Float32MultiArray, "~/action", 1)
        self.agent = Agent(
            robot=self.parameter("robot"),
            gateway=self.parameter("gateway"),
            directory=self.parameter("directory"),
            root=self.parameter("root"),
            on_safe_stop=self.on_safe_stop,
        ).open()
        self.is_recording = False
        self.create_subscription(Float32MultiArray, "~/observation", self.on_observation, 1)
        self.create_service(SetBool, "~/episode", self.on_episode)

    def parameter(self, name: str) -> str:
        return str(self.get_parameter(name).value)

    def on_observation(self, message: Any) -> None:
        """Decides, acts and records. Without a decision nothing is published: the driver's own time-out stops the robot."""
        try:
            decision = self.agent.decide(message.data, self.parameter("task") or None)
            if decision is None:
                return
            self.actions.publish(Float32MultiArray(data=[float(value) for value in decision.action]))
            if self.is_recording:
                self.agent.record(message.data, decision.action, decision.latency_ms)
        except EpisodeEnded as error:
            self.is_recording = False
            self.get_logger().warning(str(error))
        except FlywheelError as error:
            self.get_logger().error(str(error))

    def on_episode(self, request: Any, response: Any) -> Any:
        try:
            if request.data:
                response.message = self.agent.begin_episode(self.parameter("task") or None)
            else:
                response.message = "kept" if self.agent.end_episode("success") else "there was none"
            self.is_recording, response.success = bool(request.data), True
        except FlywheelError as error:
            response.success, response.message = False, str(error)
        return response

    def on_safe_stop(self) -> None:
        """On the agent's thread: the driver that subscribes to it stops the robot."""
        self.stops.publish(Float32MultiArray(data=[]))

    def destroy_node(self) -> None:
        self.agent.close()
        super().destroy_node()


def main() -> None:
    rclpy.init()
    node = FlywheelNode()
    try:
        rclpy.spin(node)
    finally:
        node.destroy_node()
        rclpy.shutdown()


if __name__ == "__main__":
    main()
