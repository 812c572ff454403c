"""
Whether more cycles teach the arms to push, without a fleet: episodes of scenario `arm`, cycle after cycle, learned by a perceptron in NumPy.

    PYTHONPATH=clients/python/src:clients/mujoco/src $(node tools/tool.ts python-mujoco) bench/arm-cycles.py --cycles 3

A cycle's episodes are driven by the policy before it (the first ones by one that knows nothing), a part of them by the expert; every frame has what the expert would do, as
a person who watches corrects it. A row's label is a chunk of actions: the expert's at this frame and the following ones of the episode. What it leaves out of the
real loop: weights and caps of corrections, search, quantities of the mix, and gates.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from flywheel_mujoco.arm import ACTION_LIMIT, TASKS, Arm
from flywheel_mujoco.expert import expert_action

FRAMES = 80
LEAST_FRAMES = 12
HIDDEN = 128
ARMS = 18


@dataclass
class Net:
    """Two hidden layers with tanh; inputs and outputs scaled to about one."""

    inputs: int
    outputs: int
    draw: np.random.Generator
    layers: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        sizes = [self.inputs, HIDDEN, HIDDEN, self.outputs]
        for size, following in zip(sizes, sizes[1:]):
            self.layers.append((self.draw.normal(0, size**-0.5, (size, following)), np.zeros(following)))
        self.mean, self.scale = np.zeros(self.inputs), np.ones(self.inputs)

    def activations(self, x: Any) -> list[Any]:
        seen = [(x - self.mean) / self.scale]
        for place, (weights, bias) in enumerate(self.layers):
            out = seen[-1] @ weights + bias
            seen.append(np.tanh(out) if place < 2 else out)
        return seen

    def answer(self, x: Any) -> Any:
        return self.activations(x)[-1] * ACTION_LIMIT

    def learn(self, x: Any, y: Any, mask: Any, steps: int, batch: int = 256, rate: float = 2e-3) -> float:
        """Adam on the mean square over what has a label; the rate falls along a cosine. The mean of the last hundred losses."""
        self.mean, self.scale = x.mean(0), x.std(0) + 1e-6
        flat = [part for layer in self.layers for part in layer]
        first, second = [np.zeros_like(part) for part in flat], [np.zeros_like(part) for part in flat]
        losses: list[float] = []
        for step in range(1, steps + 1):
            rows = self.draw.integers(0, len(x), batch)
            seen = self.activations(x[rows])
            error = (seen[-1] - y[rows] / ACTION_LIMIT) * mask[rows]
            losses.append(float((error**2).sum() / mask[rows].sum()))
            gradient = 2 * error / mask[rows].sum()
            gradients: list[Any] = []
            for place in (2, 1, 0):
                gradients = [seen[place].T @ gradient, gradient.sum(0), *gradients]
                if place > 0:
                    gradient = (gradient @ self.layers[place][0].T) * (1 - seen[place] ** 2)
            now = rate * 0.5 * (1 + np.cos(np.pi * step / steps))
            for part, slope, mean, square in zip(flat, gradients, first, second):
                mean *= 0.9
                mean += 0.1 * slope
                square *= 0.999
                square += 0.001 * slope**2
                part -= now * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        return float(np.mean(losses[-100:]))


def inputs_of(task: str, seen: Any) -> Any:
    return np.concatenate([seen, [float(task == each) for each in TASKS]])


def lived(arm: Arm, episode: int, task: str, net: Net | None, execute: int) -> tuple[list[Any], list[Any], bool]:
    """What was seen, what the expert would have done, and whether it arrived. Without a net the expert drives."""
    arm.begin(episode, task)
    seen, wanted, waiting = [], [], []
    for frame in range(FRAMES):
        now = arm.observe()
        seen.append(inputs_of(task, now))
        wanted.append(expert_action(task, now))
        if net is None:
            action = wanted[-1]
        else:
            if not waiting:
                waiting = list(net.answer(seen[-1][None])[0].reshape(-1, 2)[:execute])
            action = np.clip(waiting.pop(0), -ACTION_LIMIT, ACTION_LIMIT)
        arm.act(action)
        if frame + 1 >= LEAST_FRAMES and (arm.has_arrived or arm.has_lost):
            break
    return seen, wanted, arm.has_arrived


def chunked(wanted: list[Any], horizon: int) -> tuple[Any, Any]:
    """The chunk of every frame, and which of its actions the episode still had."""
    whole = np.asarray(wanted)
    places = np.arange(len(whole))[:, None] + np.arange(horizon)
    mask = np.repeat(places < len(whole), 2, axis=1).astype(float)
    return whole[np.minimum(places, len(whole) - 1)].reshape(len(whole), -1), mask


def success(net: Net | None, task: str, episodes: int, seed: int, execute: int) -> float:
    arm = Arm(seed, 0)
    return sum(lived(arm, episode, task, net, execute)[2] for episode in range(episodes)) / episodes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cycles", type=int, default=3)
    parser.add_argument("--episodes", type=int, default=720, help="of a cycle, both tasks in turn")
    parser.add_argument("--taught", type=float, default=0.5, help="share of the first cycle's episodes that the expert drives")
    parser.add_argument("--taught-later", type=float, default=0.0, help="the same of later cycles")
    parser.add_argument("--horizon", type=int, default=8)
    parser.add_argument("--execute", type=int, default=4)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--judged", type=int, default=120, help="new episodes of each task by which a policy is judged")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = np.random.default_rng(options.seed)
    net = Net(10 + len(TASKS), 2 * options.horizon, draw)
    rows: list[tuple[Any, Any, Any]] = []
    arms = [Arm(options.seed, robot) for robot in range(ARMS)]
    for cycle in range(1, options.cycles + 1):
        begun = time.process_time()
        taught = options.taught if cycle == 1 else options.taught_later
        succeeded = 0
        for episode in range(options.episodes):
            driver = None if draw.random() < taught else net
            task = TASKS[(episode // ARMS + episode) % len(TASKS)]
            seen, wanted, arrived = lived(arms[episode % ARMS], cycle * 1_000 + episode // ARMS, task, driver, options.execute)
            succeeded += arrived
            rows.append((np.asarray(seen), *chunked(wanted, options.horizon)))
        x, y, mask = (np.concatenate([row[part] for row in rows]) for part in range(3))
        net = Net(x.shape[1], y.shape[1], draw)
        loss = net.learn(x, y, mask, options.steps)
        judged = {task: success(net, task, options.judged, options.seed + 1_000, options.execute) for task in TASKS}
        took = round(time.process_time() - begun)
        print(json.dumps({"cycle": cycle, "rows": len(x), "loss": round(loss, 4), "success": judged, "cpuSeconds": took}), flush=True)


if __name__ == "__main__":
    main()
