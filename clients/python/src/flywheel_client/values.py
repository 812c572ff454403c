"""What may be sent: finite numbers and bounded text."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Any, Protocol, Union

MOST_NUMBERS = 1024
LATEST_US = 2**53 - 1
"""The largest whole number that JSON programs agree on; in µs, the year 2255."""


class HasToList(Protocol):
    """A NumPy array or scalar, a tensor, an array.array."""

    def tolist(self) -> Any: ...


Numbers = Union[float, Iterable[float], HasToList]
"""One number, or a flat sequence of numbers, NumPy arrays included."""


def number_list(name: str, values: Numbers) -> list[float]:
    """A flat list of at most 1024 finite numbers; ValueError or TypeError names the wrong one."""
    listed: Any = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(listed, numbers.Real):
        listed = (listed,)
    if isinstance(listed, (str, bytes, bytearray, dict)) or not isinstance(listed, Iterable):
        raise TypeError(f"expected {name} to be numbers, got {type(values).__name__}")
    checked: list[float] = []
    for index, value in enumerate(listed):
        if index >= MOST_NUMBERS:
            raise ValueError(f"expected {name} of at most {MOST_NUMBERS} numbers, got more")
        # Nearly all are of this kind, and a control loop waits.
        is_usual = type(value) is float and math.isfinite(value)
        checked.append(value if is_usual else finite_number(f"{name}[{index}]", value))
    return checked


def finite_number(name: str, value: Any) -> float:
    """A finite number; whole numbers stay whole."""
    if not isinstance(value, numbers.Real):
        raise TypeError(f"expected {name} to be a number, got {type(value).__name__}")
    try:
        number = int(value) if isinstance(value, numbers.Integral) else float(value)
        is_finite = math.isfinite(number)
    except OverflowError:
        is_finite = False
    if not is_finite:
        raise ValueError(f"expected {name} to be a finite number, got {str(value)[:40]}")
    return number


def duration_ms(name: str, value: float) -> float:
    """A time in ms: finite, at least 0."""
    number = finite_number(name, value)
    if number < 0:
        raise ValueError(f"expected {name} of at least 0, got {number}")
    return number


def instant_us(value: int) -> int:
    """An instant in µs since 1970 by the robot's clock."""
    if not isinstance(value, numbers.Integral) or not 0 <= int(value) <= LATEST_US:
        raise ValueError(f"expected at_us to be whole microseconds from 0 to {LATEST_US}, got {str(value)[:40]}")
    return int(value)


def bounded_text(text: object, most: int) -> str:
    """Text without control characters, of at most `most` UTF-16 units, as the agent counts them."""
    printable = "".join(letter if letter.isprintable() else " " for letter in str(text)[: most * 2]).strip()
    return printable.encode("utf-16-le", "ignore")[: most * 2].decode("utf-16-le", "ignore")


def task_name(task: str) -> str:
    """The name of a task: text of 1 to 200 characters."""
    if not isinstance(task, str) or not 1 <= len(task) <= 200:
        raise ValueError(f"expected task to be text of 1 to 200 characters, got {str(task)[:40]!r}")
    return task


def positive_seconds(name: str, value: float) -> float:
    """A time-out in seconds: finite and above 0."""
    number = finite_number(name, value)
    if number <= 0:
        raise ValueError(f"expected {name} above 0 seconds, got {number}")
    return number
