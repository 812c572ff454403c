"""The networks. All take the same input and give scores; normalisation is part of them, so a robot feeds raw readings.

Shapes: B rows, H frames, O observations, T actions of a chunk, A actions (discrete) or numbers of an action (continuous). Groups are
normalised over a single row (group and layer normalisation, never over a batch): one row gets the same answer alone, in a batch, and on
any number of processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from .job import Camera, Job
from .settings import Settings

NORMALISED_LIMIT = 10.0


@dataclass(frozen=True)
class Statistics:
    """Of the training rows, float32 [columns]: `normalised = (value - mean) * scale`; scale 0 for a column that never varies."""

    observation_mean: np.ndarray
    observation_scale: np.ndarray
    action_mean: np.ndarray
    action_scale: np.ndarray


class Perceptron(nn.Module):
    """[B, inputs] → [B, outputs] through hidden layers with ReLU."""

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in hidden:
            layers += [nn.Linear(inputs, width), nn.ReLU()]
            if dropout > 0:
                layers.append(nn.Dropout(dropout))
            inputs = width
        layers.append(nn.Linear(inputs, outputs))
        self.layers = nn.Sequential(*layers)

    def forward(self, values: Tensor) -> Tensor:
        return self.layers(values)


def group_norm(channels: int) -> nn.GroupNorm:
    """At most 8 groups of at least 4 channels, as the embedded trainer has."""
    groups = next(count for count in (8, 4, 2, 1) if channels % count == 0 and (channels // count >= 4 or count == 1))
    return nn.GroupNorm(groups, channels)


class Convolutions(nn.Module):
    """[B, seen, h, w] → [B, C, h', w']: 3 × 3 convolutions with stride 2."""

    def __init__(self, seen: int, channels: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = seen
        for width in channels:
            layers += [nn.Conv2d(before, width, 3, 2, 1, bias=False), group_norm(width), nn.ReLU()]
            before = width
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(image)


class Squeeze(nn.Module):
    """Squeeze-and-excitation: channels weigh themselves by what the whole image says."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(8, (channels // 4 + 4) // 8 * 8)
        self.down, self.up = nn.Conv2d(channels, inner, 1), nn.Conv2d(inner, channels, 1)

    def forward(self, planes: Tensor) -> Tensor:
        mean = planes.mean((2, 3), keepdim=True)
        return planes * nn.functional.hardsigmoid(self.up(torch.relu(self.down(mean))))


