"""The sound at every phone, sampled all the time; from it and the callbacks, where every caller is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import gevent

from orchestrator.demo.callers import GOODBYE, MUSIC, SORRY, Caller, Callers
from orchestrator.demo.phones import Phone, Switch
from orchestrator.demo.timeline import RoomState, State, Timeline

SAMPLE_SECONDS = 0.04
TOLERANCE = 0.03

Sample = tuple[float, frozenset[str]]
"""Unix time, and the names of what was heard in the 200 ms before it."""


class PhoneMonitor:
    """Runs from start to stop; `heard` has every sample by caller."""

    def __init__(self, callers: Callers, timeline: Timeline, switch: Switch) -> None:
        self.heard: dict[str, list[Sample]] = {caller.name: [] for caller in callers.everybody}
        self.phones: dict[str, Phone] = {}
        self._callers = callers
        self._timeline = timeline
        self._switch = switch
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()

    def hears(self, name: str, sound: str) -> bool:
        """Whether that caller's latest sample has that sound."""
        samples = self.heard[name]
        return bool(samples) and sound in samples[-1][1]

    def waits(self, caller: Caller) -> bool:
        """Whether that caller hears the music; where that cannot be measured, whether the room admitted
        it."""
        if self._switch.deaf:
            return "participant-join" in self._events_of(caller)
        return self.hears(caller.name, MUSIC)

    def _run(self) -> None:
        while True:
            self._look()
            gevent.sleep(SAMPLE_SECONDS)

    def _look(self) -> None:
        for name, phone in self.phones.items():
            named = frozenset(self._names(phone.hearing()))
            self.heard[name].append((time.time(), named))
        for caller in self._callers.everybody:
            phone_of = self.phones.get(caller.name)
            if phone_of is not None:
                self._timeline.set(caller.name, self._state(caller, phone_of))

    def _names(self, hertz: set[float]) -> list[str]:
        known = self._callers.hertz
        return [
            name
            for name, hz in known.items()
            if any(math.isclose(hz, heard, rel_tol=TOLERANCE) for heard in hertz)
        ]

    def _state(self, caller: Caller, phone: Phone) -> State:
        before = self._timeline.lanes[caller.name].now
        assert isinstance(before, State)
        if phone.state == "ended":
            return State.ENDED
        if phone.state != "answered":
            return State.RINGING
        if self._goes_on(caller):
            return State.GOES_ON
        if self.hears(caller.name, MUSIC):
            return State.WAITING
        if self._is_in(caller):
            return self._in_room(caller, phone)
        return before if before is not State.RINGING else State.QUIET

    def _events_of(self, caller: Caller) -> list[str]:
        return [
            callback.event for _, callback in self._timeline.callbacks if callback.caller == caller.number
        ]

    def _goes_on(self, caller: Caller) -> bool:
        if self._switch.deaf:
            return "participant-leave" in self._events_of(caller)
        return self.hears(caller.name, GOODBYE) or self.hears(caller.name, SORRY)

    def _is_in(self, caller: Caller) -> bool:
        room, events = self._timeline.room.now, self._events_of(caller)
        started = isinstance(room, RoomState) and room.phase == "started"
        return started and "participant-join" in events and "participant-leave" not in events

    def _in_room(self, caller: Caller, phone: Phone) -> State:
        if self._is_heard(caller):
            return State.SPEAKING
        if caller.muted:
            return State.UNHEARD if phone.speaking else State.MUTED
        return State.IN_ROOM

    def _is_heard(self, caller: Caller) -> bool:
        if self._switch.deaf:
            speech = [event for event in self._events_of(caller) if event.startswith("participant-speech")]
            return bool(speech) and speech[-1] == "participant-speech-start"
        return any(self.hears(other, caller.name) for other in self.phones if other != caller.name)


class Stuck(Exception):
    """Something that the demo waits for did not happen."""


def until(condition: Callable[[], bool], what: str, timeout: float = 8.0) -> None:
    """Raises Stuck after `timeout` seconds."""
    limit = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > limit:
            raise Stuck(f"{what} did not happen within {timeout:g} s")
        gevent.sleep(0.02)
