"""What is checked before anything is loaded; needs numpy, but neither torch nor Pillow."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np

from flywheel_pytorch.job import mirror_of, read_job
from flywheel_pytorch.lines import Impossible
from flywheel_pytorch.order import first_of_share, rows_of_step, share, steps_in_pass
from flywheel_pytorch.settings import read_settings

from jobs import ARM, CAMERA, ROBOT, write_job

SEES: dict[str, object] = {"robotType": {**ROBOT, "cameras": [CAMERA]}, "cameras": ["front"]}


class Jobs(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def job(self, settings: dict[str, object] | None = None, **more: object) -> Path:
        return write_job(Path(self.folder.name), settings or {}, **more)

    def refused(self, text: str, settings: dict[str, object] | None = None, **more: object) -> None:
        with self.assertRaisesRegex(Impossible, text):
            read_settings(read_job(self.job(settings, **more)))

    def test_fills_in_defaults_that_follow_from_the_job(self) -> None:
        sees = {**ROBOT, "cameras": [CAMERA]}
        for wanted, more in (
            ("mlp", {}),
            ("cnn", {"contract": 2, "robotType": sees, "cameras": ["front"]}),
            ("act", {"contract": 2, "robotType": ARM, "horizon": 8}),
        ):
            self.assertEqual(read_settings(read_job(self.job(**more))).network, wanted)

    def test_reads_how_many_images_are_seen_at_once(self) -> None:
        self.assertEqual(read_job(self.job(contract=2, **SEES)).image_history, 1)
        self.assertEqual(read_job(self.job(contract=2, imageHistory=3, **SEES)).image_history, 3)

    def test_takes_back_the_settings_that_it_reports(self) -> None:
        settings = read_settings(read_job(self.job({"augmentation": {"flip": 0.5}, "lossWeights": {"left": 2}})))
        self.assertEqual(read_settings(read_job(self.job(json.loads(json.dumps(settings.document()))))), settings)

    def test_names_what_it_does_not_take(self) -> None:
        self.refused("execute: expected a whole number from 1 to 4, got 5", horizon=4, execute=5)
        self.refused("contract: expected one of .*, got 9", contract=9)
        self.refused("imageHistory: expected cameras, of which 2 images", contract=2, imageHistory=2)
        for images in (1, 17, "2", True):
            self.refused("imageHistory: expected a whole number from 2 to 16", contract=2, imageHistory=images, **SEES)
        self.refused("no other keys than .*got learningrate", {"learningrate": 0.1})
        self.refused("settings.learningRate: expected a number from .*, got \"fast\"", {"learningRate": "fast"})
        self.refused("settings.learningRate: .*got NaN", {"learningRate": float("nan")})
        self.refused("settings.maxSteps: expected a whole number", {"maxSteps": True})
        self.refused("settings.checkpointEverySeconds: .* to 60", {"checkpointEverySeconds": 61})
        self.refused("expected cnn, mobilenetv3-small or act", {"network": "mlp"}, robotType={**ROBOT, "cameras": [CAMERA]}, cameras=["front"])
        self.refused("expected mlp or act for a training without cameras", {"network": "cnn"})
        self.refused("cameras of test-bot@1 .it has none., got rear", cameras=["rear"])
        self.refused("settings.lossWeights: expected no other keys", {"lossWeights": {"backwards": 1}})
        self.refused("an action with a weight above 0", {"lossWeights": {"left": 0, "ahead": 0, "right": 0}})
        self.refused("expected a multiple of heads", {"modelWidth": 30, "heads": 4})
        self.refused("robotType.actions.kind: expected discrete or continuous", robotType={**ROBOT, "actions": {"kind": "none"}})
        for text, wanted in (("[]", "expected an object"), ("{", "expected JSON"), ("[" * 100_000, "expected JSON")):
            path = Path(self.folder.name) / "job.json"
            path.write_text(text)
            with self.assertRaisesRegex(Impossible, wanted):
                read_job(path)
        with self.assertRaisesRegex(Impossible, "expected a file that can be read"):
            read_job(Path(self.folder.name) / "none.json")

    def test_reads_the_mirror_by_places(self) -> None:
        mirror = mirror_of(read_job(self.job()))
        self.assertEqual((mirror.observation_from, mirror.observation_sign), ((2, 1, 0), (1, -1, 1)))
        self.assertEqual((mirror.action_from, mirror.action_sign), ((2, 1, 0), (1, 1, 1)))
        with self.assertRaisesRegex(Impossible, "expected a robot type with mirror"):
            mirror_of(read_job(self.job(robotType={key: value for key, value in ROBOT.items() if key != "mirror"})))


class Orders(unittest.TestCase):
    def test_shares_the_rows_of_a_step_among_any_number_of_processes(self) -> None:
        for rows, size in ((1, 4), (7, 3), (100, 32)):
            for processes in range(1, size + 1):
                for step in range(2 * steps_in_pass(rows, size)):
                    whole = rows_of_step(rows, size, 5, step)
                    parts = [share(whole, number, processes) for number in range(processes)]
                    np.testing.assert_array_equal(np.concatenate(parts), whole)
                    self.assertLessEqual(max(map(len, parts)) - min(map(len, parts)), 1)
                    starts = [first_of_share(len(whole), number, processes) for number in range(processes)]
                    np.testing.assert_array_equal(starts, np.cumsum([0, *map(len, parts[:-1])]))

    def test_takes_each_row_once_a_pass_in_another_order_each_time(self) -> None:
        first, second = (
            np.concatenate([rows_of_step(96, 32, 5, step) for step in range(start, start + 3)]) for start in (0, 3)
        )
        np.testing.assert_array_equal(np.sort(first), np.arange(96))
        np.testing.assert_array_equal(np.sort(second), np.arange(96))
        self.assertFalse(np.array_equal(first, second))


if __name__ == "__main__":
    unittest.main()
