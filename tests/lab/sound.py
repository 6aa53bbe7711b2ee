"""Tones made and measured: levels in dBFS (0 = a full-scale sine), times in seconds, samples int16 at 8 kHz.

A tone's edges are found where its amplitude, seen through a window of 40 ms, crosses half of what it is
in the middle: that is when the window is half full, so an edge is right to a few milliseconds although the
window is long enough to distinguish tones 100 Hz apart.
"""

from __future__ import annotations

import functools
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
Numbers = NDArray[np.float64]

RATE = 8000
FULL_SCALE = 32768.0
WINDOW = 320  # 40 ms
HOP = 40  # 5 ms
CHUNK = 4000  # windows in memory at a time
FLOOR_DB = -45.0
SHARE = 0.02
QUIET_DB = -50.0
SHORTEST = 0.030
BRIDGED_GAP = 0.030


@dataclass(frozen=True, slots=True)
class Heard:
    """A stretch of one frequency. Unpacks as (start, end, level_db)."""

    start: float
    end: float
    level_db: float

    def __iter__(self):
        return iter((self.start, self.end, self.level_db))

    @property
    def seconds(self) -> float:
        return self.end - self.start


def tone(hz: float, seconds: float, level_db: float = -12.0, rate: int = RATE) -> Samples:
    moments = np.arange(round(seconds * rate)) / rate
    return np.round(32767 * 10 ** (level_db / 20) * np.sin(2 * np.pi * hz * moments)).astype(np.int16)


def silence(seconds: float, rate: int = RATE) -> Samples:
    return np.zeros(round(seconds * rate), np.int16)


def write_wav(path: Path | str, samples: Samples, rate: int = RATE) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


def read_wav(path: Path | str) -> tuple[Samples, int]:
    """The first channel of a 16-bit WAV file and its rate."""
    with wave.open(str(path), "rb") as file:
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return data[:: file.getnchannels()].astype(np.int16), file.getframerate()


def decibels(amplitude: float) -> float:
    return 20 * float(np.log10(max(amplitude, 1e-9)))


def rms_db(samples: Samples) -> float:
    """A full-scale sine gives -3."""
    if not len(samples):
        return -180.0
    return decibels(float(np.sqrt(np.mean(np.square(samples.astype(np.float64))))) / FULL_SCALE)


@functools.lru_cache(maxsize=256)
def _probe(hz: float, length: int, rate: int) -> NDArray[np.complex128]:
    """The factor of a window that gives the complex amplitude of hz in it, in full-scale units."""
    window = np.hanning(length + 2)[1:-1]
    turn = np.exp(-2j * np.pi * hz * np.arange(length) / rate)
    return 2 * window * turn / (window.sum() * FULL_SCALE)


def level_db(samples: Samples, hz: float, rate: int = RATE) -> float:
    """The level of hz over the whole of the samples (Goertzel's sum behind a Hann window)."""
    if len(samples) < 2:
        return -180.0
    return decibels(abs(np.dot(samples, _probe(hz, len(samples), rate))))


def strongest_hz(samples: Samples, rate: int = RATE) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


def amplitudes(samples: Samples, hz: float, rate: int = RATE) -> tuple[Numbers, Numbers]:
    """Of every 40 ms window, one each 5 ms: the amplitude of hz (1 = full scale), its share of the power.

    Window number n is centred on sample n * HOP; before and after the samples there is silence.
    """
    padded = np.concatenate([np.zeros(WINDOW // 2), samples.astype(np.float64), np.zeros(WINDOW // 2)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    probe = _probe(hz, WINDOW, rate)
    weights = np.square(np.hanning(WINDOW + 2)[1:-1])
    weights /= weights.sum()
    found, power = np.empty(len(windows)), np.empty(len(windows))
    for first in range(0, len(windows), CHUNK):
        part = np.array(windows[first : first + CHUNK])
        found[first : first + CHUNK] = np.abs(part @ probe)
        power[first : first + CHUNK] = np.square(part / FULL_SCALE) @ weights
    return found, np.square(found) / 2 / np.maximum(power, 1e-12)


def present(
    found: Numbers, part: Numbers, floor_db: float = FLOOR_DB, share: float = SHARE
) -> NDArray[np.bool_]:
    """In which windows a frequency counts as there."""
    return (found >= 10 ** (floor_db / 20)) & (part >= share)


def timeline(
    samples: Samples,
    hz: float,
    *,
    floor_db: float = FLOOR_DB,
    share: float = SHARE,
    shortest: float = SHORTEST,
    rate: int = RATE,
) -> list[Heard]:
    """When hz was there, in seconds from the first sample.

    Below `floor_db` it is not there, nor where it makes up less than `share` of the power (a loud
    sound's edge has a little of every frequency). Gaps under 30 ms are bridged, stretches under `shortest`
    dropped.
    """
    found, part = amplitudes(samples, hz, rate)
    there = present(found, part, floor_db, share)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(np.int8)))
    step = HOP / rate
    heard: list[Heard] = []
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        steady = float(np.percentile(found[first:end], 75))
        start = _crossing(found, first, end - 1, steady / 2) * step
        stop = _crossing(found, end - 1, first, steady / 2) * step
        if heard and start - heard[-1].end < BRIDGED_GAP:
            before = heard.pop()
            start = before.start
            steady = max(steady, 10 ** (before.level_db / 20))
        heard.append(Heard(start, stop, decibels(steady)))
    return [stretch for stretch in heard if stretch.seconds >= shortest]


def _crossing(found: Numbers, first: int, last: int, half: float) -> float:
    """Where the amplitude reaches half, going from first towards last, interpolated between two windows."""
    step = 1 if last >= first else -1
    for position in range(first, last + step, step):
        if found[position] >= half:
            before = position - step
            if not 0 <= before < len(found) or found[before] >= half:
                return float(position)
            return position - step * float((found[position] - half) / (found[position] - found[before]))
    return float(first)
