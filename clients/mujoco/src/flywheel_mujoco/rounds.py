"""Keeps robots together on a machine that cannot keep their pace: nobody begins an episode before all others have begun as many."""

from __future__ import annotations

import threading


class Rounds:
    """Otherwise robots whose episodes end early would live more of them, which no real fleet does. Who leaves is not waited for."""

    def __init__(self) -> None:
        self._begun: dict[int, int] = {}
        self._changed = threading.Condition()

    def join(self, robot: int) -> None:
        """From now on the others wait for it; it begins with them. Again changes nothing."""
        with self._changed:
            self._begun.setdefault(robot, min(self._begun.values(), default=0))

    def leave(self, robot: int) -> None:
        with self._changed:
            self._begun.pop(robot, None)
            self._changed.notify_all()

    def begin(self, robot: int, is_over: threading.Event) -> None:
        """Waits for its turn, or until it is over."""
        with self._changed:
            while not is_over.is_set() and self._begun.get(robot, 0) > min(self._begun.values(), default=0):
                self._changed.wait(0.1)
            self._begun[robot] = self._begun.get(robot, 0) + 1
            self._changed.notify_all()
