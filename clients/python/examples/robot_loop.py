"""A complete control loop, with a robot that is only pretended: `python robot_loop.py --help`. The token is in FLYWHEEL_ROBOT_TOKEN."""

import argparse
import random
import time

from flywheel_client import Agent, AgentDied, AgentTimeout, EpisodeEnded


class PretendedRobot:
    """24 distances around it, four ways to drive."""

    def sensors(self) -> list[float]:
        return [random.uniform(0.5, 5.0) for _ in range(24)]

    def drive(self, action: float) -> None:
        print(f"drives {('forward', 'left', 'right', 'sharp right')[int(action)]}")

    def stop(self) -> None:
        print("stands still")


def run_episode(agent: Agent, robot: PretendedRobot, frames: int, rate_hz: float) -> None:
    with agent.episode() as episode:
        for _ in range(frames):
            next_s = time.monotonic() + 1 / rate_hz
            observation = robot.sensors()
            decision = agent.decide(observation)
            # Until the first version is installed: whatever drove the robot before.
            action, latency_ms = (decision.action[0], decision.latency_ms) if decision else (0.0, None)
            robot.drive(action)
            episode.record(observation, action, latency_ms)
            time.sleep(max(0.0, next_s - time.monotonic()))
        episode.end("success")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("robot", "gateway", "directory", "root"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--episodes", type=int, default=3)
    parser.add_argument("--frames", type=int, default=90)
    parser.add_argument("--decide-timeout-s", type=float, default=2.0, help="how long a decision may take")
    options = parser.parse_args()
    robot = PretendedRobot()
    with Agent(
        robot=options.robot,
        gateway=options.gateway,
        directory=options.directory,
        root=options.root,
        on_safe_stop=robot.stop,
        decide_timeout_s=options.decide_timeout_s,
    ) as agent:
        for _ in range(options.episodes):
            try:
                run_episode(agent, robot, options.frames, rate_hz=9.0)
            except (AgentDied, AgentTimeout, EpisodeEnded) as error:
                robot.stop()
                print(error)
        print(agent.counts())


if __name__ == "__main__":
    main()
