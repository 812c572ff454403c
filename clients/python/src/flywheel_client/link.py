"""What an agent is reached by: a process that is started here, or two pipes that somebody gives."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import Protocol

from .wire import Pipe, close_quietly

_ENDING_S = 2.0
"""A process that has closed its output ends within this time, or is ended."""


class Link(Protocol):
    """One life of an agent."""

    pid: int | None
    read_from: Pipe
    write_to: Pipe
    complaints: Pipe | None

    def output_ended(self) -> None:
        """The output is closed: what remains of the agent is ended. Called once, on the reader's thread."""

    def wait(self) -> int | None:
        """Blocks until the agent's end; its exit code, if it has one."""

    def end(self, *, force: bool) -> None:
        """Asks it to end, or ends it. Does not wait."""

    def close(self) -> None:
        """Frees what is left, after its end."""


class ProcessLink:
    """A process of its own session: Ctrl-C at a terminal reaches the robot's program only, which then closes the agent."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=dict(environment),
            start_new_session=True,
        )
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        if stdin is None or stdout is None or stderr is None:
            raise OSError("expected pipes to the agent's process")
        self.pid: int | None = self._process.pid
        self.write_to: Pipe = stdin
        self.read_from: Pipe = stdout
        self.complaints: Pipe | None = stderr

    def output_ended(self) -> None:
        try:
            self._process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            self.end(force=True)

    def wait(self) -> int | None:
        return self._process.wait()

    def end(self, *, force: bool) -> None:
        # The whole session: the program may be a shell script that waits for the agent.
        if self._process.returncode is None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL if force else signal.SIGTERM)
            except (ProcessLookupError, PermissionError):
                pass

    def close(self) -> None:
        close_quietly(self.read_from, self.write_to, self.complaints)


class PipesLink:
    """Two pipes to an agent that somebody else started."""

    def __init__(self, read_from: Pipe, write_to: Pipe) -> None:
        self.pid: int | None = None
        self.read_from = read_from
        self.write_to = write_to
        self.complaints: Pipe | None = None
        self._is_over = threading.Event()

    def output_ended(self) -> None:
        self._is_over.set()

    def wait(self) -> int | None:
        self._is_over.wait()
        return None

    def end(self, *, force: bool) -> None:
        self._is_over.set()

    def close(self) -> None:
        close_quietly(self.read_from, self.write_to)
