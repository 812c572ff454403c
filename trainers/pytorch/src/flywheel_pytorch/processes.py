"""The processes of one training, as torchrun starts them: who this one is, sums over all, and a notice that reaches all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta

import torch
import torch.distributed as distributed
from torch.distributed.rendezvous import rendezvous

from .lines import Impossible
from .settings import Settings

#: A process that does not answer for so long counts as lost.
PATIENCE = timedelta(minutes=10)


def device_of(settings: Settings, place: int) -> torch.device:
    """The GPU of this process's place on its machine, or the processor."""
    has_gpu = torch.cuda.is_available()
    if settings.device == "cuda" and not has_gpu:
        raise Impossible("settings.device: expected a GPU that PyTorch can use, got none; device auto takes the processor")
    if settings.device == "cpu" or not has_gpu:
        return torch.device("cpu")
    return torch.device("cuda", place % torch.cuda.device_count())


class Processes:
    """One of `count` processes, 0 to count - 1. The first one speaks, saves and exports."""

    def __init__(self, settings: Settings) -> None:
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.number = int(os.environ.get("RANK", "0"))
        self.device = device_of(settings, int(os.environ.get("LOCAL_RANK", "0")))
        self._notes: distributed.Store | None = None
        if settings.batchSize < self.count:
            raise Impossible(f"settings.batchSize: expected a row for each of {self.count} processes, got {settings.batchSize}")
        if self.count == 1:
            return
        store, number, count = next(rendezvous("env://", timeout=PATIENCE))
        self._notes = distributed.PrefixStore("flywheel-notes", store)
        distributed.init_process_group(
            backend="nccl" if self.device.type == "cuda" else "gloo",
            store=distributed.PrefixStore("flywheel-sums", store),
            rank=number,
            world_size=count,
            timeout=PATIENCE,
        )

    @property
    def is_first(self) -> bool:
        return self.number == 0

    def sums(self, values: Sequence[float]) -> list[float]:
        """Sums over all processes, in double precision; every process must ask, in the same order."""
        if self.count == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return [float(value) for value in total.tolist()]

    def note(self, name: str) -> None:
        """Leaves a note that every process can see. Needs no answer of theirs."""
        if self._notes is not None:
            self._notes.set(name, "1")

    def sees(self, name: str) -> bool:
        return self._notes is not None and self._notes.check([name])

    def leave(self) -> None:
        if self.count > 1:
            distributed.destroy_process_group()
