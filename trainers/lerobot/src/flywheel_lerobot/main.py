"""The program: `flywheel-train-lerobot job.json`. Standard output carries the lines of the contract only."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .installed import require_lerobot
from .job import Job, read_job
from .lines import DONE, FAILED, IMPOSSIBLE, Failed, Impossible, complain, end_with_the_caller, say


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="flywheel-train-lerobot", description="Trains a policy with LeRobot as a job of Flywheel says.")
    parser.add_argument("--check", action="store_true", help="only check that LeRobot is installed, the job and its settings")
    parser.add_argument("job", type=Path, help="path of the job file")
    asked = parser.parse_args(given)
    try:
        job = read_job(asked.job)
        require_lerobot()
        if not asked.check:
            end_with_the_caller()
            train(job)
        return DONE
    except Impossible as error:
        complain(str(error))
        return IMPOSSIBLE
    except Failed as error:
        complain(str(error))
        return FAILED


def train(job: Job) -> None:
    # Nothing is asked of any server.
    os.environ.update({"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "WANDB_MODE": "disabled"})
    from .dataset import write_dataset
    from .rows import read_rows
    from .training import Trainer, command, unpack

    scratch = job.model_path.parent / "lerobot"
    shutil.rmtree(scratch, ignore_errors=True)
    dataset, output, kept = scratch / "set", scratch / "output", scratch / "kept"
    kept.mkdir(parents=True)
    rows = read_rows(job.train_path, job)
    write_dataset(dataset, rows, job)
    if job.resume is not None:
        unpack(job.resume[1], output, kept)
    say("progress", {"step": 0 if job.resume is None else job.resume[0], "maxSteps": job.settings.max_steps})
    course = Course(job, json.loads((dataset / "meta/stats.json").read_text()), output, kept)
    if course.step < job.settings.max_steps:
        trainer = Trainer(command(job, dataset, output))
        for loss in trainer.losses():
            course.heard(loss)
        course.look()
    course.finish()
    shutil.rmtree(scratch, ignore_errors=True)


class Course:
    """What is known of a training that runs: its curve, and the policy with the least validation loss."""

    def __init__(self, job: Job, stats: dict[str, Any], output: Path, kept: Path) -> None:
        from .rows import read_rows

        self.job, self.stats, self.output, self.kept = job, stats, output, kept
        self.validation = read_rows(job.validation_path, job)
        self.best = kept / "best"
        self.told: dict[str, Any] = {"curve": [], "bestLoss": None, "bestAgreement": None}
        if (kept / "told.json").exists():
            self.told = json.loads((kept / "told.json").read_text())
            for point in self.told["curve"]:
                say("evaluation", point)
        self._losses: list[float] = []

    @property
    def step(self) -> int:
        return int(self.told["curve"][-1]["step"]) if self.told["curve"] else 0

    def heard(self, loss: float | None) -> None:
        if loss is not None:
            self._losses.append(loss)
            say("progress", {"step": self.step, "maxSteps": self.job.settings.max_steps})
        self.look()

    def look(self) -> None:
        """Judges checkpoints that are new, and keeps the best policy and the newest state."""
        from .policy import evaluate, open_policy
        from .training import finished_checkpoints, pack

        for step, checkpoint in finished_checkpoints(self.output):
            if step <= self.step:
                continue
            found = evaluate(open_policy(checkpoint / "pretrained_model", self.job, self.stats), self.validation, self.job)
            finite = [loss for loss in self._losses if math.isfinite(loss)]
            train_loss = sum(finite) / len(finite) if finite else found.loss
            point = {"step": step, "trainLoss": train_loss, "validationLoss": found.loss, "validationAgreementFraction": found.agreement}
            self.told["curve"].append(point)
            self._losses = []
            say("evaluation", point)
            if self.told["bestLoss"] is None or found.loss < self.told["bestLoss"]:
                self.told |= {"bestLoss": found.loss, "bestAgreement": found.agreement}
                shutil.rmtree(self.best, ignore_errors=True)
                shutil.copytree(checkpoint / "pretrained_model", self.best)
            (self.kept / "told.json").write_text(json.dumps(self.told))
            target = self.job.checkpoint_directory / f"{step}.tar"
            pack(checkpoint, self.best, self.kept / "told.json", target)
            say("checkpoint", {"step": step, "path": str(target)})

    def finish(self) -> None:
        from .policy import export, open_policy

        if not self.best.exists():
            raise Failed("expected a checkpoint of LeRobot's trainer, got none")
        difference = export(open_policy(self.best, self.job, self.stats), self.validation, self.job)
        facts = {
            "steps": self.step,
            "validationLoss": self.told["bestLoss"],
            "validationAgreementFraction": self.told["bestAgreement"],
            "settings": self.job.settings.document(),
            "exportDifference": difference,
        }
        say("done", facts)


if __name__ == "__main__":
    sys.exit(main())
