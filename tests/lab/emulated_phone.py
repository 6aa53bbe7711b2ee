"""An emulated phone for tests: they wait for its state, keys and sound, and look at all that it heard."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import gevent
import numpy as np
from gevent.event import Event
from numpy.typing import NDArray

from orchestrator.emulator import EmulatedPhone, Target
from orchestrator.emulator.clock import Clock
from orchestrator.emulator.phone import SHORT
from orchestrator.emulator.sound import LEVEL, RATE, TOLERANCE, VOICE, Playing, Score, Sound

GAP = 0.03  # seconds between two stretches of one tone that still count as one
LEVEL_DB = 20 * float(np.log10(LEVEL))


class Heard(NamedTuple):
    """A stretch of one tone, times by time.monotonic()."""

    start: float
    end: float
    level_db: float


@dataclass
class _Stretch:
    sound: Sound
    position: float  # in the sound, emulated seconds
    start: float  # time.monotonic()
    end: float | None = None


class AudioMonitor:
    """The sound at a phone since its call began: every source, from when to when."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._open: dict[Hashable, _Stretch] = {}
        self._all: list[_Stretch] = []

    def update(self, sources: Mapping[Hashable, Playing]) -> list[Playing]:
        """From now on it hears these and no others; those that it did not hear before."""
        now = time.monotonic()
        for key in [key for key in self._open if key not in sources]:
            self._open.pop(key).end = now
        new = {key: playing for key, playing in sources.items() if key not in self._open}
        for key, playing in new.items():
            stretch = _Stretch(playing.sound, max(0.0, self.clock.now() - playing.began), now)
            self._open[key] = stretch
            self._all.append(stretch)
        return list(new.values())

    def heard(self, hz: float, *, since: float = 0.0, shortest: float = 0.0) -> list[Heard]:
        """Every stretch of that tone that ended after `since` and lasted `shortest` seconds or longer."""
        found = sorted(
            (start, end)
            for start, end, tone in self._notes()
            if end > since and abs(tone - hz) <= TOLERANCE * hz
        )
        merged: list[Heard] = []
        for start, end in found:
            if merged and start - merged[-1].end <= GAP:
                merged[-1] = merged[-1]._replace(end=max(end, merged[-1].end))
            else:
                merged.append(Heard(start, end, LEVEL_DB))
        return [stretch for stretch in merged if stretch.end - stretch.start >= shortest]

    def audio(self, since: float = 0.0) -> tuple[float, NDArray[np.int16]]:
        """time.monotonic() of the first sample and, at 8 kHz, what came from then on."""
        begin = max(since, min((stretch.start for stretch in self._all), default=time.monotonic()))
        score = Score()
        for start, end, hz in self._notes():
            score.add(start - begin, end - begin, hz)
        samples = score.render(max(0.0, time.monotonic() - begin), RATE)
        return begin, np.round(samples * 32767).astype(np.int16)

    def _notes(self) -> list[tuple[float, float, float]]:
        """(start, end, hz), real seconds."""
        now = time.monotonic()
        notes = []
        for stretch in self._all:
            end = now if stretch.end is None else stretch.end
            score = Score()
            lasts = (end - stretch.start) / self.clock.scale
            score.add_sound(stretch.sound, -stretch.position, 0.0, lasts)
            for first, last, hz in score.notes:
                notes.append(
                    (stretch.start + self.clock.real(first), stretch.start + self.clock.real(last), hz)
                )
        return notes


