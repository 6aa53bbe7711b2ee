"""record: "When set to record-from-start, recording begins immediately after the conference starts."
recordBeep: "If enabled, a beep sound will be played at the start of a recording. Default: true."
recordingStatusCallbackEvent: "in-progress, completed, absent. Default: completed." sendRecordingUrl.
The fields of the callbacks are those of docs/callbacks.md.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import gevent
import pytest
import requests

from orchestrator.clock import now
from orchestrator.conference.machine.events import End
from tests.lab import sound
from tests.scenarios.conftest import ACCOUNT, House
from tests.sound.common import (
    ENTER,
    EXIT,
    FIRST,
    MODERATOR,
    MUSIC,
    RECORD,
    ROOM,
    SECOND,
    listen,
    recorded,
    recording_callbacks,
    seconds,
    watching,
)
from tests.sound.conftest import Measured

# Sound is measured where it can be.
pytestmark = pytest.mark.rather("freeswitch")

real = pytest.mark.only("freeswitch")
VOICE = 600


@real
def test_it_begins_with_the_conference_and_has_no_music_of_those_who_waited(
    house: House, measured: Measured
) -> None:
    wait = house.joins(
        startConferenceOnEnter="false",
        waitUrl=house.application.tone(MUSIC, 3.0),
        waitMethod="GET",
        **recorded(house),
    )
    house.documents({FIRST: wait, MODERATOR: house.joins()})
    first = house.switch.call(ROOM, from_=FIRST)
    first.wait_hears(MUSIC)
    gevent.sleep(1.0)
    assert not house.application.to("/recording")
    moderator = house.switch.call(ROOM, from_=MODERATOR, sounds=VOICE)
    first.wait_hears(VOICE)
    gevent.sleep(2.0)
    moderator.hang_up()
    first.hang_up()
    _, completed = recording_callbacks(house, 2)
    samples = listen(completed)
    voice = sound.timeline(samples, VOICE)
    measured("speech from the start begins in the recording at, ms", voice[0].start * 1000)
    assert voice[0].start < 0.1
    assert not sound.timeline(samples, MUSIC)
    heard = sum(stretch.seconds for stretch in first.heard(VOICE))
    there = sum(stretch.seconds for stretch in voice)
    measured("speech in the recording against speech heard, ms", (there - heard) * 1000)
    assert there == pytest.approx(heard, abs=0.15)


@real
def test_its_length_is_that_of_the_conference(house: House, measured: Measured) -> None:
    """Truth: FreeSWITCH's first add-member and last del-member, as another event socket sees them."""
    house.voice(house.joins(**recorded(house)))
    with watching(house) as watcher:
        first = house.switch.call(ROOM, from_=FIRST, sounds=VOICE)
        began = watcher.wait("add-member")
        second = house.switch.call(ROOM, from_=SECOND)
        second.wait_hears(VOICE)
        gevent.sleep(4.0)
        first.hang_up()
        gevent.sleep(1.0)
        second.hang_up()
        ended = watcher.wait("del-member", count=2)
    _, completed = recording_callbacks(house, 2)
    error = seconds(listen(completed)) - (ended - began)
    measured("length of a recording against its conference, ms", error * 1000)
    assert abs(error) < 0.1
    assert completed["RecordingDuration"] == str(round(seconds(listen(completed))))


def test_every_documented_field_is_reported(house: House) -> None:
    house.voice(house.joins(**recorded(house)))
    phone = house.switch.call(ROOM, from_=FIRST, sounds=VOICE)
    (began,) = recording_callbacks(house, 1)
    gevent.sleep(1.3)
    phone.hang_up()
    began, completed = recording_callbacks(house, 2)
    start = house.events(2)[0]
    for fields in (began, completed):
        assert fields["AccountSid"] == ACCOUNT
        assert fields["CallSid"] == fields["CallSidLegacy"] == start["CallSid"]
        assert fields["ConferenceSid"] == start["ConferenceSid"]
        assert fields["ConnectionId"] == "1568109700606592442"
        assert fields["RecordingSource"] == "Conference"
        assert fields["RecordingChannels"] == "1"
        assert len(fields["RecordingSid"]) == 36
        assert fields["RecordingStartTime"].endswith("Z")
    assert began["RecordingSid"] == completed["RecordingSid"]
    assert (began["RecordingStatus"], completed["RecordingStatus"]) == ("in-progress", "completed")
    assert "RecordingUrl" not in began
    assert "RecordingDuration" not in began
    assert completed["RecordingDuration"] in ("1", "2")
    assert completed["RecordingUrl"].endswith(f"/recordings/{completed['RecordingSid']}.wav")
    assert requests.get(completed["RecordingUrl"], timeout=5).status_code == 200


