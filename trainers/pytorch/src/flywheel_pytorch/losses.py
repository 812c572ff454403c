"""Loss and agreement, as sums over rows: sums of parts add up, so any number of processes gives the same figures."""

from __future__ import annotations

import torch
from torch import Tensor

from .job import Job
from .settings import Settings


class Losses:
    """Shapes: scores [B, T, A]; label int64 [B, T] or, normalised, float32 [B, T, A]; present [B, T]; weight [B]."""

    def __init__(self, job: Job, settings: Settings, device: torch.device) -> None:
        self.discrete, self.kind, self.execute = job.robot.discrete, settings.actionLoss, job.execute
        factors = [settings.lossWeights.get(name, 1.0) for name in job.robot.action_names]
        self.factors = torch.tensor(factors, dtype=torch.float32, device=device)
        self.tolerance = torch.tensor(job.robot.tolerance, dtype=torch.float32, device=device)

    def rows(self, scores: Tensor, label: Tensor, present: Tensor) -> Tensor:
        """Loss of each row, [B]: the mean over the actions that are present; in standard deviations, summed over an action's numbers."""
        if self.discrete:
            each = torch.nn.functional.cross_entropy(scores.transpose(1, 2), label, reduction="none") * self.factors[label]
        else:
            difference = scores - label
            size = difference.abs() if self.kind == "l1" else 0.5 * difference**2
            each = (size * self.factors).sum(dim=2)
        return (each * present).sum(dim=1) / present.sum(dim=1)

    def agreeing(self, answers: Tensor, label: Tensor, present: Tensor) -> tuple[float, float]:
        """Of the actions that would be executed and have a label: how many agree with it, and how many there are. In the robot type's units."""
        executed = slice(0, self.execute)
        if self.discrete:
            agrees = answers[:, executed].argmax(dim=2) == label[:, executed]
        else:
            agrees = ((answers[:, executed] - label[:, executed]).abs() <= self.tolerance).all(dim=2)
        there = present[:, executed]
        return float((agrees * there).sum()), float(there.sum())