class ObservedPhone(EmulatedPhone):
    """Its waits take real seconds, and raise AssertionError."""

    def __init__(self, clock: Clock, number: str, caller: str) -> None:
        super().__init__(clock, number, caller)
        self.times = {"calling": time.monotonic()}
        self.prompts: list[str] = []  # names of the sounds and texts that were played to it
        self.audio_monitor = AudioMonitor(clock)
        self._noted: deque[tuple[float, set[float]]] = deque(maxlen=200)
        self._changed = Event()

    @property
    def request(self) -> str:
        """The part of the INVITE that came to it that a dial string decides."""
        if self.leg is None:
            return ""
        profile, variables = self.leg.profile, self.leg.variables
        own = [f"{name[6:]}: {value}" for name, value in variables.items() if name.startswith("sip_h_")]
        return "\r\n".join([f'From: "{profile.cid_name}" <sip:{profile.cid_number}@127.0.0.1>', *own])

    def sends(self, on: bool) -> None:
        """Whether its RTP reaches the switch; it neither hears nor shows that it does not."""
        if self.leg is not None:
            self.leg.receives_media(on)

    # called by the switch

    def listen(self) -> None:
        # noted, so that a wait does not miss a short one
        for playing in self.audio_monitor.update(self._sources()):
            if playing.name != VOICE:
                self.prompts.append(playing.name)
            if tones := {hz for _, _, hertz in playing.sound.parts for hz in hertz}:
                self._noted.append((self.clock.now(), tones))
        self._changed.set()

    def receive(self, digits: str) -> None:
        super().receive(digits)
        self._changed.set()

    def _become(self, state: str, status: int | None = None) -> None:
        super()._become(state, status)
        self.times.setdefault(self.state, time.monotonic())
        self._changed.set()

    def _end(self, status: int | None) -> None:
        super()._end(status)
        self.times.setdefault(self.state, time.monotonic())
        self._changed.set()

    # waiting

    def wait_ringing(self, timeout: float = 10.0) -> None:
        self._until(lambda: self.state in ("ringing", "answered"), timeout, "ring")

    def wait_answered(self, timeout: float = 10.0) -> None:
        self._until(lambda: self.state == "answered", timeout, "be answered", failed="ended")

    def wait_ended(self, timeout: float = 10.0) -> None:
        self._until(lambda: self.state == "ended", timeout, "end")

    def wait_digits(self, digits: str, timeout: float = 10.0) -> None:
        self._until(lambda: digits in self.received_digits, timeout, f"get the digits {digits}")

    def wait_hears(self, hz: float, timeout: float = 10.0) -> float:
        """Also a tone that was too short to be looked at in time. Returns time.monotonic()."""
        since = self.clock.now() - SHORT
        self._until(lambda: self.hears_now(hz) or self._noted_since(since, hz), timeout, f"hear {hz} Hz")
        return time.monotonic()

    def wait_stops_hearing(self, hz: float, timeout: float = 10.0) -> float:
        """Until that tone is gone; returns time.monotonic()."""
        self._until(lambda: not self.hears_now(hz), timeout, f"stop hearing {hz} Hz")
        return time.monotonic()

    def wait_quiet(self, timeout: float = 10.0, seconds: float = SHORT) -> float:
        """Until it heard nothing for so long; returns time.monotonic()."""
        self._until(lambda: not self.hearing(seconds), timeout, "hear nothing")
        return time.monotonic()

    def hears_now(self, hz: float) -> bool:
        """Whether it heard that tone in the last 200 ms."""
        return any(math.isclose(hz, heard, rel_tol=TOLERANCE) for heard in self.hearing())

    def heard(self, hz: float, *, since: float = 0.0, shortest: float = 0.0) -> list[Heard]:
        """Every stretch of that tone: (start, end, level_db), by time.monotonic()."""
        return self.audio_monitor.heard(hz, since=since, shortest=shortest)

    def audio(self, since: float = 0.0) -> tuple[float, NDArray[np.int16]]:
        """The sound it heard as samples of 8 kHz, and time.monotonic() of the first."""
        return self.audio_monitor.audio(since)

    def _noted_since(self, since: float, hz: float) -> bool:
        return any(
            moment >= since and any(math.isclose(hz, heard, rel_tol=TOLERANCE) for heard in hertz)
            for moment, hertz in self._noted
        )

    def _until(
        self, condition: Callable[[], bool], timeout: float, what: str, failed: str | None = None
    ) -> None:
        """`timeout` is in real seconds."""
        limit = time.monotonic() + timeout
        # who asks again and again must not keep the switch from running: it lives in the same process
        gevent.sleep(0.001)
        while not condition() and time.monotonic() < limit and (failed is None or self.state != failed):
            self._changed.clear()
            self._changed.wait(0.01)
        if condition():
            return
        raise AssertionError(
            f"phone {self.caller} -> {self.number} did not {what} within {timeout} s: "
            f"state={self.state} sip_status={self.sip_status} hears={sorted(self.hearing())}"
        )


def called(target: Target, timeout: float = 5.0, nth: int = 1) -> ObservedPhone:
    """The phone that rings (the nth call to this number). Real seconds."""
    limit = time.monotonic() + timeout
    while len(target.calls) < nth:
        if time.monotonic() > limit:
            raise AssertionError(f"{target.number} was not called within {timeout:g} s")
        gevent.sleep(0.005)
    phone = target.calls[nth - 1]
    assert isinstance(phone, ObservedPhone)
    return phone
