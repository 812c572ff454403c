"""SIGTERM is a notice: the work ends after the step under way, with its state saved. One process's notice is everybody's."""

from __future__ import annotations

import os
import signal
import stat
import threading
import time

from .lines import INTERRUPTED
from .processes import Processes

LOOK_SECONDS = 0.25
#: A process that got the notice waits so long for the first one to save.
SAVING_SECONDS = 120.0


class Notice:
    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._given = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: self._given.set())
        if processes.count > 1:
            threading.Thread(target=self._watch, daemon=True).start()

    @property
    def is_given(self) -> bool:
        return self._given.is_set()

    def saved(self) -> None:
        """Says to the other processes that they may go."""
        self._processes.note("saved")
        if self._processes.count > 1:
            time.sleep(4 * LOOK_SECONDS)

    def _watch(self) -> None:
        """Others keep taking part in steps until the first process has saved: it may be in the middle of one."""
        told, since = False, 0.0
        while True:
            time.sleep(LOOK_SECONDS)
            try:
                if self._given.is_set() and not told:
                    self._processes.note("notice")
                    told, since = True, time.monotonic()
                if self._processes.is_first:
                    if self._processes.sees("notice"):
                        self._given.set()
                elif self._processes.sees("saved") or (told and time.monotonic() - since > SAVING_SECONDS):
                    os._exit(INTERRUPTED)
            except RuntimeError:
                # Whoever kept the notes is gone, and with it the training.
                if told:
                    os._exit(INTERRUPTED)
                return


def end_with_the_caller() -> None:
    """A worker's pipe on standard input closes when the worker dies: nobody waits for us any more. Other inputs say nothing."""
    mode = os.fstat(0).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
