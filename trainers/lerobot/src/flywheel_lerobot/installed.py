"""Whether LeRobot is there, before anything of it is loaded."""

from __future__ import annotations

import importlib.metadata
import sys

from .lines import Impossible

#: The version that this package was tested with.
LEROBOT = "0.6.1"


def require_lerobot() -> None:
    """Raises Impossible with what to install."""
    install = f"{sys.executable} -m pip install lerobot=={LEROBOT} onnx onnxruntime (Python 3.12 or newer; with PyTorch about 6 GB)"
    try:
        version = importlib.metadata.version("lerobot")
    except importlib.metadata.PackageNotFoundError:
        raise Impossible(f"LeRobot is not installed for {sys.executable}: install it with {install}") from None
    if version.split(".")[:2] != LEROBOT.split(".")[:2]:
        raise Impossible(f"expected LeRobot {LEROBOT}, got {version}, whose trainer may take other options: install it with {install}")
