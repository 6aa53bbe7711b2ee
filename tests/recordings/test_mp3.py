"""A recording's other form: made once, whole or not at all, and as old as the recording."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import soundfile
from gevent.monkey import get_original

from orchestrator.media.audio import AudioError
from orchestrator.recordings import mp3
from orchestrator.recordings.mp3 import Converter, NotYet, is_fresh
from tests.recovery.test_recordings_of_the_last_run import audio


def wav(directory: Path, seconds: float = 2.0) -> tuple[Path, Path]:
    """A recording of an hour ago, and where its other form will be."""
    source = directory / "a.wav"
    audio(source, seconds)
    an_hour_ago = source.stat().st_mtime_ns - 3600 * 10**9
    os.utime(source, ns=(an_hour_ago, an_hour_ago))
    return source, directory / "a.mp3"


def left(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_it_is_made_as_long_and_as_old_as_the_recording(tmp_path: Path) -> None:
    source, target = wav(tmp_path)
    assert not is_fresh(source, target)
    Converter().make(source, target, 20)
    assert 1.9 < soundfile.info(str(target)).duration < 2.3
    assert target.stat().st_mtime_ns == source.stat().st_mtime_ns
    assert is_fresh(source, target)
    assert left(tmp_path) == {"a.wav", "a.mp3"}


@pytest.mark.parametrize(
    ("wav_age", "mp3_age", "fresh"),
    [(None, None, False), (None, 0, True), (0, None, False), (0, 0, True), (0, 5, False), (5, 0, True)],
)
def test_one_is_fresh_that_is_not_older_than_the_recording(
    tmp_path: Path, wav_age: int | None, mp3_age: int | None, fresh: bool
) -> None:
    """Record with format mp3 leaves nothing else."""
    paths = tmp_path / "a.wav", tmp_path / "a.mp3"
    for path, age in zip(paths, (wav_age, mp3_age), strict=True):
        if age is not None:
            path.write_bytes(b"x")
            os.utime(path, (10_000 - age, 10_000 - age))
    assert is_fresh(*paths) is fresh


def test_a_request_that_does_not_wait_finds_the_mp3_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = wav(tmp_path)
    make, sleep = mp3._make, get_original("time", "sleep")
    made = []

    def slow(source: Path, target: Path) -> str:
        made.append(target)
        sleep(0.5)
        return make(source, target)

    monkeypatch.setattr(mp3, "_make", slow)
    converter = Converter()
    for _ in range(2):
        with pytest.raises(NotYet, match=r"a\.mp3 is not made in 0\.05 s"):
            converter.make(source, target, 0.05)
    assert not target.exists()
    converter.make(source, target, 20)
    assert is_fresh(source, target)
    assert made == [target], "it was made once for all who asked"


def test_of_a_broken_recording_there_is_none(tmp_path: Path) -> None:
    source, target = wav(tmp_path)
    source.write_bytes(b"RIFF of nothing")
    converter = Converter()
    for _ in range(2):
        with pytest.raises(AudioError, match=r"^a\.wav: "):
            converter.make(source, target, 20)
    assert left(tmp_path) == {"a.wav"}


def test_a_file_that_a_full_disk_cut_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = wav(tmp_path, 5.0)
    export = mp3.export

    def cut(source: Path, making: Path, channels: int) -> None:
        export(source, making, channels)
        os.truncate(making, making.stat().st_size * 2 // 3)

    monkeypatch.setattr(mp3, "export", cut)
    with pytest.raises(AudioError, match=r"could not be written to its end"):
        Converter().make(source, target, 20)
    assert left(tmp_path) == {"a.wav"}
