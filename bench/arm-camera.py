"""
What a picture of the arm's wrist camera costs its robot's program, on one core: to render it in software, and to write the line that hands it to the agent.

    MUJOCO_GL=egl PYTHONPATH=clients/python/src:clients/mujoco/src $(node tools/tool.ts python-mujoco) bench/arm-camera.py

JPEG and clip are the agent's, after the episode.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from flywheel_client.images import ImageDoor, image_bytes
from flywheel_mujoco import Arm, expert_action, read_body


def timed(work: Callable[[], Any], wall: list[float], cpu: list[float]) -> Any:
    """Milliseconds; those of the processor are of all threads, the renderer's too."""
    begun, busy = time.perf_counter(), time.process_time()
    result = work()
    wall.append(1e3 * (time.perf_counter() - begun))
    cpu.append(1e3 * (time.process_time() - busy))
    return result


def figures(wall: list[float], cpu: list[float]) -> dict[str, float]:
    told = {"medianMs": np.median(wall), "p99Ms": np.quantile(wall, 0.99), "cpuMeanMs": np.mean(cpu)}
    return {name: round(float(value), 2) for name, value in told.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--robot-type", default="push-arm-camera@1")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    camera = read_body(options.robot_type).camera
    if camera is None:
        raise SystemExit(f"expected a robot type with a camera, got {options.robot_type}")
    arm, door = Arm(1, 0), ImageDoor(None)
    times: dict[str, tuple[list[float], list[float]]] = {"step": ([], []), "render": ([], []), "line": ([], [])}
    arm.begin(0, "push")
    arm.see(camera.width, camera.height)
    for image in range(options.images):
        if image % 40 == 0:
            arm.begin(image, "push")
        timed(lambda: arm.act(expert_action("push", arm.observe())), *times["step"])
        seen = timed(lambda: arm.see(camera.width, camera.height), *times["render"])
        timed(lambda: json.dumps(door.field(image_bytes(seen))[0]), *times["line"])
    arm.close()
    told = {name: figures(*of) for name, of in times.items()}
    print(json.dumps({"width": camera.width, "height": camera.height, "images": options.images, **told}))


if __name__ == "__main__":
    main()
