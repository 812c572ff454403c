"""The trainer with PyTorch: what its networks learn, what a kill costs, what hostile files do. A minute or two."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import tempfile
import time
import unittest
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import numpy as np
import onnxruntime
import pyarrow as pa
import torch

from flywheel_pytorch import checkpoints, export
from flywheel_pytorch.augment import vary
from flywheel_pytorch.job import Mirror, read_job
from flywheel_pytorch.lines import DONE, IMPOSSIBLE, INTERRUPTED
from flywheel_pytorch.main import main
from flywheel_pytorch.rows import Batch, Rows as Read
from flywheel_pytorch.settings import Augmentation

from jobs import ARM, CAMERA, ROBOT, Run, columns, jpeg, picture, resumed, run, write_job

torch.set_num_threads(1)
SEES = {**ROBOT, "cameras": [CAMERA]}


class Killed(BaseException):
    """Nothing in the program catches it."""


def train(job: Path, *, dies_at: int | None = None) -> tuple[int, list[dict[str, object]], str]:
    """In this process: exit code, lines and errors; dies after it wrote checkpoint number `dies_at` and said so."""
    said, errors = io.StringIO(), io.StringIO()
    handler = signal.getsignal(signal.SIGTERM)
    lines = lambda: [json.loads(line) for line in said.getvalue().splitlines()]

    def dying(original: Callable[..., Path]) -> Callable[..., Path]:
        def save(*given: object) -> Path:
            if dies_at is not None and sum(line["event"] == "checkpoint" for line in lines()) >= dies_at:
                raise Killed
            return original(*given)

        return save

    code = -9
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(errors), contextlib.suppress(Killed):
        with mock.patch.object(checkpoints, "save", dying(checkpoints.save)):
            code = main([str(job)])
    signal.signal(signal.SIGTERM, handler)
    return code, lines(), errors.getvalue()


def of(lines: list[dict[str, object]], event: str) -> list[dict[str, object]]:
    return [line for line in lines if line["event"] == event]


class Clock:
    """In place of the module `time`: each look at it takes so many seconds, however busy the machine is."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now = seconds, 0.0

    def monotonic(self) -> float:
        self.now += self.seconds
        return self.now