class InvertedResidual(nn.Module):
    """Expand, filter each channel by itself, weigh, reduce; added to the input where the size stays."""

    def __init__(self, before: int, kernel: int, wide: int, after: int, squeezes: bool, hard: bool, stride: int) -> None:
        super().__init__()
        activation: type[nn.Module] = nn.Hardswish if hard else nn.ReLU
        layers: list[nn.Module] = []
        if wide != before:
            layers += [nn.Conv2d(before, wide, 1, bias=False), group_norm(wide), activation()]
        layers += [nn.Conv2d(wide, wide, kernel, stride, kernel // 2, groups=wide, bias=False), group_norm(wide), activation()]
        if squeezes:
            layers.append(Squeeze(wide))
        layers += [nn.Conv2d(wide, after, 1, bias=False), group_norm(after)]
        self.layers = nn.Sequential(*layers)
        self.adds = stride == 1 and before == after

    def forward(self, planes: Tensor) -> Tensor:
        result = self.layers(planes)
        return planes + result if self.adds else result


#: kernel, expanded channels, channels, squeeze, hard-swish, stride: table 2 of Howard et al., Searching for MobileNetV3, 2019.
MOBILENET_SMALL = (
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2),
    (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1),
    (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1),
    (5, 576, 96, True, True, 1),
)


class MobileNetSmall(nn.Module):
    """[B, seen, h, w] → [B, 576, h / 32, w / 32]: the trunk of MobileNetV3-small, with group instead of batch normalisation."""

    def __init__(self, seen: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(seen, 16, 3, 2, 1, bias=False), group_norm(16), nn.Hardswish()]
        before = 16
        for kernel, wide, after, squeezes, hard, stride in MOBILENET_SMALL:
            layers.append(InvertedResidual(before, kernel, wide, after, squeezes, hard, stride))
            before = after
        layers += [nn.Conv2d(before, 576, 1, bias=False), group_norm(576), nn.Hardswish()]
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(image)


class Eye(nn.Module):
    """One camera: [B, seen, h, w] → [B, features]. Small trunks keep positions, MobileNet averages them."""

    def __init__(self, camera: Camera, seen: int, settings: Settings) -> None:
        super().__init__()
        self.averages = settings.network == "mobilenetv3-small"
        self.trunk: nn.Module = MobileNetSmall(seen) if self.averages else Convolutions(seen, settings.channels)
        with torch.no_grad():
            _, channels, height, width = self.trunk(torch.zeros(1, seen, camera.height, camera.width)).shape
        self.reduce = nn.Linear(channels if self.averages else channels * height * width, settings.imageFeatures)

    def forward(self, image: Tensor) -> Tensor:
        planes = self.trunk(image)
        return self.reduce(planes.mean((2, 3)) if self.averages else planes.flatten(1))


class Attention(nn.Module):
    """Multi-head attention of `queries` [B or 1, Q, W] over `memory` [B, S, W] → [B, Q, W]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        # Sizes are written out, so that no size of the exported graph comes from what is read.
        length, width = memory.shape[1], self.heads * self.size
        query = self.query(queries).reshape(-1, queries.shape[1], self.heads, self.size).transpose(1, 2)
        key, value = self.key_value(memory).split(width, dim=2)
        key = key.reshape(-1, length, self.heads, self.size).permute(0, 2, 3, 1)
        value = value.reshape(-1, length, self.heads, self.size).transpose(1, 2)
        weights = torch.softmax(torch.matmul(query, key) * self.size**-0.5, dim=-1)
        return self.out(torch.matmul(weights, value).transpose(1, 2).reshape(-1, queries.shape[1], width))


class Layer(nn.Module):
    """A transformer layer with normalisation first: attention over itself, over `memory` where it decodes, and a perceptron."""

    def __init__(self, settings: Settings, decodes: bool) -> None:
        super().__init__()
        width = settings.modelWidth
        self.own = Attention(width, settings.heads)
        self.other = Attention(width, settings.heads) if decodes else None
        self.own_norm, self.other_norm, self.last_norm = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        if not decodes:
            self.other_norm = nn.Identity()
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.drop = nn.Dropout(settings.dropout)

    def forward(self, tokens: Tensor, memory: Tensor | None = None) -> Tensor:
        normal = self.own_norm(tokens)
        tokens = tokens + self.drop(self.own(normal, normal))
        if self.other is not None and memory is not None:
            tokens = tokens + self.drop(self.other(self.other_norm(tokens), memory))
        return tokens + self.drop(self.narrow(torch.relu(self.wide(self.last_norm(tokens)))))


class ChunkTransformer(nn.Module):
    """An action-chunking transformer after Zhao et al., 2023 (ACT), without its variational encoder.

    Tokens: one for each frame, one for the task, one for each place of each camera's last planes. An encoder relates them; learned
    queries, one for each action of the chunk, read from it. → [B, T, outputs].
    """

    def __init__(self, job: Job, settings: Settings, outputs: int) -> None:
        super().__init__()
        width = settings.modelWidth
        self.frame = nn.Linear(len(job.robot.observations), width)
        self.task = nn.Embedding(len(job.robot.tasks), width)
        self.trunks = nn.ModuleList(Convolutions(seen_channels(job), settings.channels) for _ in job.cameras)
        places = 0
        for trunk, camera in zip(self.trunks, job.cameras):
            with torch.no_grad():
                _, _, height, wide = trunk(torch.zeros(1, seen_channels(job), camera.height, camera.width)).shape
            places += height * wide
        self.pixel = nn.Linear(settings.channels[-1], width)
        if not job.cameras:
            self.pixel = nn.Identity()
        self.positions = nn.Parameter(0.02 * torch.randn(1, job.history + 1 + places, width))
        self.queries = nn.Parameter(0.02 * torch.randn(1, job.horizon, width))
        self.encoder = nn.ModuleList(Layer(settings, False) for _ in range(settings.encoderLayers))
        self.decoder = nn.ModuleList(Layer(settings, True) for _ in range(settings.decoderLayers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, outputs)

    def forward(self, frames: Tensor, task: Tensor, images: Sequence[Tensor]) -> Tensor:
        tokens = [self.frame(frames), self.task(task).unsqueeze(1)]
        for trunk, image in zip(self.trunks, images):
            planes: Tensor = trunk(image)
            tokens.append(self.pixel(planes.flatten(2).transpose(1, 2)))
        memory = torch.cat(tokens, dim=1) + self.positions
        for layer in self.encoder:
            memory = layer(memory)
        answers: Tensor = self.queries
        for layer in self.decoder:
            answers = layer(answers, memory)
        return self.head(self.norm(answers))


class Policy(nn.Module):
    """Raw readings in, scores out: [B, T, A], logits for discrete actions, standard deviations from the mean for continuous ones."""

    def __init__(self, job: Job, settings: Settings, statistics: Statistics) -> None:
        super().__init__()
        self.history, self.horizon = job.history, job.horizon
        self.cameras, self.seen = job.cameras, seen_channels(job)
        self.outputs = job.robot.action_size
        observations, tasks = len(job.robot.observations), len(job.robot.tasks)
        self.register_buffer("observation_mean", torch.from_numpy(statistics.observation_mean))
        self.register_buffer("observation_scale", torch.from_numpy(statistics.observation_scale))
        self.transformer = ChunkTransformer(job, settings, self.outputs) if settings.network == "act" else None
        self.task: nn.Embedding | None = None
        if self.transformer is not None:
            return
        if tasks > 1:
            self.task = nn.Embedding(tasks, settings.taskEmbeddingSize)
        self.eyes = nn.ModuleList(Eye(camera, self.seen, settings) for camera in job.cameras)
        inputs = observations * self.history + len(self.eyes) * settings.imageFeatures
        inputs += 0 if self.task is None else settings.taskEmbeddingSize
        self.body = Perceptron(inputs, settings.hiddenWidths, self.horizon * self.outputs, settings.dropout)

    def forward(self, observation: Tensor, task: Tensor, images: Sequence[Tensor]) -> Tensor:
        """`observation` float32 [B, H, O], `task` int32 [B], `images` uint8 [B, height, width, 3] each, or [B, images, height, width, 3]."""
        frames = (observation - self.observation_mean) * self.observation_scale
        frames = frames.clamp(-NORMALISED_LIMIT, NORMALISED_LIMIT)
        planes = [self._planes(camera, image) for camera, image in zip(self.cameras, images)]
        if self.transformer is not None:
            return self.transformer(frames, task, planes)
        parts = [frames.flatten(1), *(eye(image) for eye, image in zip(self.eyes, planes))]
        if self.task is not None:
            parts.append(self.task(task))
        return self.body(torch.cat(parts, dim=1)).reshape(-1, self.horizon, self.outputs)


    def _planes(self, camera: Camera, image: Tensor) -> Tensor:
        """float32 [B, seen, height, width]: the images of a window become channels of one picture, oldest first."""
        channels = image.permute(0, 3, 1, 2) if image.dim() == 4 else image.permute(0, 1, 4, 2, 3)
        return channels.reshape(-1, self.seen, camera.height, camera.width).to(torch.float32) / 127.5 - 1


def seen_channels(job: Job) -> int:
    """Of each camera's picture: red, green and blue of every image that is seen at once."""
    return 3 * job.image_history


class Answers(nn.Module):
    """What a robot gets of a policy: `probabilities`, or `action` in the robot type's units, cut to its ranges.

    `observation` float32 [B, O] or with history [B, H, O]; out comes [B, A], or with several actions to execute [B, E, A].
    """

    def __init__(self, policy: Policy, job: Job, statistics: Statistics) -> None:
        super().__init__()
        self.policy, self.discrete, self.execute = policy, job.robot.discrete, job.execute
        scale = statistics.action_scale
        deviation = np.where(scale == 0, 0, 1 / np.where(scale == 0, 1, scale)).astype(np.float32)
        self.register_buffer("action_mean", torch.from_numpy(statistics.action_mean))
        self.register_buffer("action_deviation", torch.from_numpy(deviation))
        self.register_buffer("action_min", torch.tensor([each.least for each in job.robot.action_ranges]))
        self.register_buffer("action_max", torch.tensor([each.most for each in job.robot.action_ranges]))

    def forward(self, observation: Tensor, task: Tensor, *images: Tensor) -> Tensor:
        frames = observation.unsqueeze(1) if self.policy.history == 1 else observation
        scores = self.policy(frames, task, images)
        scores = scores[:, 0] if self.execute == 1 else scores[:, : self.execute]
        if self.discrete:
            return torch.softmax(scores, dim=-1)
        action = scores * self.action_deviation + self.action_mean
        return torch.minimum(torch.maximum(action, self.action_min), self.action_max)
