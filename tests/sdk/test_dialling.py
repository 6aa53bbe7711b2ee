"""Calls by the API, with Telnyx's own client: into a conference, or with instructions of their own."""

from __future__ import annotations

import time

import gevent
import pytest
import requests
import telnyx

from tests.lab.softphones import Answers, NeverAnswers, Rejects
from tests.scenarios.conftest import ACCOUNT, House
from tests.sdk.conftest import Client
from tests.sound.common import ROOM, until

ANNA, GUEST, FROM = "+13125550002", "+13125550021", "+13125550100"
MAIN = "1568109700606592442"
ANNAS, GUESTS = 500, 900
OVER = ("busy", "completed")


def invited(client: Client, conference: str, **more: object) -> object:
    order = {"to": GUEST, "from_": FROM, "application_sid": MAIN, "beep": "false"} | more
    return client.conferences.participants.participants(conference, account_sid=ACCOUNT, **order)


def status_of(client: Client, sid: str) -> str:
    return str(client.calls.retrieve(sid, account_sid=ACCOUNT).status)


def test_somebody_is_dialled_into_a_conference_that_lives(house: House, client: Client) -> None:
    house.application.takes_callbacks("/status-of-guest")
    house.voice(house.joins(beep="false"))
    anna = house.switch.call(ROOM, from_=ANNA, sounds=ANNAS)
    house.delivered(2, 10)
    conference = client.conference()
    target = house.switch.register(GUEST, Answers(0.5, sounds=GUESTS))
    guest = invited(
        client,
        conference.sid,
        label="guest",
        status_callback=house.application.url("/status-of-guest"),
        status_callback_event="initiated ringing answered completed",
    )
    assert (guest.conference_sid, guest.status, guest.muted) == (conference.sid, "connecting", False)
    assert guest.call_sid in {one.call_sid for one in client.participants(conference.sid)}
    phone = target.wait_called(10)
    phone.wait_hears(ANNAS, 10)
    anna.wait_hears(GUESTS, 10)
    one = client.conferences.participants.retrieve(
        "guest", account_sid=ACCOUNT, conference_sid=conference.sid
    )
    assert (one.call_sid, one.status) == (guest.call_sid, "connected")
    call = client.calls.retrieve(guest.call_sid, account_sid=ACCOUNT)
    assert (call.direction, call.to, call.status) == ("outbound", GUEST, "in-progress")
    client.conferences.participants.update(
        "guest", account_sid=ACCOUNT, conference_sid=conference.sid, muted=True
    )
    anna.wait_stops_hearing(GUESTS, 10)
    client.conferences.participants.delete("guest", account_sid=ACCOUNT, conference_sid=conference.sid)
    phone.wait_ended(10)
    delivered = house.application.wait_for("/status-of-guest", 4, 10)
    assert [(one.fields["SequenceNumber"], one.fields["CallStatus"]) for one in delivered] == [
        ("0", "initiated"),
        ("1", "ringing"),
        ("2", "in-progress"),
        ("3", "completed"),
    ]
    assert {one.fields["CallSid"] for one in delivered} == {guest.call_sid}


def test_a_conference_is_opened_by_its_name_and_has_the_sid_that_was_reported(
    house: House, client: Client
) -> None:
    target = house.switch.register(GUEST, Answers(0.5, sounds=GUESTS))
    guest = invited(
        client,
        "Room 1234",
        conference_status_callback=house.application.url("/events"),
        conference_status_callback_event="start end join leave",
        end_conference_on_exit=True,
    )
    assert client.conference(status="init").sid == guest.conference_sid
    target.wait_called(10)
    assert [event["ConferenceSid"] for event in house.events(2, 10)] == [guest.conference_sid] * 2
    house.voice(house.joins(beep="false"))
    anna = house.switch.call(ROOM, from_=ANNA, sounds=ANNAS)
    anna.wait_hears(GUESTS, 10)
    assert client.conference().sid == guest.conference_sid
    client.calls.update(guest.call_sid, account_sid=ACCOUNT, status="completed")
    anna.wait_ended(10)
    over = client.conference(status="completed")
    assert over.reason_conference_ended == "participant-with-end-conference-on-exit-left"


