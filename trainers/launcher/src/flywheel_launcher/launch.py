"""One training on a cluster: submitted, followed, and submitted again from its last checkpoint where it was interrupted."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .cluster import ID, Cluster, Failed, filled

DONE, IMPOSSIBLE, INTERRUPTED = 0, 65, 75
COMMAND_SECONDS = 120.0
#: How long the cluster's commands may fail in a row.
PATIENCE_SECONDS = 600.0
#: A shared folder may show the last lines of a job that is over only now.
SETTLE_SECONDS = 30.0
SAY_SECONDS = 60.0
#: A job whose launcher gives no sign for so long ends by itself.
LEASE_MINUTES = 10
MOST_LINE = 1024 * 1024

SCRIPT = """#!/bin/sh
# Written by flywheel-launch. SIGTERM is passed on; standard input closes when the launcher is gone, which tells the program to end.
cd {folder} || exit 1
alive() {{ while [ -n "$(find ../alive -mmin -{lease} 2>/dev/null)" ]; do sleep 5; done; }}
pipe=$(mktemp -u) && mkfifo "$pipe" || exit 1
alive > "$pipe" &
feeder=$!
{run} < "$pipe" > events.jsonl 2> errors.log &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' TERM
wait "$child"
code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
kill "$feeder" 2>/dev/null
rm -f "$pipe"
echo "$code" > code.tmp && mv code.tmp code
exit "$code"
"""


#: What a killed launcher left is removed by the next one after this time.
ABANDONED_SECONDS = 24 * 3600.0


def remove_abandoned(shared: Path) -> None:
    """Folders that no launcher has touched for a day."""
    for sign in shared.glob("flywheel-*/alive"):
        try:
            if time.time() - sign.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(sign.parent, ignore_errors=True)
        except FileNotFoundError:
            continue


def say(line: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


@dataclass
class Attempt:
    """One job of the cluster, in a folder of its own."""

    folder: Path
    id: str
    read: int = 0
    rest: bytes = b""
    done: Mapping[str, object] | None = None

    def lines(self) -> Iterator[dict[str, object]]:
        """Whole lines of the contract that are new, all of them; others are the program's own business."""
        while True:
            try:
                with (self.folder / "events.jsonl").open("rb") as file:
                    file.seek(self.read)
                    found = file.read(MOST_LINE)
            except FileNotFoundError:
                return
            if not found:
                return
            self.read += len(found)
            yield from self._lines_of(found)

    def _lines_of(self, found: bytes) -> Iterator[dict[str, object]]:
        *whole, self.rest = (self.rest + found).split(b"\n")
        if len(self.rest) > MOST_LINE:
            raise Failed(f"expected lines of at most {MOST_LINE} bytes from the program, got a longer one")
        for text in whole:
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict) and isinstance(line.get("event"), str):
                yield line

    def code(self) -> int | None:
        """What the program ended with; None while it runs, or when it could not even say that."""
        try:
            return int((self.folder / "code").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def errors(self) -> str:
        try:
            with (self.folder / "errors.log").open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 2000))
                return file.read().decode(errors="replace").strip()
        except FileNotFoundError:
            return ""


