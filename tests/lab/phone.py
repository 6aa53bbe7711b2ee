"""One call of one real softphone: what it does, what it waits for, what it hears.

Times are time.monotonic(), the same clock in every process. A sound's time is when the switch sent it,
as near as the jitter buffer lets it be known: 10 ms early to 40 ms late, 60 on a busy machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
import gevent.event
import numpy as np

from tests.lab import sound

if TYPE_CHECKING:
    from tests.lab.softphones import Worker

RECORD = np.dtype([("at", "<f8"), ("samples", "<i2", 160)])
FRAME = 0.020
RECENT = 0.200
POLL = 0.020
BUFFERED = 0.020  # what the jitter buffer most often holds back; 10 to 60 ms on loopback
LEVEL_DB = -20.0  # ten phones at once do not clip


@dataclass(frozen=True, slots=True)
class Answers:
    """The behaviour of a called phone: rings, answers after so many seconds and speaks a tone, if given.

    `early`: it speaks while it rings, too (183 with SDP).
    """

    after: float = 0.0
    sounds: float | None = None
    early: bool = False


@dataclass(frozen=True, slots=True)
class Rejects:
    """Refuses with a SIP status (486 busy, 603 declined …), at once or after ringing for so many seconds."""

    code: int = 486
    after: float = 0.0
    sounds: float | None = None
    early: bool = False


@dataclass(frozen=True, slots=True)
class NeverAnswers:
    """Rings until the caller hangs up."""

    sounds: float | None = None
    early: bool = False


Behaviour = Answers | Rejects | NeverAnswers


class Phone:
    """One call of one phone."""

    def __init__(self, worker: Worker, name: str, caller: str, number: str) -> None:
        self._worker, self._name = worker, name
        self.caller, self.number = caller, number
        self.state = "calling"
        self.sip_status: int | None = None
        self.reason = ""
        self.digits = ""  # DTMF that came to this phone
        self.request = ""  # the INVITE, of a phone that was called
        self.failures: list[str] = []
        self.lost = False  # up when its switch died: pjsua keeps its place occupied
        self.times = {"calling": time.monotonic()}
        self._changed = gevent.event.Event()
        self._heard = worker.directory / f"{name}.heard"

    def __repr__(self) -> str:
        return f"<Phone {self._name} {self.caller} -> {self.number} {self.state} {self.sip_status or ''}>"

    # Actions

    def hang_up(self) -> None:
        """Ends the call; while it is still ringing this is a CANCEL."""
        self._order("hang up")

    cancel = hang_up

    def answer(self, code: int = 200) -> None:
        """Answers (or refuses, by the code) a call to this phone by hand."""
        self._order("answer", code=code)

    def press(self, digits: str, ms: int = 160) -> None:
        """Sends DTMF as RFC 2833 telephone-events, each `ms` long."""
        self._order("press", digits=digits, ms=ms)

    def sounds(self, hz: float | None, level_db: float = LEVEL_DB) -> None:
        """Speaks a sine of a whole number of hertz from now on, or is silent."""
        self._order("sound", hz=hz, level=level_db)

    def plays(self, path: Path | str) -> None:
        """Speaks a WAV file (8 kHz, 16 bit, mono), over and over."""
        self._order("sound", file=str(path))

    # Waiting

    def wait_ringing(self, timeout: float = 10.0) -> None:
        self._wait(lambda: "ringing" in self.times or self.state == "answered", timeout, "ringing")

    def wait_answered(self, timeout: float = 10.0) -> None:
        self._wait(lambda: "answered" in self.times, timeout, "answered", never="ended")

    def wait_ended(self, timeout: float = 10.0) -> None:
        self._wait(lambda: self.state == "ended", timeout, "ended")

    def wait_digits(self, digits: str, timeout: float = 10.0) -> None:
        self._wait(lambda: digits in self.digits, timeout, f"sent the digits {digits}")

    def wait_hears(self, hz: float, timeout: float = 10.0, *, since: float | None = None) -> float:
        """Waits until hz is heard and returns when it began, at most 0.3 s ago; what was over 0.2 s ago does
        not count. `since` (a monotonic time) reaches further back, or keeps earlier sound out.
        """
        since = time.monotonic() - RECENT if since is None else since
        deadline = time.monotonic() + timeout
        while True:
            stretches = [stretch for stretch in self.heard(hz, since=since - 0.1) if stretch.end > since]
            if stretches:
                return stretches[0].start
            if time.monotonic() > deadline:
                raise AssertionError(f"{self!r} did not hear {hz:g} Hz within {timeout:g} s; {self._ears()}")
            gevent.sleep(POLL)

    def wait_quiet(self, timeout: float = 10.0, seconds: float = RECENT) -> float:
        """Waits until nothing was heard for `seconds`; returns the moment from which on it was quiet."""
        deadline = time.monotonic() + timeout
        while True:
            now = time.monotonic()
            _, samples = self._audio(now - seconds)
            loud = [
                block
                for block in range(0, len(samples), 160)
                if sound.rms_db(samples[block : block + 160]) > sound.QUIET_DB
            ]
            if not loud and now - self.times["calling"] >= seconds:
                return self._quiet_since(now - seconds)
            if now > deadline:
                raise AssertionError(f"{self!r} still hears something after {timeout:g} s; {self._ears()}")
            gevent.sleep(POLL)

    def wait_stops_hearing(self, hz: float, timeout: float = 10.0) -> float:
        """Waits until hz is gone for 0.1 s and returns when it went; 0.0 if it was not there for 5 s."""
        deadline = time.monotonic() + timeout
        while True:
            start, samples = self._audio(time.monotonic() - 5.0)
            stretches = sound.timeline(samples, hz)
            if not stretches:
                return 0.0
            if len(samples) / sound.RATE - stretches[-1].end > 0.1:
                return start + stretches[-1].end
            if time.monotonic() > deadline:
                raise AssertionError(f"{self!r} still hears {hz:g} Hz after {timeout:g} s; {self._ears()}")
            gevent.sleep(POLL)

    # Hearing

    def hears_now(self, hz: float) -> bool:
        """Whether hz was there for most of the last 0.2 s."""
        _, samples = self._audio(time.monotonic() - RECENT)
        if len(samples) < RECENT * sound.RATE / 2:
            return False
        return bool(np.mean(sound.present(*sound.amplitudes(samples, hz))) > 0.5)

    def level_now(self, hz: float) -> float:
        """dBFS of hz over the last 0.2 s."""
        return sound.level_db(self._audio(time.monotonic() - RECENT)[1], hz)

    def heard(self, hz: float, *, since: float | None = None, **limits: float) -> list[sound.Heard]:
        """Every stretch of hz since the call began (or since a monotonic time): (start, end, level_db)."""
        start, samples = self._audio(since or 0.0)
        return [
            sound.Heard(start + found.start, start + found.end, found.level_db)
            for found in sound.timeline(samples, hz, **limits)
        ]

    def audio(self, since: float = 0.0) -> tuple[float, sound.Samples]:
        """The sound since then: the monotonic time of the first sample, and the samples."""
        return self._audio(since)

    @property
    def recording(self) -> Path:
        """A WAV file of everything heard up to now."""
        path = self._heard.with_suffix(".wav")
        sound.write_wav(path, self._audio(0.0)[1])
        return path

    # Inside

    def _order(self, do: str, **words: object) -> None:
        self._worker.order(do=do, phone=self._name, **words)

    def _audio(self, since: float) -> tuple[float, sound.Samples]:
        try:
            size = self._heard.stat().st_size // RECORD.itemsize
        except FileNotFoundError:
            return since, sound.silence(0)
        # Frames come every 20 ms, or later: a count back from now is enough to reach `since`.
        count = size if not since else min(size, int((time.monotonic() - since) / FRAME) + 6)
        records = np.fromfile(self._heard, RECORD, count, offset=(size - count) * RECORD.itemsize)
        times = frame_times(records["at"]) - BUFFERED
        first = int(np.searchsorted(times, since - FRAME))
        if first >= len(records):
            return since, sound.silence(0)
        return float(times[first]), lay_out(times[first:], records["samples"][first:])

    def _quiet_since(self, until: float) -> float:
        start, samples = self._audio(0.0)
        end = min(len(samples), max(0, int((until - start) * sound.RATE)))
        loud = np.flatnonzero(np.abs(samples[:end].astype(np.int32)) > sound.FULL_SCALE * 10 ** (-47 / 20))
        return start + (int(loud[-1]) + 1) / sound.RATE if len(loud) else self.times["calling"]

    def _ears(self) -> str:
        _, samples = self._audio(time.monotonic() - RECENT)
        if not len(samples):
            return "no sound at all came"
        hz = sound.strongest_hz(samples)
        return f"now {sound.rms_db(samples):.0f} dBFS, the strongest at {hz:.0f} Hz"

    def _wait(self, met: Callable[[], bool], timeout: float, what: str, never: str = "") -> None:
        deadline = time.monotonic() + timeout
        while not met():
            left = deadline - time.monotonic()
            if left <= 0 or self.state == never:
                raise AssertionError(
                    f"{self!r} was not {what} within {timeout:g} s"
                    + (f"; {self.reason}" if self.reason else "")
                    + "".join(f"; {failure}" for failure in self.failures)
                )
            self._changed.clear()
            self._changed.wait(left)

    def _take(self, event: Mapping[str, object]) -> None:
        if "state" in event:
            self.state = str(event["state"])
            self.times.setdefault(self.state, float(str(event["at"])))
            self.reason = str(event.get("reason") or "")
            if event.get("status") is not None:
                self.sip_status = int(str(event["status"]))
        self.digits += str(event.get("digit", ""))
        if "failure" in event:
            self.failures.append(str(event["failure"]))
        if event.get("media"):
            self.times.setdefault("media", float(str(event["at"])))
        self._changed.set()


def frame_times(at: np.ndarray) -> np.ndarray:
    """When each frame was due: one that came late on a busy machine is followed by others that catch
    up, so the earliest of the later ones, counted back at 20 ms each, says.
    """
    steps = FRAME * np.arange(len(at))
    return np.minimum.accumulate((at - steps)[::-1])[::-1] + steps


def lay_out(times: np.ndarray, frames: np.ndarray) -> sound.Samples:
    """The frames on one line of samples, silence where none came (a call on hold, a stall)."""
    positions = np.rint((times - times[0]) / FRAME).astype(int)
    samples = np.zeros((int(positions[-1]) + 1, 160), np.int16)
    samples[positions] = frames
    return samples.reshape(-1)


@dataclass(slots=True)
class Target:
    """A number that can be called at the laboratory's phones."""

    number: str
    calls: list[Any] = field(default_factory=list)
    _called: gevent.event.Event = field(default_factory=gevent.event.Event)

    def came(self, phone: Any) -> None:
        self.calls.append(phone)
        self._called.set()

    def wait_called(self, timeout: float = 10.0, nth: int = 1) -> Any:
        """The phone that rings (the nth call to this number)."""
        deadline = time.monotonic() + timeout
        while len(self.calls) < nth:
            self._called.clear()
            if not self._called.wait(max(0.0, deadline - time.monotonic())):
                raise AssertionError(f"{self.number} was not called within {timeout:g} s")
        return self.calls[nth - 1]