@pytest.mark.parametrize(
    ("behaviour", "status"), [(Rejects(486), "busy"), (NeverAnswers(), "no-answer"), (None, "failed")]
)
def test_a_participant_that_does_not_answer_leaves_a_conference_that_has_ended(
    house: House, client: Client, behaviour: object, status: str
) -> None:
    house.application.takes_callbacks("/status-of-guest")
    if behaviour is not None:
        house.switch.register(GUEST, behaviour)
    guest = invited(
        client,
        "Room 1234",
        timeout_seconds=5,
        status_callback=house.application.url("/status-of-guest"),
    )
    until(lambda: status_of(client, guest.call_sid) == status, 20, f"the call is {status}")
    assert client.conference(status="completed").sid == guest.conference_sid
    assert client.participants(guest.conference_sid) == []
    (delivered,) = house.application.wait_for("/status-of-guest", 1, 10)
    assert delivered.fields["CallStatus"] == status


def test_a_ringing_participant_can_be_called_off(house: House, client: Client) -> None:
    target = house.switch.register(GUEST, NeverAnswers())
    guest = invited(client, "Room 1234")
    phone = target.wait_called(10)
    with pytest.raises(telnyx.UnprocessableEntityError):
        client.conferences.participants.update(
            guest.call_sid, account_sid=ACCOUNT, conference_sid=guest.conference_sid, muted=True
        )
    client.conferences.participants.delete(
        guest.call_sid, account_sid=ACCOUNT, conference_sid=guest.conference_sid
    )
    phone.wait_ended(10)
    until(lambda: status_of(client, guest.call_sid) in ("canceled", "no-answer", "failed"), 10)


def test_a_participant_that_cannot_be_dialled_is_refused_at_once(house: House, client: Client) -> None:
    for wrong in (
        {"to": "sip:somebody@elsewhere.example"},
        {"to": "${system(reboot)}"},
        {"application_sid": "nobody"},
        {"coaching": True},
        {"coaching": True, "call_sid_to_coach": "v3:nobody"},
        {"timeout_seconds": 4},
        {"label": "a/b"},
        {"custom_headers": [{"name": "Via", "value": "x"}]},
        {"conference_status_callback": "file:///etc/passwd"},
    ):
        with pytest.raises(telnyx.UnprocessableEntityError):
            invited(client, "Room 1234", **wrong)
    with pytest.raises(telnyx.NotFoundError):
        invited(client, "cd5a70f4-759b-4d5e-9c06-88c00f16f3c1")
    assert not client.calls.retrieve_calls(ACCOUNT).calls
    assert not client.conferences.retrieve_conferences(ACCOUNT).conferences


@pytest.mark.parametrize(
    "headers", [{"Idempotency-Key": "one"}, {"x-stainless-retry-count": "1"}], ids=["key", "retry"]
)
def test_a_client_that_tries_again_calls_once(house: House, client: Client, headers: dict[str, str]) -> None:
    target = house.switch.register(GUEST, Answers(0.2, sounds=GUESTS))
    path = "/Conferences/Room 1234/Participants"
    body = {"To": GUEST, "From": FROM, "ApplicationSid": MAIN}
    first_headers = {} if "x-stainless-retry-count" in headers else headers
    first = client.ask("POST", path, json=body, headers=first_headers)
    target.wait_called(10)
    again = client.ask("POST", path, json=body, headers=headers)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    gevent.sleep(0.5)
    assert len(target.calls) == 1
    if "Idempotency-Key" in headers:
        other = client.ask("POST", path, json=body | {"Label": "b"}, headers=headers)
        assert other.status_code == 422


def test_a_key_of_one_account_says_nothing_of_another_s(
    house: House, client: Client, outsider: Client
) -> None:
    target = house.switch.register(GUEST, Answers(0.2, sounds=GUESTS))
    made = []
    for each, application in ((client, MAIN), (outsider, "2")):
        body = {"To": GUEST, "From": FROM, "ApplicationSid": application}
        answer = each.ask("POST", "/Calls", json=body, headers={"Idempotency-Key": "one"})
        assert answer.status_code == 200, answer.text
        made.append(answer.json()["sid"])
    assert len(set(made)) == 2
    target.wait_called(10)
    until(lambda: len(target.calls) == 2, 10, "both are called")