class Folders(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def model(self, name: str) -> bytes:
        return (self.folder / name / "model.onnx").read_bytes()

    def job(self, name: str, settings: Mapping[str, object] | None = None, *given: Mapping[str, pa.Array], **more: object) -> Path:
        return write_job(self.folder / name, settings or {}, *given, **more)


class Networks(Folders):
    def answers(self, name: str, **inputs: np.ndarray) -> np.ndarray:
        session = onnxruntime.InferenceSession(self.model(name))
        return session.run(None, {key.replace("__", "."): value for key, value in inputs.items()})[0]

    def test_learns_discrete_actions_from_readings(self) -> None:
        code, lines, errors = train(self.job("a"))
        self.assertEqual((code, errors), (DONE, ""))
        (done,) = of(lines, "done")
        self.assertGreater(done["validationAgreementFraction"], 0.95)
        self.assertLess(done["exportDifference"], 1e-4)
        self.assertEqual([line["step"] for line in of(lines, "evaluation")], [40, 80, 120])
        self.assertEqual(done["validationLoss"], min(line["validationLoss"] for line in of(lines, "evaluation")))
        probabilities = self.answers("a", observation=np.array([[1, 1, 0], [-1, -1, 0]], np.float32), task=np.array([0, 0], np.int32))
        np.testing.assert_array_equal(probabilities.argmax(axis=1), [1, 0])
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)

    def test_learns_chunks_of_continuous_actions_from_history(self) -> None:
        given = (columns(400, 1, True, 3, 4), columns(150, 2, True, 3, 4))
        for network in ("act", "mlp"):
            code, lines, errors = train(
                self.job(network, {"network": network}, *given, contract=2, robotType=ARM, history=3, horizon=4)
            )
            self.assertEqual((code, errors), (DONE, ""))
            self.assertGreater(of(lines, "done")[0]["validationAgreementFraction"], 0.5)
            action = self.answers(network, observation=np.zeros((5, 3, 3), np.float32), task=np.zeros(5, np.int32))
            self.assertEqual(action.shape, (5, 4, 2))
            far = self.answers(network, observation=np.full((1, 3, 3), 1e6, np.float32), task=np.zeros(1, np.int32))
            self.assertTrue(np.all(np.abs(far) <= 3), far)
        for execute, shape in ((2, (5, 2, 2)), (1, (5, 2))):
            more = {"robotType": ARM, "history": 3, "horizon": 4, "execute": execute}
            train(self.job("cut", {"network": "mlp", "maxSteps": 4}, *given, contract=2, **more))
            action = self.answers("cut", observation=np.zeros((5, 3, 3), np.float32), task=np.zeros(5, np.int32))
            self.assertEqual(action.shape, shape)

    def test_learns_chunks_of_discrete_actions(self) -> None:
        given = (columns(400, 1, horizon=3), columns(150, 2, horizon=3))
        code, lines, errors = train(self.job("a", {"network": "mlp"}, *given, contract=2, horizon=3))
        self.assertEqual((code, errors), (DONE, ""))
        probabilities = self.answers("a", observation=np.zeros((2, 3), np.float32), task=np.zeros(2, np.int32))
        self.assertEqual(probabilities.shape, (2, 3, 3))
        np.testing.assert_allclose(probabilities.sum(axis=2), 1, atol=1e-5)

    def test_learns_from_images(self) -> None:
        given = (columns(120, 1, images=True), columns(40, 2, images=True))
        for network in ("cnn", "mobilenetv3-small", "act"):
            settings = {"network": network, "maxSteps": 24, "evaluateEverySteps": 12, "batchSize": 16, "learningRate": 0.003}
            code, lines, errors = train(self.job(network, settings, *given, contract=2, robotType=SEES, cameras=["front"]))
            self.assertEqual((code, errors), (DONE, ""))
            self.assertGreater(of(lines, "done")[0]["validationAgreementFraction"], 0.9, network)
            session = onnxruntime.InferenceSession(self.model(network))
            ports = {port.name: (port.type, port.shape) for port in session.get_inputs()}
            self.assertEqual(ports["image.front"], ("tensor(uint8)", ["batch", 24, 32, 3]))

    def test_learns_from_several_images_at_once(self) -> None:
        def told_by_images_alone(rows: int, seed: int) -> dict[str, pa.Array]:
            found = columns(rows, seed, images=True, image_history=3)
            other = columns(rows, seed + 10)
            return {**found, "observation": other["observation"], "task": pa.array(np.zeros(rows, np.int32))}

        given = (told_by_images_alone(240, 1), told_by_images_alone(60, 2))
        sees = {"contract": 2, "robotType": SEES, "cameras": ["front"], "imageHistory": 3}
        for network in ("cnn", "mobilenetv3-small", "act"):
            settings = {"network": network, "maxSteps": 60, "evaluateEverySteps": 20, "batchSize": 16, "learningRate": 0.003}
            code, lines, errors = train(self.job(network, settings, *given, **sees))
            self.assertEqual((code, errors), (DONE, ""))
            (done,) = of(lines, "done")
            self.assertLess(done["exportDifference"], 1e-4)
            self.assertGreater(done["validationAgreementFraction"], 0.9, network)
            session = onnxruntime.InferenceSession(self.model(network))
            ports = {port.name: (port.type, port.shape) for port in session.get_inputs()}
            self.assertEqual(ports["image.front"], ("tensor(uint8)", ["batch", 3, 24, 32, 3]))
        # Oldest first: of all images of a window only the oldest says what to do.
        windows = np.stack([np.stack([picture(each) for each in (place, 2 - place, 1)]) for place in (0, 1, 2)])
        answers = self.answers("cnn", observation=np.zeros((3, 3), np.float32), task=np.zeros(3, np.int32), image__front=windows)
        np.testing.assert_array_equal(answers.argmax(axis=1), [0, 1, 2])

    def test_starts_cold_from_a_model_that_sees_another_number_of_images(self) -> None:
        quick = {"maxSteps": 1, "evaluateEverySteps": 1, "batchSize": 8}
        sees = {"contract": 2, "robotType": SEES, "cameras": ["front"]}
        train(self.job("first", quick, columns(20, 1, images=True), columns(10, 2, images=True), **sees))
        given = (columns(20, 1, images=True, image_history=2), columns(10, 2, images=True, image_history=2))
        start = str(self.folder / "first" / "model.onnx")
        code, lines, _ = train(self.job("second", quick, *given, **sees, imageHistory=2, startFromPath=start))
        self.assertEqual(code, DONE)
        self.assertRegex(of(lines, "done")[0]["warmStart"], r"^cold: expected eyes.0\S+ \[16, 6, 3, 3\], got \[16, 3, 3, 3\]")

    def test_starts_from_an_earlier_model_of_the_same_network(self) -> None:
        train(self.job("first"))
        start = str(self.folder / "first" / "model.onnx")
        _, lines, _ = train(self.job("second", {"maxSteps": 1, "evaluateEverySteps": 1}, startFromPath=start))
        done = of(lines, "done")[0]
        self.assertEqual(done["warmStart"], "warm")
        self.assertGreater(done["validationAgreementFraction"], 0.9)
        _, lines, _ = train(self.job("third", {"maxSteps": 1, "hiddenWidths": [7]}, startFromPath=start))
        self.assertRegex(of(lines, "done")[0]["warmStart"], "^cold: expected .* got")

    def test_hands_over_no_model_that_answers_otherwise_than_pytorch(self) -> None:
        with mock.patch.object(export, "MOST_DIFFERENCE", -1.0):
            code, lines, errors = train(self.job("a", {"maxSteps": 1}))
        self.assertEqual((code, of(lines, "done")), (IMPOSSIBLE, []))
        self.assertRegex(errors, "expected the answers of PyTorch within")
        self.assertFalse((self.folder / "a" / "model.onnx").exists())


