"""Moves lines over two pipes, on threads of their own. Knows nothing of what the lines mean."""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

LONGEST_LINE = 1024 * 1024
"""Bytes; a longer line is passed over."""
_PIECE = 4096
"""A pipe that is ready takes this much without blocking (PIPE_BUF)."""


class Pipe(Protocol):
    """A binary file with a file descriptor."""

    def fileno(self) -> int: ...

    def close(self) -> None: ...


class BoundedLines:
    """Cuts bytes into lines. Keeps at most one unfinished line, of at most `longest` bytes."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._pieces: list[bytes] = []
        self._size = 0
        self._is_too_long = False
        self.passed_over = 0
        """Lines that were longer."""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` ends, without their line ends."""
        *ended, rest = data.split(b"\n")
        lines = []
        for piece in ended:
            self._add(piece)
            if not self._is_too_long:
                lines.append(b"".join(self._pieces))
            self._pieces, self._size, self._is_too_long = [], 0, False
        self._add(rest)
        return lines

    def rest(self) -> bytes:
        """What came after the last line end."""
        return b"".join(self._pieces)

    def _add(self, piece: bytes) -> None:
        if self._is_too_long or not piece:
            return
        self._size += len(piece)
        if self._size > self._longest:
            self._pieces, self._is_too_long = [], True
            self.passed_over += 1
            return
        self._pieces.append(piece)
        # A peer that writes byte by byte makes no list of a million pieces.
        if len(self._pieces) > 1_000:
            self._pieces = [b"".join(self._pieces)]


class Stopper:
    """Wakes threads that wait for a file descriptor."""

    def __init__(self) -> None:
        self._read_end, self._write_end = os.pipe()
        self._lock = threading.Lock()
        self._is_set = False

    def set(self) -> None:
        with self._lock:
            if not self._is_set:
                self._is_set = True
                os.write(self._write_end, b"x")

    def wait_for(self, descriptor: int, events: int) -> bool:
        """Waits for the descriptor; False when everything is to stop."""
        poll = select.poll()
        poll.register(descriptor, events)
        poll.register(self._read_end, select.POLLIN)
        return self._read_end not in (ready for ready, _ in poll.poll())

    def close(self) -> None:
        """Only when no thread waits any more."""
        os.close(self._read_end)
        os.close(self._write_end)


class LineReader:
    """Calls `on_line` for each line on a thread of its own; `on_end` once, at the end of the input."""

    def __init__(
        self,
        pipe: Pipe,
        stopper: Stopper,
        on_line: Callable[[bytes], None],
        on_end: Callable[[], None],
        longest: int = LONGEST_LINE,
    ) -> None:
        self.lines = BoundedLines(longest)
        self._pipe = pipe
        self._stopper = stopper
        self._on_line = on_line
        self._on_end = on_end
        self.thread = threading.Thread(target=self._run, name="flywheel-reader", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            descriptor = self._pipe.fileno()
            while self._stopper.wait_for(descriptor, select.POLLIN):
                data = os.read(descriptor, 65536)
                if not data:
                    break
                for line in self.lines.feed(data):
                    self._tell(line)
            self._tell(self.lines.rest())
        except (OSError, ValueError):
            pass
        finally:
            self._on_end()

    def _tell(self, line: bytes) -> None:
        try:
            self._on_line(line)
        except Exception:  # A log handler of the program may raise anything; the next line is read all the same.
            pass


class LineQueue:
    """Lines that wait to be written, in order. `put` never blocks; who uses it bounds how many wait."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._lines: deque[list[bytes]] = deque()
        self._is_finished = False
        self.thread: threading.Thread | None = None

    def put(self, line: bytes) -> list[bytes]:
        """Returns what `withdraw` takes."""
        item = [line]
        with self._changed:
            self._lines.append(item)
            self._changed.notify()
        return item

    def withdraw(self, item: list[bytes]) -> bool:
        """Takes a line back; False when it is written already, or half."""
        with self._changed:
            for index, waiting in enumerate(self._lines):
                if waiting is item:
                    del self._lines[index]
                    return True
        return False

    def finish(self) -> None:
        """Closes the pipe as soon as what waits is written."""
        with self._changed:
            self._is_finished = True
            self._changed.notify()

    def start(self, pipe: Pipe, stopper: Stopper) -> None:
        """Writes to the pipe from now on, on a thread of its own."""
        self.thread = threading.Thread(target=self._run, args=(pipe, stopper), name="flywheel-writer", daemon=True)
        self.thread.start()

    def _run(self, pipe: Pipe, stopper: Stopper) -> None:
        try:
            descriptor = pipe.fileno()
            while True:
                with self._changed:
                    while not self._lines and not self._is_finished:
                        self._changed.wait()
                    if not self._lines:
                        return
                    data = b"".join(self._lines.popleft())
                while data:
                    if not stopper.wait_for(descriptor, select.POLLOUT):
                        return
                    data = data[os.write(descriptor, data[:_PIECE]) :]
        except (OSError, ValueError):
            # Nobody reads any more: the reader sees the end, and says so.
            return
        finally:
            _close(pipe)


def _close(pipe: Pipe) -> None:
    try:
        pipe.close()
    except OSError:
        pass


def close_quietly(*pipes: Pipe | None) -> None:
    """Closes pipes, whatever state they are in."""
    for pipe in pipes:
        if pipe is not None:
            _close(pipe)
