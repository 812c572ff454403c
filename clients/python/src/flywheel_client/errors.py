"""What can go wrong. Every error of this package is a FlywheelError."""

from __future__ import annotations

import signal
from dataclasses import dataclass


class FlywheelError(Exception):
    """Base of all errors of this package, except ValueError and TypeError for wrong arguments."""


class AgentNotFound(FlywheelError):
    """The agent program is not installed where it was expected."""


class AgentClosed(FlywheelError):
    """The agent was closed by this program."""


class AgentTimeout(FlywheelError, TimeoutError):
    """The agent did not answer in time. A late answer is ignored."""

    def __init__(self, message: str, may_still_happen: bool = False) -> None:
        super().__init__(message)
        self.may_still_happen = may_still_happen
        """False when nothing was sent, or it was withdrawn before it was."""


class CallRefused(FlywheelError):
    """The agent refused a call; the message is the agent's."""


class ProtocolError(FlywheelError):
    """The agent's answer is not what the call expects: another program, or another version."""


class EpisodeEnded(FlywheelError):
    """The agent has ended this episode as aborted: after a safe stop, or because its process died. Begin another one."""


class SafeStopFailed(FlywheelError):
    """The callback `on_safe_stop` raised; its exception is the cause. The agent was answered all the same."""


@dataclass(frozen=True)
class Death:
    """How one process of the agent ended."""

    exit_code: int | None
    """As in subprocess: negative for a signal; None if there was no process, or it could not be started."""
    last_lines: tuple[str, ...]
    """The last lines of its standard error, each at most 500 characters."""
    had_open_episode: bool
    is_restarting: bool


class AgentDied(FlywheelError):
    """The agent's process ended. What it had acknowledged is on its disk; an open episode counts as aborted."""

    def __init__(self, death: Death) -> None:
        self.death = death
        parts = [f"the agent ended {_how(death.exit_code)}"]
        if death.had_open_episode:
            parts.append("the open episode is aborted")
        parts.append("it is being started again" if death.is_restarting else "it is not started again")
        said = "\n".join(death.last_lines)
        super().__init__(
            "; ".join(parts) + (f"; its last lines:\n{said}" if said else "; it wrote nothing to standard error")
        )


def _how(exit_code: int | None) -> str:
    if exit_code is None:
        return "(its output is closed)"
    if exit_code >= 0:
        return f"with exit code {exit_code}"
    try:
        return f"by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"by signal {-exit_code}"
