"""A stand-in for a cluster: a queue with one place, preemption with notice, loss of a machine. `submit SCRIPT`, `poll ID`, `cancel ID`.

Its folder is in STANDIN_CLUSTER; `faults.json` there lists what happens to the jobs, in order: "preempt" (SIGTERM, then SIGKILL after 20 s),
"lose" (SIGKILL to all, and nothing is said) or "keep". It happens after a job's first checkpoint. Each job waits for its turn and 0.3 s longer.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ["STANDIN_CLUSTER"])
NOTICE_SECONDS = 20.0


def note(job: str, state: str) -> None:
    temporary = FOLDER / f"{job}.tmp"
    temporary.write_text(state)
    temporary.rename(FOLDER / job)


def submit(script: str) -> None:
    number = len(list(FOLDER.glob("job-*.script"))) + 1
    job = f"job-{number}"
    (FOLDER / f"{job}.script").write_text(script)
    note(job, "PENDING")
    subprocess.Popen(
        [sys.executable, __file__, "machine", job],
        start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    print(f"Submitted batch job {job}")


def machine(job: str) -> None:
    """The machine that a job gets."""
    time.sleep(0.3)
    if (FOLDER / f"{job}.cancelled").exists():
        return note(job, "CANCELLED")
    faults = json.loads((FOLDER / "faults.json").read_text())
    fault = faults[int(job.split("-")[1]) - 1] if int(job.split("-")[1]) <= len(faults) else "keep"
    script = Path((FOLDER / f"{job}.script").read_text())
    note(job, "RUNNING")
    child = subprocess.Popen([str(script)], start_new_session=True)
    ended, noticed = "COMPLETED", 0.0
    while child.poll() is None:
        time.sleep(0.05)
        events = script.parent / "events.jsonl"
        if (FOLDER / f"{job}.cancelled").exists():
            fault, ended = "cancel", "CANCELLED"
            os.killpg(child.pid, signal.SIGKILL)
        elif fault in ("preempt", "lose") and not noticed and events.exists() and '"checkpoint"' in events.read_text():
            noticed = time.monotonic()
            ended = "PREEMPTED" if fault == "preempt" else "NODE_FAIL"
            # A scheduler tells the script's own process; a lost machine takes all.
            os.kill(child.pid, signal.SIGTERM) if fault == "preempt" else os.killpg(child.pid, signal.SIGKILL)
        elif noticed and time.monotonic() - noticed > NOTICE_SECONDS:
            os.killpg(child.pid, signal.SIGKILL)
    note(job, ended)


def main() -> int:
    verb, argument = sys.argv[1:3]
    if verb == "poll":
        print((FOLDER / argument).read_text())
    elif verb == "cancel":
        (FOLDER / f"{argument}.cancelled").touch()
    else:
        {"submit": submit, "machine": machine}[verb](argument)
    return 0


if __name__ == "__main__":
    sys.exit(main())