SUBSCRIPTIONS = [
    (None, ["completed"]),
    ("completed", ["completed"]),
    ("in-progress", ["in-progress"]),
    ("absent", []),
    ("in-progress completed absent", ["in-progress", "completed"]),
]


@pytest.mark.parametrize(("subscribed", "delivered"), SUBSCRIPTIONS)
def test_only_subscribed_events_are_reported(
    house: House, subscribed: str | None, delivered: list[str]
) -> None:
    attributes = recorded(house)
    del attributes["recordingStatusCallbackEvent"]
    if subscribed is not None:
        attributes["recordingStatusCallbackEvent"] = subscribed
    house.voice(house.joins(**attributes))
    phone = house.switch.call(ROOM, from_=FIRST, sounds=VOICE)
    house.delivered(2)
    gevent.sleep(1.2)
    phone.hang_up()
    house.delivered(4)
    gevent.sleep(1.0)
    assert [fields["RecordingStatus"] for fields in recording_callbacks(house, len(delivered))] == delivered


def test_send_recording_url_false_leaves_it_out(house: House) -> None:
    house.voice(house.joins(sendRecordingUrl="false", **recorded(house)))
    phone = house.switch.call(ROOM, from_=FIRST, sounds=VOICE)
    house.delivered(2)
    gevent.sleep(1.2)
    phone.hang_up()
    _, completed = recording_callbacks(house, 2)
    assert completed["RecordingStatus"] == "completed"
    assert "RecordingUrl" not in completed
    assert completed["RecordingDuration"] in ("1", "2")


@pytest.mark.parametrize("attributes", [{"record": "do-not-record"}, {}], ids=["said", "default"])
def test_a_conference_that_is_not_to_be_recorded_is_not(house: House, attributes: dict[str, str]) -> None:
    wanted = recorded(house)
    del wanted["record"]
    house.voice(house.joins(**wanted, **attributes))
    phone = house.switch.call(ROOM, from_=FIRST, sounds=VOICE)
    house.delivered(2)
    gevent.sleep(0.5)
    phone.hang_up()
    house.delivered(4)
    gevent.sleep(0.5)
    assert not house.application.to("/recording")
    assert not list(house.switch.recordings_dir.iterdir())


@real
@pytest.mark.parametrize("beep", ["true", "false"])
@pytest.mark.parametrize("record_beep", ["true", "false", None])
def test_the_recordings_beep_is_heard_by_all_and_independent_of_beep(
    house: House, record_beep: str | None, beep: str
) -> None:
    attributes = recorded(house, beep=beep)
    del attributes["recordBeep"]
    if record_beep is not None:
        attributes["recordBeep"] = record_beep
    waits = {"startConferenceOnEnter": "false", "waitUrl": ""}
    house.documents(
        {
            FIRST: house.joins(**attributes, **waits),
            MODERATOR: house.joins(beep=beep),
            SECOND: house.joins(beep=beep),
        }
    )
    first = house.switch.call(ROOM, from_=FIRST)
    house.delivered(1)
    moderator = house.switch.call(ROOM, from_=MODERATOR)
    house.delivered(3)
    gevent.sleep(1.0)
    second = house.switch.call(ROOM, from_=SECOND)
    house.delivered(4)
    gevent.sleep(1.0)
    expected = 0 if record_beep == "false" else 1
    assert len(first.heard(RECORD)) == expected, "moved in"
    assert len(moderator.heard(RECORD)) == expected, "the starter"
    assert not second.heard(RECORD), "came later"
    assert len(first.heard(ENTER)) == (beep == "true")
    for phone in (second, moderator, first):
        phone.hang_up()
    _, completed = recording_callbacks(house, 2)
    samples = listen(completed)
    for hz in (RECORD, ENTER, EXIT):
        assert not sound.timeline(samples, hz), f"{hz} Hz is in the recording"


