"""`flywheel-arms`: a fleet of simulated arms, each with an agent of its own, until they have lived their episodes or are told to end."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from flywheel_client import Agent

from .arm import TASKS, Arm
from .body import Body, read_body
from .robot import Robot, Tally
from .rounds import Rounds
from .scenario import Scenario, read_scenario

#: A machine that many robots share says nothing about how long a model takes.
PATIENCE_S = 600.0
OPEN_AT_ONCE = 2


def say(line: str) -> None:
    print(f"arms: {line}", file=sys.stderr, flush=True)


@dataclass
class Signals:
    is_over: threading.Event
    hurry: threading.Event
    scenario: Scenario


def options(given: Sequence[str] | None) -> argparse.Namespace:
    """As `flywheel simulate fleet` has them."""
    parser = argparse.ArgumentParser(prog="flywheel-arms", description=__doc__)
    parser.add_argument("--gateway", required=True, help="URL of the gateway")
    parser.add_argument("--robots", required=True, type=Path, help="JSON list of {robotId, token}, as `flywheel robots add` printed them")
    parser.add_argument("--root", required=True, help="the fleet's root document, from `keys show --root`")
    parser.add_argument("--dir", required=True, type=Path, help="folder for the robots' disks")
    parser.add_argument("--scenario", type=Path, help='JSON file: {"world": {"kind": "arm"}}; read again on SIGHUP')
    parser.add_argument("--episodes", type=int, default=0, help="episodes of each robot; 0: until SIGINT or SIGTERM")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--episode-seconds", type=float, default=0.0, help="a robot begins an episode this often")
    senses = "push-arm@1, push-arm-camera@1, or a file: arms read its observations and see by its camera"
    parser.add_argument("--robot-type", default="push-arm@1", help=senses)
    parser.add_argument("--drain-seconds", type=float, default=60.0, help="how long to wait at the end for uploads")
    parser.add_argument("--contact-seconds", type=float, default=60.0, help="as of `flywheel agent`")
    parser.add_argument("--no-real-time", action="store_true", help="taken for likeness: arms move as fast as their machine lets them")
    parser.add_argument("--json", action="store_true", help="the tally as one JSON object")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    asked = options(given)
    robots = read_robots(asked.robots)
    body = body_asked(asked.robot_type)
    signals = Signals(threading.Event(), threading.Event(), read_scenario(asked.scenario))
    listen(signals, asked.scenario)
    end_with_parent(signals)
    rounds = Rounds()
    with contextlib.ExitStack() as stack:
        opened = threading.Semaphore(OPEN_AT_ONCE)

        def begin(position: int) -> Robot:
            with opened:
                return open_robot(stack, asked, body, position, robots[position], signals, rounds)

        with ThreadPoolExecutor(len(robots)) as pool:
            fleet = list(pool.map(begin, range(len(robots))))
            list(pool.map(lambda robot: robot.live(asked.episodes or None), fleet))
            left = list(pool.map(lambda robot: robot.drain(asked.drain_seconds, signals.hurry), fleet))
    total = Tally()
    for robot in fleet:
        total.add(robot.tally)
    rest = {
        "waitingBytes": sum(each.waiting_bytes for each in left),
        "waitingTelemetry": sum(each.waiting_telemetry for each in left),
        "lostImages": sum(each.lost_images for each in left),
    }
    if asked.json:
        print(json.dumps({**asdict(total), **rest}))
    else:
        say(f"{total.episodes} episodes: {total.successes} successes, {total.failures} failures; {total.interrupted} interrupted")
        say(f"{total.frames} frames, {total.corrections} corrected; {rest['waitingBytes']:.0f} bytes are not uploaded yet")
        if body.camera is not None:
            say(f"{total.images} images, {rest['lostImages']:.0f} lost")
    return 0


def body_asked(robot_type: str) -> Body:
    """Before any robot is started: whether arms can be this, and whether this machine renders at all."""
    try:
        body = read_body(robot_type)
    except (OSError, ValueError) as cause:
        raise SystemExit(str(cause)) from None
    if body.camera is None:
        return body
    arm = Arm(0, 0)
    try:
        arm.begin(0, TASKS[0])
        arm.see(body.camera.width, body.camera.height)
    except Exception as cause:  # OpenGL's libraries raise whatever they like.
        raise SystemExit(
            f"the wrist camera needs a renderer: set MUJOCO_GL=egl (on Debian: apt-get install libegl1 libgl1-mesa-dri) or osmesa; got {cause}"
        ) from None
    finally:
        arm.close()
    return body


def open_robot(
    stack: contextlib.ExitStack,
    asked: argparse.Namespace,
    body: Body,
    position: int,
    robot: tuple[str, str],
    signals: Signals,
    rounds: Rounds,
) -> Robot:
    identity, token = robot
    directory = asked.dir / identity
    directory.mkdir(parents=True, exist_ok=True)
    opened: list[Robot] = []

    def stop() -> None:
        for each in opened:
            each.stop()

    agent = Agent(
        robot=identity,
        gateway=asked.gateway,
        directory=directory,
        root=asked.root,
        robot_type=asked.robot_type,
        token=token,
        on_safe_stop=stop,
        contact_seconds=asked.contact_seconds,
        policy_seconds=PATIENCE_S,
        timeout_s=PATIENCE_S,
        decide_timeout_s=PATIENCE_S,
        start_timeout_s=PATIENCE_S,
        stop_timeout_s=60.0,
    )
    arm = Arm(asked.seed, position)
    stack.callback(arm.close)
    stack.enter_context(agent)
    opened.append(Robot(position, agent, arm, body, lambda: signals.scenario, rounds, signals.is_over, asked.episode_seconds))
    return opened[0]


def read_robots(path: Path) -> list[tuple[str, str]]:
    document = json.loads(path.read_text())
    if not isinstance(document, list) or not document:
        raise SystemExit(f"{path}: expected a list of robots")
    robots = [(each.get("robotId"), each.get("token")) if isinstance(each, dict) else (None, None) for each in document]
    if not all(isinstance(robot, str) and isinstance(token, str) for robot, token in robots):
        raise SystemExit(f"{path}: expected robotId and token of each robot")
    return [(str(robot), str(token)) for robot, token in robots]


def listen(signals: Signals, scenario: Path | None) -> None:
    def reload(*_: object) -> None:
        try:
            signals.scenario = read_scenario(scenario)
        except (OSError, ValueError) as error:
            say(f"keeps the previous scenario: {error}")

    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: signals.is_over.set())
    signal.signal(signal.SIGHUP, reload)


def end_with_parent(signals: Signals) -> None:
    """A supervisor that dies takes its robots with it, and nobody is left to upload to. It holds the other end of a channel."""
    channel = os.environ.pop("NODE_CHANNEL_FD", "")
    if not channel.isdigit():
        return

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(int(channel), 4096):
                pass
        signals.is_over.set()
        signals.hurry.set()

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
