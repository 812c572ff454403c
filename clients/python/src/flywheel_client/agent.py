"""The robot's side of the fleet, for a program in Python."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Literal, Union

from .answers import Decision, Status, decision_of, episode_id_of, is_recorded_of, status_of
from .command import agent_command
from .counts import Counts
from .errors import FlywheelError
from .images import Image, ImageDoor, camera_name, forget, image_bytes
from .life import Settings
from .link import Link, PipesLink, ProcessLink
from .session import Session, log
from .values import Numbers, bounded_text, duration_ms, instant_us, number_list, positive_seconds, task_name
from .wire import Pipe

Outcome = Literal["success", "failure", "aborted"]
OUTCOMES: tuple[Outcome, ...] = ("success", "failure", "aborted")
Path = Union[str, "os.PathLike[str]"]
_LONGEST_REASON = 100


class Agent:
    """
    A robot's agent: a process that records, uploads, and keeps the robot on the policy version that it should run.

    Use it as a context manager. All methods may be called from any thread. Every call but `record`, `correct` and `counts`
    waits for the agent's answer, at most `timeout_s`. Errors are described in errors.py and in docs/python.md.
    """

    def __init__(
        self,
        *,
        robot: str,
        gateway: str,
        directory: Path,
        on_safe_stop: Callable[[], object] | None,
        root: Path | None = None,
        public_key: Path | None = None,
        robot_type: str | Path | None = None,
        token: str | None = None,
        token_file: Path | None = None,
        ca: Path | None = None,
        cert: Path | None = None,
        key: Path | None = None,
        quota_mib: int | None = None,
        images: Path | None = None,
        image_quota_mib: int | None = None,
        clip_mib_per_day: int | None = None,
        contact_seconds: float | None = None,
        policy_seconds: float | None = None,
        command: str | Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        queue_frames: int = 1024,
        queue_images: int = 32,
        timeout_s: float = 10.0,
        decide_timeout_s: float = 2.0,
        start_timeout_s: float = 60.0,
        stop_timeout_s: float = 20.0,
        restart: bool = True,
        restart_after_s: tuple[float, float] = (0.5, 30.0),
    ) -> None:
        """
        `robot` to `policy_seconds` are the options of `flywheel agent` (`policy_seconds`: `--decide-seconds`); `images` is a folder through which larger images go, best in
        memory (/dev/shm). `on_safe_stop` brings the robot to a stop and returns; it runs on a
        thread of its own, and the agent waits for it 10 s. None: nobody stops the robot, and the agent waits in vain.
        `restart_after_s`: the first and the longest wait before the process is started again.
        """
        options = {
            "robot": robot,
            "gateway": gateway,
            "dir": directory,
            "root": root,
            "public-key": public_key,
            "robot-type": robot_type,
            "token-file": token_file,
            "ca": ca,
            "cert": cert,
            "key": key,
            "quota-mib": None if quota_mib is None else str(quota_mib),
            "images": images,
            "image-quota-mib": None if image_quota_mib is None else str(image_quota_mib),
            "clip-mib-per-day": None if clip_mib_per_day is None else str(clip_mib_per_day),
            "contact-seconds": None if contact_seconds is None else str(contact_seconds),
            "decide-seconds": None if policy_seconds is None else str(policy_seconds),
        }
        words = [f"--{name}={os.fspath(value)}" for name, value in options.items() if value is not None]
        surroundings = dict(os.environ if environment is None else environment)
        if token is not None:
            # Not an argument: those can be read by every user of the machine.
            surroundings["FLYWHEEL_ROBOT_TOKEN"] = token
        program = agent_command(command, surroundings)
        self._set_up(
            lambda: ProcessLink([*program, "agent", *words], surroundings),
            on_safe_stop,
            Settings(
                queue_frames=queue_frames,
                queue_images=queue_images,
                start_timeout_s=start_timeout_s,
                stop_timeout_s=stop_timeout_s,
                restart=restart,
                first_restart_s=restart_after_s[0],
                longest_restart_s=restart_after_s[1],
            ),
            timeout_s,
            decide_timeout_s,
            images,
        )

    @classmethod
    def attach(
        cls,
        read_from: Pipe,
        write_to: Pipe,
        *,
        on_safe_stop: Callable[[], object] | None,
        images: Path | None = None,
        queue_frames: int = 1024,
        queue_images: int = 32,
        timeout_s: float = 10.0,
        decide_timeout_s: float = 2.0,
        start_timeout_s: float = 60.0,
        stop_timeout_s: float = 20.0,
    ) -> Agent:
        """
        An agent that somebody else started: `read_from` is its standard output, `write_to` its standard input, both binary files with a
        file descriptor. They are closed at the end. Nothing is restarted.
        """
        agent = cls.__new__(cls)
        settings = Settings(queue_frames, queue_images, start_timeout_s, stop_timeout_s, False, 1.0, 1.0)
        agent._set_up(lambda: PipesLink(read_from, write_to), on_safe_stop, settings, timeout_s, decide_timeout_s, images)
        return agent

    def _set_up(
        self,
        open_link: Callable[[], Link],
        on_safe_stop: Callable[[], object] | None,
        settings: Settings,
        timeout_s: float,
        decide_timeout_s: float,
        images: Path | None,
    ) -> None:
        if settings.queue_frames < 1:
            raise ValueError(f"expected queue_frames of at least 1, got {settings.queue_frames}")
        if settings.queue_images < 1:
            raise ValueError(f"expected queue_images of at least 1, got {settings.queue_images}")
        self._door = ImageDoor(None if images is None else os.path.abspath(os.fspath(images)))
        positive_seconds("start_timeout_s", settings.start_timeout_s)
        positive_seconds("stop_timeout_s", settings.stop_timeout_s)
        positive_seconds("restart_after_s", settings.first_restart_s)
        positive_seconds("restart_after_s", settings.longest_restart_s)
        self._timeout_s = positive_seconds("timeout_s", timeout_s)
        self._decide_timeout_s = positive_seconds("decide_timeout_s", decide_timeout_s)
        self._session = Session(open_link, settings, on_safe_stop)
        self._is_opened = False

    def open(self) -> Agent:
        """Starts the agent and waits until it answers. AgentDied, with what it wrote to standard error, if it ends instead."""
        if self._is_opened:
            raise RuntimeError("expected an agent to be opened once, got a second time: make a new Agent")
        self._is_opened = True
        self._session.open()
        return self

    def close(self) -> None:
        """Writes what waits and ends the agent in order; an open episode ends as aborted. Repeating it does nothing."""
        if self._is_opened:
            self._session.close()

    def __enter__(self) -> Agent:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def episode(self, task: str | None = None) -> Episode:
        """An episode as a context manager: `with agent.episode() as episode:`."""
        return Episode(self, task)

    def begin_episode(self, task: str | None = None) -> str:
        """
        Opens an episode of a task (default: the robot type's first) and returns its id. CallRefused: the task is unknown, or an
        episode with frames is open.
        """
        message = {"do": "beginEpisode"} if task is None else {"do": "beginEpisode", "task": task_name(task)}
        return episode_id_of(self._session.begin_episode(message, self._timeout_s))

    def record(
        self,
        observation: Numbers,
        action: Numbers,
        latency_ms: float | None = None,
        at_us: int | None = None,
        *,
        decoding_ms: float | None = None,
    ) -> None:
        """
        Queues one frame and returns at once; opens an episode if none is open. `observation`: one number for each observation of the
        robot type, in its order and units. `action`: one index if actions are discrete, else one number for each range.
        `latency_ms`: how long the policy took; `decoding_ms`: how much of it went into images. `at_us`: when it was, µs since 1970 by the robot's clock; now if not given.

        Raises, once each: CallRefused if the agent refused an earlier frame (this one is queued all the same), AgentDied; and
        EpisodeEnded for every frame after the agent has ended the episode.
        """
        self._frame("record", observation, action, (latency_ms, decoding_ms), at_us, {})

    def correct(
        self,
        observation: Numbers,
        action: Numbers,
        expert_action: Numbers,
        latency_ms: float | None = None,
        at_us: int | None = None,
        *,
        decoding_ms: float | None = None,
    ) -> None:
        """As `record`, for a frame in which the robot did `action` and the expert would have done `expert_action`."""
        self._frame(
            "correct",
            observation,
            action,
            (latency_ms, decoding_ms),
            at_us,
            {"expertAction": number_list("expert_action", expert_action)},
        )

    def record_image(self, camera: str, image: Image, at_us: int | None = None) -> None:
        """
        Queues one image of a camera of the robot type and returns: JPEG or PNG as bytes, or raw pixels of the camera's size (bytes, or a
        NumPy array of uint8, RGB or grey). `at_us` as in `record`. It never opens an episode: outside of one each camera's last image
        waits, and belongs to an episode that begins within two periods of the camera. Bytes may be used again at once.

        Above `queue_images` that wait for the agent, images are dropped and counted. Raises CallRefused once if the agent refused an
        earlier image (unknown camera, wrong size; this one is queued all the same), and AgentDied if the agent is not started again.
        """
        data = image_bytes(image)
        self._door.check(data)
        self._session.image(camera_name(camera), data, self._door, None if at_us is None else instant_us(at_us))

    def intervene(self) -> None:
        """A person or a safety system took over in this episode."""
        self._call({"do": "intervene"})

    def safety_event(self, kind: str) -> None:
        """Something that must never happen did, for instance `bumper` (at most 100 characters). Returns when it is kept on the disk."""
        self._call({"do": "safetyEvent", "kind": bounded_text(kind, _LONGEST_REASON)})

    def end_episode(self, outcome: Outcome, reason: str | None = None) -> bool:
        """
        Ends the open episode. True when it is on the disk, where it survives a power cut; False when there was no open episode
        with frames, or the agent has ended it. `reason` (at most 100 characters are kept) says why it was no success.
        """
        if outcome not in OUTCOMES:
            raise ValueError(f"expected one of {', '.join(OUTCOMES)}, got {outcome!r}")
        message = {"do": "endEpisode", "outcome": outcome}
        if reason is not None:
            message["reason"] = bounded_text(reason, _LONGEST_REASON)
        return is_recorded_of(self._session.end_episode(message, self._timeout_s))

    def decide(
        self,
        observation: Numbers,
        task: str | None = None,
        *,
        images: Mapping[str, Image] | None = None,
        timeout_s: float | None = None,
    ) -> Decision | None:
        """
        What the policy does now; None while there is no version that can be trusted. `images`: the newest image of each camera that the
        model sees, as `record_image` takes them. CallRefused: the model does not know the
        task, lacks an image that it sees, or failed. AgentTimeout after `decide_timeout_s` (2 s): do not act on an old decision.
        """
        message: dict[str, object] = {"do": "decide", "observation": number_list("observation", observation)}
        if task is not None:
            message["task"] = task_name(task)
        limit_s = self._decide_timeout_s if timeout_s is None else positive_seconds("timeout_s", timeout_s)
        if not images:
            return decision_of(self._session.call(message, limit_s))
        message["images"], files = self._door.fields(images)
        try:
            return decision_of(self._session.call(message, limit_s))
        finally:
            for path in files:
                forget(path)

    def idle(self) -> None:
        """The agent may switch the version (default between episodes)."""
        self._session.leave_episode()
        self._call({"do": "idle"})

    def busy(self) -> None:
        """The agent must not switch the version, though no episode is open."""
        self._call({"do": "busy"})

    def status(self) -> Status:
        """How the agent stands."""
        return status_of(self._call({"do": "status"}))

    def flush(self, timeout_s: float | None = None) -> None:
        """Waits until the agent has acknowledged or refused every frame."""
        self._session.flush(self._timeout_s if timeout_s is None else positive_seconds("timeout_s", timeout_s))

    def counts(self) -> Counts:
        """What became of the frames. Never waits."""
        return self._session.counts()

    @property
    def process_id(self) -> int | None:
        """Of the agent's process, if this program started one."""
        return self._session.process_id()

    def _call(self, message: Mapping[str, object]) -> object:
        return self._session.call(message, self._timeout_s)

    def _frame(
        self,
        does: str,
        observation: Numbers,
        action: Numbers,
        latencies_ms: tuple[float | None, float | None],
        at_us: int | None,
        more: Mapping[str, object],
    ) -> None:
        message: dict[str, object] = {
            "do": does,
            "observation": number_list("observation", observation),
            "action": number_list("action", action),
            **more,
        }
        for name, told, value in zip(("latency_ms", "decoding_ms"), ("latencyMs", "decodingMs"), latencies_ms):
            if value is not None:
                message[told] = duration_ms(name, value)
        self._session.frame(message, None if at_us is None else instant_us(at_us))


