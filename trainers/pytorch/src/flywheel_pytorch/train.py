"""The training itself. Its state after each step is a function of the job alone: killed and resumed, it gives the same bytes."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from . import checkpoints
from .feed import Feed
from .job import Job
from .lines import Impossible, Interrupted, complain, say
from .losses import Losses
from .networks import Policy, Statistics
from .notice import Notice
from .order import share
from .processes import Processes
from .rows import Batch
from .settings import Settings

SAY_SECONDS = 2.0
#: Validation rows of one process between two looks at the clock.
EVALUATED_AT_ONCE = 512


@dataclass
class Evaluation:
    """One that is under way: rows that were seen, and the sums over them (weighted loss, weights, agreeing actions, actions)."""

    row: int
    train_loss: float
    sums: list[float]


@dataclass(frozen=True)
class Outcome:
    policy: Policy
    steps: int
    validation_loss: float
    agreement: float
    data_wait_fraction: float


def rate_factor(step: int, settings: Settings) -> float:
    """Of the learning rate, for the step after `step` steps: rises over `warmupSteps`, then falls to zero along a half cosine."""
    if step < settings.warmupSteps:
        return (step + 1) / settings.warmupSteps
    rest = max(1, settings.maxSteps - settings.warmupSteps)
    return 0.5 * (1 + math.cos(math.pi * min(1, (step - settings.warmupSteps) / rest)))


class Training:
    def __init__(self, job: Job, settings: Settings, processes: Processes, notice: Notice, feed: Feed, statistics: Statistics) -> None:
        self.job, self.settings, self.processes, self.notice, self.feed = job, settings, processes, notice, feed
        self.device = processes.device
        torch.manual_seed(job.seed)
        self.policy = Policy(job, settings, statistics).to(self.device)
        self.losses = Losses(job, settings, self.device)
        self.action_mean = torch.from_numpy(statistics.action_mean).to(self.device)
        self.action_scale = torch.from_numpy(statistics.action_scale).to(self.device)
        self.optimizer = torch.optim.AdamW(self.policy.parameters(), settings.learningRate, weight_decay=settings.weightDecay)
        self.step, self.serial, self.stale = 0, 0, 0
        self.evaluation: Evaluation | None = None
        #: step, training loss, validation loss, agreement.
        self.curve: list[tuple[int, float, float, float]] = []
        self.best: tuple[float, float, dict[str, Tensor]] | None = None
        #: `warm`, or why the start was cold; None where nobody asked for a warm one.
        self.start: str | None = None
        self._last_sums = [0.0, 0.0]
        self._said = self._saved = time.monotonic()
        self._saved_at: tuple[int, int] | None = None

    # State

    def state(self) -> dict[str, Any]:
        evaluation = self.evaluation
        return {
            "settings": self.settings.document(),
            "step": self.step,
            "serial": self.serial,
            "start": self.start,
            "stale": self.stale,
            "model": self.policy.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "curve": self.curve,
            "best": None if self.best is None else list(self.best),
            "evaluation": None if evaluation is None else [evaluation.row, evaluation.train_loss, evaluation.sums],
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        if state.get("settings") != self.settings.document():
            raise Impossible("resumeFrom: expected a checkpoint of a training with these settings, got one with others")
        self.policy.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.serial, self.stale = state["step"], state["serial"], state["stale"]
        self.start = state["start"]
        self.curve = [tuple(point) for point in state["curve"]]
        self.best = None if state["best"] is None else tuple(state["best"])
        self.evaluation = None if state["evaluation"] is None else Evaluation(*state["evaluation"])
        self._saved_at = (self.step, 0 if self.evaluation is None else self.evaluation.row)
        for point in self.curve:
            self._say_point(point)

    def save(self) -> None:
        """Only the first process has to: all hold the same."""
        at = (self.step, 0 if self.evaluation is None else self.evaluation.row)
        if not self.processes.is_first or at == self._saved_at:
            return
        self.serial += 1
        path = checkpoints.save(self.job.checkpoint_directory, self.step, self.serial, self.state())
        say("checkpoint", {"step": self.step, "path": str(path)})
        self._saved, self._saved_at = time.monotonic(), at

    def _pulse(self) -> None:
        """Between two pieces of work: says that it is alive, saves when it is time, ends when somebody asked for it."""
        now = time.monotonic()
        if self.processes.is_first and now - self._said >= SAY_SECONDS:
            say("progress", {"step": self.step, "maxSteps": self.settings.maxSteps})
            self._said = now
        if now - self._saved >= self.settings.checkpointEverySeconds:
            self.save()
        if self.notice.is_given and self.processes.is_first:
            self.save()
            self.notice.saved()
            raise Interrupted

    # Work

    def run(self) -> Outcome:
        network: Callable[..., Tensor] = self.policy
        if self.processes.count > 1:
            places = [self.device.index] if self.device.type == "cuda" else None
            network = nn.parallel.DistributedDataParallel(self.policy, device_ids=places)
        started = time.monotonic()
        while True:
            if self.evaluation is not None:
                self._evaluate()
            if self._is_finished():
                break
            self._learn(network)
            if self.step % self.settings.evaluateEverySteps == 0 or self.step == self.settings.maxSteps:
                weighted, weights = self.processes.sums(self._last_sums)
                self.evaluation = Evaluation(0, weighted / max(weights, 1e-12), [0.0] * 4)
            self._pulse()
        self.save()
        if self.best is None:
            raise Impossible("expected a finite loss, got none in the whole training; a lower learningRate may help")
        loss, agreement, parameters = self.best
        self.policy.load_state_dict(parameters)
        waited = self.feed.waited / max(1e-9, time.monotonic() - started)
        return Outcome(self.policy, self.step, loss, agreement, min(1.0, waited))

    def _is_finished(self) -> bool:
        until = self.job.until_step
        reached = until is not None and bool(self.curve) and self.curve[-1][0] >= until
        return reached or self.step >= self.settings.maxSteps or self.stale >= self.settings.patienceEvaluations

    def _learn(self, network: Callable[..., Tensor]) -> None:
        batch, weights = self.feed.step(self.step)
        if self.settings.dropout > 0:
            torch.manual_seed(hash((self.job.seed, self.step, self.processes.number)) & (2**63 - 1))
        rate = self.settings.learningRate * rate_factor(self.step, self.settings)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.policy.train()
        self.optimizer.zero_grad(set_to_none=True)
        _, loss_sum = self._losses_of(network, batch)
        # Gradients are averaged over processes, each of which holds its part of one sum.
        (loss_sum * (self.processes.count / max(weights, 1e-12))).backward()
        if self.settings.gradientNorm > 0:
            nn.utils.clip_grad_norm_(self.policy.parameters(), self.settings.gradientNorm)
        self.optimizer.step()
        self.step += 1
        if self.step % self.settings.evaluateEverySteps == 0 or self.step == self.settings.maxSteps:
            self._last_sums = [float(loss_sum.detach()), float(batch.weight.astype(np.float64).sum())]

    def _losses_of(self, network: Callable[..., Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
        """Scores [B, T, A] in float32, and the weighted sum of the rows' losses."""

        def at(values: np.ndarray) -> Tensor:
            return torch.from_numpy(values).to(self.device, non_blocking=True)

        is_half = self.device.type == "cuda" and (
            self.settings.precision == "bfloat16" or (self.settings.precision == "auto" and torch.cuda.is_bf16_supported())
        )
        with torch.autocast(self.device.type, torch.bfloat16, enabled=is_half):
            scores = network(at(batch.observation), at(batch.task), [at(each) for each in batch.images])
        scores = scores.float()
        label = at(batch.label)
        if not self.job.robot.discrete:
            label = (label - self.action_mean) * self.action_scale
        return scores, (self.losses.rows(scores, label, at(batch.present)) * at(batch.weight)).sum()

    @torch.no_grad()
    def _evaluate(self) -> None:
        """Goes through the validation rows, all processes together; goes on where a killed one was."""
        evaluation, total = self.evaluation, self.feed.validation.count
        assert evaluation is not None
        self.policy.eval()
        while evaluation.row < total:
            rows = np.arange(evaluation.row, min(total, evaluation.row + EVALUATED_AT_ONCE * self.processes.count))
            mine = share(rows, self.processes.number, self.processes.count)
            found = self._evaluate_rows(mine) if len(mine) > 0 else [0.0] * 4
            sums = self.processes.sums(found)
            evaluation.sums = [before + more for before, more in zip(evaluation.sums, sums)]
            evaluation.row += len(rows)
            self._pulse()
        weighted, weights, agreeing, actions = evaluation.sums
        self._take(evaluation.train_loss, weighted / max(weights, 1e-12), agreeing / actions)
        self.evaluation = None

    def _evaluate_rows(self, rows: np.ndarray) -> list[float]:
        batch = self.feed.validate(rows)
        scores, loss_sum = self._losses_of(self.policy, batch)
        label = torch.from_numpy(batch.label).to(self.device)
        answers = scores
        if not self.job.robot.discrete:
            deviation = torch.where(self.action_scale == 0, 0, 1 / self.action_scale)
            answers = scores * deviation + self.action_mean
        agreement = self.losses.agreeing(answers, label, torch.from_numpy(batch.present).to(self.device))
        return [float(loss_sum), float(batch.weight.astype(np.float64).sum()), *agreement]

    def _take(self, train_loss: float, loss: float, agreement: float) -> None:
        """A point of the curve: the best so far is kept; a loss that is not finite ends the training with it."""
        if not (math.isfinite(loss) and math.isfinite(train_loss)):
            complain(f"step {self.step}: the loss is not finite; a lower learningRate may help")
            self.stale = self.settings.patienceEvaluations
            return
        point = (self.step, train_loss, loss, agreement)
        self.curve.append(point)
        self._say_point(point)
        if self.best is None or loss < self.best[0]:
            self.best, self.stale = (loss, agreement, copy.deepcopy(self.policy.state_dict())), 0
        else:
            self.stale += 1

    def _say_point(self, point: tuple[int, float, float, float]) -> None:
        if not self.processes.is_first:
            return
        step, train_loss, loss, agreement = point
        say(
            "evaluation",
            {"step": step, "trainLoss": train_loss, "validationLoss": loss, "validationAgreementFraction": agreement},
        )
