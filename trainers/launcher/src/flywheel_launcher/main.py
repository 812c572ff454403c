"""`flywheel-launch [--plan] [--json] cluster.json job.json`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import stat
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from .cluster import Failed, Wrong, read_cluster, read_object
from .launch import Launch
from .plan import described, plan


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="flywheel-launch", description="Trains on a cluster, through its own commands.")
    parser.add_argument("--plan", action="store_true", help="only print how the work is shared")
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    parser.add_argument("cluster", type=Path, help="file that describes the cluster")
    parser.add_argument("job", type=Path, help="job file of the command contract")
    asked = parser.parse_args(given)
    try:
        cluster, job = read_cluster(asked.cluster), read_object(asked.job)
        found = plan(cluster, job)
        if asked.plan:
            print(json.dumps(found.document()) if asked.json else described(found))
            return 0
        launch = Launch(cluster, job)
        signal.signal(signal.SIGTERM, lambda *_: launch.ended.set())
        end_with_the_caller(launch.ended)
        return launch.run()
    except Wrong as error:
        sys.stderr.write(f"{error}\n")
        return 65
    except Failed as error:
        sys.stderr.write(f"{error}\n")
        return 1


def end_with_the_caller(ended: threading.Event) -> None:
    """A worker's pipe on standard input closes when the worker dies; other inputs say nothing."""
    mode = os.fstat(0).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return

    def watch() -> None:
        while os.read(0, 4096):
            pass
        ended.set()

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
