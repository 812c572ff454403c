"""
Whether rows of episodes in which the champion gives other labels than their teacher should weigh less, as rows of other outliers can (`doubtBy`).

    $(node tools/tool.ts python) bench/doubt-by-disagreement.py --seeds 8

Four actions by a random rule of four readings; policies are least squares over random features. The champion has learned 150 episodes. Then come 150 more: some of them
labelled by somebody who follows another rule, and some of a situation that the champion has never met. The same rule of outliers and the same weight as `doubtBy`.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

FRAMES, EPISODES, FEATURES = 40, 150, 300
#: Where the readings of a new situation lie.
ELSEWHERE = 2.5


def differences(seed: int, wrong: float, new: float, weight: float) -> Any:
    """Agreement with the rule where the champion has learned and where it has not: of the champion, of a policy of all episodes, and of one that doubts."""
    draw = np.random.default_rng(seed)

    def rule() -> Any:
        into, bias, out = draw.normal(0, 1.2, (4, 24)), draw.normal(0, 1, 24), draw.normal(0, 1, (24, 4))
        return lambda x: np.argmax(np.tanh(x @ into + bias) @ out, 1)

    right, other = rule(), rule()
    scales, phases = draw.normal(0, 0.6, (4, FEATURES)), draw.uniform(0, 2 * np.pi, FEATURES)

    def features(x: Any) -> Any:
        return np.cos(x @ scales + phases)

    def fitted(episodes: list[Any], weights: Any) -> Any:
        seen = features(np.concatenate([x for x, _ in episodes]))
        weighted = seen * np.repeat(weights, FRAMES)[:, None]
        labels = np.eye(4)[np.concatenate([y for _, y in episodes])]
        return np.linalg.solve(weighted.T @ seen + np.eye(FEATURES), weighted.T @ labels)

    def agreement(policy: Any, x: Any, y: Any) -> float:
        return float(np.mean(np.argmax(features(x) @ policy, 1) == y))

    def episode(place: float) -> Any:
        return place + draw.normal(0, 0.5, 4) + draw.normal(0, 0.8, (FRAMES, 4))

    known = [(x, right(x)) for x in (episode(0.0) for _ in range(EPISODES))]
    champion = fitted(known, np.ones(EPISODES))
    taught = [(x, other(x) if draw.random() < wrong else right(x)) for x in (episode(0.0) for _ in range(EPISODES))]
    met = [(x, right(x)) for x in (episode(ELSEWHERE) for _ in range(round(EPISODES * new)))]
    episodes = known + taught + met
    disagreement = np.array([1 - agreement(champion, x, y) for x, y in episodes])
    low, high = np.quantile(disagreement, [0.25, 0.75])
    is_outlier = disagreement > high + 3 * max(high - low, 0.05)
    judged = [place + draw.normal(0, 0.94, (8_000, 4)) for place in (0.0, ELSEWHERE)]
    policies = [champion, fitted(episodes, np.ones(len(episodes))), fitted(episodes, np.where(is_outlier, weight, 1.0))]
    return [[agreement(policy, x, right(x)) for x in judged] for policy in policies]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--weight", type=float, default=0.25, help="of a row of an outlier, where others weigh 1")
    options = parser.parse_args()
    for wrong, new in ((0.15, 0.0), (0.0, 0.15), (0.15, 0.15)):
        found = np.array([differences(seed, wrong, new, options.weight) for seed in range(options.seeds)])
        mean = found.mean(0)
        change = found[:, 2] - found[:, 1]
        error = change.std(0, ddof=1) / options.seeds**0.5
        print(
            f"wrong labels in {wrong:.0%} of the new episodes, a new situation in {new:.0%}: agreement where it had learned "
            f"{mean[1, 0]:.3f} → {mean[2, 0]:.3f} ({change[:, 0].mean():+.4f} ± {error[0]:.4f}), "
            f"elsewhere {mean[1, 1]:.3f} → {mean[2, 1]:.3f} ({change[:, 1].mean():+.4f} ± {error[1]:.4f}); champion {mean[0, 0]:.3f}, {mean[0, 1]:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
