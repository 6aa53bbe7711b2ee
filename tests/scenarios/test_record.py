"""Record: what a caller says, in a file."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.lab import sound
from tests.lab.softphones import Phone
from tests.scenarios.conftest import House

NUMBER = "+13125550100"
BEEP, AFTER, VOICE = 1000, 1500, 600


def record(house: House, **attributes: str) -> None:
    text = "".join(f' {name}="{value}"' for name, value in ({"action": "/recorded"} | attributes).items())
    after = house.application.tone(AFTER, 1.0)
    house.voice(f"<Response><Record{text}/><Play>{after}</Play></Response>")
    house.application.document("/recorded", "<Response><Hangup/></Response>")
    house.application.takes_callbacks("/recording")


def speaks(house: House) -> Phone:
    """A caller who speaks from the start and has heard the beep."""
    phone: Phone = house.switch.call(NUMBER, sounds=VOICE)
    phone.wait_hears(BEEP)
    phone.wait_stops_hearing(BEEP)
    return phone


def recorded(house: House) -> dict[str, str]:
    (request,) = house.application.wait_for("/recorded", timeout=8)
    return request.fields


def file_of(house: House, fields: dict[str, str]) -> Path:
    path: Path = house.switch.recordings_dir / fields["RecordingUrl"].rpartition("/")[2]
    return path


def tone_in(path: Path) -> float:
    """Seconds of the caller's tone in the first channel."""
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    found = sound.timeline(np.ascontiguousarray(samples[:, 0]), VOICE, rate=rate)
    return sum(heard.end - heard.start for heard in found)


def test_the_caller_is_recorded_after_the_beep_until_a_key(house: House) -> None:
    record(house, format="wav", channels="single")
    phone = speaks(house)
    time.sleep(1.5)
    phone.press("5")
    fields = recorded(house)
    assert fields["Digits"] == "5"
    assert 1 <= int(fields["RecordingDuration"]) <= 3
    path = file_of(house, fields)
    assert path.suffix == ".wav"
    assert fields["RecordingUrl"].endswith(f"/recordings/{fields['RecordingSid']}.wav")
    assert tone_in(path) > 1.0
    assert soundfile.info(path).channels == 1
    phone.wait_ended()


@pytest.mark.parametrize(
    ("kind", "channels", "expected"),
    [("mp3", "dual", ("MP3", 2)), ("mp3", "single", ("MP3", 1)), ("wav", "dual", ("WAV", 2))],
)
def test_format_and_channels_are_as_asked(
    house: House, kind: str, channels: str, expected: tuple[str, int]
) -> None:
    record(house, format=kind, channels=channels, maxLength="1")
    speaks(house)
    path = file_of(house, recorded(house))
    info = soundfile.info(path)
    assert (info.format, info.channels) == expected
    assert tone_in(path) > 0.7
    assert [file.name for file in house.switch.recordings_dir.iterdir()] == [path.name]


def test_an_mp3_is_the_default_format(house: House) -> None:
    record(house, maxLength="1")
    speaks(house)
    assert file_of(house, recorded(house)).suffix == ".mp3"


def test_the_finishing_key_alone_ends_it(house: House) -> None:
    record(house, finishOnKey="#")
    phone = speaks(house)
    phone.press("1")
    time.sleep(1.0)
    assert not house.application.to("/recorded")
    phone.press("#")
    assert recorded(house)["Digits"] == "#"


def test_the_longest_recording_ends_it(house: House) -> None:
    record(house, maxLength="2")
    speaks(house)
    began = time.monotonic()
    fields = recorded(house)
    assert 1.5 < time.monotonic() - began < 8
    # FreeSWITCH counts whole seconds of its clock: up to one more.
    assert fields["RecordingDuration"] in ("2", "3")
    assert fields["Digits"] == ""


def test_silence_ends_it(house: House) -> None:
    record(house, timeout="2")
    phone = speaks(house)
    time.sleep(2.5)
    assert not house.application.to("/recorded"), "ended while the caller spoke"
    phone.sounds(None)
    assert int(recorded(house)["RecordingDuration"]) >= 3


def test_without_a_beep_it_starts_at_once(house: House) -> None:
    record(house, playBeep="false", maxLength="1")
    phone = house.switch.call(NUMBER, sounds=VOICE)
    recorded(house)
    phone.wait_ended()
    assert not phone.heard(BEEP)


def test_the_next_playback_is_not_cut_by_a_key(house: House) -> None:
    record(house, maxLength="1")
    house.application.document(
        "/recorded", f"<Response><Play>{house.application.tone(AFTER, 2.0)}</Play></Response>"
    )
    phone = speaks(house)
    phone.wait_hears(AFTER)
    phone.press("1")
    phone.wait_ended()
    assert sum(heard.end - heard.start for heard in phone.heard(AFTER)) > 1.8


def test_progress_and_completion_are_reported(house: House) -> None:
    record(
        house,
        maxLength="1",
        recordingStatusCallback="/recording",
        recordingStatusCallbackEvent="in-progress completed absent",
    )
    speaks(house)
    action = recorded(house)
    started, completed = (request.fields for request in house.application.wait_for("/recording", 2))
    assert started["RecordingStatus"] == "in-progress"
    assert "RecordingUrl" not in started
    assert "RecordingDuration" not in started
    assert completed["RecordingStatus"] == "completed"
    assert completed["RecordingUrl"] == action["RecordingUrl"]
    # FreeSWITCH counts a record's limit in the seconds of its clock, so up to one more.
    assert completed["RecordingDuration"] == action["RecordingDuration"] in ("1", "2")
    for fields in (started, completed):
        assert fields["RecordingSid"] == action["RecordingSid"]
        assert fields["CallSid"] == fields["CallSidLegacy"] == action["CallSid"]
        assert (fields["RecordingSource"], fields["RecordingChannels"]) == ("RecordVerb", "2")
        assert fields["ConnectionId"] == "1568109700606592442"


def test_only_completion_is_reported_unless_asked(house: House) -> None:
    record(house, maxLength="1", recordingStatusCallback="/recording")
    phone = speaks(house)
    phone.wait_ended(8)
    (delivered,) = house.application.wait_for("/recording")
    assert delivered.fields["RecordingStatus"] == "completed"


def test_a_caller_who_hangs_up_leaves_a_recording(house: House) -> None:
    record(house, recordingStatusCallback="/recording")
    phone = speaks(house)
    time.sleep(1.2)
    phone.hang_up()
    (delivered,) = house.application.wait_for("/recording")
    assert delivered.fields["RecordingStatus"] == "completed"
    fields = recorded(house)
    assert (fields["Digits"], fields["CallStatus"]) == ("hangup", "completed")
    assert tone_in(file_of(house, fields)) > 0.8


def test_silence_is_trimmed_from_both_ends(house: House) -> None:
    record(house, trim="trim-silence", format="wav", channels="single", maxLength="4")
    phone = speaks(house)
    phone.sounds(None)
    time.sleep(1.0)
    phone.sounds(VOICE)
    time.sleep(1.0)
    phone.sounds(None)
    phone.wait_ended(10)
    fields = recorded(house)
    assert int(fields["RecordingDuration"]) < 4
    path = file_of(house, fields)
    info = soundfile.info(path)
    assert info.frames / info.samplerate - tone_in(path) < 1.5
