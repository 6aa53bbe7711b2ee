"""trim: "Whether to trim any leading and trailing silence from the recording. trim-silence, do-not-trim.
Default: do-not-trim."
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import gevent
import numpy as np
import pytest
import soundfile

from orchestrator.media.audio import AudioError
from orchestrator.media.trim import trim_silence
from tests.lab import sound
from tests.scenarios.conftest import House
from tests.sound.common import FIRST, ROOM, SECOND, listen, recorded, recording_callbacks, seconds
from tests.sound.conftest import Measured

# Sound is measured where it can be.
pytestmark = pytest.mark.rather("freeswitch")

VOICE = 600
TONE = sound.tone(VOICE, 1.0)


def wav(path: Path, *parts: sound.Samples) -> Path:
    sound.write_wav(path, np.concatenate(parts))
    return path


@pytest.mark.parametrize("before", [0.0, 0.013, 1.0, 70.0])
@pytest.mark.parametrize("after", [0.0, 0.013, 1.0])
def test_silence_at_both_ends_goes_to_the_hundredth_of_a_second(
    tmp_path: Path, before: float, after: float
) -> None:
    path = wav(tmp_path / "a.wav", sound.silence(before), TONE, sound.silence(after))
    assert trim_silence(path) == pytest.approx(1.0, abs=0.02)
    samples, _ = sound.read_wav(path)
    assert seconds(samples) == pytest.approx(1.0, abs=0.02)
    (found,) = sound.timeline(samples, VOICE)
    assert found.start < 0.015
    assert found.seconds == pytest.approx(1.0, abs=0.015)


def test_silence_in_between_stays(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", sound.silence(1), TONE, sound.silence(2), TONE, sound.silence(1))
    assert trim_silence(path) == pytest.approx(4.0, abs=0.02)


def test_the_hiss_of_a_line_is_silence_and_a_whisper_is_not(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    hiss = np.round(chance.normal(0, 32768 * 10 ** (-60 / 20), 8000)).astype(np.int16)
    path = wav(tmp_path / "a.wav", hiss, sound.tone(VOICE, 0.5, -38), hiss)
    assert trim_silence(path) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("parts", [[sound.silence(1)], []], ids=["silent", "empty"])
def test_of_nothing_but_silence_nothing_is_left(tmp_path: Path, parts: list[sound.Samples]) -> None:
    path = wav(tmp_path / "a.wav", sound.silence(0), *parts)
    assert trim_silence(path) == 0.0


def test_a_file_that_is_no_audio_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"no audio")
    with pytest.raises(AudioError):
        trim_silence(path)


def test_a_disk_too_full_to_trim_leaves_the_recording_as_it_was() -> None:
    """Symptom: after the disk had filled up, a trimmed recording was sent neither as completed nor as absent.
    Cause: soundfile meets a short write with an AssertionError, which ended the greenlet. Fix: the standard
    library writes the file, and says what the operating system said."""
    path = Path("/dev/shm") / "texml-trim-test.wav"
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    unfinished = path.with_suffix(".part")
    wav(path, sound.silence(1), TONE)
    try:
        unfinished.symlink_to("/dev/full")
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            trim_silence(path)
        assert soundfile.info(str(path)).duration == 2.0
        assert not unfinished.is_symlink()
    finally:
        path.unlink()
        unfinished.unlink(missing_ok=True)


@pytest.mark.only("freeswitch")
@pytest.mark.parametrize("trim", ["trim-silence", "do-not-trim", None])
def test_a_recordings_silent_ends_are_cut_if_asked(
    house: House, measured: Measured, trim: str | None
) -> None:
    attributes = recorded(house, **({"trim": trim} if trim else {}))
    house.voice(house.joins(**attributes))
    first = house.switch.call(ROOM, from_=FIRST)
    second = house.switch.call(ROOM, from_=SECOND)
    house.delivered(3)
    gevent.sleep(1.5)
    first.sounds(VOICE)
    second.wait_hears(VOICE)
    gevent.sleep(2.0)
    first.sounds(None)
    second.wait_stops_hearing(VOICE)
    gevent.sleep(1.5)
    first.hang_up()
    second.hang_up()
    _, completed = recording_callbacks(house, 2)
    samples = listen(completed)
    voice = sound.timeline(samples, VOICE)
    leading, trailing = voice[0].start, seconds(samples) - voice[-1].end
    assert completed["RecordingDuration"] == str(round(seconds(samples)))
    if trim == "trim-silence":
        measured(
            "trimmed: silence left before and after, ms", f"{1000 * leading:.0f} and {1000 * trailing:.0f}"
        )
        assert leading < 0.03
        assert trailing < 0.03
        heard = second.heard(VOICE)
        assert voice[-1].end - voice[0].start == pytest.approx(heard[-1].end - heard[0].start, abs=0.2)
    else:
        assert leading > 1.0
        assert trailing > 1.0


@pytest.mark.parametrize("trim", ["trim-silence", "do-not-trim"])
def test_a_room_where_nobody_spoke_is_absent_if_trimmed(house: House, trim: str) -> None:
    house.voice(house.joins(**recorded(house, trim=trim)))
    phone = house.switch.call(ROOM, from_=FIRST)
    house.delivered(2)
    gevent.sleep(1.5)
    phone.hang_up()
    _, ended = recording_callbacks(house, 2)
    if trim == "trim-silence":
        assert (ended["RecordingStatus"], ended["RecordingDuration"]) == ("absent", "0")
        assert "RecordingUrl" not in ended
    else:
        assert ended["RecordingStatus"] == "completed"
