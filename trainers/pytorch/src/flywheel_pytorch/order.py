"""Which rows a step learns from: a pure function of seed and step, whatever the number of processes, so that nothing needs to be kept."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def steps_in_pass(rows: int, batch_size: int) -> int:
    """Whole batches only; what remains comes in the order of another pass."""
    return max(1, rows // batch_size)


@lru_cache(maxsize=2)
def order_of_pass(rows: int, seed: int, number: int) -> np.ndarray:
    """int64 [rows]: each row once."""
    return np.random.default_rng([seed, number]).permutation(rows)


def rows_of_step(rows: int, batch_size: int, seed: int, step: int) -> np.ndarray:
    """int64 [at most batch_size]: the rows of a step, 0-based, over all processes together."""
    steps = steps_in_pass(rows, batch_size)
    start = (step % steps) * batch_size
    return order_of_pass(rows, seed, step // steps)[start : start + batch_size]


def share(rows: np.ndarray, process: int, processes: int) -> np.ndarray:
    """The part of a step's rows that one process takes; together they are all, and sizes differ by one at most."""
    return np.array_split(rows, processes)[process]


def first_of_share(rows: int, process: int, processes: int) -> int:
    """Place of a process's first row among the rows of the step."""
    whole, more = divmod(rows, processes)
    return process * whole + min(process, more)
