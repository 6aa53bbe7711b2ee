"""Sound as who hums which frequency when: enough for what a phone hears and what a recording holds."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from orchestrator.emulator.clock import Clock

RATE = 8000
SPEECH_HZ = 180.0  # what a text that is spoken counts as; the name of what plays has the words
WORDS_PER_SECOND = 2.5
WINDOW = 0.2  # seconds of a file that are taken as one tone
SILENCE_RMS = 0.003
LEVEL = 0.3  # amplitude of a tone that is rendered, of full scale
TOLERANCE = 0.03  # a frequency is recognised within this part of it

VOICE = "voice"
"""The name of a tone that somebody speaks."""
Hertz = tuple[float, ...]


class SoundNotFound(Exception):
    """Nothing that FreeSWITCH could play stands behind this name."""


@dataclass(frozen=True)
class Sound:
    """`parts` are (start, end, frequencies) in seconds; `loops` 0 means for ever."""

    parts: tuple[tuple[float, float, Hertz], ...]
    period: float
    loops: int = 1

    @property
    def duration(self) -> float:
        return math.inf if self.loops == 0 else self.period * self.loops

    def at(self, seconds: float) -> Hertz:
        """The frequencies `seconds` after the start."""
        if not 0 <= seconds < self.duration or not self.period:
            return ()
        inside = seconds % self.period
        return next((hertz for start, end, hertz in self.parts if start <= inside < end), ())

    def within(self, begin: float, end: float) -> set[float]:
        """Every frequency that sounds somewhere between two moments."""
        begin, end = max(0.0, begin), min(end, self.duration)
        if end < begin or not self.period:
            return set()
        if end - begin >= self.period:
            return {hz for _, _, hertz in self.parts for hz in hertz}
        heard: set[float] = set()
        cycle = math.floor(begin / self.period) * self.period
        while cycle <= end:
            for start, stop, hertz in self.parts:
                if cycle + start <= end and cycle + stop > begin:
                    heard.update(hertz)
            cycle += self.period
        return heard


@dataclass
class Playing:
    """A sound on its way to somebody; `began` by the emulated clock, seconds."""

    name: str
    sound: Sound
    began: float


def voice_of(hz: float, clock: Clock) -> Playing:
    """A tone that somebody speaks, heard since long."""
    return Playing(VOICE, humming(hz), clock.now() - 1.0)


def silence(seconds: float) -> Sound:
    return Sound((), seconds) if seconds > 0 else Sound((), 3600.0, 0)


def humming(hz: float) -> Sound:
    return Sound(((0.0, 1.0, (hz,)),), 1.0, 0)


def speech(text: str) -> Sound:
    seconds = max(0.3, len(text.split()) / WORDS_PER_SECOND)
    return Sound(((0.0, seconds, (SPEECH_HZ,)),), seconds)


_TONE = re.compile(r"%\(\s*(\d+)\s*,\s*(\d+)\s*((?:,\s*[\d.]+\s*)+)\)")


def tone_stream(spec: str) -> Sound:
    """`%(on,off,hz[,hz])…[;loops=n]`, times in ms; what else libteletone understands is skipped."""
    loops = 1
    if match := re.search(r";loops=(-?\d+)", spec):
        loops = max(0, int(match[1])) if int(match[1]) > 0 else 0
    parts: list[tuple[float, float, Hertz]] = []
    at = 0.0
    for match in _TONE.finditer(spec):
        on, off = int(match[1]) / 1000, int(match[2]) / 1000
        hertz = tuple(float(hz) for hz in match[3].split(",") if hz.strip())
        parts.append((at, at + on, tuple(hz for hz in hertz if hz > 0)))
        at += on + off
    if not parts:
        raise SoundNotFound(f"tone_stream://{spec}")
    return Sound(tuple(parts), at, loops)


_files: dict[tuple[str, int, int], Sound] = {}


def _dominant(window: np.ndarray, rate: int) -> Hertz:
    if len(window) < 16 or float(np.sqrt(np.mean(window**2))) < SILENCE_RMS:
        return ()
    spectrum = np.abs(np.fft.rfft(window * np.hanning(len(window)), 8 * len(window)))
    return (round(float(np.argmax(spectrum)) * rate / (8 * len(window)), 1),)


def sound_file(path: str) -> Sound:
    """A WAV, MP3, FLAC or OGG file, each 200 ms of it as its loudest frequency."""
    try:
        status = Path(path).stat()
        key = (path, status.st_mtime_ns, status.st_size)
        if key not in _files:
            data, rate = soundfile.read(path, dtype="float64", always_2d=True)
            mono = data.mean(axis=1)
            step = max(1, int(rate * WINDOW))
            parts = tuple(
                (begin / rate, min(begin + step, len(mono)) / rate, hertz)
                for begin in range(0, len(mono), step)
                if (hertz := _dominant(mono[begin : begin + step], rate))
            )
            _files[key] = Sound(parts, len(mono) / rate)
        return _files[key]
    except (OSError, soundfile.LibsndfileError) as error:
        raise SoundNotFound(path) from error


def open_sound(name: str) -> Sound:
    """The sound that FreeSWITCH's file formats read from `name`; raises SoundNotFound."""
    while name.startswith("{") and "}" in name:
        name = name[name.index("}") + 1 :].lstrip()
    scheme, found, rest = name.partition("://")
    if not found:
        return sound_file(name)
    if scheme == "tone_stream":
        return tone_stream(rest)
    if scheme == "silence_stream":
        return silence(int(re.match(r"-?\d+", rest)[0]) / 1000 if re.match(r"-?\d+", rest) else 0)  # type: ignore[index]
    if scheme == "local_stream":
        return humming(440.0)
    if scheme == "file_string":
        return _joined([open_sound(part) for part in rest.split("!") if part])
    if scheme == "file":
        return sound_file(rest)
    raise SoundNotFound(name)


