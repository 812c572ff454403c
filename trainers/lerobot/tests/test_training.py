"""With LeRobot itself; `npm run test:torch` installs it."""

import io
import json
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pyarrow as pa
import torch
from PIL import Image

from flywheel_lerobot.dataset import TASK, write_dataset
from flywheel_lerobot.job import read_job
from flywheel_lerobot.lines import DONE, IMPOSSIBLE
from flywheel_lerobot.policy import inputs_of, open_policy
from flywheel_lerobot.rows import read_rows

from test_job import ROBOT, Folders

TINY = {"dim_model": 64, "n_heads": 4, "dim_feedforward": 128, "n_encoder_layers": 1, "n_decoder_layers": 1, "use_vae": False, "dropout": 0.0}
QUICK = {"maxSteps": 200, "evaluateEverySteps": 100, "batchSize": 32, "learningRate": 0.001, "options": TINY}


def run(job: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "flywheel_lerobot", str(job)], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def lines(found: "subprocess.CompletedProcess[str]", event: str) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in found.stdout.splitlines()]
    return [line for line in told if line["event"] == event]


class Trainings(Folders):
    def test_learn_a_chunk_and_answer_it_in_units(self) -> None:
        path = self.job(QUICK, rows=400, horizon=3, execute=2)
        found = run(path)
        self.assertEqual(found.returncode, DONE, found.stderr[-3000:])
        (done,) = lines(found, "done")
        curve = lines(found, "evaluation")
        self.assertEqual([point["step"] for point in curve], [100, 200])
        self.assertLess(done["validationLoss"], 0.5)
        self.assertLess(done["exportDifference"], 1e-4)
        job = read_job(path)
        rows = read_rows(job.validation_path, job)
        session = onnxruntime.InferenceSession(str(job.model_path))
        answer = session.run(None, inputs_of(rows, job, np.arange(40)))[0]
        self.assertEqual(answer.shape, (40, 2, 2))
        self.assertLess(np.abs(answer - rows.action[:40, :2]).mean(), 0.15)

    def test_goes_on_from_a_checkpoint_and_keeps_the_curve(self) -> None:
        path = self.job(QUICK, rows=200)
        first = run(path)
        self.assertEqual(first.returncode, DONE, first.stderr[-3000:])
        checkpoint = lines(first, "checkpoint")[0]
        value = json.loads(path.read_text())
        path.write_text(json.dumps({**value, "resumeFrom": {"step": 100, "path": checkpoint["path"]}}))
        second = run(path)
        self.assertEqual(second.returncode, DONE, second.stderr[-3000:])
        self.assertEqual([point["step"] for point in lines(second, "evaluation")], [100, 200])
        self.assertEqual(lines(second, "evaluation")[0], lines(first, "evaluation")[0])

    def test_answers_as_lerobots_own_pipeline_does(self) -> None:
        from lerobot.policies.act.modeling_act import ACTPolicy
        from lerobot.policies.factory import make_pre_post_processors

        path = self.job({**QUICK, "maxSteps": 20, "evaluateEverySteps": 20}, rows=100, horizon=3)
        job = read_job(path)
        from flywheel_lerobot.training import Trainer, command

        rows = read_rows(job.train_path, job)
        dataset, output = self.folder / "set", self.folder / "output"
        write_dataset(dataset, rows, job)
        for _ in Trainer(command(job, dataset, output)).losses():
            pass
        folder = output / "checkpoints/last/pretrained_model"
        answers = open_policy(folder, job, json.loads((dataset / "meta/stats.json").read_text()))
        policy = ACTPolicy.from_pretrained(str(folder)).eval()
        before, after = make_pre_post_processors(policy.config, pretrained_path=str(folder))
        validation = read_rows(job.validation_path, job)
        batch = before({"observation.state": torch.from_numpy(validation.state), TASK: torch.eye(2)[torch.from_numpy(validation.task).long()]})
        with torch.no_grad():
            expected = after(policy.predict_action_chunk(batch))
            found = answers.chunk(torch.from_numpy(validation.state), torch.from_numpy(validation.task), [])
        np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-5)

    def test_says_what_lerobot_does_not_take(self) -> None:
        found = run(self.job({**QUICK, "options": {"no_such_option": 1}}))
        self.assertEqual(found.returncode, IMPOSSIBLE, found.stderr[-2000:])
        self.assertIn("no_such_option", found.stderr)
        path = self.job(QUICK)
        strange = self.folder / "strange.tar"
        strange.write_bytes(b"no archive")
        path.write_text(json.dumps({**json.loads(path.read_text()), "resumeFrom": {"step": 1, "path": str(strange)}}))
        found = run(path)
        self.assertEqual(found.returncode, IMPOSSIBLE)
        self.assertIn("resumeFrom", found.stderr)


class Cameras(Folders):
    def more_columns(self, count: int, action: Any) -> dict[str, Any]:
        def picture(brightness: float) -> bytes:
            file = io.BytesIO()
            Image.fromarray(np.full((24, 32, 3), brightness, np.uint8)).save(file, "JPEG", quality=90)
            return file.getvalue()

        return {"image.wrist": pa.array([picture(128 + 200 * each) for each in action[:, 0]], pa.binary())}

    def test_sees_a_camera(self) -> None:
        robot = {**ROBOT, "cameras": [{"name": "wrist", "learned": {"width": 32, "height": 24}}]}
        settings = {**QUICK, "maxSteps": 4, "evaluateEverySteps": 4, "batchSize": 4}
        path = self.job(settings, rows=24, contract=2, robotType=robot, cameras=["wrist"])
        found = run(path)
        self.assertEqual(found.returncode, DONE, found.stderr[-3000:])
        self.assertLess(lines(found, "done")[0]["exportDifference"], 1e-4)
        session = onnxruntime.InferenceSession(str(self.folder / "model.onnx"))
        ports = {port.name: (port.type, port.shape) for port in session.get_inputs()}
        self.assertEqual(ports["image.wrist"], ("tensor(uint8)", ["batch", 24, 32, 3]))


if __name__ == "__main__":
    unittest.main()
