"""The state of a training as files: whole or not at all, the newest ones kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from .lines import Impossible

#: The worker copies a file after its line; so many are kept for one that is slow.
KEPT = 8


def save(directory: Path, step: int, serial: int, state: Mapping[str, Any]) -> Path:
    """Writes `<step>-<serial>.pt`; returns after it is on the disk."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{step:012d}-{serial:06d}.pt"
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        torch.save(dict(state), file)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    for old in sorted(directory.glob("*-*.pt"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


def load(path: Path, device: torch.device) -> dict[str, Any]:
    """Tensors and plain values only: a file that wants to run code is refused."""
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except OSError:
        raise
    except Exception as error:
        raise Impossible(f"resumeFrom: {path}: expected a checkpoint of this program, got {type(error).__name__}") from error
    return state