def _joined(sounds: list[Sound]) -> Sound:
    parts: list[tuple[float, float, Hertz]] = []
    at = 0.0
    for sound in sounds:
        length = sound.period * max(1, sound.loops)
        for loop in range(max(1, sound.loops)):
            shift = at + loop * sound.period
            parts += [(start + shift, end + shift, hertz) for start, end, hertz in sound.parts]
        at += length
    return Sound(tuple(parts), at)


def write_wav(path: Path, samples: np.ndarray, rate: int = RATE) -> None:
    """16-bit mono. Raises OSError when the file cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("wb") as file:
            soundfile.write(file, samples, rate, subtype="PCM_16", format="WAV")
    except soundfile.LibsndfileError as error:
        raise OSError(str(error)) from error


class Score:
    """The content of a recording: (start, end, hz) in seconds from its start."""

    def __init__(self) -> None:
        self.notes: list[tuple[float, float, float]] = []

    def add(self, start: float, end: float, hz: float) -> None:
        if end > start:
            self.notes.append((max(0.0, start), end, hz))

    def add_sound(self, sound: Sound, began: float, start: float, end: float) -> None:
        """The stretch start..end of a recording during which `sound`, begun at `began`, was heard."""
        end = min(end, began + sound.duration)
        if not sound.period:
            return
        cycle = began + math.floor(max(0.0, start - began) / sound.period) * sound.period
        while cycle < end:
            for part_start, part_end, hertz in sound.parts:
                for hz in hertz:
                    self.add(max(start, cycle + part_start), min(end, cycle + part_end), hz)
            cycle += sound.period

    def render(self, seconds: float, rate: int = RATE) -> np.ndarray:
        samples = np.zeros(int(seconds * rate))
        for start, end, hz in self.notes:
            first, last = int(start * rate), min(int(end * rate), len(samples))
            if last > first:
                samples[first:last] += LEVEL * np.sin(2 * np.pi * hz * np.arange(first, last) / rate)
        return np.clip(samples, -1.0, 1.0)
