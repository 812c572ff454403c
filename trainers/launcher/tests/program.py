"""A training program of the contract that counts: its model is the list of the steps that it took, each with its predecessor."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

job = json.loads(Path(sys.argv[1]).read_text())
noticed = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: noticed.set())


def watch() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


threading.Thread(target=watch, daemon=True).start()


def say(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, **facts}), flush=True)


def save() -> None:
    path = Path(job["checkpointDirectory"]) / f"{len(steps)}.json"
    path.write_text(json.dumps(steps))
    say("checkpoint", step=len(steps), path=str(path))
    if settings.get("prunes"):
        for old in sorted(path.parent.iterdir(), key=lambda each: int(each.stem))[:-1]:
            old.unlink()


settings = job["settings"]
if settings.get("impossible"):
    print("expected something else", file=sys.stderr)
    sys.exit(65)
resume = job["resumeFrom"]
steps = [] if resume is None else json.loads(Path(resume["path"]).read_text())
print("chatter that is no line of the contract")
if settings.get("chatter"):
    print("\n".join(["x" * 1000] * 3000))
while len(steps) < 30:
    time.sleep(0.01)
    steps.append(len(steps))
    say("progress", step=len(steps))
    if settings.get("elsewhere"):
        say("checkpoint", step=len(steps), path="/etc/hostname")
    if settings.get("fails"):
        print("lost its GPU", file=sys.stderr)
        sys.exit(1)
    if len(steps) % 10 == 0 or settings.get("prunes"):
        save()
        time.sleep(settings.get("pause", 0.0))
    if noticed.is_set():
        save()
        sys.exit(75)
Path(job["modelPath"]).write_text(json.dumps([steps, Path(job["trainPath"]).read_text()]))
say("done", steps=len(steps), validationLoss=0.5)