class Losses(Folders):
    """What must not be learned has no effect on a single byte."""

    def differing(self, change: Callable[[dict[str, pa.Array]], None], settings: Mapping[str, object] | None = None, **more: object) -> bool:
        given = {key: more[key] for key in ("horizon",) if key in more}
        rows = columns(200, 1, True, **given)
        changed = dict(rows)
        change(changed)
        quick = {"network": "mlp", "maxSteps": 6, "evaluateEverySteps": 6, **(settings or {})}
        for name, each in (("a", rows), ("b", changed)):
            code, _, errors = train(self.job(name, quick, each, columns(40, 2, True, **given), contract=2, robotType=ARM, **more))
            self.assertEqual((code, errors), (DONE, ""))
        return self.model("a") != self.model("b")

    def test_leaves_out_what_lies_beyond_the_episode(self) -> None:
        def absurd(where: str) -> Callable[[dict[str, pa.Array]], None]:
            def change(rows: dict[str, pa.Array]) -> None:
                future = rows["future"].flatten().to_numpy().reshape(-1, 3, 2).copy()
                frames = rows["future_frames"].flatten().to_numpy().reshape(-1, 3)
                future[frames < 0 if where == "beyond" else frames == 1] = 77
                rows["future"] = pa.FixedSizeListArray.from_arrays(pa.array(future.reshape(-1)), 6)

            return change

        self.assertFalse(self.differing(absurd("beyond"), horizon=4))
        self.assertTrue(self.differing(absurd("inside"), horizon=4))

    def test_learns_by_the_weights_of_rows_and_actions(self) -> None:
        def absurd(rows: dict[str, pa.Array]) -> None:
            label = rows["label"].flatten().to_numpy().reshape(-1, 2).copy()
            # Mean and deviation stay: two rows change places.
            label[[0, 1], 1] = label[[1, 0], 1]
            rows["label"] = pa.FixedSizeListArray.from_arrays(pa.array(label.reshape(-1)), 2)

        self.assertFalse(self.differing(absurd, {"lossWeights": {"turn": 0}, "maxSteps": 3, "batchSize": 200}))
        self.assertTrue(self.differing(absurd, {"lossWeights": {"turn": 1}, "maxSteps": 3, "batchSize": 200}))


