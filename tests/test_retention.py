"""The files and rows that are deleted, when, and those that never are."""

import os
import time
from io import BytesIO
from pathlib import Path

import gevent
import numpy as np
import pytest
import soundfile

from orchestrator.media import audio_cache as library_module
from orchestrator.media.audio_cache import AudioCache
from orchestrator.media.silence import Gap, insert_silence
from orchestrator.media.text_to_speech import CommandSpeech
from orchestrator.media.trim import trim_silence
from orchestrator.recordings.mp3 import Converter
from orchestrator.retention import FoundFile, Retention, files, rows, surplus
from orchestrator.store.outbox import Outbox
from orchestrator.store.records import Query, Record, RecordKind
from tests.callbacks.conftest import make
from tests.lab.cost import Turns

SID = "35094891-3290-4142-b2c2-b2eda57534cf"
DAY = 86400.0
HASH = "0123456789abcdef" * 4


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    directory = tmp_path / "recordings"
    directory.mkdir()
    return directory


@pytest.fixture
def audio_cache(tmp_path: Path) -> AudioCache:
    return AudioCache(tmp_path / "media", lambda path: path, 3600)


def put(directory: Path, name: str, days: float, size: int = 10) -> Path:
    """A file that was last written or used so many days ago."""
    path = directory / name
    path.write_bytes(bytes(size))
    return aged(path, days)


def aged(path: Path, days: float) -> Path:
    os.utime(path, (time.time() - days * DAY,) * 2)
    return path


def sweep(
    recordings: Path, audio_cache: AudioCache, days: float | None = None, cache_bytes: int = 1 << 30
) -> set[str]:
    """The files that are left."""
    Retention(files(recordings, days, audio_cache, cache_bytes)).sweep()
    return {path.name for directory in (recordings, audio_cache.directory) for path in directory.iterdir()}


# Recordings


@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_a_recording_goes_when_its_days_are_over(
    recordings: Path, audio_cache: AudioCache, kind: str
) -> None:
    put(recordings, f"{SID}.{kind}", days=7.1)
    younger = SID.replace("3", "4")
    put(recordings, f"{younger}.{kind}", days=6.9)
    assert sweep(recordings, audio_cache, days=7) == {f"{younger}.{kind}"}


def test_recordings_stay_for_ever_where_no_days_are_set(recordings: Path, audio_cache: AudioCache) -> None:
    put(recordings, f"{SID}.wav", days=10_000)
    put(recordings, f"{SID}.mp3", days=10_000)
    assert len(sweep(recordings, audio_cache)) == 2


@pytest.mark.parametrize("days", [None, 30.0])
@pytest.mark.parametrize(
    "name",
    [f"{SID}.part", f"{SID}.wav.part", f"{SID}.mp3.part", f"{SID}.making.mp3", f"{SID}.making.mp3.part"],
)
def test_an_unfinished_file_is_deleted_after_a_day(
    recordings: Path, audio_cache: AudioCache, name: str, days: float | None
) -> None:
    put(recordings, name, days=0.9)
    assert sweep(recordings, audio_cache, days) == {name}
    aged(recordings / name, 1.1)
    assert sweep(recordings, audio_cache, days) == set()


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "meeting.wav",
        "x.part",
        f"{SID}.ogg",
        f"{SID}",
        f"{SID}.wav.bak",
        f"{SID}.wav\n",
        f"copy of {SID}.wav",
        f"{SID.upper()}.wav",
        f"{SID.replace('-', '')}.wav",
        "orchestrator.sqlite",
        f"{HASH}.wav",
    ],
)
def test_a_file_that_is_not_ours_is_never_deleted(
    recordings: Path, audio_cache: AudioCache, name: str
) -> None:
    put(recordings, name, days=10_000)
    assert sweep(recordings, audio_cache, days=1, cache_bytes=0) == {name}


def test_neither_directories_nor_links_are_followed_or_deleted(
    recordings: Path, audio_cache: AudioCache, tmp_path: Path
) -> None:
    precious = put(tmp_path, "precious", days=100)
    (recordings / f"{SID}.wav").symlink_to(precious)
    inside = recordings / f"{SID}.mp3"
    inside.mkdir()
    put(inside, f"{SID}.wav", days=100)
    aged(inside, 100)
    sweep(recordings, audio_cache, days=1)
    assert precious.exists()
    assert (inside / f"{SID}.wav").exists()


