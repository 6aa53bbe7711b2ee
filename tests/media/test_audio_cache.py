"""Sounds as they are kept for FreeSWITCH."""

from __future__ import annotations

import io
import time
import wave
from pathlib import Path
from typing import Any

import gevent
import pytest

from orchestrator.media import audio_cache as module
from orchestrator.media.audio_cache import AudioCache
from tests.lab import sound


def wav(hz: float, seconds: float) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.RATE)
        file.writeframes(sound.tone(hz, seconds).astype("<i2").tobytes())
    return data.getvalue()


@pytest.mark.parametrize("attempt", range(20))
def test_many_who_bring_the_same_music_at_once_all_get_it(tmp_path: Path, attempt: int) -> None:
    """Symptom: of four callers who came to wait at once, two heard nothing for ever. Cause: soundfile
    opens files under a lock that gevent's patch had made one for greenlets, and we open them in threads. Fix:
    it is a lock for threads again."""
    audio_cache = AudioCache(tmp_path, lambda path: path, max_seconds=60)
    bringing = [gevent.spawn(audio_cache.keep, wav(700 + attempt, 3.0)) for _ in range(4)]
    gevent.joinall(bringing, timeout=10)
    assert [round(one.value.seconds, 3) if one.value else None for one in bringing] == [3.0] * 4
    assert len(list(tmp_path.iterdir())) == 1


def test_two_at_most_are_converted_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Symptom: as many sounds were converted at once as gevent has threads. Cause: the pool of two was asked
    for as `pool or gevent's`, and a pool in which nothing runs is false. Fix: a semaphore counts them."""
    under_way, most = [], []
    convert = module.convert

    def slowly(*arguments: Any) -> float:
        under_way.append(1)
        most.append(len(under_way))
        time.sleep(0.01)
        under_way.pop()
        return convert(*arguments)

    monkeypatch.setattr(module, "convert", slowly)
    audio_cache = AudioCache(tmp_path, lambda path: path, max_seconds=60)
    bringing = [gevent.spawn(audio_cache.keep, wav(500 + hz, 0.1)) for hz in range(6)]
    assert [one.get(timeout=10).seconds for one in bringing] == [0.1] * 6
    assert (len(most), max(most)) == (6, 2)
