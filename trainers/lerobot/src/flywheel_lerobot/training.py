"""LeRobot's trainer as a process: what it is asked, what it says, and the checkpoints that it leaves."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from .job import Job
from .lines import Failed, Impossible

LOSS = re.compile(r"\bloss:\s*([-+0-9.eE]+|nan|inf)")
LOG_EVERY = 25
LAST_LINES = 20


def command(job: Job, dataset: Path, output: Path) -> list[str]:
    """`lerobot-train` for this job; from its last checkpoint where there is one."""
    settings = job.settings
    program = [sys.executable, "-m", "flywheel_lerobot.trainer", str(job.horizon)]
    if (output / "checkpoints").exists():
        return [*program, f"--config_path={output}/checkpoints/last/pretrained_model/train_config.json", "--resume=true"]
    options = {
        "dataset.repo_id": "flywheel/set",
        "dataset.root": dataset,
        "dataset.use_imagenet_stats": "false",
        "policy.type": settings.policy,
        "policy.device": settings.device,
        "policy.push_to_hub": "false",
        "policy.chunk_size": job.horizon,
        "policy.n_action_steps": job.execute,
        "policy.optimizer_lr": settings.learning_rate,
        "policy.pretrained_backbone_weights": "null",
        **{f"policy.{name}": str(value).lower() if isinstance(value, bool) else value for name, value in settings.options.items()},
        "output_dir": output,
        "job_name": "flywheel",
        "seed": job.seed,
        "steps": settings.max_steps,
        "batch_size": settings.batch_size,
        "num_workers": 0,
        "log_freq": min(LOG_EVERY, settings.evaluate_every_steps),
        "save_freq": settings.evaluate_every_steps,
        "persistent_workers": "false",
        "wandb.enable": "false",
    }
    return [*program, *(f"--{name}={value}" for name, value in options.items())]


class Trainer:
    """A run of it. Iterate over what it logs; it raises at the end where the trainer failed."""

    def __init__(self, words: list[str]) -> None:
        self.last: list[str] = []
        self._process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", bufsize=1
        )

    def losses(self) -> Iterator[float | None]:
        """The loss of each line that has one, None for any other."""
        with self._process:
            assert self._process.stdout is not None
            for line in self._process.stdout:
                self.last = [*self.last, line.rstrip()[:500]][-LAST_LINES:]
                found = LOSS.search(line)
                yield None if found is None else float(found[1])
        code = self._process.returncode
        if code != 0:
            raise self._failure(code)

    def _failure(self, code: int) -> Exception:
        said = "\n".join(self.last)
        text = f"LeRobot's trainer ended with {code}: {said[-3000:]}"
        # What it cannot read as its own options stays so.
        return Impossible(text) if code == 2 or "DecodingError" in said else Failed(text)


def finished_checkpoints(output: Path) -> list[tuple[int, Path]]:
    """Those that are whole, by step: LeRobot points `last` to one once it is written."""
    folder = output / "checkpoints"
    last = folder / "last"
    if not last.exists():
        return []
    steps = sorted((int(each.name), each) for each in folder.iterdir() if each.name.isdigit())
    return [(step, each) for step, each in steps if step <= int(last.resolve().name)]


def pack(checkpoint: Path, best: Path | None, told: Path, target: Path) -> None:
    """One file of a checkpoint, of the best policy so far and of what was told."""
    temporary = target.with_suffix(".tmp")
    with tarfile.open(temporary, "w") as archive:
        archive.add(checkpoint, f"checkpoint/{checkpoint.name}")
        if best is not None:
            archive.add(best, "best")
        archive.add(told, "told.json")
    temporary.replace(target)


def unpack(archive: Path, output: Path, kept: Path) -> None:
    """The other way round. Only plain files below these folders are taken."""
    try:
        with tarfile.open(archive) as found:
            found.extractall(kept, filter="data")
        checkpoint = next((kept / "checkpoint").iterdir())
    except (OSError, tarfile.TarError, StopIteration) as error:
        raise Impossible(f"resumeFrom: expected a checkpoint of this program, got {error}") from error
    (output / "checkpoints").mkdir(parents=True)
    checkpoint.rename(output / "checkpoints" / checkpoint.name)
    (output / "checkpoints/last").symlink_to(checkpoint.name)
