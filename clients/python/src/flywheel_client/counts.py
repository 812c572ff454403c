"""What became of the frames, and of the agent's lines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """Since the agent was opened. Offered = recorded + refused + dropped + unconfirmed + waiting, of frames and of images."""

    frames_offered: int = 0
    """Given to `record` or `correct`, and not refused at once with an exception."""
    frames_recorded: int = 0
    """Acknowledged: they survive the death of both processes."""
    frames_refused: int = 0
    """The agent did not take them, for instance because of their size."""
    frames_dropped: int = 0
    """Too many frames waited for the agent."""
    frames_unconfirmed: int = 0
    """Waiting when the agent died; those that it had written are on its disk all the same."""
    frames_waiting: int = 0
    images_offered: int = 0
    """Given to `record_image`, and not refused at once with an exception."""
    images_recorded: int = 0
    """Acknowledged; which of them the agent left out all the same stands in `status().images_dropped`."""
    images_refused: int = 0
    images_dropped: int = 0
    """Too many images waited for the agent, or no file could be written for one."""
    images_unconfirmed: int = 0
    images_waiting: int = 0
    ignored_lines: int = 0
    """Lines of the agent that this package does not understand, or that nobody waits for any more."""
    restarts: int = 0