class Kills(Folders):
    def whole_and_killed(self, settings: Mapping[str, object], *given: Mapping[str, pa.Array], kills: int, **more: object) -> list[dict[str, object]]:
        """Trains once in peace, and once killed again and again, with a checkpoint at every look at the clock; the lines of the last attempt."""
        with mock.patch("flywheel_pytorch.train.time", Clock(1.0)):
            return self._whole_and_killed({"checkpointEverySeconds": 0.01, **settings}, *given, kills=kills, **more)

    def _whole_and_killed(self, often: Mapping[str, object], *given: Mapping[str, pa.Array], kills: int, **more: object) -> list[dict[str, object]]:
        code, whole, errors = train(self.job("whole", often, *given, **more))
        self.assertEqual((code, errors), (DONE, ""))
        job = killed = self.job("killed", often, *given, **more)
        for attempt in range(kills):
            code, lines, _ = train(job, dies_at=2 + attempt)
            self.assertEqual(code, -9)
            job = resumed(killed, of(lines, "checkpoint")[-1])
        code, lines, errors = train(job)
        self.assertEqual((code, errors), (DONE, ""))
        self.assertEqual(self.model("killed"), self.model("whole"))
        self.assertEqual(of(lines, "evaluation"), of(whole, "evaluation"))
        return lines

    def test_ends_at_the_same_bytes(self) -> None:
        self.whole_and_killed({"dropout": 0.2, "maxSteps": 60, "evaluateEverySteps": 20}, kills=3)

    def test_ends_at_the_same_bytes_with_varied_images(self) -> None:
        settings = {
            "maxSteps": 12, "evaluateEverySteps": 4, "batchSize": 8,
            "augmentation": {"brightness": 0.2, "crop": 0.3, "noise": 0.1, "flip": 0.5},
        }
        sees = {"contract": 2, "robotType": SEES, "cameras": ["front"]}
        for images, more in ((1, {}), (2, {"imageHistory": 2})):
            with self.subTest(images=images):
                self.folder = self.folder / str(images)
                given = (columns(60, 1, images=True, image_history=images), columns(20, 2, images=True, image_history=images))
                self.whole_and_killed(settings, *given, kills=2, **sees, **more)

    def test_ends_at_the_same_bytes_with_every_network(self) -> None:
        given = (columns(60, 1, images=True), columns(20, 2, images=True))
        for network in ("mobilenetv3-small", "act"):
            settings = {"network": network, "maxSteps": 6, "evaluateEverySteps": 3, "batchSize": 8, "dropout": 0.1, "modelWidth": 32}
            with self.subTest(network):
                self.folder = self.folder / network
                self.whole_and_killed(settings, *given, kills=2, contract=2, robotType=SEES, cameras=["front"])

    def test_loses_no_more_than_the_interval_to_a_kill(self) -> None:
        settings = {"maxSteps": 10_000_000, "evaluateEverySteps": 500, "checkpointEverySeconds": 1}
        job = self.job("killed", settings)
        first = Run(job)
        saved = [first.until(lambda line: line["event"] == "checkpoint") for _ in range(3)]
        begun = time.monotonic()
        first.until(lambda line: line["event"] == "checkpoint")
        # Steps are short here; a machine that does other work may keep the process from running.
        self.assertLess(time.monotonic() - begun, 20)
        first.child.kill()
        first.end()
        last = first.of("checkpoint")[-1]
        self.assertGreater(last["step"], saved[-1]["step"])
        second = Run(resumed(job, last))
        going = second.until(lambda line: line["event"] == "checkpoint")
        self.assertGreater(going["step"], last["step"])
        second.child.kill()
        second.end()

    def test_saves_within_a_minute_however_long_steps_take(self) -> None:
        clock, saved, save = Clock(1.5), [0.0], checkpoints.save

        def noted(*given: object) -> Path:
            saved.append(clock.now)
            return save(*given)

        with mock.patch("flywheel_pytorch.train.time", clock), mock.patch.object(checkpoints, "save", noted):
            self.assertEqual(train(self.job("slow", {"maxSteps": 200, "evaluateEverySteps": 50}))[0], DONE)
        between = [later - earlier for earlier, later in zip(saved, saved[1:])]
        self.assertGreater(len(between), 5)
        self.assertLess(max(between), 60)
        code, _, errors = train(self.job("longer", {"checkpointEverySeconds": 61}))
        self.assertEqual(code, IMPOSSIBLE)
        self.assertRegex(errors, "checkpointEverySeconds: expected .* 60")

    def test_goes_on_in_the_middle_of_an_evaluation(self) -> None:
        settings = {"maxSteps": 2, "evaluateEverySteps": 1}
        validation = columns(2000, 2)
        with mock.patch("flywheel_pytorch.train.EVALUATED_AT_ONCE", 100):
            self.whole_and_killed(settings, columns(100, 1), validation, kills=4)
        states = [torch.load(path, weights_only=True) for path in (self.folder / "whole" / "checkpoints").glob("*.pt")]
        self.assertTrue(any(state["evaluation"] is not None and state["evaluation"][0] > 0 for state in states))

    def test_saves_on_notice_and_goes_on(self) -> None:
        settings = {"maxSteps": 400, "evaluateEverySteps": 100, "checkpointEverySeconds": 60}
        train(self.job("whole", settings))
        job = self.job("killed", settings)
        first = Run(job)
        first.until(lambda line: line["event"] == "evaluation")
        first.child.send_signal(signal.SIGTERM)
        self.assertEqual(first.end(), INTERRUPTED, first.errors)
        self.assertRegex(first.errors, "ended on notice; the state is saved")
        (checkpoint,) = first.of("checkpoint")
        self.assertGreaterEqual(checkpoint["step"], 100)
        code, lines, _ = train(resumed(job, checkpoint))
        self.assertEqual(code, DONE)
        self.assertEqual(self.model("killed"), self.model("whole"))

    def test_ends_with_the_worker(self) -> None:
        first = Run(self.job("a", {"maxSteps": 10_000_000}))
        first.until(lambda line: line["event"] == "progress")
        first.child.stdin.close()
        self.assertEqual(first.end(), 1)

    def test_stops_at_a_rung_and_goes_on_from_it(self) -> None:
        settings = {"maxSteps": 120, "evaluateEverySteps": 20}
        train(self.job("whole", settings))
        job = self.job("rungs", settings, contract=3, untilStep=50)
        code, lines, _ = train(job)
        self.assertEqual((code, of(lines, "done")[0]["steps"]), (DONE, 60))
        value = json.loads(job.read_text())
        del value["untilStep"]
        job.write_text(json.dumps(value))
        code, lines, _ = train(resumed(job, of(lines, "checkpoint")[-1]))
        self.assertEqual(code, DONE)
        self.assertEqual(self.model("rungs"), self.model("whole"))

    def test_refuses_checkpoints_that_are_none_of_its_own(self) -> None:
        class Runs:
            def __reduce__(self) -> tuple[object, tuple[str]]:
                return (eval, ("1 + 1",))

        strange = self.folder / "strange.pt"
        for content, text in ((Runs(), "UnpicklingError"), ({"settings": {}}, "with these settings")):
            torch.save(content, strange)
            job = self.job("a", resumeFrom={"step": 1, "path": str(strange)})
            code, _, errors = train(job)
            self.assertEqual(code, IMPOSSIBLE)
            self.assertRegex(errors, text)
        strange.write_bytes(b"PK")
        self.assertEqual(train(self.job("a", resumeFrom={"step": 1, "path": str(strange)}))[0], IMPOSSIBLE)


