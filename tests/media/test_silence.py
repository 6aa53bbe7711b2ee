"""Silence put into a recording: where it belongs, as long as it was, and once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from msgspec.structs import replace

from orchestrator.media.audio import AudioError
from orchestrator.media.silence import Gap, frames_of, insert_silence
from orchestrator.recordings.files import RecordingFiles
from orchestrator.recordings.finish import bring_into_form
from orchestrator.recordings.model import RecordingState
from orchestrator.recordings.pauses import Pause, paused, resumed, silences

RATE = 8000
SECOND = 1_000_000


def tone(path: Path, seconds: float, channels: int = 1) -> Path:
    samples = 0.3 * np.sin(np.arange(int(seconds * RATE)) / 3)
    soundfile.write(path, np.column_stack([samples] * channels), RATE, subtype="PCM_16")
    return path


def sounding(path: Path) -> list[tuple[float, float]]:
    """From when to when, in seconds, to a tenth."""
    samples, rate = soundfile.read(path, always_2d=True)
    loud = np.abs(samples).max(axis=1).reshape(-1, rate // 10).max(axis=1) > 0.01
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(int)))
    return [(begin / 10, end / 10) for begin, end in zip(edges[::2], edges[1::2], strict=True)]


GAPS: list[tuple[list[Gap], list[tuple[float, float]], float]] = [
    # gaps                                what sounds afterwards                    seconds
    ([], [(0, 4)], 4),
    ([Gap(1, 2)], [(0, 1), (3, 6)], 6),
    ([Gap(0, 1)], [(1, 5)], 5),
    ([Gap(4, 3)], [(0, 4)], 7),
    ([Gap(1, 1), Gap(2, 1)], [(0, 1), (2, 3), (4, 6)], 6),
    ([Gap(1, 1), Gap(1, 1)], [(0, 1), (3, 6)], 6),
    # A clock that is ahead of the file: at its end.
    ([Gap(9, 2)], [(0, 4)], 6),
]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("gaps", "sounds", "seconds"), GAPS)
def test_each_gap_is_silent_and_nothing_else_is_lost(
    tmp_path: Path, gaps: list[Gap], sounds: list[tuple[float, float]], seconds: float, channels: int
) -> None:
    path = tone(tmp_path / "recording.wav", 4, channels)
    insert_silence(path, gaps)
    assert sounding(path) == sounds
    info = soundfile.info(path)
    assert (info.frames, info.channels, info.subtype) == (seconds * RATE, channels, "PCM_16")
    assert [file.name for file in tmp_path.iterdir()] == ["recording.wav"]


def test_a_file_that_is_no_audio_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "recording.wav"
    path.write_bytes(b"RIFF, and no more")
    with pytest.raises(AudioError):
        insert_silence(path, [Gap(0, 1)])
    assert path.read_bytes() == b"RIFF, and no more"


def pauses(*times: tuple[str, float, float]) -> tuple[Pause, ...]:
    return tuple(
        Pause("silence" if how == "silence" else "skip", int(begin * SECOND), int(end * SECOND))
        for how, begin, end in times
    )


@pytest.mark.parametrize(
    ("made", "gaps"),
    [
        (pauses(), []),
        (pauses(("silence", 12, 15)), [Gap(2, 3)]),
        (pauses(("skip", 12, 15)), []),
        # Skipped parts are not in the file: all later ones stand so much earlier.
        (pauses(("skip", 12, 15), ("silence", 16, 18)), [Gap(3, 2)]),
        (pauses(("silence", 12, 15), ("silence", 16, 18)), [Gap(2, 3), Gap(3, 2)]),
        # One into the other.
        (pauses(("silence", 12, 15), ("skip", 15, 18)), [Gap(2, 3)]),
        (pauses(("skip", 12, 15), ("silence", 15, 18)), [Gap(2, 3)]),
        # Its end was never seen, or its begin is before the file's.
        (pauses(("silence", 12, 0)), []),
        (pauses(("silence", 9, 11)), [Gap(0, 2)]),
    ],
)
def test_a_pause_stands_where_the_file_was_when_it_began(made: tuple[Pause, ...], gaps: list[Gap]) -> None:
    assert silences(10 * SECOND, made) == gaps


def test_a_pause_ends_the_one_before_it() -> None:
    once = paused((), "silence", 5)
    assert resumed(paused(once, "skip", 8), 9) == (Pause("silence", 5, 8), Pause("skip", 8, 9))
    assert resumed(resumed(once, 7), 9) == (Pause("silence", 5, 7),)
    assert resumed(once, 3) == (Pause("silence", 5, 5),)


@pytest.mark.parametrize("trim", [False, True])
def test_a_process_that_ends_in_the_middle_of_it_does_not_put_it_in_twice(tmp_path: Path, trim: bool) -> None:
    path = tone(tmp_path / "sid.wav", 4)
    files = RecordingFiles(tmp_path, lambda there: there, lambda: "")
    state = RecordingState(
        "sid",
        "Conference",
        trim=trim,
        asked_at=10 * SECOND,
        started_at=10 * SECOND,
        pauses=pauses(("silence", 11, 13), ("silence", 16, 17)),
    )
    kept: list[int] = []
    first, leftover = bring_into_form(files, state, kept.append)
    assert (kept, leftover) == ([4 * RATE], None)
    again = replace(state, frames=kept[-1])
    assert bring_into_form(files, again, kept.append) == (first, None)
    assert frames_of(path) == first * RATE
    assert first == pytest.approx(6 if trim else 7, abs=0.05)
