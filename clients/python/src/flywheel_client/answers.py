"""What the agent answers, checked: it is a program of its own, and may be of another version."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from .errors import ProtocolError
from .values import MOST_NUMBERS


@dataclass(frozen=True)
class Decision:
    """What the policy does in one situation."""

    version: str
    """The version of the policy that decided."""
    action: tuple[float, ...]
    """As `record` takes it: one index if the robot type's actions are discrete, else one number for each range."""
    latency_ms: float
    """How long the model took, decoding of images included, ms; for `record`."""
    decoding_ms: float | None = None
    """How much of it went into decoding and scaling images, ms; for `record`. None: there was none to decode."""


@dataclass(frozen=True)
class Status:
    """How the agent stands. A field that the agent did not tell is None."""

    is_connected: bool | None
    installed_version: str | None
    trial_id: str | None
    waiting_bytes: float | None
    """Recordings that wait for upload, bytes."""
    waiting_segments: float | None
    waiting_telemetry: float | None
    waiting_reports: float | None
    dropped_episodes: float | None
    """Episodes that the disk quota dropped."""
    set_aside: float | None
    """Entries that no gateway takes."""
    refused_tasks: float | None
    lost_frames: float | None
    """Frames that the disk did not take."""
    discarded_frames: float | None
    """Frames that came after the agent had ended their episode."""
    waiting_image_bytes: float | None
    """Images that wait on the disk, bytes."""
    waiting_clips: float | None
    images_dropped: Mapping[str, float]
    """Images that are lost since the disk was new, by reason (docs/cameras.md)."""
    skew_ms: float | None
    """Robot clock minus gateway clock, ms; None before the first contact."""
    contactless_ms: float | None
    unfresh_ms: float | None
    obeys_signed_only: bool | None
    told: Mapping[str, object]
    """All that the agent told, also what this package does not know."""


def decision_of(answer: object) -> Decision | None:
    """None while there is no version that can be trusted."""
    if answer is None:
        return None
    if not isinstance(answer, dict):
        raise _unexpected("decide", "an object or null", answer)
    version, action, latency_ms = answer.get("version"), answer.get("action"), answer.get("latencyMs")
    if not isinstance(version, str) or not isinstance(action, list) or not 0 < len(action) <= MOST_NUMBERS:
        raise _unexpected("decide", "a version and an action", answer)
    # Nobody may act on what is no number.
    if not all(_is_finite(value) for value in action) or not _is_finite(latency_ms) or latency_ms < 0:
        raise _unexpected("decide", "an action and a latency of finite numbers", answer)
    decoding_ms = answer.get("decodingMs")
    return Decision(version[:200], tuple(action), latency_ms, decoding_ms if _is_finite(decoding_ms) else None)


def status_of(answer: object) -> Status:
    """Fields of a wrong type are None, unknown ones only in `told`."""
    if not isinstance(answer, dict):
        raise _unexpected("status", "an object", answer)

    def number(name: str) -> float | None:
        value = answer.get(name)
        return value if _is_finite(value) else None

    def text(name: str) -> str | None:
        value = answer.get(name)
        return value[:200] if isinstance(value, str) else None

    def fact(name: str) -> bool | None:
        value = answer.get(name)
        return value if isinstance(value, bool) else None

    def counts(name: str) -> dict[str, float]:
        value = answer.get(name)
        pairs = value.items() if isinstance(value, dict) else ()
        return {str(reason)[:100]: count for reason, count in list(pairs)[:100] if _is_finite(count)}

    return Status(
        is_connected=fact("isConnected"),
        installed_version=text("installedVersion"),
        trial_id=text("trialId"),
        waiting_bytes=number("waitingBytes"),
        waiting_segments=number("waitingSegments"),
        waiting_telemetry=number("waitingTelemetry"),
        waiting_reports=number("waitingReports"),
        dropped_episodes=number("droppedEpisodes"),
        set_aside=number("setAside"),
        refused_tasks=number("refusedTasks"),
        lost_frames=number("lostFrames"),
        discarded_frames=number("discardedFrames"),
        waiting_image_bytes=number("waitingImageBytes"),
        waiting_clips=number("waitingClips"),
        images_dropped=counts("imagesDropped"),
        skew_ms=number("skewMs"),
        contactless_ms=number("contactlessMs"),
        unfresh_ms=number("unfreshMs"),
        obeys_signed_only=fact("obeysSignedOnly"),
        told=dict(answer),
    )


def episode_id_of(answer: object) -> str:
    """The id of the episode that was begun."""
    if not isinstance(answer, str) or not 0 < len(answer) <= 200:
        raise _unexpected("beginEpisode", "an episode's id", answer)
    return answer


def is_recorded_of(answer: object) -> bool:
    """Whether the ended episode had frames and was kept."""
    if not isinstance(answer, bool):
        raise _unexpected("endEpisode", "true or false", answer)
    return answer


def _is_finite(value: Any) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _unexpected(call: str, expected: str, got: object) -> ProtocolError:
    return ProtocolError(f"{call}: expected {expected} from the agent, got {_shown(got)}")


def _shown(got: object) -> str:
    """Lists and objects may be nested deeper than Python can write."""
    return repr(got)[:200] if got is None or isinstance(got, (str, int, float)) else f"a {type(got).__name__}"
