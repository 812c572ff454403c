"""The program: `flywheel-train [--processes N] job.json`. Standard output carries the lines of the contract only."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from .job import Job, read_job
from .lines import DONE, IMPOSSIBLE, INTERRUPTED, Impossible, Interrupted, complain, say
from .settings import Settings, read_settings

#: Where the first process leaves its exit code for the program that started it through torchrun.
CODE_FILE = "FLYWHEEL_TRAIN_CODE_FILE"


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="flywheel-train", description="Trains a policy as a job of Flywheel says.")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="processes on this machine, one a GPU (default 1)")
    parser.add_argument("--check", action="store_true", help="only check the job and its settings")
    parser.add_argument("job", type=Path, help="path of the job file")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    asked = arguments(given)
    code = guarded(asked)
    left = os.environ.get(CODE_FILE)
    if left and os.environ.get("RANK") == "0":
        Path(left).write_text(str(code))
    return code


def guarded(asked: argparse.Namespace) -> int:
    try:
        job = read_job(asked.job)
        settings = read_settings(job)
        if asked.check:
            return DONE
        if asked.processes > 1:
            return several(asked.processes, asked.job)
        return train(job, settings)
    except Impossible as error:
        complain(str(error))
        return IMPOSSIBLE
    except Interrupted:
        complain("ended on notice; the state is saved")
        return INTERRUPTED


def train(job: Job, settings: Settings) -> int:
    from .notice import Notice, end_with_the_caller

    end_with_the_caller()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    from . import checkpoints
    from .export import export, warm_start
    from .feed import Feed
    from .networks import Statistics
    from .processes import Processes
    from .train import Training

    torch.use_deterministic_algorithms(True, warn_only=True)
    processes = Processes(settings)
    notice = Notice(processes)
    feed = Feed(job, settings, processes)
    # Whatever happens, no thread reads a file that its owner may remove.
    with closing(feed):
        statistics = Statistics(*feed.train.moments())
        training = Training(job, settings, processes, notice, feed, statistics)
        if job.resume is not None:
            training.resume(checkpoints.load(job.resume.path, processes.device))
        elif job.start_from is not None:
            training.start = warm_start(training.policy, job.start_from)
        outcome = training.run()
        if processes.is_first:
            difference = export(outcome.policy, job, settings, statistics, feed)
            facts: dict[str, object] = {
                "steps": outcome.steps,
                "validationLoss": outcome.validation_loss,
                "validationAgreementFraction": outcome.agreement,
                "settings": settings.document(),
                "dataWaitFraction": outcome.data_wait_fraction,
                "exportDifference": difference,
                "device": str(processes.device),
            }
            say("done", facts if training.start is None else {**facts, "warmStart": training.start})
    processes.leave()
    return DONE


def several(processes: int, job: Path) -> int:
    """Runs itself in several processes by torchrun, which hides exit codes: the first process leaves its own in a file."""
    with tempfile.TemporaryDirectory() as folder:
        code_file = Path(folder) / "code"
        command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes), "--max-restarts", "0"]
        command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", "-m", "flywheel_pytorch", str(job)]
        with subprocess.Popen(command, env={**os.environ, CODE_FILE: str(code_file)}) as child:
            signal.signal(signal.SIGTERM, lambda *_: child.send_signal(signal.SIGTERM))
            code = child.wait()
        return int(code_file.read_text()) if code_file.exists() else (code if code > 0 else 1)


if __name__ == "__main__":
    sys.exit(main())
