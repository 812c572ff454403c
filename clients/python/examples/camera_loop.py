"""A control loop with a camera: `python camera_loop.py --help`. The token is in FLYWHEEL_ROBOT_TOKEN. Robot and camera are pretended."""

from __future__ import annotations

import argparse
import random
import threading
import time

from flywheel_client import Agent, AgentClosed, AgentDied, AgentTimeout, CallRefused, EpisodeEnded


class PretendedRobot:
    def sensors(self) -> list[float]:
        return [random.uniform(0.5, 5.0) for _ in range(24)]

    def drive(self, action: float) -> None:
        print(f"drives {int(action)}")

    def stop(self) -> None:
        print("stands still")


class PretendedCamera:
    """What a driver gives: here raw RGB pixels, elsewhere JPEG as bytes or a NumPy array of uint8 [height, width, 3]."""

    def __init__(self, width: int, height: int) -> None:
        self._size = width * height * 3

    def image(self) -> bytes:
        return random.randbytes(self._size)


class Eye:
    """Hands every image to the agent, on a thread of its own, and remembers the newest one for the policy."""

    def __init__(self, agent: Agent, name: str, camera: PretendedCamera, rate_hz: float) -> None:
        self._agent, self._name, self._camera, self._period_s = agent, name, camera, 1 / rate_hz
        self._is_over = threading.Event()
        self.newest: bytes | None = None
        self._thread = threading.Thread(target=self._look, name="camera", daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._is_over.wait(self._period_s):
            self.newest = self._camera.image()
            try:
                self._agent.record_image(self._name, self.newest)
            except CallRefused as error:
                print(error)
            except (AgentClosed, AgentDied):
                return

    def close(self) -> None:
        self._is_over.set()
        self._thread.join()


def run_episode(agent: Agent, robot: PretendedRobot, eye: Eye, name: str, frames: int) -> None:
    with agent.episode() as episode:
        for _ in range(frames):
            next_s = time.monotonic() + 1 / 9.0
            observation = robot.sensors()
            # A model that sees decides on nothing without an image: wait for the first.
            decision = agent.decide(observation, images={name: eye.newest}) if eye.newest is not None else None
            action = decision.action[0] if decision else 0.0
            robot.drive(action)
            if decision is None:
                episode.record(observation, action)
            else:
                episode.record(observation, action, decision.latency_ms, decoding_ms=decision.decoding_ms)
            time.sleep(max(0.0, next_s - time.monotonic()))
        episode.end("success")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("robot", "gateway", "directory", "root", "robot-type", "camera"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--size", default="640x480", help="of the camera's images")
    parser.add_argument("--rate-hz", type=float, default=10.0)
    parser.add_argument("--images", help="folder for larger images, best in memory, e.g. /dev/shm/flywheel")
    parser.add_argument("--frames", type=int, default=90)
    parser.add_argument("--decide-timeout-s", type=float, default=2.0, help="how long a decision may take")
    options = parser.parse_args()
    width, height = (int(number) for number in options.size.split("x"))
    robot = PretendedRobot()
    with Agent(
        robot=options.robot,
        gateway=options.gateway,
        directory=options.directory,
        root=options.root,
        robot_type=options.robot_type,
        images=options.images,
        on_safe_stop=robot.stop,
        decide_timeout_s=options.decide_timeout_s,
    ) as agent:
        eye = Eye(agent, options.camera, PretendedCamera(width, height), options.rate_hz)
        try:
            run_episode(agent, robot, eye, options.camera, options.frames)
            agent.flush()
        except (AgentDied, AgentTimeout, CallRefused, EpisodeEnded) as error:
            robot.stop()
            print(error)
        finally:
            eye.close()
        print(agent.counts())


if __name__ == "__main__":
    main()
