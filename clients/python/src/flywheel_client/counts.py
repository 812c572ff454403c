"""What became of the frames, and of the agent's lines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """Since the agent was opened. Frames offered = recorded + refused + dropped + unconfirmed + waiting."""

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
    ignored_lines: int = 0
    """Lines of the agent that this package does not understand, or that nobody waits for any more."""
    restarts: int = 0
