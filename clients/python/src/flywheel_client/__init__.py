"""The Flywheel robot agent for robot programs in Python. See docs/python.md."""

from .agent import OUTCOMES, Agent, Episode, Outcome
from .answers import Decision, Status
from .counts import Counts
from .errors import (
    AgentClosed,
    AgentDied,
    AgentNotFound,
    AgentTimeout,
    CallRefused,
    Death,
    EpisodeEnded,
    FlywheelError,
    ProtocolError,
    SafeStopFailed,
)
from .images import Image

__version__ = "0.1.0"
__all__ = [
    "OUTCOMES",
    "Agent",
    "AgentClosed",
    "AgentDied",
    "AgentNotFound",
    "AgentTimeout",
    "CallRefused",
    "Counts",
    "Death",
    "Decision",
    "Episode",
    "EpisodeEnded",
    "FlywheelError",
    "Image",
    "Outcome",
    "ProtocolError",
    "SafeStopFailed",
    "Status",
]
