"""LeRobot's own trainer, `lerobot-train`, with one thing more: of each episode of a set only the first frame is learned from.

    python -m flywheel_lerobot.trainer FRAMES LEROBOT_TRAIN_OPTIONS…
"""

from __future__ import annotations

import sys


def main() -> None:
    frames = int(sys.argv.pop(1))
    from lerobot.policies.act.configuration_act import ACTConfig
    from lerobot.scripts.lerobot_train import main as train

    # LeRobot asks policies that have it how many of an episode's last frames to leave out.
    ACTConfig.drop_n_last_frames = frames - 1
    train()


if __name__ == "__main__":
    main()
