"""The program of one robot: it asks its agent for actions, moves, records, and is corrected by somebody who watches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from flywheel_client import Agent, AgentDied, AgentTimeout, CallRefused, Decision, EpisodeEnded

from .arm import ACTION_LIMIT, RATE_HZ, Arm
from .body import Body
from .expert import expert_action
from .rounds import Rounds
from .scenario import Scenario

#: An action this near to the expert's needs no correction, m/s: a twentieth of its range.
TOLERANCE = 0.05 * 2 * ACTION_LIMIT
LEAST_FRAMES = 12
_WAIT_S = 0.1
#: The client drops images of which more than 32 wait.
_IMAGES_AHEAD = 16


@dataclass
class Tally:
    """What became of a robot's episodes."""

    episodes: int = 0
    successes: int = 0
    failures: int = 0
    interrupted: int = 0
    frames: int = 0
    corrections: int = 0
    #: Taken and given to the agent.
    images: int = 0

    def add(self, other: Tally) -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


@dataclass(frozen=True)
class Left:
    """What an agent holds when its robot has lived, and what it lost."""

    #: Recordings, images and clips that are not uploaded yet.
    waiting_bytes: float = 0.0
    waiting_telemetry: float = 0.0
    #: Since its disk was new.
    lost_images: float = 0.0

    @staticmethod
    def of(agent: Agent) -> Left:
        status, counts = agent.status(), agent.counts()
        return Left(
            (status.waiting_bytes or 0.0) + (status.waiting_image_bytes or 0.0),
            status.waiting_telemetry or 0.0,
            sum(status.images_dropped.values()) + counts.images_dropped + counts.images_refused + counts.images_unconfirmed,
        )

    @property
    def is_nothing(self) -> bool:
        return self.waiting_bytes == 0 and self.waiting_telemetry == 0


@dataclass
class Robot:
    position: int
    agent: Agent
    arm: Arm
    body: Body
    scenario: Callable[[], Scenario]
    rounds: Rounds
    is_over: threading.Event
    #: Unless the scenario says something else. 0: the next episode begins at once.
    episode_seconds: float

    def __post_init__(self) -> None:
        self.tally = Tally()
        #: The newest of each camera.
        self.images: dict[str, Any] = {}
        self.must_stop = threading.Event()

    def live(self, episodes: int | None) -> None:
        """So many episodes, or until it is over."""
        # Its next episode is due one pace after this.
        since = time.monotonic() + (self.position * 0.618034) % 1 * min(2.0, self._pace()) - self._pace()
        number = 0
        try:
            while not self.is_over.is_set() and (episodes is None or number < episodes):
                if not self._wait_for_policy():
                    break
                self.rounds.join(self.position)
                self._wait_until_due(since)
                self.rounds.begin(self.position, self.is_over)
                if self.is_over.is_set():
                    break
                since = max(since + self._pace(), time.monotonic() - self._pace())
                number += 1 if self._try_episode(number) else 0
        finally:
            self.rounds.leave(self.position)
            # Only the thread that saw can close what it saw with.
            self.arm.close()

    def _pace(self) -> float:
        seconds = self.scenario().episode_seconds
        return self.episode_seconds if seconds is None else seconds

    def _wait_until_due(self, since: float) -> None:
        """The pace may change meanwhile."""
        while (left := since + self._pace() - time.monotonic()) > 0 and not self.is_over.wait(min(1.0, left)):
            pass

    def _wait_for_policy(self) -> bool:
        while not self.is_over.is_set():
            try:
                if self.agent.status().installed_version is not None:
                    return True
            except (AgentDied, AgentTimeout):
                pass
            self.rounds.leave(self.position)
            self.is_over.wait(_WAIT_S)
        return False

    def _try_episode(self, number: int) -> bool:
        """False where it was interrupted: by an order to stop safely, by the end, or by what befell the agent."""
        self.must_stop.clear()
        try:
            if self._episode(number):
                return True
        except (AgentDied, AgentTimeout, EpisodeEnded):
            pass
        self.tally.interrupted += 1
        self.is_over.wait(_WAIT_S)
        return False

    def _episode(self, number: int) -> bool:
        scenario = self.scenario()
        task = scenario.tasks[(number + self.position) % len(scenario.tasks)]
        self.arm.begin(number, task)
        draw = np.random.default_rng([self.arm.seed, self.arm.robot, number])
        is_watched, is_taught = draw.random() < scenario.corrected, draw.random() < scenario.taught
        started_us = round((time.time() - scenario.frames / RATE_HZ) * 1e6)
        with self.agent.episode(task) as episode:
            for frame in range(scenario.frames):
                if self.must_stop.is_set() or self.is_over.is_set() and frame == 0:
                    return False
                at_us = started_us + round(frame * 1e6 / RATE_HZ)
                observed = self.arm.observe()
                seen, wanted = self.body.readings(observed), expert_action(task, observed)
                self._look(frame, at_us)
                if is_taught and frame == 1:
                    self.agent.intervene()
                action, decision = (wanted, None) if is_taught else self._action(seen, task, wanted)
                latency_ms, decoding_ms = (None, None) if decision is None else (decision.latency_ms, decision.decoding_ms)
                is_wrong = decision is not None and float(np.abs(action - wanted).max()) > TOLERANCE
                if is_taught or (is_watched and is_wrong):
                    episode.correct(seen, action, wanted, latency_ms, at_us, decoding_ms=decoding_ms)
                    self.tally.corrections += 1
                else:
                    episode.record(seen, action, latency_ms, at_us, decoding_ms=decoding_ms)
                self.arm.act(action)
                self.tally.frames += 1
                if frame + 1 >= LEAST_FRAMES and (self.arm.has_arrived or self.arm.has_lost):
                    break
            return self._end(episode)

    def _look(self, frame: int, at_us: int) -> None:
        """An image if one is due: for the episode, and for the policy until the next."""
        camera = self.body.camera
        if camera is None or not camera.is_due(frame):
            return
        image = self.arm.see(camera.width, camera.height)
        self.agent.record_image(camera.name, image, at_us)
        self.images = {camera.name: image}
        self.tally.images += 1
        # An arm that is shown the way asks for nothing, and would run ahead of its agent until images are dropped.
        if self.tally.images % _IMAGES_AHEAD == 0:
            self.agent.flush()

    def _end(self, episode: Any) -> bool:
        if self.arm.has_arrived:
            is_kept = episode.end("success")
            self.tally.successes += 1 if is_kept else 0
        else:
            is_kept = episode.end("failure", "puck lost" if self.arm.has_lost else "not there in time")
            self.tally.failures += 1 if is_kept else 0
        self.tally.episodes += 1 if is_kept else 0
        return bool(is_kept)

    def _action(self, seen: Any, task: str, wanted: Any) -> tuple[Any, Decision | None]:
        """The policy's; the expert's for a task that the policy does not know."""
        try:
            decision = self.agent.decide(seen, task, images=self.images)
        except CallRefused:
            decision = None
        if decision is None:
            return wanted, None
        return np.clip(np.asarray(decision.action, np.float64), -ACTION_LIMIT, ACTION_LIMIT), decision

    def stop(self) -> None:
        """Safely: it stands still, since nothing moves without an action."""
        self.must_stop.set()

    def drain(self, seconds: float, hurry: threading.Event) -> Left:
        """Waits until everything is uploaded, or time is up."""
        until = time.monotonic() + seconds
        left = Left()
        while True:
            try:
                left = Left.of(self.agent)
            except (AgentDied, AgentTimeout):
                pass
            if left.is_nothing or time.monotonic() >= until or hurry.wait(_WAIT_S):
                return left
