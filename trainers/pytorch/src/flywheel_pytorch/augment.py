"""Varies training rows: a pure function of seed, step and the row's place in the step, so that any number of processes gives the same rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .job import Mirror
from .rows import Batch
from .settings import Augmentation


def vary(batch: Batch, augmentation: Augmentation, mirror: Mirror | None, seed: int, step: int, first: int) -> Batch:
    """The rows varied, in memory of their own. `first` is the place of the first row in the step, over all processes."""
    if augmentation == Augmentation():
        return batch
    images = tuple(each.copy() for each in batch.images)
    observation, label = batch.observation.copy(), batch.label.copy()
    varied = replace(batch, observation=observation, label=label, images=images)
    for row in range(len(batch.weight)):
        random = np.random.default_rng([seed, step, first + row, 1])
        if mirror is not None and augmentation.flip > 0 and random.random() < augmentation.flip:
            mirror_row(varied, batch, mirror, row)
        for pixels in images:
            vary_image(pixels[row], augmentation, random)
    return varied


def mirror_row(target: Batch, source: Batch, mirror: Mirror, row: int) -> None:
    signs = np.array(mirror.observation_sign, np.float32)
    target.observation[row] = source.observation[row][:, mirror.observation_from] * signs
    if source.label.ndim == 2:
        target.label[row] = np.array(mirror.action_from)[source.label[row]]
    else:
        target.label[row] = source.label[row][:, mirror.action_from] * np.array(mirror.action_sign, np.float32)
    for index, other in enumerate(mirror.camera_from):
        target.images[index][row] = source.images[other][row][..., ::-1, :]


def vary_image(pixels: np.ndarray, augmentation: Augmentation, random: np.random.Generator) -> None:
    """In place; uint8 [height, width, 3], or [images, height, width, 3], cut and lit alike."""
    height, width, _ = pixels.shape[-3:]
    if augmentation.crop > 0:
        kept = 1 - augmentation.crop * random.random()
        top, left = height * (1 - kept) * random.random(), width * (1 - kept) * random.random()
        lines = np.minimum(height - 1, (top + (np.arange(height) + 0.5) * kept).astype(int))
        places = np.minimum(width - 1, (left + (np.arange(width) + 0.5) * kept).astype(int))
        pixels[:] = pixels[..., lines[:, None], places, :]
    if augmentation.brightness + augmentation.noise > 0:
        moved = pixels + 255 * augmentation.brightness * (2 * random.random() - 1)
        if augmentation.noise > 0:
            moved = moved + 255 * augmentation.noise * (2 * random.random(pixels.shape) - 1)
        pixels[:] = np.clip(np.rint(moved), 0, 255).astype(np.uint8)