def test_ten_thousand_recordings_go_without_holding_anybody_up(
    recordings: Path, audio_cache: AudioCache
) -> None:
    for number in range(10_000):
        put(recordings, f"{number:08x}-0000-4000-8000-000000000000.wav", days=2, size=0)
    turns = Turns()
    with turns.beside():
        assert sweep(recordings, audio_cache, days=1) == set()
    assert len(turns.seconds) > 10
    assert turns.longest < 0.1


def test_a_directory_that_is_gone_is_reported_and_the_other_one_still_swept(
    recordings: Path, audio_cache: AudioCache, caplog: pytest.LogCaptureFixture
) -> None:
    recordings.rmdir()
    put(audio_cache.directory, f"{HASH}.wav", days=1)
    Retention(files(recordings, 1, audio_cache, 0)).sweep()
    assert not list(audio_cache.directory.iterdir())
    assert [record.msg["event"] for record in caplog.records] == ["not deleted"]


def test_it_sweeps_at_once_when_it_is_started_and_stops_at_once(
    recordings: Path, audio_cache: AudioCache
) -> None:
    path = put(recordings, f"{SID}.wav", days=2)
    keeping = Retention(files(recordings, 1, audio_cache, 0))
    keeping.start()
    deadline = time.monotonic() + 10
    while path.exists():
        assert time.monotonic() < deadline
        gevent.sleep(0.005)
    began = time.monotonic()
    keeping.stop(10)
    assert time.monotonic() - began < 5


# Sounds


def wav(hz: float = 440.0) -> bytes:
    data = BytesIO()
    soundfile.write(data, np.sin(np.arange(800) * hz / 1273), 8000, subtype="PCM_16", format="WAV")
    return data.getvalue()


def test_the_least_recently_used_sounds_go_until_the_rest_fits() -> None:
    now = 1e9
    files = [FoundFile(f"{n:064x}.wav", now - n * 3600, 100) for n in range(1, 6)]
    assert surplus(files, now, 500) == []
    assert surplus(files, now, 499) == [f"{5:064x}.wav"]
    assert surplus(files, now, 250) == [f"{5:064x}.wav", f"{4:064x}.wav", f"{3:064x}.wav"]
    assert len(surplus(files, now, 0)) == 5


def test_a_file_used_just_now_stays_although_it_is_too_much() -> None:
    now = 1e9
    assert surplus([FoundFile(f"{HASH}.wav", now - 60, 100)], now, 0) == []


def test_beeps_and_hold_music_stay_and_do_not_count(recordings: Path, audio_cache: AudioCache) -> None:
    for name in ("beep-880-200.wav", "hold-music.wav", "somebodys.wav"):
        put(audio_cache.directory, name, days=100, size=1000)
    put(audio_cache.directory, f"{HASH}.wav", days=100, size=10)
    put(audio_cache.directory, f"say-{HASH}.wav", days=99, size=10)
    left = sweep(recordings, audio_cache, cache_bytes=10)
    assert left == {"beep-880-200.wav", "hold-music.wav", "somebodys.wav", f"say-{HASH}.wav"}


def test_a_sound_that_is_used_again_is_young_again(recordings: Path, audio_cache: AudioCache) -> None:
    first, second = wav(440), wav(550)
    paths = [Path(audio_cache.keep(content).path) for content in (first, second)]
    aged(paths[0], 3)
    aged(paths[1], 2)
    audio_cache.keep(first)
    assert sweep(recordings, audio_cache, cache_bytes=len(first)) == {paths[0].name}


def test_a_sound_that_plays_for_days_stays_and_goes_when_it_is_over(
    recordings: Path, audio_cache: AudioCache
) -> None:
    sound = audio_cache.keep(wav())
    path = aged(Path(sound.path), 3)
    assert sweep(recordings, audio_cache, cache_bytes=0) == {path.name}
    del sound
    aged(path, 3)
    assert sweep(recordings, audio_cache, cache_bytes=0) == set()


