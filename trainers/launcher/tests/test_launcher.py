"""Plans, the file of a cluster, and trainings on a cluster that behaves like one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from flywheel_launcher.cluster import Wrong, read_cluster
from flywheel_launcher.plan import described, plan

HERE = Path(__file__).resolve().parent


class Clusters(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "cluster").mkdir()

    def cluster(self, **changes: object) -> Path:
        standin = [sys.executable, str(HERE / "standin.py")]
        value = {
            "shared": str(self.folder / "shared"),
            "submit": [*standin, "submit", "{script}"],
            "poll": [*standin, "poll", "{id}"],
            "cancel": [*standin, "cancel", "{id}"],
            "run": [sys.executable, str(HERE / "program.py")],
            "states": {"waiting": ["PENDING"], "running": ["RUNNING"]},
            "pollSeconds": 0.1,
            **changes,
        }
        path = self.folder / "cluster.json"
        path.write_text(json.dumps({key: each for key, each in value.items() if each is not None}))
        return path

    def job(self, **settings: object) -> Path:
        (self.folder / "train.arrow").write_text("rows")
        path = self.folder / "job.json"
        path.write_text(
            json.dumps(
                {
                    "contract": 1,
                    "trainPath": str(self.folder / "train.arrow"),
                    "validationPath": str(self.folder / "train.arrow"),
                    "trainRows": 1_000_003,
                    "settings": {"batchSize": 1000, **settings},
                    "seed": 1,
                    "modelPath": str(self.folder / "model.onnx"),
                    "checkpointDirectory": str(self.folder / "checkpoints"),
                    "resumeFrom": None,
                    "startFromPath": None,
                }
            )
        )
        return path


class Files(Clusters):
    def test_plans_for_thirty_two_workers(self) -> None:
        cluster = read_cluster(self.cluster(machines=4, processesPerMachine=8, machineHoursBetweenFailures=200))
        found = plan(cluster, json.loads(self.job().read_text()))
        self.assertEqual((found.workers, found.global_batch, found.steps_a_pass), (32, 1000, 1000))
        self.assertEqual([(each.first_worker, each.last_worker, each.rows) for each in found.shards], [(0, 7, 32), (8, 31, 31)])
        self.assertEqual(sum((each.last_worker - each.first_worker + 1) * each.rows for each in found.shards), 1000)
        self.assertEqual((found.hours_between_failures, found.checkpoint_every_seconds), (50, 60))
        self.assertIn("rows of a worker         32 (workers 0 to 7)", described(found))
        # Young's optimum where it lies between the bounds: sqrt(2 * 0.5 s * 0.5 h).
        often = read_cluster(self.cluster(machineHoursBetweenFailures=0.5, checkpointSeconds=0.5))
        self.assertAlmostEqual(plan(often, json.loads(self.job().read_text())).checkpoint_every_seconds, 42.4, delta=0.05)

    def test_plans_no_worker_without_rows(self) -> None:
        cluster = read_cluster(self.cluster(machines=4, processesPerMachine=8))
        with self.assertRaisesRegex(Wrong, "for each of 32 workers, got 31 rows"):
            plan(cluster, json.loads(self.job(batchSize=31).read_text()))
        with self.assertRaisesRegex(Wrong, "settings.batchSize: expected a whole number"):
            plan(cluster, json.loads(self.job(batchSize="many").read_text()))

    def test_names_what_is_wrong_with_the_file(self) -> None:
        for text, changes in (
            ("no other keys", {"sumbit": []}),
            ("shared: expected an absolute path", {"shared": "here"}),
            ("submit: expected a list of words", {"submit": "sbatch {script}"}),
            ("poll: expected no other places than id, got script", {"poll": ["squeue", "{script}"]}),
            ("run: .*write {{ and }} for braces", {"run": ["echo", "{"]}),
            ("states.running: expected a list", {"states": {"waiting": ["PENDING"]}}),
            ("expected each text once", {"states": {"waiting": ["X"], "running": ["X"]}}),
            ("machines: expected a whole number", {"machines": 1.5}),
            ("pollSeconds: expected a number", {"pollSeconds": True}),
        ):
            with self.assertRaisesRegex(Wrong, text):
                read_cluster(self.cluster(**changes))


class Trainings(Clusters):
    def start(self, faults: list[str], cluster: Path | None = None, **settings: object) -> subprocess.Popen[str]:
        (self.folder / "cluster" / "faults.json").write_text(json.dumps(faults))
        return subprocess.Popen(
            [sys.executable, "-m", "flywheel_launcher", str(cluster or self.cluster()), str(self.job(**settings))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "STANDIN_CLUSTER": str(self.folder / "cluster")},
        )

    def finish(self, child: subprocess.Popen[str]) -> tuple[int, list[dict[str, object]], str]:
        assert child.stdout is not None and child.stderr is not None and child.stdin is not None
        said, errors = child.stdout.read(), child.stderr.read()
        code = child.wait(60)
        for stream in (child.stdin, child.stdout, child.stderr):
            stream.close()
        return code, [json.loads(line) for line in said.splitlines()], errors

    def states(self) -> list[str]:
        return [(self.folder / "cluster" / f"job-{number}").read_text() for number in range(1, 1 + len(list((self.folder / "cluster").glob("*.script"))))]

    def left(self) -> list[Path]:
        return list((self.folder / "shared").iterdir())

    def test_survives_a_preemption_and_a_lost_machine(self) -> None:
        code, lines, errors = self.finish(self.start(["preempt", "lose"], pause=0.5))
        self.assertEqual(code, 0, errors)
        self.assertEqual(json.loads((self.folder / "model.onnx").read_text()), [list(range(30)), "rows"])
        self.assertEqual(self.states(), ["PREEMPTED", "NODE_FAIL", "COMPLETED"])
        self.assertRegex(errors, "job-1: it ended with 75; it goes on from step 1[01]")
        self.assertRegex(errors, "job-2: its machine was lost; it goes on from step 20")
        self.assertEqual(lines[-1]["event"], "done")
        self.assertEqual(sum(line["event"] == "done" for line in lines), 1)
        self.assertEqual(self.left(), [])

    def test_reads_what_a_talkative_program_says(self) -> None:
        code, lines, errors = self.finish(self.start([], chatter=True))
        self.assertEqual((code, self.states()), (0, ["COMPLETED"]), errors)
        self.assertEqual([line["step"] for line in lines if line["event"] == "checkpoint"], [10, 20, 30])

    def test_passes_over_checkpoints_that_were_deleted_before_their_lines_were_read(self) -> None:
        code, lines, errors = self.finish(self.start(["preempt"], self.cluster(pollSeconds=0.5), prunes=True))
        self.assertEqual((code, self.states()), (0, ["PREEMPTED", "COMPLETED"]), errors)
        self.assertEqual(json.loads((self.folder / "model.onnx").read_text())[0], list(range(30)))
        told = [line["step"] for line in lines if line["event"] == "checkpoint"]
        self.assertLess(len(told), 20)
        self.assertEqual(told[-1], 30)

    def test_takes_no_checkpoint_from_elsewhere(self) -> None:
        code, _, errors = self.finish(self.start([], elsewhere=True))
        self.assertEqual(code, 1)
        self.assertRegex(errors, "expected a checkpoint in checkpointDirectory, got '/etc/hostname'")
        deadline = time.monotonic() + 30
        while self.states()[-1] not in ("CANCELLED", "COMPLETED"):
            self.assertLess(time.monotonic(), deadline, self.states())
            time.sleep(0.1)

    def test_gives_up_after_restarts_without_a_checkpoint(self) -> None:
        code, _, errors = self.finish(self.start([], self.cluster(mostRestarts=1), fails=True))
        self.assertEqual((code, self.states()), (1, ["COMPLETED"] * 2))
        self.assertRegex(errors, "it ended with 1, 2 times without a new checkpoint; lost its GPU")
        self.assertEqual(self.left(), [])

    def test_passes_on_that_a_job_is_impossible(self) -> None:
        code, _, errors = self.finish(self.start([], impossible=True))
        self.assertEqual((code, self.states()), (65, ["COMPLETED"]))
        self.assertRegex(errors, "expected something else")

    def test_cancels_the_job_when_it_is_told_to_end_or_its_caller_dies(self) -> None:
        for how in ("signal", "caller"):
            child = self.start([], pause=60.0)
            assert child.stdout is not None and child.stdin is not None
            for text in child.stdout:
                if "checkpoint" in text:
                    break
            child.send_signal(signal.SIGTERM) if how == "signal" else child.stdin.close()
            self.assertEqual(child.wait(30), 75)
            for stream in (child.stdin, child.stdout, child.stderr):
                stream.close()
            deadline = time.monotonic() + 30
            while self.states()[-1] != "CANCELLED":
                self.assertLess(time.monotonic(), deadline, self.states())
                time.sleep(0.1)

    def test_ends_a_job_whose_launcher_was_killed(self) -> None:
        child = self.start([], pause=60.0)
        assert child.stdout is not None
        for text in child.stdout:
            if "checkpoint" in text:
                break
        child.kill()
        self.finish(child)
        (folder,) = self.left()
        # As if ten minutes had passed.
        (folder / "alive").unlink()
        deadline = time.monotonic() + 60
        while self.states()[-1] == "RUNNING":
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        self.assertEqual((folder / "attempt-1" / "code").read_text().strip(), "1")
        # The next launcher removes what is left a day later.
        (folder / "alive").touch()
        os.utime(folder / "alive", (time.time() - 90_000, time.time() - 90_000))
        self.assertEqual(self.finish(self.start([]))[0], 0)
        self.assertEqual(self.left(), [])

    def test_says_what_the_clusters_command_said(self) -> None:
        cluster = self.cluster(submit=[sys.executable, "-c", "print('no id here !')"])
        code, _, errors = self.finish(self.start([], cluster))
        self.assertEqual(code, 1)
        self.assertRegex(errors, "submit: expected the id of a job as the last word, got 'no id here !")


if __name__ == "__main__":
    unittest.main()