class Processes(Folders):
    def test_two_processes_learn_what_one_learns(self) -> None:
        settings = {"maxSteps": 60, "evaluateEverySteps": 20, "batchSize": 33, "augmentation": {"flip": 0.3}}
        _, one, _ = train(self.job("one", settings))
        two = run(self.job("two", settings), "--processes", "2")
        self.assertEqual(two.code, DONE, two.errors)
        self.assertEqual(len(two.of("evaluation")), 3)
        for mine, other in zip(of(one, "evaluation"), two.of("evaluation"), strict=True):
            self.assertEqual(mine["step"], other["step"])
            for name in ("trainLoss", "validationLoss", "validationAgreementFraction"):
                self.assertAlmostEqual(mine[name], other[name], delta=1e-3)
        self.assertEqual(len(two.of("done")), 1)

    def test_two_processes_save_on_notice_and_one_goes_on(self) -> None:
        job = self.job("a", {"maxSteps": 1500, "evaluateEverySteps": 500, "checkpointEverySeconds": 60})
        first = Run(job, "--processes", "2")
        first.until(lambda line: line["event"] == "progress")
        first.child.send_signal(signal.SIGTERM)
        self.assertEqual(first.end(), INTERRUPTED, first.errors)
        (checkpoint,) = first.of("checkpoint")
        second = Run(resumed(job, checkpoint))
        second.until(lambda line: line["event"] in ("progress", "evaluation") and line["step"] >= checkpoint["step"])
        second.child.stdin.close()
        second.end()

    def test_says_through_torchrun_that_a_job_is_impossible(self) -> None:
        bad = columns(50, 1)
        bad["label"] = pa.array(np.full(50, 9, np.int32))
        found = run(self.job("a", {}, bad), "--processes", "2")
        self.assertEqual(found.code, IMPOSSIBLE, found.errors)
        self.assertRegex(found.errors, "expected labels from 0 to 2")


