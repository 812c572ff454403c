"""What the program says to the worker: one JSON object a line on standard output, and exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

DONE = 0
#: The job cannot be done at all: nobody tries it again.
IMPOSSIBLE = 65
#: Ended on notice, after its state was saved: the next attempt goes on from there.
INTERRUPTED = 75


class Impossible(Exception):
    """No further attempt can do this job; the text says what was expected and what was found."""


class Interrupted(Exception):
    """Somebody asked the program to end, and its state is saved."""


def say(event: str, facts: Mapping[str, object]) -> None:
    """Prints a line of the contract. A number that JSON does not have (NaN, infinity) is an error here, not at the reader."""
    sys.stdout.write(json.dumps({"event": event, **facts}, allow_nan=False) + "\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """One line for people, on standard error; the worker keeps the last 4 KiB of it."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
