"""A recording that is paused through the API: "`skip` does not record during the pause period, while
`silence` will replace the actual audio of the call with silence during the pause period" (Twilio).
"""

from __future__ import annotations

import os
import time
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

import gevent
import pytest
import requests

from tests.lab import sound
from tests.scenarios.conftest import ACCOUNT, API_KEY, House
from tests.sdk.conftest import Client
from tests.sound.common import FIRST, ROOM, SECOND, listen, recorded, recording_callbacks, seconds, until
from tests.sound.conftest import Measured

# Sound is measured where it can be.
pytestmark = pytest.mark.rather("freeswitch")

VOICE = 600
PART = 1.6
# Of a time that was measured here against one in the file.
ERROR = 0.15


@pytest.fixture
def client(house: House) -> Client:
    return Client(house, ACCOUNT, API_KEY)


class Moment(NamedTuple):
    """Something happened in FreeSWITCH between the two."""

    earliest: float
    latest: float

    def since(self, other: Moment, about: float = ERROR) -> Span:
        return Span(self.earliest - other.latest - about, self.latest - other.earliest + about)


class Span(NamedTuple):
    shortest: float
    longest: float

    def __contains__(self, seconds: object) -> bool:
        return isinstance(seconds, float) and self.shortest <= seconds <= self.longest

    def without(self, other: Span) -> Span:
        return Span(self.shortest - other.longest, self.longest - other.shortest)


class Recorded:
    """One recording of a conference or of a call, and what is asked of it."""

    def __init__(self, client: Client, path: str, began: dict[str, str]) -> None:
        self.client, self.path = client, path
        at = datetime.fromisoformat(began["RecordingStartTime"].replace("Z", "+00:00"))
        began = time.monotonic() - (time.time() - at.timestamp())
        self.began = Moment(began, began)

    def becomes(self, status: str, **more: str) -> Moment:
        asked = time.monotonic()
        answer = self.client.ask("POST", self.path, data={"Status": status, **more})
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == status
        return Moment(asked, time.monotonic())


def in_conference(house: House, client: Client, **attributes: str) -> tuple[Any, Recorded]:
    """Somebody who speaks without a pause in a recorded conference."""
    house.voice(house.joins(**recorded(house, **attributes)))
    phone = house.switch.call(ROOM, from_=FIRST, sounds=VOICE)
    (began,) = recording_callbacks(house, 1)
    return phone, Recorded(
        client, f"/Conferences/{began['ConferenceSid']}/Recordings/{began['RecordingSid']}.json", began
    )


def in_call(house: House, client: Client) -> tuple[Any, Recorded]:
    house.voice(f"<Response><Play loop='9'>{house.application.tone(1500, 9.0)}</Play></Response>")
    house.application.takes_callbacks("/recording")
    phone = house.switch.call(ROOM, from_=FIRST, sounds=VOICE)
    phone.wait_hears(1500)
    call_sid = house.application.to("/voice")[-1].fields["CallSid"]
    form = {
        "PlayBeep": "false",
        "RecordingTrack": "inbound",
        "RecordingStatusCallback": house.application.url("/recording"),
        "RecordingStatusCallbackEvent": "in-progress completed absent",
    }
    begun = client.ask("POST", f"/Calls/{call_sid}/Recordings.json", data=form).json()
    (began,) = recording_callbacks(house, 1)
    return phone, Recorded(client, f"/Calls/{call_sid}/Recordings/{begun['sid']}.json", began)


def pause_in(samples: sound.Samples) -> tuple[float, float]:
    """Begin and end of the longest silence between two words, in seconds: phones may pause for a moment."""
    spoken = sound.timeline(samples, VOICE)
    assert len(spoken) > 1, spoken
    between = [(one.end, other.start) for one, other in pairwise(spoken)]
    return max(between, key=lambda gap: gap[1] - gap[0])


PLACES = {"conference": in_conference, "call": in_call}


@pytest.mark.parametrize("place", PLACES)
def test_silence_keeps_the_time_line(house: House, client: Client, measured: Measured, place: str) -> None:
    phone, recording = PLACES[place](house, client)
    gevent.sleep(PART)
    paused = recording.becomes("paused")
    gevent.sleep(PART)
    resumed = recording.becomes("in-progress")
    gevent.sleep(PART)
    ended = recording.becomes("stopped")
    _, completed = recording_callbacks(house, 2)
    samples = listen(completed)
    begin, end = pause_in(samples)
    pause = end - begin
    error = pause - (resumed.latest - paused.latest)
    measured(f"a silent pause of a {place}'s recording, error in ms", error * 1000)
    assert pause in resumed.since(paused)
    assert begin in paused.since(recording.began, 2 * ERROR)
    assert seconds(samples) in ended.since(recording.began, 2 * ERROR)
    assert completed["RecordingDuration"] == str(round(seconds(samples)))
    phone.hang_up()


