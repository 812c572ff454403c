"""The file that describes a cluster: its commands, what its states mean, and what to run there."""

from __future__ import annotations

import json
import math
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 1024 * 1024
STATES = ("waiting", "running", "ended")
#: What a command may name, beside text.
PLACES: Mapping[str, frozenset[str]] = {
    "submit": frozenset({"name", "machines", "processes", "folder", "script"}),
    "poll": frozenset({"id"}),
    "cancel": frozenset({"id"}),
    "run": frozenset({"machines", "processes", "folder"}),
}
KEYS = (*PLACES, "shared", "states", "machines", "processesPerMachine", "pollSeconds", "mostRestarts")
KEYS_OF_PLAN = ("machineHoursBetweenFailures", "checkpointSeconds")


class Wrong(Exception):
    """The file or the job cannot be used; the text says what was expected and what was found."""


class Failed(Exception):
    """It did not work this time; another attempt may succeed."""


@dataclass(frozen=True)
class Cluster:
    #: A folder that this machine and all machines of the cluster see under the same name.
    shared: Path
    #: Each a list of words; no shell reads them.
    submit: Sequence[str]
    poll: Sequence[str]
    cancel: Sequence[str]
    run: Sequence[str]
    #: What the poll command prints → waiting, running or ended. Whatever is not listed counts as ended.
    states: Mapping[str, str]
    machines: int
    processes_per_machine: int
    poll_seconds: float
    #: In a row without a new checkpoint.
    most_restarts: int
    #: Mean time for which one machine works.
    machine_hours_between_failures: float
    #: How long the program takes to save.
    checkpoint_seconds: float

    @property
    def workers(self) -> int:
        return self.machines * self.processes_per_machine


def read_object(path: Path) -> Mapping[str, object]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Wrong(f"{path}: expected at most {MOST_BYTES} bytes, got {path.stat().st_size}")
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise Wrong(f"{path}: expected a file that can be read, got {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise Wrong(f"{path}: expected JSON, got {error}") from error
    if not isinstance(value, dict):
        raise Wrong(f"{path}: expected an object, got {type(value).__name__}")
    return value


def read_cluster(path: Path) -> Cluster:
    value = read_object(path)
    unknown = sorted(set(value) - {*KEYS, *KEYS_OF_PLAN})
    if unknown:
        raise Wrong(f"{path}: expected no other keys than {', '.join((*KEYS, *KEYS_OF_PLAN))}, got {', '.join(unknown)}")
    shared = value.get("shared")
    if not isinstance(shared, str) or not Path(shared).is_absolute():
        raise Wrong(f"{path}: shared: expected an absolute path, got {shared!r}")
    return Cluster(
        shared=Path(shared),
        submit=words(value, "submit", path),
        poll=words(value, "poll", path),
        cancel=words(value, "cancel", path),
        run=words(value, "run", path),
        states=read_states(value.get("states"), path),
        machines=int(amount(value, "machines", path, 1, 1, 100_000, whole=True)),
        processes_per_machine=int(amount(value, "processesPerMachine", path, 1, 1, 1024, whole=True)),
        poll_seconds=amount(value, "pollSeconds", path, 10, 0.05, 600),
        most_restarts=int(amount(value, "mostRestarts", path, 3, 0, 1000, whole=True)),
        machine_hours_between_failures=amount(value, "machineHoursBetweenFailures", path, 1000, 0.01, 1e6),
        checkpoint_seconds=amount(value, "checkpointSeconds", path, 2, 0.001, 3600),
    )


def words(value: Mapping[str, object], name: str, path: Path) -> Sequence[str]:
    found = value.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(word, str) and word for word in found):
        raise Wrong(f'{path}: {name}: expected a list of words, such as ["sbatch", "{{script}}"], got {found!r}')
    known = PLACES[name]
    for word in found:
        try:
            places = {place for _, place, _, _ in string.Formatter().parse(word) if place is not None}
        except ValueError as error:
            raise Wrong(f"{path}: {name}: {word!r}: {error}; write {{{{ and }}}} for braces") from error
        if not places <= known:
            raise Wrong(f"{path}: {name}: expected no other places than {', '.join(sorted(known))}, got {', '.join(sorted(places - known))}")
    return tuple(found)


def read_states(value: object, path: Path) -> Mapping[str, str]:
    if not isinstance(value, dict) or set(value) - set(STATES):
        raise Wrong(f"{path}: states: expected an object with {', '.join(STATES)}, got {value!r}")
    meaning: dict[str, str] = {}
    for kind in ("waiting", "running"):
        if not isinstance(value.get(kind), list) or not value[kind]:
            raise Wrong(f"{path}: states.{kind}: expected a list of what the poll command prints, got {value.get(kind)!r}")
    for kind, names in value.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise Wrong(f"{path}: states.{kind}: expected a list of texts, got {names!r}")
        for name in names:
            if meaning.setdefault(name, kind) != kind:
                raise Wrong(f"{path}: states: expected each text once, got {name!r} as {meaning[name]} and {kind}")
    return meaning


def amount(value: Mapping[str, object], name: str, path: Path, otherwise: float, least: float, most: float, whole: bool = False) -> float:
    found = value.get(name, otherwise)
    is_number = isinstance(found, (int, float)) and not isinstance(found, bool) and math.isfinite(found)
    if not is_number or not least <= found <= most or (whole and found != int(found)):  # type: ignore[operator, call-overload]
        raise Wrong(f"{path}: {name}: expected a {'whole ' if whole else ''}number from {least} to {most}, got {found!r}")
    return float(found)  # type: ignore[arg-type]


#: What a scheduler may call a job.
ID = re.compile(r"[A-Za-z0-9][\w.:\[\]-]{0,99}")


def filled(command: Sequence[str], **values: object) -> list[str]:
    return [word.format(**values) for word in command]
