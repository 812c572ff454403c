"""The client against agents that misbehave."""

import base64
import json
import logging
import os
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import Any

import numpy
from fake_agent import GARBLED

from flywheel_client import (
    Agent,
    AgentClosed,
    AgentDied,
    AgentTimeout,
    CallRefused,
    EpisodeEnded,
    ProtocolError,
    SafeStopFailed,
)

FAKE = str(Path(__file__).with_name("fake_agent.py"))
logging.getLogger("flywheel_client").addHandler(logging.NullHandler())
PATIENCE_S = 60.0


def no_stop() -> None:
    raise AssertionError("nobody asked for a stop")


class FakeAgent(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.state = os.path.join(folder.name, "lives")

    def agent(self, mode: str, **options: Any) -> Agent:
        command = [sys.executable, "-S", "-E", FAKE, mode, self.state]
        usual: dict[str, Any] = {
            "on_safe_stop": no_stop,
            "timeout_s": PATIENCE_S,
            "decide_timeout_s": PATIENCE_S,
            "restart_after_s": (0.01, 0.05),
        }
        agent = Agent(
            robot="r1", gateway="http://127.0.0.1:1", directory="/nowhere", command=command, **{**usual, **options}
        )
        self.addCleanup(agent.close)
        return agent

    def heard(self) -> list[dict[str, Any]]:
        with open(self.state + ".heard", encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def until(self, is_true: Any) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_true():
            self.assertLess(time.monotonic(), deadline, "waited in vain")
            time.sleep(0.005)

    def test_images_go_within_lines_or_as_files_and_never_wait(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        pixels = numpy.arange(4 * 6 * 3, dtype=numpy.uint8).reshape(4, 6, 3)
        large = bytes(70_000)
        with self.agent("good", images=folder.name) as agent:
            agent.record_image("front", pixels, 17)
            agent.record_image("front", memoryview(b"jpeg"))
            agent.record_image("front", large)
            decision = agent.decide([1, 2], images={"front": pixels[::2], "side": large})
            assert decision is not None
            self.assertEqual([decision.latency_ms, decision.decoding_ms], [0.25, 0.125])
            agent.record([1, 2], 2, decision.latency_ms, decoding_ms=decision.decoding_ms)
            agent.record_image("unknown", b"x")
            agent.flush()
            with self.assertRaisesRegex(CallRefused, "an earlier image: expected a camera of the robot type"):
                agent.record_image("front", b"x")
            agent.flush()
            counts = agent.counts()
        self.assertEqual([counts.images_offered, counts.images_recorded, counts.images_refused], [5, 4, 1])
        self.assertEqual([counts.images_dropped, counts.images_waiting, counts.frames_recorded], [0, 0, 1])
        heard = [line for line in self.heard() if line["do"] in ("recordImage", "decide", "record")]
        self.assertEqual([base64.b64decode(line["base64"]) for line in heard[:2]], [pixels.tobytes(), b"jpeg"])
        self.assertEqual(heard[0]["atUs"], 17)
        self.assertLess(abs(heard[1]["atUs"] - time.time_ns() // 1000), 60_000_000)
        self.assertRegex(heard[2]["file"], r"^[0-9a-f]{32}\.image$")
        self.assertEqual([image["camera"] for image in heard[3]["images"]], ["front", "side"])
        self.assertEqual(base64.b64decode(heard[3]["images"][0]["base64"]), pixels[::2].tobytes())
        self.assertIn("file", heard[3]["images"][1])
        self.assertEqual(heard[4]["decodingMs"], 0.125)
        # This agent reads no files: what it left is deleted.
        self.assertEqual(os.listdir(folder.name), [])

    def test_images_that_wait_are_bounded(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        with self.agent("mute", queue_images=3, images=folder.name) as agent:
            for _ in range(5):
                agent.record_image("front", bytes(70_000))
            counts = agent.counts()
            self.assertEqual([counts.images_offered, counts.images_dropped, counts.images_waiting], [5, 2, 3])
            self.assertEqual(len(os.listdir(folder.name)), 3)
            agent.record([1, 2], 1)
        self.assertEqual(os.listdir(folder.name), [])

    def test_images_of_a_dead_agent_are_counted_and_the_control_loop_hears_of_its_death(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        with self.agent("dies", images=folder.name) as agent:
            agent.record_image("front", bytes(70_000))
            self.until(lambda: agent.counts().restarts == 1)
            # The control loop hears of the death, not the thread of the camera.
            agent.record_image("front", b"x")
            with self.assertRaises(AgentDied):
                agent.flush()
            agent.flush()
            counts = agent.counts()
        self.assertEqual([counts.images_unconfirmed, counts.images_recorded], [1, 1])
        self.assertEqual(os.listdir(folder.name), [])

    def test_what_is_no_image_is_refused_at_once(self) -> None:
        with self.agent("good") as agent:
            for wrong, what in (
                ("text", "as bytes or as an array of uint8, got str"),
                (numpy.zeros((2, 2)), "of uint8, got float64"),
                (numpy.zeros((2, 2, 4), numpy.uint8), "shape"),
                (numpy.zeros(4, numpy.uint8), "shape"),
                (b"", "1 to 8388608 bytes, got 0"),
                (bytes(1024 * 1024 + 1), "images=FOLDER"),
            ):
                with self.assertRaisesRegex((TypeError, ValueError), what):
                    agent.record_image("front", wrong)  # type: ignore[arg-type]
                with self.assertRaisesRegex((TypeError, ValueError), what):
                    agent.decide([1, 2], images={"front": wrong})  # type: ignore[dict-item]
            with self.assertRaisesRegex(ValueError, "camera"):
                agent.record_image("", b"x")
            with self.assertRaisesRegex(ValueError, "at most 8 cameras, got 9"):
                agent.decide([1, 2], images={str(index): b"x" for index in range(9)})
            self.assertEqual(agent.counts().images_offered, 0)
        self.assertEqual([line["do"] for line in self.heard()], ["status"])

    def test_sends_what_was_asked_in_order_and_checks_the_answers(self) -> None:
        with self.agent("good") as agent:
            with agent.episode("dock") as episode:
                self.assertEqual([episode.id, episode.is_open], ["01EPISODE", True])
                decision = agent.decide([1, 2], "dock")
                assert decision is not None
                self.assertEqual([decision.version, decision.action, decision.latency_ms], ["1.0.0", (2,), 0.25])
                episode.record([1, 2], decision.action, decision.latency_ms)
                episode.correct([1, 2], 2, 3, at_us=17)
                episode.intervene()
                self.assertTrue(episode.end("failure", "x" * 300))
            self.assertEqual([episode.is_open, episode.is_recorded], [False, True])
            agent.safety_event("bumper\n")
            agent.busy()
            agent.idle()
            status = agent.status()
            self.assertEqual(
                [status.is_connected, status.waiting_bytes, status.skew_ms, status.told["new"]], [True, 5, None, 1]
            )
            counts = agent.counts()
            self.assertEqual([counts.frames_offered, counts.frames_recorded, counts.ignored_lines], [2, 2, 0])
        lines = self.heard()
        self.assertEqual(
            [line["do"] for line in lines],
            [
                "status",
                "beginEpisode",
                "decide",
                "record",
                "correct",
                "intervene",
                "endEpisode",
                "safetyEvent",
                "busy",
                "idle",
                "status",
            ],
        )
        self.assertLess(abs(lines[3]["atUs"] / 1e6 - time.time()), PATIENCE_S * 2)
        self.assertEqual([lines[3]["latencyMs"], lines[4]["atUs"], lines[4]["expertAction"]], [0.25, 17, [3]])
        self.assertEqual([len(lines[6]["reason"]), lines[7]["kind"]], [100, "bumper"])
        with self.assertRaises(AgentClosed):
            agent.record([1, 2], 0)

    def test_gives_the_process_its_options_and_the_token_where_nobody_else_reads_it(self) -> None:
        options = {"token": "secret", "root": Path("/etc/root.json"), "quota_mib": 5, "robot_type": "arm@1"}
        with self.agent("good", **options):
            pass
        with open(self.state + ".started", encoding="utf-8") as file:
            started = json.load(file)
        where = ["--robot=r1", "--gateway=http://127.0.0.1:1", "--dir=/nowhere", "--root=/etc/root.json"]
        self.assertEqual(started["arguments"], ["agent", *where, "--robot-type=arm@1", "--quota-mib=5"])
        self.assertEqual(started["token"], "secret")

    def test_an_episode_whose_body_raises_is_aborted_with_a_bounded_reason(self) -> None:
        with self.agent("good") as agent:
            with self.assertRaises(ZeroDivisionError), agent.episode() as episode:
                episode.record([1, 2], 0)
                raise ZeroDivisionError("by\nzero " * 100)
            with agent.episode() as episode:
                episode.record([1, 2], 0)
            self.assertTrue(episode.is_recorded)
        ends = [line for line in self.heard() if line["do"] == "endEpisode"]
        self.assertEqual([line["outcome"] for line in ends], ["aborted", "aborted"])
        self.assertRegex(ends[0]["reason"], "^ZeroDivisionError: by zero .{60,85}$")
        self.assertEqual(ends[1]["reason"], "noOutcome")

    def test_output_that_makes_no_sense_is_passed_over_and_counted(self) -> None:
        with self.agent("hostile") as agent:
            agent.begin_episode()
            agent.record([1, 2], 0)
            self.assertTrue(agent.end_episode("success"))
            counts = agent.counts()
        self.assertEqual(counts.frames_recorded, 1)
        # The line that is too long is counted when the agent has ended.
        self.assertEqual(counts.ignored_lines, 4 * (GARBLED - 1))
        self.assertEqual(agent.counts().ignored_lines, 4 * GARBLED)

    def test_an_answer_that_is_none_is_an_error_and_no_action(self) -> None:
        for mode in ("lies", "nan", "nested"):
            with self.agent(mode) as agent, self.assertRaisesRegex(ProtocolError, "decide: expected"):
                agent.decide([1, 2])
        with self.agent("noPolicy") as agent:
            self.assertIsNone(agent.decide([1, 2]))
            with self.assertRaisesRegex(CallRefused, "no reason was given"):
                agent.safety_event("unexplained")

    def test_a_frame_that_the_agent_refuses_is_told_with_the_next_one(self) -> None:
        with self.agent("good") as agent:
            agent.record([1, 2, 3], 0)
            agent.flush()
            with self.assertRaisesRegex(CallRefused, "expected observation of 2 numbers"):
                agent.record([1, 2], 0)
            agent.record([1, 2], 0)
            agent.flush()
            counts = agent.counts()
            self.assertEqual([counts.frames_offered, counts.frames_recorded, counts.frames_refused], [3, 2, 1])

    def test_a_call_that_is_not_answered_ends_at_its_time_out(self) -> None:
        with self.agent("mute") as agent:
            with self.assertRaisesRegex(
                AgentTimeout, r"decide: expected an answer of the agent within 2.0 s.*may still happen"
            ) as caught:
                agent.decide([1, 2], timeout_s=2.0)
            self.assertTrue(caught.exception.may_still_happen)
            self.assertIsNotNone(agent.status())

    def test_recording_never_waits_for_an_agent_that_reads_nothing(self) -> None:
        with self.agent("stuck", queue_frames=500, stop_timeout_s=0.1) as agent:
            ends: list[Exception] = []

            def ask() -> None:
                try:
                    agent.busy()
                except AgentClosed as error:
                    ends.append(error)

            thread = threading.Thread(target=ask)
            thread.start()
            self.until(lambda: "busy" in [line["do"] for line in self.heard()])
            for _ in range(600):
                agent.record([1.0, 2.0] * 500, 0)
            counts = agent.counts()
            self.assertEqual([counts.frames_offered, counts.frames_dropped, counts.frames_waiting], [600, 100, 500])
            with self.assertRaisesRegex(AgentTimeout, "had not been sent, and was withdrawn") as caught:
                agent._session.call({"do": "idle"}, 0.05)
            self.assertFalse(caught.exception.may_still_happen)
        thread.join(PATIENCE_S)
        self.assertEqual(len(ends), 1)
        self.assertNotIn("idle", [line["do"] for line in self.heard()])
        self.assertEqual(agent.counts().frames_unconfirmed, 500)

    def test_a_death_is_told_once_and_another_process_goes_on(self) -> None:
        with self.agent("dies") as agent:
            agent.begin_episode()
            for _ in range(3):
                agent.record([1, 2], 0)
            self.until(agent._session.is_severed)
            with self.assertRaisesRegex(
                AgentDied, r"by SIGKILL; the open episode is aborted; it is being started again; .*\nabout to fall over"
            ) as caught:
                agent.record([1, 2], 0)
            self.assertEqual([caught.exception.death.exit_code, caught.exception.death.had_open_episode], [-9, True])
            # What goes on with the lost episode must not become another one.
            with self.assertRaisesRegex(EpisodeEnded, "its process ended"):
                agent.record([1, 2], 0)
            self.assertFalse(agent.end_episode("success"))
            with agent.episode() as episode:
                episode.record([1, 2], 0)
                episode.end("success")
            counts = agent.counts()
            self.assertEqual([counts.restarts, counts.frames_offered], [1, 4])
            self.assertEqual(counts.frames_recorded + counts.frames_unconfirmed, 4)
            self.assertEqual(counts.frames_waiting, 0)
        # The line that killed it, and nothing of the lost episode after.
        self.assertEqual([line["do"] for line in self.heard()[5:]], ["status", "beginEpisode", "record", "endEpisode"])

    def test_waiting_for_frames_that_died_with_the_agent_says_so(self) -> None:
        with self.agent("dies") as agent:
            for _ in range(3):
                agent.record([1, 2], 0)
            with self.assertRaisesRegex(AgentDied, "SIGKILL"):
                agent.flush()
            self.assertGreaterEqual(agent.counts().frames_unconfirmed, 1)
            agent.status()

    def test_a_process_that_fails_to_come_back_is_started_again_and_again(self) -> None:
        with self.agent("diesTwice") as agent:
            with self.assertRaises((AgentDied, EpisodeEnded)), agent.episode() as episode:
                while True:
                    episode.record([1, 2], 0)
                    time.sleep(0.001)
            self.until(lambda: agent.counts().restarts == 2)
            for _ in range(2):
                try:
                    agent.status()
                    break
                except AgentDied as error:
                    self.assertIn("expected a token", str(error))
            self.assertTrue(agent.status().is_connected)

    def test_a_first_start_that_fails_says_what_the_program_said(self) -> None:
        with self.assertRaisesRegex(
            AgentDied,
            r"exit code 2; it is not started again; its last lines:\n\[31mexpected a token, got none\nand (more)+",
        ) as caught:
            self.agent("refusesToStart").open()
        self.assertEqual([len(line) for line in caught.exception.death.last_lines], [30, 500, 11])
        with self.assertRaisesRegex(AgentTimeout, "within 0.2 s of its start"):
            self.agent("silent", start_timeout_s=0.2).open()

    def test_without_restart_every_call_says_that_the_agent_is_dead(self) -> None:
        with self.agent("dies", restart=False) as agent:
            with self.assertRaises((AgentDied, EpisodeEnded)):
                while True:
                    agent.record([1, 2], 0)
            for _ in range(2):
                with self.assertRaisesRegex(AgentDied, "not started again"):
                    agent.status()

    def test_a_process_that_closes_its_output_or_leaves_a_child_is_over(self) -> None:
        for mode, code in (("closesItsOutput", -9), ("leavesAChild", 3)):
            with self.agent(mode, restart=False) as agent, self.assertRaises(AgentDied) as caught:
                agent.busy()
            self.assertEqual(caught.exception.death.exit_code, code, mode)

    def test_a_safe_stop_calls_back_answers_and_ends_the_episode(self) -> None:
        called, may_return = threading.Event(), threading.Event()

        def stop() -> None:
            called.set()
            may_return.wait(PATIENCE_S)

        with self.agent("stops", on_safe_stop=stop) as agent:
            agent.begin_episode()
            agent.record([1, 2], 0)
            agent.busy()
            self.assertTrue(called.wait(PATIENCE_S))
            # While the robot brakes, its frames still belong to the episode.
            agent.record([1, 2], 0)
            with self.assertRaisesRegex(AgentTimeout, "expected the safe stop to end"):
                agent._session.begin_episode({"do": "beginEpisode"}, 0.05)
            may_return.set()
            self.until(agent._session.is_severed)
            with self.assertRaisesRegex(EpisodeEnded, "safe stop"):
                agent.record([1, 2], 0)
            with agent.episode() as episode:
                episode.record([1, 2], 0)
                episode.end("success")
        self.assertEqual(
            [line["do"] for line in self.heard()],
            ["status", "beginEpisode", "record", "busy", "record", "stopped", "beginEpisode", "record", "endEpisode"],
        )

    def test_a_safe_stop_that_is_asked_for_again_meanwhile_is_answered_after_one_more_run(self) -> None:
        runs: list[int] = []
        may_return = threading.Event()

        def stop() -> None:
            runs.append(len([line for line in self.heard() if line["do"] == "stopped"]))
            may_return.wait(PATIENCE_S)

        with self.agent("stops", on_safe_stop=stop) as agent:
            agent.busy()
            self.until(lambda: runs)
            for _ in range(3):
                agent.busy()
            may_return.set()
            self.until(lambda: "stopped" in [line["do"] for line in self.heard()])
            agent.status()
        # Neither run had been answered before it began: an early answer would stand for the later order.
        self.assertEqual(runs, [0, 0])
        self.assertEqual(len([line for line in self.heard() if line["do"] == "stopped"]), 1)

    def test_a_callback_that_raises_is_told_and_the_agent_is_answered_all_the_same(self) -> None:
        def stop() -> None:
            raise OSError("no brakes")

        with self.agent("stops", on_safe_stop=stop) as agent:
            agent.busy()
            self.until(lambda: "stopped" in [line["do"] for line in self.heard()])
            with self.assertRaisesRegex(SafeStopFailed, "no brakes") as caught:
                agent.idle()
            self.assertIsInstance(caught.exception.__cause__, OSError)
            agent.idle()

    def test_without_a_callback_a_safe_stop_is_not_answered(self) -> None:
        with self.agent("stops", on_safe_stop=None) as agent:
            agent.record([1, 2], 0)
            agent.busy()
            self.until(agent._session.is_severed)
            agent.status()
        self.assertNotIn("stopped", [line["do"] for line in self.heard()])

    def test_many_threads_get_each_their_own_answer(self) -> None:
        with self.agent("good") as agent:
            wrong: list[object] = []

            def work() -> None:
                for _ in range(20):
                    agent.record([1, 2], 0)
                    decision = agent.decide([1, 2])
                    if decision is None or not isinstance(agent.status().installed_version, str):
                        wrong.append(decision)

            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            agent.flush()
            self.assertEqual([wrong, agent.counts().frames_recorded, agent.counts().ignored_lines], [[], 80, 0])

    def test_an_agent_of_somebody_else_is_reached_by_its_pipes(self) -> None:
        import subprocess

        process = subprocess.Popen(
            [sys.executable, "-S", "-E", FAKE, "good", self.state],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        assert process.stdout is not None and process.stdin is not None
        with Agent.attach(process.stdout, process.stdin, on_safe_stop=no_stop, timeout_s=PATIENCE_S) as agent:
            agent.record([1, 2], 0)
            self.assertTrue(agent.end_episode("success"))
            self.assertIsNone(agent.process_id)
        self.assertEqual(process.wait(PATIENCE_S), 0)

    def test_an_attached_agent_that_ends_is_dead(self) -> None:
        read_end, their_output = os.pipe()
        their_input, write_end = os.pipe()
        os.close(their_output)
        self.addCleanup(os.close, their_input)
        with open(read_end, "rb") as reader, open(write_end, "wb", buffering=0) as writer:
            with self.assertRaisesRegex(AgentDied, "its output is closed"):
                Agent.attach(reader, writer, on_safe_stop=no_stop).open()

    def test_takes_no_options_that_make_no_sense(self) -> None:
        for wrong in (
            {"timeout_s": 0},
            {"queue_frames": 0},
            {"restart_after_s": (0, 1)},
            {"decide_timeout_s": float("nan")},
        ):
            with self.assertRaises(ValueError):
                self.agent("good", **wrong)
        with self.agent("good") as agent:
            with self.assertRaises(ValueError):
                agent.end_episode("great")  # type: ignore[arg-type]
            with self.assertRaises(RuntimeError):
                agent.open()
