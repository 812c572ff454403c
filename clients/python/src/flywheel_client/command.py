"""Where the agent program is."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence

from .errors import AgentNotFound

VARIABLE = "FLYWHEEL_AGENT_COMMAND"


def agent_command(command: str | Sequence[str] | None, environment: Mapping[str, str]) -> list[str]:
    """The program and its first arguments: what was given, else FLYWHEEL_AGENT_COMMAND, else `flywheel` on the PATH."""
    given, source = (command, "command") if command is not None else (environment.get(VARIABLE), VARIABLE)
    if not given:
        given, source = ["flywheel"], "the PATH"
    try:
        words = shlex.split(given) if isinstance(given, str) else [str(word) for word in given]
    except ValueError as cause:
        raise AgentNotFound(f"{source}: expected a command line, got {given!r}: {cause}") from cause
    path = shutil.which(words[0], path=environment.get("PATH")) if words else None
    if path is None:
        raise AgentNotFound(
            f"expected the agent program in {source}, got no program called {' '.join(words[:1]) or 'nothing'}: put `flywheel` "
            f"on the PATH, pass command=[…] or set {VARIABLE}, for example to 'node /opt/flywheel/cli/start.mjs'"
        )
    return [path, *words[1:]]
