"""Reads a LeRobot data set with LeRobot's own reader, every frame with the image that it decodes for it; pixels go into a file, the rest is printed."""

import json
import sys
from typing import Any

import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset

root, pixels = sys.argv[1:3]
rows = LeRobotDataset("flywheel/export", root=root)
(camera,) = rows.meta.video_keys


def row_of(item: dict[str, Any]) -> dict[str, Any]:
    image = item[camera]
    file.write((image * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy().tobytes())
    numbers = ["episode_index", "frame_index", "index", "timestamp", "observation.state", "action"]
    return {key: item[key].tolist() for key in numbers} | {"task": item["task"], "shape": list(image.shape)}


with open(pixels, "wb") as file:
    read = [row_of(rows[index]) for index in range(len(rows))]
# What policies ask for: this image and the one before, and where there is none.
step = 1 / rows.fps
windows = LeRobotDataset("flywheel/export", root=root, delta_timestamps={camera: [-step, 0.0], "action": [0.0, step]})
first, last = windows[0], windows[len(windows) - 1]
print(
    json.dumps(
        {
            "episodes": rows.num_episodes,
            "fps": rows.fps,
            "rows": read,
            "windows": [list(first[camera].shape), list(last["action"].shape)],
            "padded": [first[f"{camera}_is_pad"].tolist(), last["action_is_pad"].tolist()],
            "statistics": {name: list(value.shape) for name, value in rows.meta.stats[camera].items()},
        }
    )
)