class Episode:
    """
    One attempt at a task. The body of `with` calls `end` once; if it does not, the episode ends as aborted with reason
    `noOutcome`, or with the exception that left the body.
    """

    def __init__(self, agent: Agent, task: str | None) -> None:
        self._agent = agent
        self._task = task
        self._is_ended = False
        self.id: str | None = None
        self.is_recorded: bool | None = None
        """After the end: whether the agent kept the episode."""

    @property
    def is_open(self) -> bool:
        """False once it is ended, by this program or by the agent (safe stop, death of its process)."""
        return self.id is not None and not self._is_ended and not self._agent._session.is_severed()

    def record(
        self,
        observation: Numbers,
        action: Numbers,
        latency_ms: float | None = None,
        at_us: int | None = None,
        *,
        decoding_ms: float | None = None,
    ) -> None:
        """As `Agent.record`."""
        self._agent.record(observation, action, latency_ms, at_us, decoding_ms=decoding_ms)

    def correct(
        self,
        observation: Numbers,
        action: Numbers,
        expert_action: Numbers,
        latency_ms: float | None = None,
        at_us: int | None = None,
        *,
        decoding_ms: float | None = None,
    ) -> None:
        """As `Agent.correct`."""
        self._agent.correct(observation, action, expert_action, latency_ms, at_us, decoding_ms=decoding_ms)

    def record_image(self, camera: str, image: Image, at_us: int | None = None) -> None:
        """As `Agent.record_image`."""
        self._agent.record_image(camera, image, at_us)

    def intervene(self) -> None:
        """As `Agent.intervene`."""
        self._agent.intervene()

    def end(self, outcome: Outcome, reason: str | None = None) -> bool:
        """As `Agent.end_episode`."""
        is_recorded = self._agent.end_episode(outcome, reason)
        self._is_ended, self.is_recorded = True, is_recorded
        return is_recorded

    def __enter__(self) -> Episode:
        self.id = self._agent.begin_episode(self._task)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_ended:
            return
        if error is None:
            self.end("aborted", "noOutcome")
            return
        if not self.is_open:
            self._agent._session.leave_episode()
            return
        try:
            self.end("aborted", f"{type(error).__name__}: {error}")
        except FlywheelError as second:
            # What left the body matters more.
            log.warning("the episode was not ended: %s", second)