@pytest.mark.parametrize("behaviour", [Rejects(486), Answers(0.1)], ids=["refused", "answered"])
def test_a_call_that_is_over_counts_against_no_limit(
    house: House, client: Client, behaviour: Rejects | Answers
) -> None:
    house.stop()
    house.start(trunks="    max_calls: 1\n")
    house.voice("<Response><Pause length='1'/></Response>")
    house.switch.register(GUEST, behaviour)
    for _again in range(3):
        made = client.calls.calls(ACCOUNT, body={"ApplicationSid": MAIN, "To": GUEST, "From": FROM})
        until(lambda sid=made.call_sid: status_of(client, sid) in OVER, 15, "it is over")


def test_a_call_is_hung_up_after_its_time_limit(house: House, client: Client) -> None:
    target = house.switch.register(GUEST, Answers(0.1, sounds=GUESTS))
    house.voice("<Response><Pause length='30'/></Response>")
    client.calls.calls(ACCOUNT, body={"ApplicationSid": MAIN, "To": GUEST, "From": FROM, "TimeLimit": 2})
    phone = target.wait_called(10)
    answered = time.monotonic()
    phone.wait_ended(20)
    assert 1 < time.monotonic() - answered < 20, "its document takes half a minute"


# Calls of their own


def test_a_call_is_made_with_a_document_and_another_with_the_applications(
    house: House, client: Client
) -> None:
    sound = house.application.tone(1300, 2.0)
    document = house.application.document("/own", f"<Response><Play>{sound}</Play></Response>")
    target = house.switch.register(GUEST, Answers(0.2, sounds=GUESTS))
    made = client.calls.calls(
        ACCOUNT, body={"ApplicationSid": MAIN, "To": GUEST, "From": FROM, "Url": document}
    )
    assert (made.from_, made.to, made.status) == (FROM, GUEST, "queued")
    target.wait_called(10).wait_hears(1300, 10)
    (asked,) = house.application.to("/own")
    assert (asked.fields["Direction"], asked.fields["To"]) == ("outbound", GUEST)
    house.voice(f"<Response><Play>{house.application.tone(1700, 2.0)}</Play></Response>")
    older = client.sdk.texml.calls.create(MAIN, from_=FROM, to=GUEST)
    assert older.status == "queued"
    target.wait_called(10, nth=2).wait_hears(1700, 10)
    texml = f"<Response><Play>{house.application.tone(1100, 2.0)}</Play></Response>"
    client.sdk.texml.calls.create(MAIN, from_=FROM, to=GUEST, texml=texml)
    target.wait_called(10, nth=3).wait_hears(1100, 10)
    until(lambda: status_of(client, older.call_sid) == "completed", 15, "the call is over")


def test_a_call_is_recorded_paused_and_stopped(house: House, client: Client) -> None:
    house.application.takes_callbacks("/recording")
    house.voice(house.joins(beep="false"))
    phone = house.switch.call(ROOM, from_=ANNA, sounds=ANNAS)
    phone.wait_answered(10)
    call_sid = house.events(1, 10)[0]["CallSid"]
    begun = client.calls.recordings_json.recordings_json(
        call_sid,
        account_sid=ACCOUNT,
        play_beep=False,
        recording_channels="single",
        recording_status_callback=house.application.url("/recording"),
        recording_status_callback_event="in-progress completed",
    )
    assert (begun.call_sid, begun.channels, begun.source) == (call_sid, 1, "StartCallRecordingAPI")
    gevent.sleep(1.5)
    for status in ("paused", "in-progress", "stopped"):
        changed = client.calls.recordings.recording_sid_json(
            begun.sid, account_sid=ACCOUNT, call_sid=call_sid, status=status
        )
        assert changed.status == status
    delivered = house.application.wait_for("/recording", 2, 10)
    assert [one.fields["RecordingStatus"] for one in delivered] == ["in-progress", "completed"]
    assert requests.get(delivered[-1].fields["RecordingUrl"], timeout=10).content[:4] == b"RIFF"
    (one,) = client.calls.recordings_json.retrieve_recordings_json(call_sid, account_sid=ACCOUNT).recordings
    assert (one.sid, one.status) == (begun.sid, "completed")


def test_nobody_is_dialled_beyond_the_number_of_calls_that_there_may_be(house: House, client: Client) -> None:
    house.stop()
    house.start(more="admission: {max_calls: 1}")
    house.voice(house.joins(beep="false"))
    anna = house.switch.call(ROOM, from_=ANNA)
    anna.wait_answered(10)
    with pytest.raises(telnyx.InternalServerError, match=r"admission\.max_calls is 1"):
        invited(client, client.conference().sid)


