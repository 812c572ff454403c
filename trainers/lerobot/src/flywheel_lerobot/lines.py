"""What the program says to the worker: one JSON object a line on standard output, and exit codes."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
from collections.abc import Mapping

DONE = 0
#: The job cannot be done at all: nobody tries it again.
IMPOSSIBLE = 65
FAILED = 1


class Impossible(Exception):
    """No further attempt can do this job; the text says what was expected and what was found."""


class Failed(Exception):
    """Another attempt may do it."""


def say(event: str, facts: Mapping[str, object]) -> None:
    """Prints a line of the contract. A number that JSON does not have (NaN, infinity) is an error here, not at the reader."""
    sys.stdout.write(json.dumps({"event": event, **facts}, allow_nan=False) + "\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """For people, on standard error; the worker keeps the last 4 KiB of it."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def end_with_the_caller() -> None:
    """A worker's pipe on standard input closes when the worker dies: nobody waits for us any more. Other inputs say nothing."""
    mode = os.fstat(0).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os._exit(FAILED)

    threading.Thread(target=watch, daemon=True).start()
