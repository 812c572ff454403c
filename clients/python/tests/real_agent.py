"""The client with a real agent and a real gateway; test/clients/python-client.test.ts starts them and says where they are."""

import json
import logging
import os
import signal
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pyarrow.parquet

from flywheel_client import Agent, AgentDied, CallRefused, Decision, EpisodeEnded

WORLD = json.loads(os.environ["FLYWHEEL_TEST_WORLD"])
PATIENCE_S = 120.0
FRAMES = 12
log = logging.getLogger("flywheel_client")
log.addHandler(logging.NullHandler())


def ask(what: str, body: object = None) -> Any:
    data = json.dumps(body).encode()
    try:
        with urllib.request.urlopen(f"{WORLD['control']}/{what}", data=data, timeout=PATIENCE_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise AssertionError(error.read().decode()) from error


def until(question: str, is_true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_true():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE_S} s in vain: {question}")
        time.sleep(0.05)


def observation(index: int) -> "numpy.ndarray[Any, Any]":
    """Plausible: no sensor stands still."""
    return 1 + ((index * 7 + numpy.arange(24) * 3) % 30) / 10


def landed() -> "dict[str, list[dict[str, Any]]]":
    """Frames by episode, as any reader of Parquet sees them in the store."""
    episodes: "dict[str, list[dict[str, Any]]]" = {}
    for file in Path(WORLD["store"]).glob(f"landing/{WORLD['robot']}/**/*.parquet"):
        for row in pyarrow.parquet.read_table(file).to_pylist():
            episodes.setdefault(row["episode_id"], []).append(row)
    return episodes


class RealAgent(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.directory = folder.name
        self.stopped = threading.Event()

    def agent(self) -> Agent:
        agent = Agent(
            robot=WORLD["robot"],
            gateway=WORLD["gateway"],
            directory=self.directory,
            root=WORLD["root"],
            token=WORLD["token"],
            command=WORLD["command"],
            on_safe_stop=self.stopped.set,
            timeout_s=PATIENCE_S,
            start_timeout_s=PATIENCE_S,
            stop_timeout_s=PATIENCE_S,
            restart_after_s=(0.05, 1.0),
        )
        self.addCleanup(agent.close)
        return agent

    def runs(self, agent: Agent, version: str) -> None:
        until(f"runs {version}", lambda: agent.status().installed_version == version)

    def decision(self, agent: Agent) -> Decision:
        """On a busy machine an inference may miss its deadline; the agent falls back to the same version."""
        decisions: list[Decision] = []

        def try_it() -> bool:
            try:
                decision = agent.decide(observation(0), timeout_s=PATIENCE_S)
            except CallRefused as error:
                log.warning("%s", error)
                return False
            if decision is not None:
                decisions.append(decision)
            return decision is not None

        until("decided", try_it)
        return decisions[0]

    def record(self, agent: Agent, corrections: int = 0) -> None:
        """Frames of a robot of 9 Hz, without waiting for it."""
        start_us = time.time_ns() // 1000 - FRAMES * 111_111
        for index in range(FRAMES):
            at_us = start_us + index * 111_111
            if index < corrections:
                agent.correct(observation(index), index % 4, (index + 1) % 4, 1.5, at_us)
            else:
                agent.record(observation(index).tolist(), [index % 4], 1.5, at_us)

    def test_what_was_acknowledged_lands_whatever_dies(self) -> None:
        ids: dict[str, str] = {}
        with self.agent() as agent:
            self.runs(agent, "1.0.0")
            decision = self.decision(agent)
            self.assertEqual(decision.version, "1.0.0")
            self.assertIn(decision.action, [(0,), (1,), (2,), (3,)])
            with self.assertRaisesRegex(CallRefused, "task"):
                agent.begin_episode("juggle")

            with agent.episode() as episode:
                ids["success"] = episode.id or ""
                self.record(agent, corrections=3)
                episode.intervene()
                self.assertTrue(episode.end("success"))

            # Killed in an episode.
            ids["killed"] = agent.begin_episode()
            self.record(agent)
            agent.flush()
            process_id = agent.process_id
            assert process_id is not None
            os.kill(process_id, signal.SIGKILL)
            until("the death is noticed", agent._session.is_severed)
            with self.assertRaisesRegex(AgentDied, "SIGKILL; the open episode is aborted; it is being started again"):
                agent.record(observation(0), 0)
            with self.assertRaises(EpisodeEnded):
                agent.record(observation(0), 0)
            self.assertFalse(agent.end_episode("success"))

            with self.assertRaises(ZeroDivisionError), agent.episode() as episode:
                ids["raised"] = episode.id or ""
                self.record(agent)
                raise ZeroDivisionError("division by zero")
            self.assertNotEqual(agent.process_id, process_id)
            self.assertTrue(episode.is_open is False and agent.counts().restarts == 1)

            # A candidate, and the order to roll it back at once.
            ask("order", {"seq": 0, "defaultVersion": "1.1.0", "urgency": "whenIdle"})
            self.runs(agent, "1.1.0")
            self.stopped.clear()
            ids["stopped"] = agent.begin_episode()
            self.record(agent)
            agent.flush()
            ask("order", {"seq": 1, "defaultVersion": "1.0.0", "urgency": "safeStop"})
            self.assertTrue(self.stopped.wait(PATIENCE_S))
            until("the episode is over", agent._session.is_severed)
            with self.assertRaisesRegex(EpisodeEnded, "safe stop"):
                agent.record(observation(0), 0)
            self.runs(agent, "1.0.0")
            with agent.episode() as episode:
                ids["failure"] = episode.id or ""
                self.record(agent)
                self.assertTrue(episode.end("failure", "lost the wall"))
            counts = agent.counts()
        self.assertEqual([counts.frames_recorded, counts.frames_dropped, counts.frames_unconfirmed], [5 * FRAMES, 0, 0])

        # The next life uploads what the former ones left.
        with self.agent() as agent:
            until("everything has landed", lambda: len(landed()) == len(ids))
            self.assertEqual(agent.counts().ignored_lines, 0)
        episodes = landed()
        told = {
            name: (episodes[id][0]["outcome"], episodes[id][0]["failure_reason"], len(episodes[id]))
            for name, id in ids.items()
        }
        self.assertEqual(
            told,
            {
                "success": ("success", None, FRAMES),
                "killed": ("aborted", "agentStopped", FRAMES),
                "raised": ("aborted", "ZeroDivisionError: division by zero", FRAMES),
                "stopped": ("aborted", "rollback", FRAMES),
                "failure": ("failure", "lost the wall", FRAMES),
            },
        )
        corrected = [row for row in episodes[ids["success"]] if row["expert_action"] is not None]
        self.assertEqual(len(corrected), 3)
        self.assertEqual({row["policy_version"] for row in episodes[ids["stopped"]]}, {"1.1.0"})
        checked = ask("check")
        self.maxDiff = None
        self.assertEqual(
            [sum(file["episodes"] for file in checked), [file["violations"] for file in checked if file["violations"]]],
            [len(ids), []],
        )


if __name__ == "__main__":
    unittest.main()
