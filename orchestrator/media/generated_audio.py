"""Music for those who wait where the document names none: ours, computed, free of anybody's rights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 8000
BEAT_SECONDS = 0.5
# Broken chords of C, A minor, F and G; Hz.
CHORDS = (
    (261.63, 329.63, 392.00, 523.25),
    (220.00, 261.63, 329.63, 440.00),
    (174.61, 220.00, 261.63, 349.23),
    (196.00, 246.94, 293.66, 392.00),
)
PATTERN = (0, 1, 2, 3, 2, 1, 2, 1)
LEVEL = 0.18
BEEP_LEVEL = 0.25
BEEP_EDGE_SECONDS = 0.005


def beep(hz: int, ms: int) -> NDArray[np.float64]:
    """A tone that begins and ends without a click, samples from -1 to 1 at `RATE`."""
    time = np.arange(RATE * ms // 1000) / RATE
    edge = np.minimum(time, time[-1] - time) / BEEP_EDGE_SECONDS
    return np.asarray(BEEP_LEVEL * np.sin(2 * np.pi * hz * time) * np.clip(edge, 0, 1))


def hold_music() -> NDArray[np.float64]:
    """Sixteen seconds that can be looped without a click, samples from -1 to 1 at `RATE`."""
    beat = int(RATE * BEAT_SECONDS)
    length = beat * len(PATTERN) * len(CHORDS)
    music = np.zeros(length)
    time = np.arange(beat * 3) / RATE
    for position, (chord, step) in enumerate((chord, step) for chord in CHORDS for step in PATTERN):
        envelope = np.minimum(time / 0.01, 1) * np.exp(-time * 2.2)
        hz = chord[step]
        note = envelope * (np.sin(2 * np.pi * hz * time) + 0.3 * np.sin(4 * np.pi * hz * time))
        # The tail of the last notes rings into the first: a seamless loop.
        places = (position * beat + np.arange(len(note))) % length
        np.add.at(music, places, note)
    return np.asarray(LEVEL * music / np.abs(music).max())