class Rows(Folders):
    def refused(self, text: str, **changes: pa.Array | None) -> None:
        rows = columns(30, 1, images=True)
        for name, value in changes.items():
            key = name.replace("__", ".")
            if value is None:
                del rows[key]
            else:
                rows[key] = value
        settings = {"maxSteps": 2, "batchSize": 30}
        job = self.job("a", settings, rows, columns(20, 2, images=True), contract=2, robotType=SEES, cameras=["front"])
        code, _, errors = train(job)
        self.assertEqual(code, IMPOSSIBLE, errors)
        self.assertRegex(errors, text)

    def test_names_what_it_cannot_read(self) -> None:
        readings = np.zeros((30, 3), np.float32)
        readings[7, 1] = np.nan
        pixels = np.zeros((24, 32, 3), np.uint8)
        images = [jpeg(pixels)] * 30
        lists = lambda values: pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
        self.refused("expected a column weight", weight=None)
        self.refused("expected 3 numbers a row in observation", observation=lists(np.zeros((30, 4), np.float32)))
        self.refused("expected finite numbers in b, got NaN", observation=lists(readings))
        self.refused("expected tasks from 0 to 1, got 0 to 9", task=pa.array([9] + [0] * 29, pa.int32()))
        self.refused("expected no missing values in task", task=pa.array([None] + [0] * 29, pa.int32()))
        self.refused("row 3: expected a whole JPEG", image__front=pa.array([*images[:3], images[3][:200], *images[4:]], pa.binary()))
        self.refused("row 4: expected a whole JPEG", image__front=pa.array([*images[:4], b"GIF89a", *images[5:]], pa.binary()))
        self.refused("expected 32 x 24 pixels, got 64 x 48", image__front=pa.array([jpeg(np.zeros((48, 64, 3), np.uint8))] * 30, pa.binary()))
        job = self.job("b", {}, columns(0, 1))
        self.assertRegex(train(job)[2], "expected rows, got none")
        (self.folder / "b" / "train.arrow").write_bytes(b"ARROW1 no more")
        self.assertRegex(train(job)[2], "expected an Arrow file")

    def test_reads_the_images_of_each_row_from_its_own_columns(self) -> None:
        grey = lambda value: jpeg(np.full((24, 32, 3), value, np.uint8))
        found = columns(7, 1, images=True, image_history=3)
        for back, name in enumerate(("image.front", "past_image.front.1", "past_image.front.2")):
            found[name] = pa.array([grey(30 * row + 10 * back) for row in range(7)], pa.binary())
        job = read_job(self.job("a", {}, found, found, contract=2, robotType=SEES, cameras=["front"], imageHistory=3))
        rows = np.array([6, 0, 3, 3])
        with ThreadPoolExecutor(2) as pool:
            (images,) = Read(job.train_path, job).read(rows, pool).images
        self.assertEqual((images.shape, images.dtype), ((4, 3, 24, 32, 3), np.uint8))
        for place, row in enumerate(rows):
            self.assertEqual(images[place].mean(axis=(1, 2, 3)).round().tolist(), [30 * row + 10 * back for back in (2, 1, 0)])

    def test_names_the_column_of_an_image_that_it_cannot_read(self) -> None:
        more = {"contract": 2, "robotType": SEES, "cameras": ["front"], "imageHistory": 2}
        rows = columns(30, 1, images=True, image_history=2)
        images = rows["past_image.front.1"].to_pylist()
        rows["past_image.front.1"] = pa.array([*images[:5], b"", *images[6:]], pa.binary())
        settings, validation = {"maxSteps": 2, "batchSize": 30}, columns(20, 2, images=True, image_history=2)
        code, _, errors = train(self.job("a", settings, rows, validation, **more))
        self.assertEqual(code, IMPOSSIBLE, errors)
        self.assertRegex(errors, "past_image.front.1, row 5: expected a whole JPEG")
        code, _, errors = train(self.job("b", settings, columns(30, 1, images=True), validation, **more))
        self.assertEqual(code, IMPOSSIBLE, errors)
        self.assertRegex(errors, "expected a column past_image.front.1")

    def test_ends_with_the_best_model_where_the_loss_runs_away(self) -> None:
        huge = {"learningRate": 1.0, "gradientNorm": 0, "warmupSteps": 0, "maxSteps": 400, "evaluateEverySteps": 1, "weightDecay": 0}
        code, lines, errors = train(self.job("a", {**huge, "actionLoss": "l2"}, columns(50, 1, True), columns(20, 2, True), robotType=ARM))
        self.assertIn(code, (DONE, IMPOSSIBLE), errors)
        if code == DONE:
            self.assertEqual(of(lines, "done")[0]["validationLoss"], min(each["validationLoss"] for each in of(lines, "evaluation")))


