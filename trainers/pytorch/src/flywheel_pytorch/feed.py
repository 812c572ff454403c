"""Batches of a training, read and decoded ahead while the network learns. What comes depends on seed and step only."""

from __future__ import annotations

import os
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from .augment import vary
from .job import Job, mirror_of
from .order import first_of_share, rows_of_step, share
from .processes import Processes
from .rows import Batch, Rows
from .settings import Settings

#: Steps that are read ahead.
AHEAD = 2


class Feed:
    def __init__(self, job: Job, settings: Settings, processes: Processes) -> None:
        self.train, self.validation = Rows(job.train_path, job), Rows(job.validation_path, job)
        self._seed, self._settings, self._processes = job.seed, settings, processes
        self._mirror = mirror_of(job) if settings.augmentation.flip > 0 else None
        self._decoders = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
        self._loader = ThreadPoolExecutor(1)
        self._coming: deque[tuple[int, Future[tuple[Batch, float]]]] = deque()
        #: Seconds for which the network waited for rows.
        self.waited = 0.0

    def step(self, step: int) -> tuple[Batch, float]:
        """This process's rows of a step, and the sum of the weights of all processes' rows."""
        if self._coming and self._coming[0][0] != step:
            self._coming.clear()
        last = self._coming[-1][0] if self._coming else step - 1
        for ahead in range(last + 1, step + 1 + AHEAD):
            self._coming.append((ahead, self._loader.submit(self._load, ahead)))
        started = time.monotonic()
        found = self._coming.popleft()[1].result()
        self.waited += time.monotonic() - started
        return found

    def _load(self, step: int) -> tuple[Batch, float]:
        rows = rows_of_step(self.train.count, self._settings.batchSize, self._seed, step)
        number, count = self._processes.number, self._processes.count
        batch = self.train.read(share(rows, number, count), self._decoders)
        first = first_of_share(len(rows), number, count)
        varied = vary(batch, self._settings.augmentation, self._mirror, self._seed, step, first)
        return varied, float(self.train.weights(rows).astype(np.float64).sum())

    def validate(self, rows: np.ndarray) -> Batch:
        return self.validation.read(rows, self._decoders)

    def close(self) -> None:
        self._loader.shutdown(cancel_futures=True)
        self._decoders.shutdown(cancel_futures=True)
