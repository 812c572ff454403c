"""What an arm senses, from its robot type."""

import json
import tempfile
import unittest
from pathlib import Path
from typing import Any

import numpy as np

from flywheel_mujoco.arm import OBSERVATIONS, Arm
from flywheel_mujoco.body import BUILT_IN, Camera, body_of, read_body
from flywheel_mujoco.main import body_asked

DOCUMENTS = Path(__file__).parents[3] / "datasets/robot-types"


def document(name: str) -> Any:
    return json.loads((DOCUMENTS / f"{name}.json").read_text())


class Bodies(unittest.TestCase):
    def test_are_those_of_the_documents_that_come_with_the_project(self) -> None:
        self.assertEqual([*BUILT_IN], ["push-arm@1", "push-arm-camera@1"])
        for name, body in BUILT_IN.items():
            path = DOCUMENTS / f"{name.removesuffix('@1')}.json"
            self.assertEqual(read_body(str(path)), body, name)
            self.assertEqual(read_body(name), body)

    def test_read_what_their_type_names_in_its_order(self) -> None:
        arm = Arm(1, 0)
        arm.begin(1, "push")
        observed = arm.observe()
        told = {**document("push-arm"), "observations": [{"name": "target-y"}, {"name": "tip-x"}]}
        np.testing.assert_array_equal(body_of(told).readings(observed), observed[[9, 4]])
        # Nothing of puck and target.
        np.testing.assert_array_equal(read_body("push-arm-camera@1").readings(observed), observed[:6])

    def test_are_refused_with_the_field(self) -> None:
        camera = document("push-arm-camera")["cameras"][0]

        def with_camera(**fields: object) -> dict[str, object]:
            return {"cameras": [{**camera, **fields}]}

        wrong: list[tuple[dict[str, object], str]] = [
            ({"rateHz": 9}, "rateHz: expected 20, got 9"),
            ({"actions": {"kind": "discrete", "names": ["left", "right"]}}, "actions: expected two ranges"),
            ({"actions": {"ranges": [{"min": -1, "max": 1}] * 2}}, "actions"),
            ({"observations": []}, "observations: expected at least one"),
            ({"observations": [{"name": "US1"}]}, f"observations: expected some of {OBSERVATIONS[0]}.*US1"),
            ({"observations": [[[["x"]]]]}, "observations"),
            ({"cameras": []}, "cameras: expected one, of name wrist"),
            ({"cameras": [camera, camera]}, "cameras: expected one"),
            (with_camera(name="front"), "wrist"),
            (with_camera(colour="grey"), "colour rgb"),
            (with_camera(width=161), "160 × 120 pixels, got 161"),
            (with_camera(height=8), "got 8"),
            (with_camera(width=64.5), "got 64.5"),
            (with_camera(height=True), "got true"),
            (with_camera(width=[[]]), "got a list"),
            (with_camera(rateHz=0), "rateHz above 0 to 20, got 0"),
            (with_camera(rateHz=21), "got 21"),
            (with_camera(rateHz=float("nan")), "got NaN"),
        ]
        for fields, text in wrong:
            with self.assertRaisesRegex(ValueError, text):
                body_of({**document("push-arm"), **fields})
        for nothing in (None, [], 1, "push-arm"):
            with self.assertRaisesRegex(ValueError, "expected a robot type"):
                body_of(nothing)

    def test_files_are_refused_by_name(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "arm.json"
            for text, told in (("{", "expected JSON"), ("[" * 100_000, "expected JSON"), (" " * 1_000_001, "at most"), ('{"rateHz": 1}', "rateHz")):
                path.write_text(text)
                with self.assertRaisesRegex(ValueError, f"arm.json: .*{told}"):
                    read_body(str(path))
        with self.assertRaisesRegex(ValueError, "push-arm-camera@1 or the file"):
            read_body("scitos-g5@1")
        with self.assertRaisesRegex(SystemExit, "--robot-type"):
            body_asked("push-arm@9")

    def test_take_images_at_their_own_rate_from_the_first_frame_on(self) -> None:
        def due(rate_hz: float) -> list[int]:
            return [frame for frame in range(20) if Camera("wrist", 64, 48, rate_hz).is_due(frame)]

        self.assertEqual(due(20), list(range(20)))
        self.assertEqual(due(10), list(range(0, 20, 2)))
        self.assertEqual(due(1), [0])
        self.assertEqual(len(due(15)), 15)


if __name__ == "__main__":
    unittest.main()
