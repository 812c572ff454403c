"""The wrist camera; needs a renderer (MUJOCO_GL=egl or osmesa)."""

import unittest

import numpy as np

from flywheel_mujoco.arm import Arm


class Camera(unittest.TestCase):
    def test_sees_the_table_under_the_wrist_and_the_same_again(self) -> None:
        arm = Arm(1, 0)
        self.addCleanup(arm.close)
        arm.begin(1, "push")
        first = arm.see(64, 48).copy()
        self.assertEqual((first.shape, first.dtype), ((48, 64, 3), np.uint8))
        np.testing.assert_array_equal(first, arm.see(64, 48))
        self.assertGreater(int(first.max()) - int(first.min()), 60)
        arm.begin(2, "push")
        self.assertFalse(np.array_equal(first, arm.see(64, 48)))
        self.assertEqual(arm.see(80, 60).shape, (60, 80, 3))


if __name__ == "__main__":
    unittest.main()
