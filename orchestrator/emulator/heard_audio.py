"""The sound at a phone since its call began: every source, from when to when."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from orchestrator.emulator.clock import Clock
from orchestrator.emulator.sound import LEVEL, RATE, TOLERANCE, Score, Sound, humming

GAP = 0.03  # seconds between two stretches of one tone that still count as one
LEVEL_DB = 20 * float(np.log10(LEVEL))


class Heard(NamedTuple):
    """A stretch of one tone, times by time.monotonic()."""

    start: float
    end: float
    level_db: float


@dataclass
class Playing:
    """A sound on its way to somebody; `began` by the emulated clock, seconds."""

    name: str
    sound: Sound
    began: float


def voice_of(hz: float, clock: Clock) -> Playing:
    """A tone that somebody speaks, heard since long."""
    return Playing("voice", humming(hz), clock.now() - 1.0)


@dataclass
class _Stretch:
    sound: Sound
    position: float  # in the sound, emulated seconds
    start: float  # time.monotonic()
    end: float | None = None


class AudioMonitor:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._open: dict[Hashable, _Stretch] = {}
        self._all: list[_Stretch] = []

    def update(self, sources: Mapping[Hashable, Playing]) -> None:
        """From now on it hears these and no others."""
        now = time.monotonic()
        for key in [key for key in self._open if key not in sources]:
            self._open.pop(key).end = now
        for key, playing in sources.items():
            if key not in self._open:
                stretch = _Stretch(playing.sound, max(0.0, self.clock.now() - playing.began), now)
                self._open[key] = stretch
                self._all.append(stretch)

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