@pytest.mark.parametrize("while_dead", [False, True], ids=["stopped after", "hangs up meanwhile"])
def test_a_recording_begun_over_the_api_outlives_a_restart(
    house: House, client: Client, while_dead: bool
) -> None:
    house.application.takes_callbacks("/recording")
    house.voice(house.joins(beep="false"))
    phone = house.switch.call(ROOM, from_=ANNA, sounds=ANNAS)
    phone.wait_answered(10)
    call_sid = house.events(1, 10)[0]["CallSid"]
    begun = client.calls.recordings_json.recordings_json(
        call_sid,
        account_sid=ACCOUNT,
        play_beep=False,
        recording_status_callback=house.application.url("/recording"),
        recording_status_callback_event="in-progress completed",
    )
    gevent.sleep(1.0)
    house.stop()
    gevent.sleep(1.0)
    if while_dead:
        phone.hang_up()
        phone.wait_ended(5)
    house.start()
    if not while_dead:
        changed = client.calls.recordings.recording_sid_json(
            begun.sid, account_sid=ACCOUNT, call_sid=call_sid, status="stopped"
        )
        assert changed.status == "stopped"
    delivered = [one.fields for one in house.application.wait_for("/recording", 2, 15)]
    assert [one["RecordingStatus"] for one in delivered] == ["in-progress", "completed"]
    assert int(delivered[1]["RecordingDuration"]) >= 2
    assert requests.get(delivered[1]["RecordingUrl"], timeout=10).content[:4] == b"RIFF"
    (one,) = client.calls.recordings_json.retrieve_recordings_json(call_sid, account_sid=ACCOUNT).recordings
    assert (one.sid, one.status) == (begun.sid, "completed")


def test_a_dialled_participant_is_in_the_conference_after_a_restart(house: House, client: Client) -> None:
    house.voice(house.joins(beep="false"))
    anna = house.switch.call(ROOM, from_=ANNA, sounds=ANNAS)
    house.delivered(2, 10)
    target = house.switch.register(GUEST, Answers(0.2, sounds=GUESTS))
    guest = invited(client, client.conference().sid, label="guest")
    phone = target.wait_called(10)
    anna.wait_hears(GUESTS, 10)
    house.stop()
    house.start()
    anna.wait_hears(GUESTS, 10)
    one = client.conferences.participants.retrieve(
        "guest", account_sid=ACCOUNT, conference_sid=guest.conference_sid
    )
    assert (one.call_sid, one.status) == (guest.call_sid, "connected")
    client.conferences.participants.delete("guest", account_sid=ACCOUNT, conference_sid=guest.conference_sid)
    phone.wait_ended(10)
    until(lambda: status_of(client, guest.call_sid) == "completed", 10, "its call is over")


def test_a_participant_that_rang_before_a_restart_is_in_the_conference_after_it(
    house: House, client: Client
) -> None:
    # Symptom: now and then the call was `failed`, though it was answered later and talked.
    # Cause: the order's answer was lost with the socket before any event of the leg had been read, and
    # that was taken for a call that never was. Fix: what is seen at the next connect decides.
    house.voice(house.joins(beep="false"))
    anna = house.switch.call(ROOM, from_=ANNA, sounds=ANNAS)
    house.delivered(2, 10)
    target = house.switch.register(GUEST, Answers(3.0, sounds=GUESTS))
    guest = invited(client, client.conference().sid, label="guest")
    phone = target.wait_called(10)
    house.stop()
    house.start()
    anna.wait_hears(GUESTS, 15)
    anna.hang_up()
    phone.hang_up()
    until(lambda: status_of(client, guest.call_sid) == "completed", 10, "its call is over")


def test_a_participant_that_answered_while_nobody_listened_is_in_the_conference_after(
    house: House, client: Client
) -> None:
    house.voice(house.joins(beep="false"))
    anna = house.switch.call(ROOM, from_=ANNA, sounds=ANNAS)
    house.delivered(2, 10)
    target = house.switch.register(GUEST, Answers(1.0, sounds=GUESTS))
    guest = invited(client, client.conference().sid, label="guest")
    phone = target.wait_called(10)
    house.stop()
    phone.wait_answered(10)
    house.start()
    anna.wait_hears(GUESTS, 15)
    anna.hang_up()
    phone.hang_up()
    until(lambda: status_of(client, guest.call_sid) == "completed", 10, "its call is over")
