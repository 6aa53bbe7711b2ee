"""Beeps and waiting music: within bounds, without clicks, of the notes that they are to be of."""

from __future__ import annotations

import numpy as np
import pytest

from orchestrator.media.generated_audio import CHORDS, RATE, beep, hold_music

BEAT = RATE // 2
NOTES_HZ = {
    "C": 261.63,
    "E": 329.63,
    "G": 392.00,
    "A": 220.00,
    "F": 349.23,
    "D": 293.66,
    "B": 246.94,
}


def loudest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * RATE / len(samples))


@pytest.mark.parametrize(("hz", "ms"), [(440, 200), (1000, 400), (600, 100)])
def test_a_beep_is_a_tone_of_its_length_that_comes_and_goes_softly(hz: int, ms: int) -> None:
    samples = beep(hz, ms)
    assert len(samples) == 8 * ms
    assert abs(loudest_hz(samples) - hz) <= 1000 / ms
    assert 0.24 < np.abs(samples).max() <= 0.25
    # Within its first and last milliseconds it is quieter than later, from nothing on.
    assert samples[0] == samples[-1] == 0
    for edge in (samples[:20], samples[-20:]):
        assert 0 < np.abs(edge).max() <= 0.25 * 0.5
    assert np.abs(samples[40:-40]).max() > 0.24


def test_music_is_sixteen_seconds_that_can_be_looped_without_a_click() -> None:
    music = hold_music()
    assert len(music) == 16 * RATE
    assert 0.17 < np.abs(music).max() <= 0.18
    around = np.concatenate([music[-5:], music[:5]])
    # No step is larger than those within the music.
    assert np.abs(np.diff(around)).max() <= np.abs(np.diff(music)).max()
    parts = music.reshape(32, -1)
    assert all(np.abs(part).max() > 0.05 for part in parts), "it never pauses"


def test_each_beat_begins_with_the_next_note_of_its_chord() -> None:
    music = hold_music()
    for position in range(32):
        chord, step = CHORDS[position // 8], (0, 1, 2, 3, 2, 1, 2, 1)[position % 8]
        beat = music[position * BEAT : (position + 1) * BEAT]
        before = music[(position - 1) * BEAT : position * BEAT]

        def strength(hz: float, samples: np.ndarray) -> float:
            time = np.arange(len(samples)) / RATE
            return float(np.abs(np.sum(samples * np.exp(-2j * np.pi * hz * time))))

        note = chord[step]
        assert strength(note, beat) > 1.5 * strength(note, before) or note in _rings(position), position


def test_a_note_is_struck_and_fades() -> None:
    for beat in hold_music().reshape(32, BEAT):
        begins, ends = beat[80:1000], beat[-920:]
        assert np.abs(begins).mean() > 1.2 * np.abs(ends).mean()


def _rings(position: int) -> set[float]:
    """Notes of the three beats before, whose tails still sound."""
    return {CHORDS[at % 32 // 8][(0, 1, 2, 3, 2, 1, 2, 1)[at % 8]] for at in range(position - 3, position)}


def test_its_chords_are_broken_upwards_over_an_octave_of_the_scale_of_c() -> None:
    for chord in CHORDS:
        assert list(chord) == sorted(chord)
        assert abs(chord[3] / chord[0] - 2) < 0.001
        for hz in chord:
            near = [
                note for note in NOTES_HZ.values() if any(abs(hz / note - 2.0**n) < 0.002 for n in (-1, 0, 1))
            ]
            assert len(near) == 1, hz