@pytest.mark.parametrize("ending", ["the last leaves", "a moderator leaves", "through the API"])
def test_each_end_of_a_room_completes_its_recording_once(house: House, ending: str) -> None:
    house.documents(
        {
            FIRST: house.joins(**recorded(house)),
            MODERATOR: house.joins(endConferenceOnExit="true"),
        }
    )
    first = house.switch.call(ROOM, from_=FIRST, sounds=VOICE)
    house.delivered(2)
    moderator = house.switch.call(ROOM, from_=MODERATOR)
    sid = house.events(3)[0]["ConferenceSid"]
    gevent.sleep(1.5)
    if ending == "through the API":
        assert house.orchestrator
        house.orchestrator.node.rooms.dispatch(sid, End(now()))
    elif ending == "a moderator leaves":
        moderator.hang_up()
    else:
        first.hang_up()
        moderator.hang_up()
    first.wait_ended()
    moderator.wait_ended()
    house.delivered(6)
    recording_callbacks(house, 2)
    gevent.sleep(0.5)
    delivered = [fields["RecordingStatus"] for fields in recording_callbacks(house, 2)]
    assert delivered == ["in-progress", "completed"]


# Failures


@real
def test_a_directory_that_cannot_be_written_is_absent_and_the_conference_goes_on(house: House) -> None:
    house.log.allows("not recorded")
    house.voice(house.joins(**recorded(house)))
    directory = house.switch.recordings_dir
    directory.rmdir()
    directory.write_text("a file where the directory should be")  # root may write to any directory
    try:
        first = house.switch.call(ROOM, from_=FIRST, sounds=VOICE)
        (absent,) = recording_callbacks(house, 1)
        second = house.switch.call(ROOM, from_=SECOND)
        second.wait_hears(VOICE)
        second.hang_up()
        first.hang_up()
        house.delivered(6)
    finally:
        directory.unlink()
        directory.mkdir()
    assert absent["RecordingStatus"] == "absent"
    assert absent["RecordingDuration"] == "0"
    assert "RecordingUrl" not in absent
    assert house.log.has("not recorded", absent["RecordingSid"])
    gevent.sleep(0.5)
    assert len(house.application.to("/recording")) == 1


@contextlib.contextmanager
def small_disk(directory: Path, kilobytes: int):
    """A file system of its own over the directory."""
    command = f"mount -t tmpfs -o size={kilobytes}k tmpfs {directory}"
    if os.system(f"{command} 2>/dev/null"):
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        os.system(f"umount -l {directory}")


@real
@pytest.mark.parametrize("trim", ["trim-silence", "do-not-trim"])
def test_a_full_disk_costs_the_rest_of_the_recording_and_not_the_conference(house: House, trim: str) -> None:
    """96 kB are six seconds."""
    house.log.allows("recording ended before its conference", "not trimmed")
    house.voice(house.joins(**recorded(house, trim=trim)))
    with small_disk(house.switch.recordings_dir, 96):
        first = house.switch.call(ROOM, from_=FIRST, sounds=VOICE)
        recording_callbacks(house, 1)
        second = house.switch.call(ROOM, from_=SECOND)
        second.wait_hears(VOICE)
        _, ended = recording_callbacks(house, 2, 20)
        assert ended["RecordingStatus"] == "completed"
        assert 3 < seconds(listen(ended)) < 7
        assert second.hears_now(VOICE)
        second.hang_up()
        first.hang_up()
        house.delivered(6)
    assert house.log.has("recording ended before its conference", ended["RecordingSid"])


@real
def test_one_that_was_stopped_behind_our_back_is_reported_at_once(house: House) -> None:
    house.log.allows("recording ended before its conference")
    house.voice(house.joins(**recorded(house)))
    with watching(house) as watcher:
        phone = house.switch.call(ROOM, from_=FIRST, sounds=VOICE)
        recording_callbacks(house, 1)
        gevent.sleep(1.2)
        (path,) = house.switch.recordings_dir.iterdir()
        house.switch.api(f"conference {watcher.room} recording stop {path}")
    _, completed = recording_callbacks(house, 2)
    assert completed["RecordingStatus"] == "completed"
    assert phone.state == "answered"
    phone.hang_up()
    house.delivered(4)
    gevent.sleep(0.5)
    assert len(house.application.to("/recording")) == 2


@real
def test_one_whose_file_vanished_is_found_while_its_conference_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FreeSWITCH goes on writing into a file without a name, and says nothing."""
    monkeypatch.setattr("orchestrator.recordings.conference_recorder.WATCH_SECONDS", 5.0)
    house.log.allows("recording stopped by itself", "no recording")
    house.voice(house.joins(**recorded(house)))
    phone = house.switch.call(ROOM, from_=FIRST, sounds=VOICE)
    recording_callbacks(house, 1)
    gevent.sleep(1.0)
    (path,) = house.switch.recordings_dir.iterdir()
    path.unlink()
    _, absent = recording_callbacks(house, 2, 15)
    assert absent["RecordingStatus"] == "absent"
    assert phone.state == "answered"
    phone.hang_up()
    house.delivered(4)
