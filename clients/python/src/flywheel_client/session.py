"""Calls and answers over the lives of an agent. All state is guarded by one lock; callbacks run without it."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

from .counts import Counts
from .errors import (
    AgentClosed,
    AgentDied,
    AgentTimeout,
    CallRefused,
    Death,
    EpisodeEnded,
    FlywheelError,
    ProtocolError,
    SafeStopFailed,
)
from .images import ImageDoor, forget
from .life import Call, Life, Settings, line_of, refusal_text
from .link import Link
from .values import bounded_text
from .wire import LineReader, Stopper

log = logging.getLogger("flywheel_client")

_LONGEST_COMPLAINT = 500
_LONGEST_COMPLAINTS = 65_536
_HEALTHY_S = 60.0
"""A life of this length starts the back-off anew."""
_GRACE_S = 1.0
"""What a dead process has written is read for at most this long."""
_KILL_AFTER_S = 5.0
_MOST_UNHEARD_STOPS = 16
"""An agent that asks again and again and reads no answer gets no more of them."""


def _clock_offset_us() -> int:
    return (time.time_ns() - time.monotonic_ns()) // 1_000


class Session:
    """What `Agent` is made of."""

    def __init__(
        self, open_link: Callable[[], Link], settings: Settings, on_safe_stop: Callable[[], object] | None
    ) -> None:
        self._open_link = open_link
        self._settings = settings
        self._on_safe_stop = on_safe_stop
        self._changed = threading.Condition()
        self._next_id = 0
        self._counted: Counter[str] = Counter()
        self._is_episode_open = False
        self._severed: str | None = None
        """Why the agent ended the robot's episode; until the robot begins or ends one."""
        self._clock_offset_us = 0
        self._untold_death: Death | None = None
        self._untold_refusal: str | None = None
        self._untold_image_refusal: str | None = None
        self._untold_safe_stop: BaseException | None = None
        self._stop_number: int | None = None
        """The agent's number of its last safe stop; an agent of before gives none."""
        self._stops_wanted = 0
        self._stops_done = 0
        self._is_closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="flywheel-keeper", daemon=True)
        self._stop_thread = threading.Thread(target=self._stop_safely, name="flywheel-safe-stop", daemon=True)
        self._life = self._new_life()

    # Opening and closing

    def open(self) -> None:
        """Starts the agent and waits until it answers."""
        first, limit_s = self._life.handshake, self._settings.start_timeout_s
        complaints = self._life.complaints
        self._keeper.start()
        self._stop_thread.start()
        try:
            if not first.answered.wait(limit_s):
                said = "\n".join(complaints) or "it wrote nothing to standard error"
                raise AgentTimeout(
                    f"expected the agent to answer within {limit_s} s of its start, got no answer; {said}"
                )
            if first.death is not None:
                raise AgentDied(first.death)
            if first.refusal is not None:
                raise ProtocolError(f"expected an agent that knows `status`, got the refusal {first.refusal}")
        except BaseException:
            self.close(stop_timeout_s=_GRACE_S)
            raise

    def close(self, stop_timeout_s: float | None = None) -> None:
        """Lets the agent write what waits and end in order; ends it by force if it does not. Repeating it does nothing."""
        with self._changed:
            is_first = not self._is_closing.is_set()
            self._is_closing.set()
            life = self._life
            life.queue.finish()
            self._changed.notify_all()
        if not is_first or threading.current_thread() in (self._keeper, self._stop_thread):
            return
        for patience_s, force in (
            (self._settings.stop_timeout_s if stop_timeout_s is None else stop_timeout_s, False),
            (_KILL_AFTER_S, True),
        ):
            self._keeper.join(patience_s)
            if not self._keeper.is_alive():
                break
            link = life.link
            if link is not None:
                link.end(force=force)
        self._keeper.join(_KILL_AFTER_S)

    # Calls

    def call(self, message: Mapping[str, object], timeout_s: float) -> object:
        """The agent's answer. Raises what stands in errors.py; a line that was not yet written is withdrawn at a time-out."""
        does = str(message["do"])
        with self._changed:
            self._tell()
            life, call, number = self._life, Call(), self._number()
            life.calls[number] = call
            item = life.queue.put(line_of({**message, "id": number}))
        was_withdrawn = False
        try:
            is_answered = call.answered.wait(timeout_s)
        finally:
            with self._changed:
                life.calls.pop(number, None)
                if not call.answered.is_set():
                    was_withdrawn = life.queue.withdraw(item)
        if not is_answered and not call.answered.is_set():
            how = "it had not been sent, and was withdrawn" if was_withdrawn else "it may still happen"
            where = "" if life.is_ready else ", which is being started,"
            raise AgentTimeout(
                f"{does}: expected an answer of the agent{where} within {timeout_s} s, got none; {how}",
                not was_withdrawn,
            )
        if call.is_closed:
            raise AgentClosed(f"{does}: the agent was closed")
        if call.death is not None:
            raise AgentDied(call.death)
        if call.refusal is not None:
            raise CallRefused(f"{does}: {call.refusal}")
        return call.result

    def begin_episode(self, message: Mapping[str, object], timeout_s: float) -> object:
        """As `call`; waits for the end of a safe stop, which would end the new episode too."""
        begun_s = time.monotonic()
        with self._changed:
            self._tell()
            if not self._changed.wait_for(lambda: not self._is_stopping() or self._is_closing.is_set(), timeout_s):
                raise AgentTimeout(
                    f"beginEpisode: expected the safe stop to end within {timeout_s} s, it goes on; nothing was sent"
                )
            before = self._is_episode_open
            self._begin_open()
        try:
            return self.call(message, max(0.001, timeout_s - (time.monotonic() - begun_s)))
        except FlywheelError as error:
            with self._changed:
                if isinstance(error, CallRefused) or (isinstance(error, AgentTimeout) and not error.may_still_happen):
                    self._is_episode_open = before
            raise

    def end_episode(self, message: Mapping[str, object], timeout_s: float) -> object:
        """As `call`; what the agent has ended is not ended again."""
        with self._changed:
            self._tell()
            severed, self._severed = self._severed, None
            if severed is not None:
                return False
        result = self.call(message, timeout_s)
        with self._changed:
            self._is_episode_open = False
        return result

    def leave_episode(self) -> None:
        """The program has seen that its episode is over."""
        with self._changed:
            self._severed = None

    def frame(self, message: Mapping[str, object], at_us: int | None) -> None:
        """Queues a frame and returns; never waits for the agent."""
        with self._changed:
            self._tell()
            if self._severed is not None:
                raise EpisodeEnded(f"the agent has ended this episode as aborted: {self._severed}; begin another one")
            if not self._is_episode_open:
                self._begin_open()
            number = self._number()
            instant = at_us if at_us is not None else time.monotonic_ns() // 1_000 + self._clock_offset_us
            life = self._life
            self._counted["frames_offered"] += 1
            if len(life.frames) >= self._settings.queue_frames:
                self._counted["frames_dropped"] += 1
            else:
                life.frames.add(number)
                life.queue.put(line_of({**message, "atUs": instant, "id": number}))
            refusal, self._untold_refusal = self._untold_refusal, None
        if refusal is not None:
            raise CallRefused(f"an earlier frame: {refusal}")

    def image(self, camera: str, data: bytes, door: ImageDoor, at_us: int | None) -> None:
        """
        Queues an image and returns; never waits for the agent. What the control loop has to hear (a death, a safe stop that failed) is left
        to the calls of that loop: images come from other threads.
        """
        with self._changed:
            if self._is_closing.is_set():
                raise AgentClosed("the agent was closed")
            life = self._life
            if life.death is not None:
                raise AgentDied(life.death)
            refusal, self._untold_image_refusal = self._untold_image_refusal, None
            self._counted["images_offered"] += 1
            offset_us = self._clock_offset_us if self._is_episode_open else _clock_offset_us()
            instant = at_us if at_us is not None else time.monotonic_ns() // 1_000 + offset_us
            number = self._number()
            has_room = len(life.images) < self._settings.queue_images
            if has_room:
                life.images[number] = None
            else:
                self._counted["images_dropped"] += 1
        if has_room:
            self._send_image(life, number, {"do": "recordImage", "camera": camera, "atUs": instant}, data, door)
        if refusal is not None:
            raise CallRefused(f"an earlier image: {refusal}")

    def _send_image(
        self, life: Life, number: int, message: Mapping[str, object], data: bytes, door: ImageDoor
    ) -> None:
        """Encodes it, or writes its file, without the lock: frames do not wait for that."""
        path: str | None = None
        try:
            field, path = door.field(data)
            line = line_of({**message, **field, "id": number})
        except OSError as cause:
            log.warning("an image is dropped: %s", cause)
            with self._changed:
                if life.images.pop(number, number) != number:
                    self._counted["images_dropped"] += 1
            return
        with self._changed:
            if number in life.images:
                life.images[number] = path
                life.queue.put(line)
                return
        # The agent died meanwhile.
        forget(path)

    def flush(self, timeout_s: float) -> None:
        """Waits until no frame and no image waits for the agent."""
        with self._changed:
            self._tell()
            life = self._life
            if not self._changed.wait_for(lambda: not life.frames and not life.images, timeout_s):
                waiting = f"{len(life.frames)} frames and {len(life.images)} images"
                raise AgentTimeout(f"expected the agent to take {waiting} within {timeout_s} s", True)
            if life.death is not None:
                self._untold_death = None
                raise AgentDied(life.death)

    def counts(self) -> Counts:
        with self._changed:
            waiting = {"frames_waiting": len(self._life.frames), "images_waiting": len(self._life.images)}
            return Counts(**self._counted, **waiting)

    def is_severed(self) -> bool:
        """Whether the agent has ended the robot's episode."""
        with self._changed:
            return self._severed is not None or self._untold_death is not None

    def process_id(self) -> int | None:
        with self._changed:
            return None if self._life.link is None else self._life.link.pid

    def _tell(self) -> None:
        """Raises what happened since the last call, once. Called with the lock."""
        if self._is_closing.is_set():
            raise AgentClosed("the agent was closed")
        death, self._untold_death = self._untold_death, None
        if death is None and self._life.death is not None:
            death = self._life.death
        if death is not None:
            raise AgentDied(death)
        cause, self._untold_safe_stop = self._untold_safe_stop, None
        if cause is not None:
            raise SafeStopFailed(f"on_safe_stop raised {bounded_text(repr(cause), 200)}") from cause

    def _begin_open(self) -> None:
        self._severed = None
        self._is_episode_open = True
        # Steps of the wall clock within an episode do not move its frames.
        self._clock_offset_us = _clock_offset_us()

    def _number(self) -> int:
        self._next_id += 1
        return self._next_id

    # Lives

    def _new_life(self) -> Life:
        """Frames and calls may wait for it before it starts."""
        life = Life(handshake=Call())
        number = self._number()
        life.calls[number] = life.handshake
        # The first line also makes the agent end when its input does.
        life.queue.put(line_of({"do": "status", "id": number}))
        return life

    def _keep(self) -> None:
        """The keeper's thread: one life after the other."""
        wait_s = self._settings.first_restart_s
        while True:
            life, begun_s = self._life, time.monotonic()
            self._live(life)
            if life.death is None or not life.death.is_restarting:
                return
            wait_s = self._settings.first_restart_s if time.monotonic() - begun_s > _HEALTHY_S else wait_s
            if self._is_closing.wait(wait_s * random.uniform(0.8, 1.2)):
                self._fail_calls(self._life)
                return
            wait_s = min(wait_s * 2, self._settings.longest_restart_s)
            with self._changed:
                self._counted["restarts"] += 1

    def _live(self, life: Life) -> None:
        exit_code: int | None = None
        stopper = Stopper()
        threads: list[threading.Thread | None] = []
        try:
            link = self._open_link()
        except (OSError, ValueError, FlywheelError) as cause:
            life.complaints.append(bounded_text(f"cannot be started: {cause}", _LONGEST_COMPLAINT))
        else:
            with self._changed:
                life.link = link
            if link.complaints is not None:
                complain = partial(self._complained, life)
                threads.append(LineReader(link.complaints, stopper, complain, lambda: None, _LONGEST_COMPLAINTS).thread)
            reader = LineReader(link.read_from, stopper, partial(self._heard, life), link.output_ended)
            life.queue.start(link.write_to, stopper)
            exit_code = link.wait()
            threads.append(reader.thread)
            for thread in threads:
                if thread is not None:
                    thread.join(_GRACE_S)
            stopper.set()
            life.queue.finish()
            for thread in (*threads, life.queue.thread):
                if thread is not None:
                    thread.join()
            link.close()
            with self._changed:
                self._counted["ignored_lines"] += reader.lines.passed_over
        stopper.close()
        self._ended(life, exit_code)

    def _ended(self, life: Life, exit_code: int | None) -> None:
        with self._changed:
            is_closing = self._is_closing.is_set()
            # One that never answered is set up wrongly: whoever opened it hears so.
            is_restarting = (
                self._settings.restart and not is_closing and (life.is_ready or self._counted["restarts"] > 0)
            )
            life.death = Death(exit_code, tuple(life.complaints), self._is_episode_open, is_restarting)
            self._counted["frames_unconfirmed"] += len(life.frames)
            life.frames.clear()
            self._counted["images_unconfirmed"] += len(life.images)
            for path in life.images.values():
                forget(path)
            life.images.clear()
            life.stopped.clear()
            if self._is_episode_open:
                self._is_episode_open, self._severed = False, "its process ended"
            was_waited_for = any(call is not life.handshake for call in life.calls.values())
            self._fail_calls(life)
            if is_restarting:
                self._life = self._new_life()
                self._untold_death = None if was_waited_for else life.death
            self._changed.notify_all()
        if not is_closing:
            log.warning("%s", AgentDied(life.death))

    def _fail_calls(self, life: Life) -> None:
        with self._changed:
            for call in life.calls.values():
                call.death, call.is_closed = life.death, self._is_closing.is_set()
                call.answered.set()
            life.calls.clear()

    # What the agent says, on the threads of its readers

    def _complained(self, life: Life, line: bytes) -> None:
        text = bounded_text(line.decode("utf-8", "replace"), _LONGEST_COMPLAINT)
        if text:
            life.complaints.append(text)
            log.info("agent: %s", text)

    def _heard(self, life: Life, line: bytes) -> None:
        if not line.strip():
            return
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        with self._changed:
            if not (isinstance(message, dict) and self._understood(life, message)):
                self._counted["ignored_lines"] += 1

    def _understood(self, life: Life, message: dict[str, object]) -> bool:
        number, event = message.get("id"), message.get("event")
        if event == "ready":
            return True
        if event == "safeStop":
            self._stops_wanted += 1
            stop = message.get("stop")
            self._stop_number = stop if type(stop) is int and 0 <= stop < 2**53 else None
            self._changed.notify_all()
            return True
        if type(number) is not int or not ("result" in message or "error" in message):
            return False
        refusal = refusal_text(message["error"]) if "error" in message else None
        if number in life.frames:
            life.frames.discard(number)
            self._counted["frames_recorded" if refusal is None else "frames_refused"] += 1
            self._untold_refusal = refusal or self._untold_refusal
            if not life.frames:
                self._changed.notify_all()
            return True
        if number in life.images:
            # What it did not take it has not deleted in every case.
            forget(life.images.pop(number))
            self._counted["images_recorded" if refusal is None else "images_refused"] += 1
            self._untold_image_refusal = refusal or self._untold_image_refusal
            if not life.images:
                self._changed.notify_all()
            return True
        if number in life.stopped:
            # By now the agent has ended the episode; one that begins is another.
            life.stopped.discard(number)
            self._changed.notify_all()
            return True
        call = life.calls.pop(number, None)
        if call is None:
            return False
        life.is_ready = life.is_ready or call is life.handshake
        call.result, call.refusal = message.get("result"), refusal
        call.answered.set()
        return True

    # Safe stops

    def _is_stopping(self) -> bool:
        """From the agent's wish until it has heard that the robot stands. Called with the lock."""
        return self._on_safe_stop is not None and (self._stops_wanted > self._stops_done or bool(self._life.stopped))

    def _stop_safely(self) -> None:
        """The thread of the callback. Orders that come while it runs are obeyed by one more run."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stops_wanted > self._stops_done or self._is_closing.is_set())
                if self._stops_wanted <= self._stops_done:
                    return
                wanted, life = self._stops_wanted, self._life
            if self._on_safe_stop is None:
                log.warning("the agent asks for a safe stop, and no on_safe_stop was given: it is not answered")
            else:
                self._call_back(self._on_safe_stop)
            with self._changed:
                self._stops_done = wanted
                # Of a process that has died meanwhile nothing is left to end or to answer.
                if life is self._life:
                    self._stands(life)
                self._changed.notify_all()

    def _stands(self, life: Life) -> None:
        """The robot has come to a stop: the agent ends the episode when it hears so. Called with the lock."""
        if self._is_episode_open:
            self._is_episode_open, self._severed = False, "safe stop"
        # What the robot was asked meanwhile needs an answer of its own.
        if self._on_safe_stop is not None and self._stops_wanted == self._stops_done:
            self._say_stopped(life)

    def _say_stopped(self, life: Life) -> None:
        if len(life.stopped) >= _MOST_UNHEARD_STOPS:
            return
        number = self._number()
        life.stopped.add(number)
        stop = {} if self._stop_number is None else {"stop": self._stop_number}
        life.queue.put(line_of({"do": "stopped", "id": number, **stop}))

    def _call_back(self, on_safe_stop: Callable[[], object]) -> None:
        try:
            on_safe_stop()
        except BaseException as cause:  # Whatever it raises, the agent must not wait for it.
            log.exception("on_safe_stop raised")
            with self._changed:
                self._untold_safe_stop = cause
