"""Images on their way to the agent: base64 within the line, or files that the agent reads and deletes."""

from __future__ import annotations

import base64
import os
import uuid
from collections.abc import Mapping
from typing import Any, Protocol, Union

MOST_INLINE_BYTES = 1024 * 1024
"""The agent takes no larger image within a line."""
_FILES_FROM_BYTES = 64 * 1024
"""With a folder of images, larger ones go as files: they do not hold up the lines behind them."""
MOST_IMAGE_BYTES = 8 * 1024 * 1024
MOST_CAMERAS = 8


class PixelArray(Protocol):
    """What is used of a NumPy array of pixels."""

    @property
    def shape(self) -> Any: ...

    @property
    def dtype(self) -> Any: ...

    def tobytes(self) -> bytes: ...


Image = Union[bytes, bytearray, memoryview, PixelArray]
"""JPEG or PNG as bytes, or raw pixels of the camera's size: bytes, or uint8 [height, width, 3] (RGB), [height, width] or [height, width, 1] (grey)."""


def camera_name(name: str) -> str:
    if not isinstance(name, str) or not 1 <= len(name) <= 63:
        raise ValueError(f"expected camera to be the name of a camera, got {str(name)[:40]!r}")
    return name


def image_bytes(image: Image) -> bytes:
    """The bytes as the agent takes them. TypeError or ValueError says what was expected."""
    if isinstance(image, (bytes, bytearray, memoryview)):
        data = bytes(image)
    elif hasattr(image, "tobytes") and hasattr(image, "shape") and hasattr(image, "dtype"):
        shape = tuple(image.shape)
        if str(image.dtype) != "uint8":
            raise TypeError(f"expected an image of uint8, got {str(image.dtype)[:40]}")
        if not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))):
            raise ValueError(f"expected an image of shape [height, width], [height, width, 1] or [height, width, 3], got {shape}")
        data = image.tobytes()
    else:
        raise TypeError(f"expected an image as bytes or as an array of uint8, got {type(image).__name__}")
    if not 0 < len(data) <= MOST_IMAGE_BYTES:
        raise ValueError(f"expected an image of 1 to {MOST_IMAGE_BYTES} bytes, got {len(data)}")
    return data


class ImageDoor:
    """How images reach the agent. `folder`: the agent was told it with --images; None: only within lines."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder

    def check(self, data: bytes) -> None:
        """ValueError for what cannot be sent."""
        if self._folder is None and len(data) > MOST_INLINE_BYTES:
            raise ValueError(
                f"expected an image of at most {MOST_INLINE_BYTES} bytes, got {len(data)}: give the agent images=FOLDER for larger ones"
            )

    def field(self, data: bytes) -> tuple[dict[str, str], str | None]:
        """What stands in the line, and the file that was written for it; the agent deletes the file, or `forget` does."""
        self.check(data)
        if self._folder is None or len(data) <= _FILES_FROM_BYTES:
            return {"base64": base64.b64encode(data).decode("ascii")}, None
        name = f"{uuid.uuid4().hex}.image"
        path = os.path.join(self._folder, name)
        # Nobody else reads what a camera of the robot sees.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
        except BaseException:
            forget(path)
            raise
        return {"file": name}, path

    def fields(self, images: Mapping[str, Image]) -> tuple[list[dict[str, str]], list[str]]:
        """Images of a decision, and the files that were written for them."""
        if len(images) > MOST_CAMERAS:
            raise ValueError(f"expected images of at most {MOST_CAMERAS} cameras, got {len(images)}")
        ready = [(camera_name(name), image_bytes(image)) for name, image in images.items()]
        for _, data in ready:
            self.check(data)
        told: list[dict[str, str]] = []
        files: list[str] = []
        try:
            for name, data in ready:
                field, path = self.field(data)
                told.append({"camera": name, **field})
                files += [] if path is None else [path]
        except BaseException:
            for path in files:
                forget(path)
            raise
        return told, files


def forget(path: str | None) -> None:
    """Deletes a file that the agent did not take."""
    if path is not None:
        try:
            os.unlink(path)
        except OSError:
            pass
