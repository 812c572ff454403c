"""Reads values out of JSON from outside: every error names the place, what was expected and what was found."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from .lines import Impossible

MOST_BYTES = 16 * 1024 * 1024


def read_json(path: Path) -> Mapping[str, object]:
    """A file that holds one JSON object, of at most 16 MiB."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise Impossible(f"{path}: expected at most {MOST_BYTES} bytes, got {size}")
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise Impossible(f"{path}: expected a file that can be read, got {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise Impossible(f"{path}: expected JSON, got {error}") from error
    return mapping(value, str(path))


def shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def mapping(value: object, where: str) -> Mapping[str, object]:
    if isinstance(value, dict):
        return value
    raise Impossible(f"{where}: expected an object, got {shown(value)}")


def sequence(value: object, where: str) -> Sequence[object]:
    if isinstance(value, list):
        return value
    raise Impossible(f"{where}: expected a list, got {shown(value)}")


def text(value: object, where: str) -> str:
    if isinstance(value, str) and value:
        return value
    raise Impossible(f"{where}: expected a text, got {shown(value)}")


def whole(value: object, where: str, least: int = 0, most: int = 2**53 - 1) -> int:
    """A whole number, both ends included; true and false are none."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise Impossible(f"{where}: expected a whole number from {least} to {most}, got {shown(value)}")


def number(value: object, where: str, least: float = -math.inf, most: float = math.inf) -> float:
    """A finite number, both ends included."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and least <= value <= most:
        return float(value)
    raise Impossible(f"{where}: expected a number from {least} to {most}, got {shown(value)}")


def one_of(value: object, choices: Sequence[str], where: str) -> str:
    if isinstance(value, str) and value in choices:
        return value
    raise Impossible(f"{where}: expected one of {', '.join(choices)}, got {shown(value)}")


def only(value: Mapping[str, object], known: Sequence[str], where: str) -> None:
    """Refuses keys that nobody reads: a typing error must not become a default."""
    unknown = sorted(set(value) - set(known))
    if unknown:
        raise Impossible(f"{where}: expected no other keys than {', '.join(sorted(known))}, got {', '.join(unknown[:5])}")