def test_a_sound_that_is_wanted_while_it_is_being_deleted_is_made_again(
    audio_cache: AudioCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Race: found to be there, deleted by the thread, and then played."""
    content = wav()
    path = Path(audio_cache.keep(content).path)
    delete = library_module._delete

    def slowly(paths: list[Path]) -> int:
        time.sleep(0.2)
        return delete(paths)

    monkeypatch.setattr(library_module, "_delete", slowly)
    deleting = gevent.spawn(audio_cache.delete, [path.name])
    gevent.sleep(0.01)
    sound = audio_cache.keep(content)
    assert deleting.get(timeout=10) == 1
    assert Path(sound.path).exists()


@pytest.mark.parametrize("name", [f"{HASH}.123.456.part", f"say-{HASH}.part"])
def test_a_sound_that_was_never_finished_goes_after_a_day(
    recordings: Path, audio_cache: AudioCache, name: str
) -> None:
    put(audio_cache.directory, name, days=0.9)
    assert sweep(recordings, audio_cache) == {name}
    aged(audio_cache.directory / name, 1.1)
    assert sweep(recordings, audio_cache) == set()


def test_each_file_has_a_name_that_is_deleted_where_it_stays_unfinished(
    recordings: Path, audio_cache: AudioCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Symptom: speech that a killed process had not finished stayed for ever. Cause: its name had letters
    where only digits were looked for. Fix: the names are looked for as they are made."""
    unfinished: list[Path] = []
    replace = os.replace

    def note(source: Path, target: Path) -> None:
        unfinished.append(source)
        replace(source, target)

    monkeypatch.setattr(os, "replace", note)
    audio = BytesIO()
    tone = 0.3 * np.sin(np.arange(8000) / 3)
    soundfile.write(audio, np.concatenate([np.zeros(800), tone]), 8000, format="WAV")
    recording, ready = recordings / f"{SID}.wav", recordings / f"{SID.replace('3', '4')}.wav"
    for path in (recording, ready):
        path.write_bytes(audio.getvalue())
    audio_cache.keep(audio)
    CommandSpeech(audio_cache, ["cp", str(ready), "{out}"], 10.0).sound("a text", "anna")
    insert_silence(recording, [Gap(0.5, 0.5)])
    trim_silence(recording)
    Converter().make(recording, recording.with_suffix(".mp3"), 10.0)
    assert len(unfinished) >= 6
    for path in unfinished:
        assert path.parent in (recordings, audio_cache.directory)
        put(path.parent, path.name, days=1.1)
        left = sweep(recordings, audio_cache)
        assert path.name not in left
    assert {recording.name, ready.name} < left


# Rows


def test_each_kind_of_row_goes_when_its_days_are_over(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "store.sqlite")
    kinds: tuple[RecordKind, ...] = ("conference", "participant", "call", "recording", "request")
    at = {days: int((time.time() - days * DAY) * 1e6) for days in (0.5, 1.5, 2.5, 3.5)}
    outbox.records.put(
        [
            Record(kind, f"{days}", "account", ended, ended, ended)
            for kind in kinds
            for days, ended in at.items()
        ]
    )
    outbox.records.put([Record("call", "living", "account", 1, 1)])

    def left(kind: RecordKind) -> list[str]:
        return sorted(record.sid for record in outbox.records.find(Query(kind, "account")))

    Retention([*rows(outbox, 2, None)]).sweep()
    assert {kind: left(kind) for kind in kinds} == {
        "conference": ["0.5", "1.5"],
        "participant": ["0.5", "1.5"],
        "call": ["0.5", "1.5", "living"],
        "recording": ["0.5", "1.5", "2.5", "3.5"],
        "request": ["0.5"],
    }
    Retention([*rows(outbox, 2, 3)]).sweep()
    assert left("recording") == ["0.5", "1.5", "2.5"]
    Retention([*rows(outbox, 2, 1)]).sweep()
    assert left("recording") == ["0.5", "1.5"], "never before the history ends"
    outbox.close()


def test_more_callbacks_than_one_step_deletes_are_all_deleted(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "store.sqlite")
    outbox.commit([make("room", "http://h/", number) for number in range(450)])
    while message := outbox.next("room"):
        outbox.finish(message, delivered=True, attempts=1, status=200)
    outbox.flush()
    Retention([*rows(outbox, 1, None)]).sweep()
    assert len(outbox.finished(1000)) == 450
    Retention([*rows(outbox, 0, None)]).sweep()
    assert outbox.finished(1000) == []
    outbox.close()


def test_a_store_that_fails_is_reported_and_the_files_are_still_deleted(
    recordings: Path, audio_cache: AudioCache, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(tmp_path / "store.sqlite")
    outbox.close()
    path = put(recordings, f"{SID}.wav", days=2)
    Retention([*rows(outbox, 1, 1), *files(recordings, 1, audio_cache, 0)]).sweep()
    assert not path.exists()
    assert [record.msg["event"] for record in caplog.records].count("not deleted") == len(
        [*rows(outbox, 1, 1)]
    )
