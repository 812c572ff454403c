"""What a training on many workers will look like, computed before anything is submitted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from .cluster import Cluster, Wrong

#: A kill costs at most so much work, whatever the optimum is.
MOST_SECONDS = 60.0
LEAST_SECONDS = 5.0
#: Where the job does not say it; that of trainers/pytorch.
DEFAULT_BATCH = 64


@dataclass(frozen=True)
class Shard:
    """Workers that take equally many rows of each step: first and last worker, and rows of each."""

    first_worker: int
    last_worker: int
    rows: int


@dataclass(frozen=True)
class Plan:
    machines: int
    workers: int
    train_rows: int
    global_batch: int
    shards: tuple[Shard, ...]
    steps_a_pass: int
    #: Young, 1974: sqrt(2 · time to save · mean time between failures of the whole cluster), from 5 s to 60 s.
    checkpoint_every_seconds: float
    #: Mean time between failures of any of the machines.
    hours_between_failures: float
    #: Time that saving and repeated work cost, as a share.
    lost_fraction: float

    def document(self) -> dict[str, object]:
        return asdict(self)


def plan(cluster: Cluster, job: Mapping[str, object]) -> Plan:
    """Raises Wrong where a worker would have no row of a step."""
    settings = job.get("settings")
    batch = settings.get("batchSize", DEFAULT_BATCH) if isinstance(settings, dict) else DEFAULT_BATCH
    rows = job.get("trainRows")
    for name, value in (("settings.batchSize", batch), ("trainRows", rows)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise Wrong(f"{name}: expected a whole number from 1, got {value!r}")
    assert isinstance(batch, int) and isinstance(rows, int)
    taken = min(batch, rows)
    if taken < cluster.workers:
        raise Wrong(f"settings.batchSize: expected a row of each step for each of {cluster.workers} workers, got {taken} rows")
    each, more = divmod(taken, cluster.workers)
    shards = [Shard(0, more - 1, each + 1)] if more > 0 else []
    shards.append(Shard(more, cluster.workers - 1, each))
    between = cluster.machine_hours_between_failures * 3600 / cluster.machines
    best = math.sqrt(2 * cluster.checkpoint_seconds * between)
    every = max(LEAST_SECONDS, min(MOST_SECONDS, best))
    return Plan(
        machines=cluster.machines,
        workers=cluster.workers,
        train_rows=rows,
        global_batch=taken,
        shards=tuple(shards),
        steps_a_pass=max(1, rows // batch),
        checkpoint_every_seconds=round(every, 1),
        hours_between_failures=between / 3600,
        lost_fraction=cluster.checkpoint_seconds / every + every / 2 / between,
    )


def described(found: Plan) -> str:
    lines = [
        f"machines                 {found.machines}",
        f"workers                  {found.workers}",
        f"rows to train on         {found.train_rows}",
        f"rows of a step           {found.global_batch}",
        *(
            f"rows of a worker         {shard.rows} (workers {shard.first_worker} to {shard.last_worker})"
            for shard in found.shards
        ),
        f"steps of a pass          {found.steps_a_pass}",
        f"checkpoint every         {found.checkpoint_every_seconds:g} s",
        f"a machine fails every    {found.hours_between_failures:.1f} h",
        f"lost to saving and kills {100 * found.lost_fraction:.1f} %",
    ]
    return "\n".join(lines)