class Augmentations(unittest.TestCase):
    def test_varies_a_row_by_its_place_in_the_step_alone(self) -> None:
        random = np.random.default_rng(1)
        rows = lambda a, b: Batch(
            observation[a:b], np.zeros(b - a, np.int32), label[a:b], np.ones((b - a, 1), np.float32), np.ones(b - a, np.float32), (images[a:b],)
        )
        observation = random.normal(size=(8, 2, 3)).astype(np.float32)
        label = random.integers(0, 3, (8, 1))
        images = random.integers(0, 256, (8, 12, 16, 3), np.uint8)
        kept = images.copy()
        augmentation, mirror = Augmentation(0.2, 0.3, 0.1, 0.5), Mirror((2, 1, 0), (1, -1, 1), (2, 1, 0), (1, 1, 1), (0,))
        whole = vary(rows(0, 8), augmentation, mirror, 5, 9, 0)
        parts = [vary(rows(a, b), augmentation, mirror, 5, 9, a) for a, b in ((0, 3), (3, 8))]
        for name in ("observation", "label"):
            np.testing.assert_array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(whole, name))
        np.testing.assert_array_equal(np.concatenate([part.images[0] for part in parts]), whole.images[0])
        np.testing.assert_array_equal(images, kept)
        mirrored = vary(rows(0, 8), Augmentation(flip=1), mirror, 5, 9, 0)
        np.testing.assert_array_equal(mirrored.observation, observation[:, :, ::-1] * np.array([1, -1, 1], np.float32))
        np.testing.assert_array_equal(mirrored.label, 2 - label)
        np.testing.assert_array_equal(mirrored.images[0], images[:, :, ::-1])

    def test_varies_the_images_of_a_window_alike(self) -> None:
        one = np.random.default_rng(1).integers(0, 256, (5, 1, 12, 16, 3), np.uint8)
        windows = np.repeat(one, 3, axis=1)
        batch = Batch(
            np.zeros((5, 1, 3), np.float32), np.zeros(5, np.int32), np.ones((5, 1), int), np.ones((5, 1), np.float32), np.ones(5, np.float32), (windows,)
        )
        mirror = Mirror((2, 1, 0), (1, -1, 1), (2, 1, 0), (1, 1, 1), (0,))
        (varied,) = vary(batch, Augmentation(brightness=0.2, crop=0.4), None, 5, 9, 0).images
        self.assertFalse(np.array_equal(varied, windows))
        for image in range(3):
            np.testing.assert_array_equal(varied[:, image], varied[:, 0])
        (mirrored,) = vary(batch, Augmentation(flip=1), mirror, 5, 9, 0).images
        np.testing.assert_array_equal(mirrored, windows[:, :, :, ::-1])


if __name__ == "__main__":
    unittest.main()
