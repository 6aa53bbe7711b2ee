"""Audio that attacks: long where it is short, wide where it is narrow, and a header that lies about both."""

from __future__ import annotations

import io
import struct
import time
from pathlib import Path

import gevent
import numpy as np
import pytest
import soundfile

from orchestrator.media import audio
from orchestrator.media.audio_cache import AudioCache, AudioError
from tests.lab.cost import Turns, at_most
from tests.media.test_audio_cache import wav

# A block of 65,536 frames of eight channels is 2 MB, and it is there a few times.
MEMORY_MB = 32


def silence(kind: str, rate: int, seconds: float, channels: int = 1) -> bytes:
    data = io.BytesIO()
    with soundfile.SoundFile(data, "w", rate, channels, format=kind) as out:
        for _ in range(int(seconds)):
            out.write(np.zeros((rate, channels), np.float32))
    return data.getvalue()


def lying_wav(channels: int = 1, rate: int = 8000, said: int = 0xFFFFFFF0, there: int = 16000) -> bytes:
    """A WAV whose header promises `said` bytes of samples and has `there`."""
    form = struct.pack("<HHIIHH", 1, channels, rate, min(rate * channels * 2, 2**32 - 1), channels * 2, 16)
    head = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", said)
    return b"RIFF" + struct.pack("<I", min(said + 36, 2**32 - 1)) + head + bytes(there)


def new_audio_cache(directory: Path, max_seconds: float = 60) -> AudioCache:
    return AudioCache(directory, lambda path: path, max_seconds)


@pytest.mark.parametrize("kind", ["MP3", "OGG", "FLAC"])
def test_a_small_file_that_decodes_to_very_much_is_refused_while_it_is_decoded(
    tmp_path: Path, kind: str
) -> None:
    content = silence(kind, 48000, 120)
    assert len(content) < 1e6
    with at_most(MEMORY_MB), pytest.raises(AudioError, match="longer than 60 s"):
        new_audio_cache(tmp_path).keep(content)
    assert not list(tmp_path.iterdir())


def test_a_rate_that_nobody_hears_gets_no_more_room_on_the_disk(tmp_path: Path) -> None:
    """Symptom: a file of a megabyte became one of gigabytes. Cause: an hour at the rate of its header was
    allowed, and FLAC's goes up to 655 kHz. Fix: no more samples than an hour has at FreeSWITCH's best."""
    content = silence("FLAC", 192000, 30)
    with pytest.raises(AudioError, match=r"longer than 15 s"):
        new_audio_cache(tmp_path).keep(content)
    with pytest.raises(AudioError, match=r"a sample rate of|not audio"):
        new_audio_cache(tmp_path).keep(lying_wav(rate=4294967295))
    with pytest.raises(AudioError, match="a sample rate of 1 Hz"):
        new_audio_cache(tmp_path).keep(lying_wav(rate=1))


def test_a_thousand_channels_are_refused_before_anything_is_decoded(tmp_path: Path) -> None:
    """Symptom: a WAV of a few kilobytes took 256 MB. Cause: blocks were so many frames long, however wide a
    frame. Fix: eight channels are the most."""
    with at_most(MEMORY_MB), pytest.raises(AudioError, match="1024 channels, 8 are the most"):
        new_audio_cache(tmp_path).keep(lying_wav(channels=1024))


@pytest.mark.parametrize("said", [2**31, 2**32 - 1, 16001])
def test_a_wav_is_as_long_as_it_is_and_not_as_it_says(tmp_path: Path, said: int) -> None:
    with at_most(MEMORY_MB):
        assert new_audio_cache(tmp_path).keep(lying_wav(said=said)).seconds == 1.0


@pytest.mark.parametrize(
    "content",
    [b"", b"R", b"RIFF", b"<html></html>", b"\0" * 100000, b"#!AMR\n" + bytes(1000), b"caff" + bytes(1000)],
)
def test_a_format_that_no_web_server_calls_audio_is_refused(tmp_path: Path, content: bytes) -> None:
    """libsndfile reads two dozen forms, most of which nobody has used for decades."""
    with pytest.raises(AudioError, match="not audio"):
        new_audio_cache(tmp_path).keep(content)
    assert not list(tmp_path.iterdir())


def test_audio_that_takes_too_long_to_decode_is_abandoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio, "DECODE_SECONDS", 0.0)
    with pytest.raises(AudioError, match="not decoded within 0 s"):
        new_audio_cache(tmp_path).keep(wav(700, 3.0))


def test_the_same_music_for_many_is_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Symptom: a hundred callers who came to wait kept both processors busy for minutes. Cause: each had the
    music converted for itself. Fix: they share one conversion."""
    cache = new_audio_cache(tmp_path)
    content = silence("FLAC", 48000, 50)
    bringing = [gevent.spawn(cache.keep, content) for _ in range(30)]
    began, most = time.process_time(), 0

    def go_on() -> bool:
        nonlocal most
        most = max(most, len(list(tmp_path.glob("*.part"))))
        return not all(one.ready() for one in bringing)

    turns = Turns(0.005)
    turns.wait_while(go_on)
    assert {one.get().seconds for one in bringing} == {50.0}
    assert most <= 1
    assert turns.longest < 1.0
    assert time.process_time() - began < 15, "CPU seconds"


def test_bad_audio_is_reported_to_each_who_brings_it(tmp_path: Path) -> None:
    cache = new_audio_cache(tmp_path)
    content = silence("FLAC", 48000, 70)

    def bring() -> str:
        try:
            cache.keep(content)
        except AudioError as error:
            return str(error)
        return ""

    bringing = [gevent.spawn(bring) for _ in range(5)]
    assert {one.get() for one in bringing} == {"longer than 60 s"}