@pytest.mark.parametrize("place", PLACES)
def test_skip_leaves_the_pause_out(house: House, client: Client, measured: Measured, place: str) -> None:
    phone, recording = PLACES[place](house, client)
    gevent.sleep(PART)
    paused = recording.becomes("paused", PauseBehavior="skip")
    gevent.sleep(2 * PART)
    resumed = recording.becomes("in-progress")
    gevent.sleep(PART)
    ended = recording.becomes("stopped")
    _, completed = recording_callbacks(house, 2)
    samples = listen(completed)
    expected = ended.since(recording.began).without(resumed.since(paused))
    error = seconds(samples) - (expected.shortest + expected.longest) / 2
    measured(f"length of a {place}'s recording with a skip, error in ms", error * 1000)
    assert seconds(samples) in expected
    spoken = sum(one.seconds for one in sound.timeline(samples, VOICE))
    assert spoken == pytest.approx(seconds(samples), abs=ERROR)
    phone.hang_up()


@pytest.mark.parametrize("place", PLACES)
def test_a_recording_stays_paused_over_a_restart(house: House, client: Client, place: str) -> None:
    phone, recording = PLACES[place](house, client)
    gevent.sleep(PART)
    paused = recording.becomes("paused")
    house.stop()
    gevent.sleep(PART)
    house.start()
    shown = client.ask("GET", recording.path).json()
    assert shown["status"] == "paused"
    resumed = recording.becomes("in-progress")
    gevent.sleep(PART)
    recording.becomes("stopped")
    _, completed = recording_callbacks(house, 2)
    begin, end = pause_in(listen(completed))
    assert end - begin in resumed.since(paused)
    phone.hang_up()


@pytest.mark.parametrize("trim", ["do-not-trim", "trim-silence"])
def test_a_silent_pause_at_the_end_is_there_and_trimmed_where_that_is_asked_for(
    house: House, client: Client, trim: str
) -> None:
    phone, recording = in_conference(house, client, trim=trim)
    gevent.sleep(PART)
    paused = recording.becomes("paused")
    gevent.sleep(PART)
    asked = time.monotonic()
    phone.hang_up()
    phone.wait_ended(10)
    ended = Moment(asked, time.monotonic())
    samples = listen(recording_callbacks(house, 2)[-1])
    silent = seconds(samples) - sound.timeline(samples, VOICE)[-1].end
    if trim == "do-not-trim":
        assert silent in ended.since(paused, 2 * ERROR)
        assert silent > PART - 2 * ERROR
    else:
        assert silent < ERROR


@pytest.mark.parametrize("place", PLACES)
def test_a_paused_recording_is_not_served_as_if_it_were_complete(
    house: House, client: Client, place: str
) -> None:
    """Symptom: a recording paused for ten seconds was served. Cause: a file that did not grow for eight was
    taken for one that nobody closes. Fix: those known to be open are not served."""
    phone, recording = PLACES[place](house, client)
    gevent.sleep(PART)
    recording.becomes("paused")
    sid = client.ask("GET", recording.path).json()["sid"]
    path = house.switch.recordings_dir / f"{sid}.wav"
    os.utime(path, (time.time() - 60, time.time() - 60))
    assert requests.get(f"{client.base}/recordings/{sid}.wav", timeout=5).status_code == 409
    recording.becomes("stopped")
    recording_callbacks(house, 2)
    assert requests.get(f"{client.base}/recordings/{sid}.wav", timeout=5).status_code == 200
    phone.hang_up()


def test_a_pause_is_no_silence_that_ends_a_recording(house: House, client: Client) -> None:
    phone, recording = in_conference(house, client, recordingTimeout="2")
    ear = house.switch.call(ROOM, from_=SECOND)
    ear.wait_hears(VOICE)
    recording.becomes("paused")
    phone.sounds(None)
    gevent.sleep(4.0)
    assert client.ask("GET", recording.path).json()["status"] == "paused"
    resumed = recording.becomes("in-progress")
    _, completed = recording_callbacks(house, 2, 10)
    assert time.monotonic() - resumed.earliest > 1.8
    assert completed["RecordingStatus"] == "completed"
    for one in (phone, ear):
        one.hang_up()


def test_a_recording_ended_by_the_api_ends_and_its_conference_goes_on(house: House, client: Client) -> None:
    phone, recording = in_conference(house, client)
    gevent.sleep(1.2)
    recording.becomes("stopped")
    _, completed = recording_callbacks(house, 2)
    assert completed["RecordingStatus"] == "completed"
    again = client.ask("POST", recording.path, data={"Status": "paused"})
    assert again.status_code == 422, again.text
    assert requests.get(completed["RecordingUrl"], timeout=5).status_code == 200
    assert client.ask("DELETE", recording.path).status_code == 204
    assert client.ask("GET", recording.path).status_code == 404
    assert requests.get(completed["RecordingUrl"], timeout=5).status_code == 404
    house.stop()
    house.start()
    gevent.sleep(1.0)
    assert len(house.application.to("/recording")) == 2
    phone.hang_up()
    until(lambda: not len(house.orchestrator.node.rooms), 10, "the room is over")
    assert len(house.application.to("/recording")) == 2
