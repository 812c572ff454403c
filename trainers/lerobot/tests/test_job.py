"""What needs no LeRobot: jobs, settings, and the data set by its published layout."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from flywheel_lerobot.dataset import TASK, copies, write_dataset
from flywheel_lerobot.job import Job, read_job
from flywheel_lerobot.lines import IMPOSSIBLE, Impossible
from flywheel_lerobot.rows import read_rows
from flywheel_lerobot.training import command

ROBOT = {
    "id": "pusher",
    "version": 1,
    "rateHz": 20,
    "observations": [{"name": name, "unit": "m", "min": -1, "max": 1} for name in ("x", "y", "z")],
    "actions": {"kind": "continuous", "ranges": [{"name": name, "unit": "m/s", "min": -0.5, "max": 0.5} for name in ("vx", "vy")]},
    "tasks": ["reach", "push"],
    "limits": {"actionToleranceFraction": 0.1},
}


class Folders(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write_rows(self, name: str, count: int, horizon: int, seed: int) -> Path:
        draw = np.random.default_rng(seed)
        observation = draw.uniform(-1, 1, (count, 3)).astype(np.float32)
        task = draw.integers(0, 2, count).astype(np.int32)
        action = np.stack([-0.4 * observation[:, 0], np.where(task == 1, 0.3, -0.4) * observation[:, 1]], axis=1).astype(np.float32)
        columns = {
            "observation": fixed(observation),
            "label": fixed(action),
            "task": pa.array(task),
            "weight": pa.array(np.where(np.arange(count) % 4 == 0, 1.6, 0.8).astype(np.float32)),
        }
        if horizon > 1:
            later = np.repeat(action[:, None, :], horizon - 1, axis=1).reshape(count, -1)
            frames = np.tile(np.arange(1, horizon, dtype=np.int32), (count, 1))
            frames[::5, -1] = -1
            columns |= {"future": fixed(later), "future_frames": fixed(frames)}
        columns |= self.more_columns(count, action)
        path = self.folder / name
        table = pa.table(columns)
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=37)
        return path

    def more_columns(self, count: int, action: Any) -> dict[str, Any]:
        return {}

    def job(self, settings: Any = None, rows: int = 80, **changes: Any) -> Path:
        horizon = changes.get("horizon", 1)
        value = {
            "contract": 1 if horizon == 1 else 2,
            "trainPath": str(self.write_rows("train.arrow", rows, horizon, 1)),
            "validationPath": str(self.write_rows("validation.arrow", 40, horizon, 2)),
            "trainRows": rows,
            "validationRows": 40,
            "robotType": ROBOT,
            "settings": settings or {},
            "seed": 3,
            "modelPath": str(self.folder / "model.onnx"),
            "checkpointDirectory": str(self.folder / "checkpoints"),
            "resumeFrom": None,
            "startFromPath": None,
            **changes,
        }
        (self.folder / "checkpoints").mkdir(exist_ok=True)
        path = self.folder / "job.json"
        path.write_text(json.dumps(value))
        return path


def fixed(values: Any) -> Any:
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])


class Jobs(Folders):
    def test_are_refused_with_the_field_and_what_to_do(self) -> None:
        discrete = {**ROBOT, "actions": {"kind": "discrete", "names": ["a", "b"]}}
        for changes, expected in (
            ({"contract": 3, "untilStep": 5}, "contract.*rung"),
            ({"history": 4, "contract": 2}, "history: expected 1"),
            ({"imageHistory": 4, "contract": 2}, "imageHistory: expected none"),
            ({"robotType": discrete}, "continuous"),
            ({"startFromPath": "/m.onnx"}, "warmStart false"),
            ({"settings": {"policy": "diffusion"}}, "settings.policy: expected one of act"),
            ({"settings": {"batch": 3}}, "settings: expected no other keys"),
            ({"settings": {"options": {"push_to_hub": True}}}, "settings.options"),
            ({"settings": {"options": {"a b": 1}}}, "settings.options"),
            ({"settings": {"options": {"dim_model": [1]}}}, "settings.options.dim_model"),
            ({"settings": {"maxSteps": True}}, "settings.maxSteps"),
            ({"cameras": ["front"], "contract": 2}, "it has none"),
        ):
            with self.assertRaisesRegex(Impossible, expected):
                read_job(self.job(**changes))

    def test_say_what_to_install_where_lerobot_is_missing(self) -> None:
        blind = "import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p]; import runpy; sys.argv = ['x', '--check', sys.argv[1]]; runpy.run_module('flywheel_lerobot', run_name='__main__')"
        found = subprocess.run([sys.executable, "-c", blind, str(self.job())], capture_output=True, text=True)
        self.assertEqual(found.returncode, IMPOSSIBLE, found.stderr)
        self.assertRegex(found.stderr, r"LeRobot is not installed for .*: install it with .* -m pip install lerobot==0\.6\.1")
        self.assertEqual(found.stdout, "")

    def test_become_options_of_lerobots_trainer(self) -> None:
        job = read_job(self.job({"options": {"dim_model": 64, "use_vae": False}, "maxSteps": 300}, horizon=4, execute=2))
        words = command(job, Path("/set"), Path("/out"))
        for option in ("--policy.chunk_size=4", "--policy.n_action_steps=2", "--policy.dim_model=64", "--policy.use_vae=false", "--save_freq=300"):
            self.assertIn(option, words)
        self.assertEqual(words[1:4], ["-m", "flywheel_lerobot.trainer", "4"])


class Sets(Folders):
    def test_weights_become_copies(self) -> None:
        draw = np.random.default_rng(1)
        for _ in range(50):
            weight = draw.uniform(0, 3, draw.integers(1, 200))
            weight /= weight.mean()
            found = np.bincount(copies(weight), minlength=len(weight))
            self.assertEqual(found.sum(), round(weight.sum()))
            self.assertTrue((np.abs(found - weight) <= 1).all())
        np.testing.assert_array_equal(copies(np.ones(5)), np.arange(5))

    def test_keep_to_the_published_layout(self) -> None:
        job = read_job(self.job(horizon=3, execute=3))
        rows = read_rows(job.train_path, job)
        folder = self.folder / "set"
        order = write_dataset(folder, rows, job)
        info = json.loads((folder / "meta/info.json").read_text())
        data = pq.read_table(folder / "data/chunk-000/file-000.parquet")
        episodes = pq.read_table(folder / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
        self.assertEqual((info["codebase_version"], info["total_episodes"], info["total_frames"]), ("v3.0", len(order), 3 * len(order)))
        self.assertEqual(set(info["features"]), set(data.schema.names))
        for each in (episodes[0], episodes[-1]):
            taken = data.slice(each["dataset_from_index"], each["length"]).to_pydict()
            self.assertEqual(taken["episode_index"], [each["episode_index"]] * 3)
            self.assertEqual(taken["frame_index"], [0, 1, 2])
            row = order[each["episode_index"]]
            np.testing.assert_allclose(taken["action"], rows.action[row])
            np.testing.assert_allclose(taken["observation.state"][0], rows.state[row])
            np.testing.assert_allclose(taken["timestamp"], [0, 0.05, 0.1], atol=1e-6)
        stats = json.loads((folder / "meta/stats.json").read_text())
        self.assertEqual(stats[TASK]["std"], [1, 1])
        np.testing.assert_array_equal(data.column(TASK)[0].as_py(), np.eye(2)[rows.task[order[0]]])
        np.testing.assert_allclose(stats["action"]["mean"], rows.action[order, 0].mean(axis=0), atol=1e-6)

    def test_are_refused_where_they_are_none(self) -> None:
        job = read_job(self.job())
        for content in (b"", b"ARROW1"):
            job.train_path.write_bytes(content)
            with self.assertRaisesRegex(Impossible, "expected an Arrow file"):
                read_rows(job.train_path, job)
        chunked: Job = read_job(self.job(horizon=4, execute=4))
        self.write_rows("train.arrow", 10, 1, 1)
        with self.assertRaisesRegex(Impossible, "expected a column future"):
            read_rows(chunked.train_path, chunked)


if __name__ == "__main__":
    unittest.main()
