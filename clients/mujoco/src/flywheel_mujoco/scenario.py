"""What a simulated fleet is told to live through: the part of a simulator's scenario file that arms know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .arm import TASKS


@dataclass(frozen=True)
class Scenario:
    #: Longest episode, frames.
    frames: int = 80
    #: Share of episodes whose wrong actions the expert corrects.
    corrected: float = 1.0
    #: Share of episodes in which the expert drives, as somebody who took over.
    taught: float = 0.0
    #: In turns, episode by episode.
    tasks: tuple[str, ...] = TASKS
    #: A robot begins an episode this often; without it as the program was told.
    episode_seconds: float | None = None


def read_scenario(path: Path | None) -> Scenario:
    """Raises ValueError, naming the field."""
    if path is None:
        return Scenario()
    document = json.loads(path.read_text())
    if not isinstance(document, dict) or not isinstance(world := document.get("world"), dict) or world.get("kind") != "arm":
        raise ValueError(f'{path}: expected {{"world": {{"kind": "arm"}}, …}}')
    unknown = {*document} - {"world", "framesPerEpisode", "correctedFraction", "taughtFraction", "episodeSeconds"} | {*world} - {"kind", "tasks"}
    if unknown:
        raise ValueError(f"{path}: expected no fields that arms do not know, got {', '.join(sorted(map(str, unknown)))}")
    tasks = world.get("tasks", list(TASKS))
    if not isinstance(tasks, list) or not tasks or any(task not in TASKS for task in tasks):
        raise ValueError(f"{path}: world.tasks: expected some of {', '.join(TASKS)}")
    frames = int(_number(document, "framesPerEpisode", 80, 20, 5400))
    corrected, taught = _number(document, "correctedFraction", 1, 0, 1), _number(document, "taughtFraction", 0, 0, 1)
    seconds = _number(document, "episodeSeconds", 0, 0, 86_400) if "episodeSeconds" in document else None
    return Scenario(frames, corrected, taught, tuple(tasks), seconds)


def _number(document: Mapping[str, object], name: str, default: float, least: float, most: float) -> float:
    value = document.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise ValueError(f"{name}: expected a number from {least} to {most}, got {value!r}")
    return value