@dataclass
class Launch:
    cluster: Cluster
    job: Mapping[str, object]
    #: Set by whoever wants the training to end.
    ended: threading.Event = field(default_factory=threading.Event)
    step: int = 0
    checkpoint: dict[str, object] | None = None
    fruitless: int = 0
    attempts: int = 0
    last_said: float = 0.0

    def run(self) -> int:
        """The exit code of the training. Leaves nothing in the shared folder, and no job in the cluster."""
        self.cluster.shared.mkdir(parents=True, exist_ok=True)
        remove_abandoned(self.cluster.shared)
        folder = Path(tempfile.mkdtemp(prefix="flywheel-", dir=self.cluster.shared))
        try:
            shared_job = self._copy_inputs(folder)
            while True:
                code = self._attempt(folder, shared_job)
                if code is not None:
                    return code
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _copy_inputs(self, folder: Path) -> dict[str, object]:
        """The job with all its files in the shared folder."""
        job = dict(self.job)
        for name in ("trainPath", "validationPath", "startFromPath"):
            source = job.get(name)
            if isinstance(source, str):
                job[name] = str(shutil.copyfile(source, folder / f"{name}{Path(source).suffix}"))
        resume = job.get("resumeFrom")
        if isinstance(resume, dict):
            job["resumeFrom"] = {**resume, "path": str(shutil.copyfile(str(resume["path"]), folder / "resume"))}
        job["modelPath"], job["checkpointDirectory"] = str(folder / "model.onnx"), str(folder / "checkpoints")
        (folder / "checkpoints").mkdir()
        return job

    def _attempt(self, folder: Path, job: Mapping[str, object]) -> int | None:
        """Submits once and follows to the end; None: it is worth another one."""
        before = self.checkpoint
        attempt = self._submit(folder, job)
        try:
            code = self._follow(folder, attempt)
        except BaseException:
            self._cancel(attempt)
            raise
        if self.ended.is_set():
            self._cancel(attempt)
            return INTERRUPTED
        if code == DONE and attempt.done is not None:
            os.replace(shutil.copyfile(folder / "model.onnx", f"{self.job['modelPath']}.tmp"), str(self.job["modelPath"]))
            say(attempt.done)
            return DONE
        if code == IMPOSSIBLE:
            self._complain(attempt.errors())
            return IMPOSSIBLE
        self.fruitless = 0 if self.checkpoint is not before else self.fruitless + 1
        what = "its machine was lost" if code is None else f"it ended with {code}"
        at = "the beginning" if self.checkpoint is None else f"step {self.checkpoint['step']}"
        if self.fruitless > self.cluster.most_restarts:
            self._complain(f"job {attempt.id}: {what}, {self.fruitless} times without a new checkpoint; {attempt.errors()}")
            return 1
        self._complain(f"job {attempt.id}: {what}; it goes on from {at}")
        return None

    def _submit(self, folder: Path, job: Mapping[str, object]) -> Attempt:
        self.attempts += 1
        own = folder / f"attempt-{self.attempts}"
        own.mkdir()
        (folder / "alive").touch()
        resume = self.checkpoint or job.get("resumeFrom")
        (own / "job.json").write_text(json.dumps({**job, "resumeFrom": resume}))
        places = {"machines": self.cluster.machines, "processes": self.cluster.processes_per_machine, "folder": own}
        run = shlex.join([*filled(self.cluster.run, **places), str(own / "job.json")])
        script = own / "run.sh"
        script.write_text(SCRIPT.format(folder=shlex.quote(str(own)), run=run, lease=LEASE_MINUTES))
        script.chmod(0o755)
        said = self._insist(filled(self.cluster.submit, **places, name=f"{folder.name}-{self.attempts}", script=script))
        found = said.split()[-1] if said.split() else ""
        if ID.fullmatch(found) is None:
            raise Failed(f"submit: expected the id of a job as the last word, got {said[:200]!r}")
        return Attempt(own, found)

    def _follow(self, folder: Path, attempt: Attempt) -> int | None:
        """Passes on what the program says until it is over; its exit code, None if its machine was lost."""
        over_since: float | None = None
        while not self.ended.is_set():
            (folder / "alive").touch()
            # Asked first, read afterwards: what a program said before it ended is all there.
            code = attempt.code()
            state = "ended" if code is not None else self._state(attempt)
            self._pass_on(attempt, folder)
            over_since = None if state != "ended" else over_since or time.monotonic()
            is_settled = over_since is not None and time.monotonic() - over_since > min(SETTLE_SECONDS, 5 * self.cluster.poll_seconds)
            # A shared folder may show that the program is done before it shows the line that says so.
            if code is not None and (code != DONE or attempt.done is not None or is_settled):
                return code
            if state == "waiting" and time.monotonic() - self.last_said > SAY_SECONDS:
                self._say({"event": "progress", "step": self.step})
            if is_settled:
                return None
            self.ended.wait(self.cluster.poll_seconds)
        return None

    def _pass_on(self, attempt: Attempt, folder: Path) -> None:
        for line in attempt.lines():
            step = line.get("step")
            if isinstance(step, int) and step >= 0:
                self.step = max(self.step, step)
            if line["event"] == "done":
                attempt.done = line
                continue
            if line["event"] == "checkpoint":
                path = Path(str(line.get("path"))).resolve()
                if not path.is_relative_to(folder.resolve()):
                    raise Failed(f"expected a checkpoint in checkpointDirectory, got {line.get('path')!r}")
                # Lines are read a while after they were said: the program has deleted it for a later one.
                if not path.is_file():
                    continue
                self.checkpoint = {"step": step, "path": str(path)}
            self._say(line)

    def _say(self, line: Mapping[str, object]) -> None:
        say(line)
        self.last_said = time.monotonic()

    def _complain(self, text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def _state(self, attempt: Attempt) -> str:
        """waiting, running or ended. A job that the cluster no longer knows is over."""
        result = self._command(filled(self.cluster.poll, id=attempt.id))
        if result is None:
            return "running"
        said = result.split()
        return self.cluster.states.get(said[0] if said else "", "ended")

    def _cancel(self, attempt: Attempt) -> None:
        self._command(filled(self.cluster.cancel, id=attempt.id))

    def _command(self, command: list[str]) -> str | None:
        """What a command of the cluster prints; None where it fails, which is said."""
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired) as error:
            self._complain(f"{command[0]}: {error}")
            return None
        if result.returncode == 0:
            return result.stdout
        self._complain(f"{command[0]} ended with {result.returncode}: {result.stderr.strip()[-500:]}")
        return None

    def _insist(self, command: list[str]) -> str:
        """A command that must succeed: tried again while the scheduler is down."""
        since = time.monotonic()
        while (said := self._command(command)) is None:
            if self.ended.wait(self.cluster.poll_seconds) or time.monotonic() - since > PATIENCE_SECONDS:
                raise Failed(f"expected {command[0]} to succeed within {PATIENCE_SECONDS:g} s, got failures")
            if time.monotonic() - self.last_said > SAY_SECONDS:
                self._say({"event": "progress", "step": self.step})
        return said
