"""One life of the agent's process, and what waits for it."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import Death
from .link import Link
from .values import bounded_text
from .wire import LineQueue

_LAST_LINES = 20
_LONGEST_REFUSAL = 1_000


@dataclass(frozen=True)
class Settings:
    """Times in seconds."""

    queue_frames: int
    queue_images: int
    start_timeout_s: float
    stop_timeout_s: float
    restart: bool
    first_restart_s: float
    longest_restart_s: float


class Call:
    """One call that waits for its answer."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.result: object = None
        self.refusal: str | None = None
        self.death: Death | None = None
        self.is_closed = False


@dataclass(eq=False)
class Life:
    """One process of the agent, from before its start to its end."""

    handshake: Call
    queue: LineQueue = field(default_factory=LineQueue)
    calls: dict[int, Call] = field(default_factory=dict)
    frames: set[int] = field(default_factory=set)
    images: dict[int, str | None] = field(default_factory=dict)
    """Images that wait for the agent's answer, and the files in which they wait."""
    stopped: set[int] = field(default_factory=set)
    """Answers to safe stops that the agent has not acknowledged."""
    complaints: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_LINES))
    link: Link | None = None
    is_ready: bool = False
    death: Death | None = None


def refusal_text(error: object) -> str:
    """What the agent says against a call, bounded."""
    return (bounded_text(error, _LONGEST_REFUSAL) if isinstance(error, str) else "") or "no reason was given"


_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def line_of(message: Mapping[str, object]) -> bytes:
    """A message as the agent reads it."""
    return _ENCODER.encode(message).encode() + b"\n"
