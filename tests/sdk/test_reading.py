"""Lists and resources, read with Telnyx's own client, which checks every field of every answer."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

import pytest
import telnyx

from tests.scenarios.conftest import ACCOUNT, House
from tests.sdk.conftest import Client
from tests.sound.common import ROOM, until

FIRST, SECOND = "+13125550002", "+13125550003"


def meet(house: House, *callers: str, **attributes: str) -> list:
    house.voice(house.joins(**attributes))
    phones = [house.switch.call(ROOM, from_=caller) for caller in callers]
    for phone in phones:
        phone.wait_answered(10)
    house.delivered(1 + len(phones), 10)
    return phones


def leave(house: House, phones: list) -> None:
    for phone in phones:
        phone.hang_up()
    until(lambda: any(event == "conference-end" for _, event, _ in house.delivered()), 10, "conference-end")


def test_a_living_conference_is_listed_and_fetched(house: House, client: Client) -> None:
    meet(house, FIRST, SECOND)
    conference = client.conference()
    assert conference.sid == house.events()[0]["ConferenceSid"]
    assert (conference.status, conference.reason_conference_ended) == ("in-progress", None)
    assert (conference.account_sid, conference.api_version) == (ACCOUNT, "v2/texml")
    assert conference.uri == f"/v2/texml/Accounts/{ACCOUNT}/Conferences/{conference.sid}.json"
    assert parsedate_to_datetime(conference.date_created) <= parsedate_to_datetime(conference.date_updated)
    assert client.conferences.retrieve(conference.sid, account_sid=ACCOUNT) == conference
    for uri in (conference.uri, *conference.subresource_uris.values()):
        assert client.ask("GET", uri.split(ACCOUNT)[1]).status_code == 200


def test_a_conference_that_is_over_says_why_and_has_nobody_in_it(house: House, client: Client) -> None:
    phones = meet(house, FIRST)
    leave(house, phones)
    conference = client.conference(status="completed")
    assert conference.reason_conference_ended == "last-participant-left"
    assert conference.call_sid_ending_conference == house.events()[0]["CallSid"]
    assert client.participants(conference.sid) == []
    with pytest.raises(telnyx.NotFoundError):
        client.conferences.participants.retrieve(
            house.events()[0]["CallSid"], account_sid=ACCOUNT, conference_sid=conference.sid
        )


def test_participants_of_a_conference_that_is_over_are_kept_with_label_number_and_reason(
    house: House, client: Client, outsider: Client
) -> None:
    first, second = meet(house, FIRST, SECOND, participantLabel="guest {{From}}")
    living = client.conference()
    second.hang_up()
    until(lambda: len(client.participants(living.sid)) == 1, 10, "one left")
    listed = client.ask("GET", f"/Conferences/{living.sid}/Participants?IncludeLeft=true").json()
    assert [one["status"] for one in listed["participants"]] == ["connected", "completed"]
    client.conferences.update(living.sid, account_sid=ACCOUNT, status="completed")
    until(lambda: client.conferences.retrieve(living.sid, account_sid=ACCOUNT).status == "completed", 10)
    path = f"/Conferences/{living.sid}/Participants"
    found = client.ask("GET", path, params={"IncludeLeft": "true"}).json()["participants"]
    assert {(one["from"], one["to"], one["reason_participant_left"]) for one in found} == {
        (FIRST, ROOM, "conference_ended_via_api"),
        (SECOND, ROOM, "participant_hung_up"),
    }
    for one in found:
        joined, left = (parsedate_to_datetime(one[name]) for name in ("date_joined", "date_left"))
        assert parsedate_to_datetime(one["date_created"]) <= joined <= left
    paged = client.ask("GET", path, params={"IncludeLeft": "true", "PageSize": "1"}).json()
    rest = client.ask("GET", path, params={"IncludeLeft": "true", "PageSize": "1", "Page": "1"}).json()
    assert paged["participants"] + rest["participants"] == found
    assert rest["next_page_uri"] is None
    # As the vendors have it, nobody unless they are asked for.
    assert client.participants(living.sid) == []
    mine = client.ask("GET", "/Participants", params={"IncludeLeft": "true", "From": SECOND}).json()
    assert [one["conference_sid"] for one in mine["participants"]] == [living.sid]
    assert not outsider.ask("GET", "/Participants", params={"IncludeLeft": "true"}).json()["participants"]
    assert outsider.ask("GET", f"{path}?IncludeLeft=true").status_code == 404
    for phone in (first, second):
        phone.wait_ended(10)


def test_participants_are_found_by_call_sid_and_by_label(house: House, client: Client) -> None:
    meet(house, FIRST, participantLabel="host", muted="true", endConferenceOnExit="true")
    conference = client.conference()
    (listed,) = client.participants(conference.sid)
    by_sid, by_label = (
        client.conferences.participants.retrieve(who, account_sid=ACCOUNT, conference_sid=conference.sid)
        for who in (listed.call_sid, "host")
    )
    assert by_sid == by_label == listed
    assert (listed.muted, listed.hold, listed.coaching) == (True, False, False)
    assert (listed.end_conference_on_exit, listed.status) == (True, "connected")
    assert listed.call_sid_legacy == listed.call_sid == house.events()[0]["CallSid"]


def test_a_waiting_caller_is_a_participant_of_a_conference_that_has_not_begun(
    house: House, client: Client
) -> None:
    house.voice(house.joins(startConferenceOnEnter="false"))
    house.switch.call(ROOM, from_=FIRST).wait_answered(10)
    house.delivered(1)
    conference = client.conference(status="init")
    assert [one.status for one in client.participants(conference.sid)] == ["connected"]


def test_calls_are_listed_while_they_live_and_when_they_are_over(house: House, client: Client) -> None:
    phones = meet(house, FIRST, SECOND)
    sid = house.events()[0]["CallSid"]
    living = client.calls.retrieve(sid, account_sid=ACCOUNT)
    assert (living.status, living.direction, living.end_time) == ("in-progress", "inbound", None)
    assert (living.from_, living.to) == (house.events()[0]["From"], ROOM)
    assert living.to_formatted == "(312) 555-0100"
    leave(house, phones)
    until(lambda: client.calls.retrieve(sid, account_sid=ACCOUNT).status == "completed", 10, "completed")
    over = client.calls.retrieve(sid, account_sid=ACCOUNT)
    assert re.fullmatch(r"\d+", over.duration)
    assert parsedate_to_datetime(over.end_time) >= parsedate_to_datetime(over.start_time)
    assert {call.from_ for call in client.calls.retrieve_calls(ACCOUNT).calls} == {FIRST, SECOND}
    found = client.calls.retrieve_calls(ACCOUNT, from_=SECOND, status="completed", start_time_gt="2024-01-01")
    assert [call.from_ for call in found.calls] == [SECOND]
    assert not client.calls.retrieve_calls(ACCOUNT, start_time_lt="2024-01-01").calls


def test_a_conference_recording_has_both_of_its_shapes(house: House, client: Client) -> None:
    house.application.takes_callbacks("/recording")
    phones = meet(
        house,
        FIRST,
        record="record-from-start",
        recordingStatusCallback=house.application.url("/recording"),
        recordingStatusCallbackEvent="in-progress completed",
    )
    house.application.wait_for("/recording", 1, 10)
    conference = client.conference()
    (going,) = client.conferences.retrieve_recordings_json(conference.sid, account_sid=ACCOUNT).recordings
    assert (going.status, going.media_url) == ("in-progress", None)
    phones[0].wait_quiet(5, 1.0)
    leave(house, phones)
    delivered = house.application.wait_for("/recording", 2, 15)[-1].fields
    plain = client.conferences.retrieve_recordings(conference.sid, account_sid=ACCOUNT)
    assert plain.participants == []
    (older,) = plain.recordings
    (newer,) = client.conferences.retrieve_recordings_json(conference.sid, account_sid=ACCOUNT).recordings
    (of_account,) = client.sdk.texml.accounts.retrieve_recordings_json(ACCOUNT).recordings
    one = client.sdk.texml.accounts.recordings.json.retrieve_recording_sid_json(
        newer.sid, account_sid=ACCOUNT
    )
    assert newer == of_account == one
    assert (older.status, newer.status) == ("completed", "completed")
    assert older.sid == newer.sid == delivered["RecordingSid"]
    assert str(older.duration) == newer.duration == delivered["RecordingDuration"]
    assert (newer.source, newer.channels) == ("Conference", 1)
    assert newer.media_url == delivered["RecordingUrl"]
    client.sdk.texml.accounts.recordings.json.delete_recording_sid_json(newer.sid, account_sid=ACCOUNT)
    with pytest.raises(telnyx.NotFoundError):
        client.sdk.texml.accounts.recordings.json.retrieve_recording_sid_json(newer.sid, account_sid=ACCOUNT)
    (left,) = client.conferences.retrieve_recordings(conference.sid, account_sid=ACCOUNT).recordings
    assert (left.status, left.media_url) == ("deleted", None)


def test_nothing_of_one_account_is_there_for_another(house: House, client: Client, outsider: Client) -> None:
    meet(house, FIRST, participantLabel="host")
    conference = client.conference()
    call_sid = house.events()[0]["CallSid"]
    assert not outsider.conferences.retrieve_conferences(outsider.account).conferences
    assert not outsider.calls.retrieve_calls(outsider.account).calls
    paths = (
        f"/Conferences/{conference.sid}",
        f"/Conferences/{conference.sid}/Participants",
        f"/Conferences/{conference.sid}/Participants/{call_sid}",
        f"/Conferences/{conference.sid}/Participants/host",
        f"/Conferences/{conference.sid}/Recordings",
        f"/Calls/{call_sid}",
        f"/Calls/{call_sid}/Recordings",
    )
    for path in paths:
        assert client.ask("GET", path).status_code == 200
        answer = outsider.ask("GET", path)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "10005")
    trespasser = Client(house, ACCOUNT, outsider.key)
    assert trespasser.ask("GET", "/Conferences").status_code == 404


def test_ended_conferences_and_calls_are_there_after_a_restart(house: House, client: Client) -> None:
    phones = meet(house, FIRST)
    leave(house, phones)
    sid, call_sid = (house.events()[0][name] for name in ("ConferenceSid", "CallSid"))
    until(lambda: client.calls.retrieve(call_sid, account_sid=ACCOUNT).status == "completed", 10)
    before = client.conferences.retrieve(sid, account_sid=ACCOUNT)
    house.stop()
    house.start()
    assert client.conferences.retrieve(sid, account_sid=ACCOUNT) == before
    assert client.calls.retrieve(call_sid, account_sid=ACCOUNT).status == "completed"
