"""The effect of each parameter of the REST API, seen from outside: by phones, by the application, in lists.

`OBSERVED` says of every parameter that is honoured which test sees its effect; the walk over the clients'
signatures (test_every_parameter.py) demands an entry for each that is not refused.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any, TypeVar

import gevent
import numpy as np
import pytest
import requests
import soundfile

from orchestrator.calls.records import CallRecord, _record
from orchestrator.conference.live.records import RoomRecord, row_of_room
from orchestrator.conference.machine.state import RoomPhase
from orchestrator.recordings.records import RecordingRecord, row_of_recording
from orchestrator.sids import call_sid_of, leg_of
from orchestrator.web.api.blueprint import OPERATIONS
from tests.lab.softphones import Answers, NeverAnswers
from tests.lab.sound import level_db
from tests.scenarios.conftest import ACCOUNT, House
from tests.sdk import test_dialling, test_participant_updates, test_recordings
from tests.sdk.conftest import Client
from tests.sdk.test_participant_updates import ANNA, BERT, CLEO, VOICES, Party, goes_quiet
from tests.sound.common import ROOM, until
from tests.web import test_timeline

GUEST, FROM, MAIN = "+13125550021", "+13125550100", "1568109700606592442"
GUESTS = 900
BOTH = ("createCall", "dialParticipant")
OBSERVED: dict[tuple[str, str], str] = {}
Test = TypeVar("Test", bound=Callable[..., None])


def observes(operations: str | tuple[str, ...], *names: str) -> Callable[[Test], Test]:
    def note(test: Test) -> Test:
        for operation in (operations,) if isinstance(operations, str) else operations:
            OBSERVED.update({(operation, name): test.__name__ for name in names})
        return test

    return note


observes("updateConference", "Status")(
    test_participant_updates.test_a_conference_that_is_completed_hangs_up_everybody
)
observes("updateConference", "AnnounceUrl")(
    test_participant_updates.test_an_announcement_to_the_conference_is_heard_by_all
)
observes("updateParticipant", "Muted")(
    test_participant_updates.test_a_muted_participant_is_heard_by_nobody_and_hears_all
)
observes("updateParticipant", "Hold", "HoldUrl")(
    test_participant_updates.test_a_participant_on_hold_hears_its_music_alone_and_is_not_heard
)
observes("updateParticipant", "Coaching", "CallSidToCoach")(
    test_participant_updates.test_a_coach_is_heard_by_one_alone_then_by_another_then_by_all
)
observes("updateParticipant", "AnnounceUrl")(
    test_participant_updates.test_an_announcement_to_one_is_heard_by_that_one_alone
)
observes("updateParticipant", "BeepOnExit", "EndConferenceOnExit")(
    test_participant_updates.test_a_participant_made_to_end_the_conference_ends_it_and_beeps_or_not
)
observes("updateParticipant", "WaitUrl")(test_participant_updates.test_a_waiting_participant_gets_other_music)
observes("updateCall", "Url")(
    test_participant_updates.test_a_call_in_a_conference_is_given_other_words_and_belongs_to_it_no_more
)
observes("updateCall", "Texml", "Status")(
    test_participant_updates.test_a_call_is_given_a_document_and_then_another
)
observes("updateCall", "StatusCallback")(
    test_participant_updates.test_the_end_of_a_call_is_reported_where_the_update_says
)
observes("createCall", "Url", "Texml")(
    test_dialling.test_a_call_is_made_with_a_document_and_another_with_the_applications
)
observes(
    "startCallRecording",
    "PlayBeep",
    "RecordingChannels",
    "RecordingStatusCallback",
    "RecordingStatusCallbackEvent",
)(test_dialling.test_a_call_is_recorded_paused_and_stopped)
observes(("updateCallRecording", "updateConferenceRecording"), "Status", "PauseBehavior")(
    test_recordings.test_twilios_client_pauses_resumes_stops_and_deletes_a_recording
)
observes("listCallEvents", "Page", "PageSize", "PageToken")(
    test_timeline.test_twilio_s_client_reads_the_events_of_a_call
)


# Lists


DAY = 86_400_000_000
FIRST = 1_710_028_800_000_000  # 2024-03-10
SIDS = [f"00000000-0000-4000-8000-00000000000{day}" for day in range(3)]
CALLS = [call_sid_of(f"0000000{day}-0000-4000-8000-000000000000") for day in range(3)]
# Participants are tested below; what no vendor lists, and a call's events, in tests/web.
ELSEWHERE = {
    "listParticipants",
    "listAccountParticipants",
    "listCallbacks",
    "listCallTimeline",
    "listConferenceTimeline",
    "listAccountTimeline",
    "listRejectedCalls",
    "listCallEvents",
}
LISTED = [
    operation
    for operation in OPERATIONS
    if operation.method == "GET" and "pagetoken" in operation.parameters and operation.name not in ELSEWHERE
]
SPELLINGS = {"": [1], ">": [2, 1], ">=": [2, 1], "_gt": [2, 1], "<": [1, 0], "<=": [1, 0], "_lt": [1, 0]}
EQUAL: dict[tuple[str, str], tuple[str, list[int]]] = {
    ("listCalls", "From"): ("+1", [1]),
    ("listCalls", "To"): ("+31", [1]),
    ("listCalls", "Status"): ("busy", [1]),
    ("listCalls", "ParentCallSid"): (CALLS[0], [1]),
    ("listConferences", "FriendlyName"): ("Room 1", [1]),
    ("listConferences", "Status"): ("in-progress", [1]),
    ("listRecordings", "CallSid"): (CALLS[1], [1]),
    ("listRecordings", "ConferenceSid"): (SIDS[1], [1]),
}
FILTERS = [
    *((operation, name, value, expected) for (operation, name), (value, expected) in EQUAL.items()),
    *(
        (operation.name, name + spelling, "2024-03-11", expected)
        for operation in LISTED
        for name in operation.times
        for spelling, expected in SPELLINGS.items()
    ),
    *((operation.name, "PageSize", "1", [2]) for operation in LISTED),
    *((operation.name, "Page", "1", []) for operation in LISTED),
    *((operation.name, "PageToken", "", [1, 0]) for operation in LISTED),
]


def past(house: House) -> None:
    """One of everything on each of three days; all that can be of one room or call is."""
    assert house.orchestrator is not None
    house.orchestrator.retention.stop()
    records = house.orchestrator.outbox.records
    for day in range(3):
        at = FIRST + day * DAY
        odd = day == 1
        state = RoomPhase.STARTED.value if odd else RoomPhase.ENDED.value
        records.put(
            [row_of_room(RoomRecord(SIDS[day], ACCOUNT, f"Room {day}", at, at, 0 if odd else at, state))]
        )
        call = CallRecord(
            CALLS[day],
            ACCOUNT,
            f"0000000{day}-0000-4000-8000-000000000000",
            f"+{day}",
            f"+3{day}",
            False,
            at,
            at,
            at,
            at,
            "busy" if odd else "completed",
            "",
            CALLS[0] if odd else "",
        )
        records.put([_record(call)])


def recorded(house: House, call_sid: str, conference_sid: str) -> None:
    assert house.orchestrator is not None
    for day in range(3):
        at = FIRST + day * DAY
        recording = RecordingRecord(
            SIDS[day],
            ACCOUNT,
            call_sid or CALLS[day],
            "Conference",
            at,
            at,
            conference_sid or SIDS[day],
            status="completed",
        )
        house.orchestrator.outbox.records.put([row_of_recording(recording)])


@pytest.mark.only("emulator")
@pytest.mark.parametrize(("operation", "name", "value", "expected"), FILTERS)
def test_a_list_shows_only_that(
    house: House, client: Client, operation: str, name: str, value: str, expected: list[int]
) -> None:
    past(house)
    recorded(
        house,
        CALLS[0] if operation == "listCallRecordings" else "",
        SIDS[0] if operation.startswith("listConferenceRecordings") else "",
    )
    (asked,) = [one for one in LISTED if one.name == operation]
    path = asked.path.format(conference_sid=SIDS[0], call_sid=CALLS[0]) + asked.suffixes[0]

    def shown(**query: str) -> list[int]:
        body = client.ask("GET", path, params=query).json()
        (found,) = [
            entries for key, entries in body.items() if isinstance(entries, list) and key != "participants"
        ]
        sids = CALLS if operation == "listCalls" else SIDS
        return [sids.index(entry["sid"]) for entry in found]

    if name == "PageToken":
        following = client.ask("GET", path, params={"PageSize": "1"}).json()["next_page_uri"]
        value = following.partition("PageToken=")[2]
    assert shown(**{name: value}) == expected


for _operation, _name, *_ in FILTERS:
    observes(_operation, _name)(test_a_list_shows_only_that)


@observes("listParticipants", "Muted", "Hold", "Coaching", "Page", "PageSize")
def test_participants_are_listed_by_how_they_take_part(house: House, client: Client) -> None:
    party = Party(house, client, ANNA, BERT, CLEO)
    party.update(ANNA, muted=True)
    party.update(BERT, hold=True)
    party.update(CLEO, coaching=True, call_sid_to_coach=party.sids[ANNA])
    callers = {sid: caller for caller, sid in party.sids.items()}

    def shown(**query: str) -> list[str]:
        body = client.ask("GET", f"/Conferences/{party.sid}/Participants", params=query).json()
        return [callers[one["call_sid"]] for one in body["participants"]]

    for name, one in (("Muted", ANNA), ("Hold", BERT), ("Coaching", CLEO)):
        assert shown(**{name: "true"}) == [one]
        assert shown(**{name: "false"}) == [caller for caller in (ANNA, BERT, CLEO) if caller != one]
    assert shown(Muted="true", Hold="true") == []
    assert shown(PageSize="2") == [ANNA, BERT]
    assert shown(PageSize="2", Page="1") == [CLEO]


observes("listParticipants", "PageToken")(test_participants_are_listed_by_how_they_take_part)


@observes(("listRecordings", "fetchRecording"), "IncludeSoftDeleted")
@pytest.mark.only("emulator")
def test_deleted_recordings_are_shown_where_that_is_asked_for(house: House, client: Client) -> None:
    past(house)
    recorded(house, "", "")
    assert client.ask("DELETE", f"/Recordings/{SIDS[1]}").status_code == 204

    def shown(**query: str) -> list[int]:
        found = client.ask("GET", "/Recordings", params=query).json()["recordings"]
        return [SIDS.index(one["sid"]) for one in found]

    assert shown() == shown(IncludeSoftDeleted="false") == [2, 0]
    assert shown(IncludeSoftDeleted="true") == [2, 1, 0]
    fetched = [
        client.ask("GET", f"/Recordings/{SIDS[1]}", params={"IncludeSoftDeleted": value}).status_code
        for value in ("true", "false")
    ]
    assert fetched == [200, 404]


# How a URL is asked for


METHODS = [
    ("updateConference", "AnnounceUrl", "AnnounceMethod", "GET"),
    ("updateParticipant", "AnnounceUrl", "AnnounceMethod", "GET"),
    ("updateParticipant", "HoldUrl", "HoldMethod", "POST"),
    ("updateParticipant", "WaitUrl", "WaitMethod", "GET"),
    ("updateCall", "Url", "Method", "GET"),
    ("updateCall", "FallbackUrl", "FallbackMethod", "GET"),
    ("updateCall", "StatusCallback", "StatusCallbackMethod", "GET"),
    ("startCallRecording", "RecordingStatusCallback", "RecordingStatusCallbackMethod", "GET"),
]


@observes("updateCall", "FallbackUrl")
@pytest.mark.parametrize(("operation", "url", "name", "method"), METHODS)
def test_a_url_is_asked_for_in_the_way_that_is_given(
    house: House, client: Client, operation: str, url: str, name: str, method: str
) -> None:
    music = house.application.tone(700, 2.0)
    waits = {"startConferenceOnEnter": "false"} if name == "WaitMethod" else {}
    house.voice(house.joins(beep="false", waitUrl=music, waitMethod="GET", **waits))
    phone = house.switch.call(ROOM, from_=ANNA, sounds=500)
    phone.wait_answered(10)
    until(lambda: client.conferences.retrieve_conferences(ACCOUNT).conferences, 10, "the conference")
    status = "init" if waits else "in-progress"
    until(lambda: client.conferences.retrieve_conferences(ACCOUNT).conferences[0].status == status, 10)
    sid = client.conference(status=status).sid
    (one,) = client.participants(sid)
    path = {
        "updateConference": f"/Conferences/{sid}",
        "updateParticipant": f"/Conferences/{sid}/Participants/{one.call_sid}",
        "updateCall": f"/Calls/{one.call_sid}",
        "startCallRecording": f"/Calls/{one.call_sid}/Recordings",
    }[operation]
    document = "<Response><Pause length='30'/></Response>"
    target = house.application.document("/asked", document)
    given = {url: target, name: method}
    if name == "HoldMethod":
        given["Hold"] = "true"
    if name == "FallbackMethod":
        given["Url"] = house.application.url("/nowhere")
    if name == "RecordingStatusCallbackMethod":
        given["RecordingStatusCallbackEvent"] = "in-progress"
    assert client.ask("POST", path, data=given).status_code == 200
    if name == "StatusCallbackMethod":
        phone.hang_up()
    asked = house.application.wait_for("/asked", 1, 10)
    assert asked[0].method == method


for _operation, _, _name, _ in METHODS:
    observes(_operation, _name)(test_a_url_is_asked_for_in_the_way_that_is_given)

# Calls


@observes("updateCall", "TimeLimit")
def test_a_call_is_given_another_time_limit(house: House, client: Client) -> None:
    party = Party(house, client, ANNA, BERT)
    assert client.ask("POST", f"/Calls/{party.sids[ANNA]}", data={"TimeLimit": 60}).status_code == 200
    gevent.sleep(0.3)
    assert party.phones[ANNA].state == "answered"
    assert client.ask("POST", f"/Calls/{party.sids[ANNA]}", data={"TimeLimit": 1}).status_code == 200
    party.phones[ANNA].wait_ended(10)
    assert party.delivered("participant-leave")["CallSid"] == party.sids[ANNA]
    assert party.phones[BERT].state == "answered"


@observes("updateCall", "Twiml", "StatusCallbackEvent")
def test_twiml_is_what_texml_is_and_only_events_that_are_wanted_are_reported(
    house: House, client: Client
) -> None:
    party = Party(house, client, ANNA)
    house.application.takes_callbacks("/elsewhere")
    sound = house.application.tone(1300, 3.0)
    twiml = f"<Response><Play>{sound}</Play></Response>"
    wanted = {"StatusCallback": house.application.url("/elsewhere"), "StatusCallbackEvent": "ringing"}
    assert client.ask("POST", f"/Calls/{party.sids[ANNA]}", data={"Twiml": twiml} | wanted).status_code == 200
    party.phones[ANNA].wait_hears(1300, 10)
    party.phones[ANNA].wait_ended(10)
    gevent.sleep(0.5)
    assert not house.application.to("/elsewhere")


@observes("startCallRecording", "RecordingTrack", "SendRecordingUrl", "Trim")
@pytest.mark.parametrize("track", ["inbound", "outbound", "both"])
def test_a_recording_holds_what_the_caller_says_or_hears_or_both(
    house: House, client: Client, track: str
) -> None:
    house.application.takes_callbacks("/recording")
    sound = house.application.tone(1300, 60.0)
    house.voice(f"<Response><Play>{sound}</Play></Response>")
    phone = house.switch.call(ROOM, from_=ANNA, sounds=500)
    phone.wait_hears(1300, 10)
    (call,) = client.calls.retrieve_calls(ACCOUNT).calls
    begun = client.ask(
        "POST",
        f"/Calls/{call.sid}/Recordings.json",
        data={
            "RecordingTrack": track,
            "PlayBeep": "false",
            "RecordingChannels": "single",
            "SendRecordingUrl": "false",
            "Trim": "trim-silence",
            "RecordingStatusCallback": house.application.url("/recording"),
        },
    ).json()
    assert begun["track"] == track
    gevent.sleep(1.5)
    phone.hang_up()
    (delivered,) = house.application.wait_for("/recording", 1, 15)
    assert "RecordingUrl" not in delivered.fields
    heard = tones_in(client, begun["sid"])
    assert (500 in heard, 1300 in heard) == {
        "inbound": (True, False),
        "outbound": (False, True),
        "both": (True, True),
    }[track]


def tones_in(client: Client, recording_sid: str) -> set[int]:
    """Which of the tones that phones and applications speak are in a recording."""
    url = client.ask("GET", f"/Recordings/{recording_sid}.json").json()["media_url"]
    samples, rate = soundfile.read(io.BytesIO(requests.get(url, timeout=10).content), dtype="int16")
    mono = np.asarray(samples if samples.ndim == 1 else samples[:, 0])
    return {hz for hz in (500, GUESTS, 1300) if level_db(mono, hz, rate) > -40}


# Dialling: the call


class Dialled:
    """A call that the API makes, with instructions that say nothing, or into the room where Anna is."""

    def __init__(
        self, house: House, client: Client, operation: str, behaviour: Any = None, **given: Any
    ) -> None:
        self.house, self.client = house, client
        self.target = house.switch.register(GUEST, behaviour or Answers(0.2, sounds=GUESTS))
        path, body = "/Calls", {"To": GUEST, "From": FROM, "ApplicationSid": MAIN}
        if operation == "dialParticipant":
            path = "/Conferences/Room 1234/Participants"
            body["Beep"] = "false"
        else:
            body["Texml"] = "<Response><Pause length='60'/></Response>"
        if {"Url", "Twiml"} & given.keys():
            del body["Texml"]
        answer = client.ask("POST", path, json=body | given)
        assert answer.status_code == 200, answer.text
        self.body = answer.json()
        self.sid = self.body["call_sid"] if "call_sid" in self.body else self.body["sid"]

    def phone(self) -> Any:
        return self.target.wait_called(10)

    def call(self) -> Any:
        return self.client.calls.retrieve(self.sid, account_sid=ACCOUNT)

    def variable(self, name: str) -> str:
        leg = until_leg(self.house, self.sid)
        return self.house.switch.api(f"uuid_getvar {leg} {name}").strip()


def until_leg(house: House, sid: str) -> str:
    leg = leg_of(sid)
    until(lambda: house.switch.api(f"uuid_exists {leg}").strip() == "true", 10, "the leg is there")
    return leg


@observes(BOTH, "To", "From", "CallerId", "CustomHeaders", "CallReason", "SipAuthUsername", "SipAuthPassword")
@pytest.mark.parametrize("operation", BOTH)
def test_the_callee_sees_who_calls_and_why(house: House, client: Client, operation: str) -> None:
    dialled = Dialled(
        house,
        client,
        operation,
        CallerId="Front desk",
        CustomHeaders=[{"name": "X-Order", "value": "17, please"}],
        CallReason="Your parcel, it's here",
        SipAuthUsername="ada",
        SipAuthPassword="secret",
    )
    phone = dialled.phone()
    assert '"Front desk"' in phone.request
    assert f"sip:{FROM}@" in phone.request
    assert "X-Order: 17, please" in phone.request
    (info,) = [line for line in phone.request.splitlines() if line.startswith("Call-Info: <data:>")]
    assert info.endswith('call-reason="Your parcel, it\N{RIGHT SINGLE QUOTATION MARK}s here"')
    assert dialled.variable("sip_auth_username") == "ada"
    assert dialled.variable("sip_auth_password") == "secret"
    assert dialled.call().caller_name == "Front desk"


@observes("dialParticipant", "CallerDisplayName")
def test_a_display_name_is_shown(house: House, client: Client) -> None:
    dialled = Dialled(house, client, "dialParticipant", CallerDisplayName="Front desk")
    assert '"Front desk"' in dialled.phone().request


def test_a_caller_id_is_the_number_that_is_shown_at_twilio_s_addresses(house: House, client: Client) -> None:
    target = house.switch.register(GUEST, Answers(0.2, sounds=GUESTS))
    url = f"{client.base}/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
    form = {"To": GUEST, "From": FROM, "CallerId": "+13125550155", "Twiml": "<Response><Pause/></Response>"}
    answer = requests.post(url, auth=(ACCOUNT, client.key), data=form, timeout=10)
    assert answer.status_code == 201, answer.text
    assert "sip:+13125550155@" in target.wait_called(10).request


@observes("createCall", "SendDigits")
def test_digits_are_pressed_once_it_has_answered(house: House, client: Client) -> None:
    dialled = Dialled(house, client, "createCall", SendDigits="1w2#")
    dialled.phone().wait_digits("12#", 10)


@observes(BOTH, "ApplicationSid")
@pytest.mark.parametrize("operation", BOTH)
def test_an_application_that_is_not_there_is_refused(house: House, client: Client, operation: str) -> None:
    path = "/Calls" if operation == "createCall" else "/Conferences/Room 1234/Participants"
    answer = client.ask("POST", path, json={"To": GUEST, "From": FROM, "ApplicationSid": "17"})
    assert answer.json()["errors"][0]["source"]["pointer"] == "/ApplicationSid"


@observes(BOTH, "Timeout", "TimeLimit")
@pytest.mark.parametrize("operation", BOTH)
def test_it_rings_and_talks_for_no_longer_than_it_may(house: House, client: Client, operation: str) -> None:
    began = time.monotonic()
    dialled = Dialled(house, client, operation, NeverAnswers(), Timeout=5)
    dialled.phone().wait_ended(15)
    assert 4 < time.monotonic() - began < 14
    phone = Dialled(house, client, operation, TimeLimit=1).target.wait_called(10)
    phone.wait_answered(10)
    phone.wait_ended(8)


@observes(
    BOTH,
    "StatusCallback",
    "StatusCallbackMethod",
    "StatusCallbackEvent",
    "Record",
    "RecordingChannels",
    "RecordingTrack",
    "Trim",
    "RecordingStatusCallback",
    "RecordingStatusCallbackMethod",
    "RecordingStatusCallbackEvent",
)
@observes("createCall", "SendRecordingUrl")
@pytest.mark.parametrize("operation", BOTH)
def test_the_status_of_a_call_and_its_recording_is_reported_as_asked_for(
    house: House, client: Client, operation: str
) -> None:
    for path in ("/call", "/recording"):
        house.application.takes_callbacks(path)
    more = {"SendRecordingUrl": False} if operation == "createCall" else {}
    dialled = Dialled(
        house,
        client,
        operation,
        StatusCallback=house.application.url("/call"),
        StatusCallbackMethod="GET",
        StatusCallbackEvent="answered",
        Record=True,
        RecordingChannels="dual",
        RecordingTrack="inbound",
        Trim="do-not-trim",
        RecordingStatusCallback=house.application.url("/recording"),
        RecordingStatusCallbackMethod="GET",
        RecordingStatusCallbackEvent="in-progress completed",
        **more,
    )
    phone = dialled.phone()
    (delivered,) = house.application.wait_for("/call", 1, 10)
    assert (delivered.method, delivered.fields["CallStatus"]) == ("GET", "in-progress")
    house.application.wait_for("/recording", 1, 10)
    gevent.sleep(1.0)
    phone.hang_up()
    delivered = house.application.wait_for("/recording", 2, 15)
    assert [(one.method, one.fields["RecordingStatus"]) for one in delivered] == [
        ("GET", "in-progress"),
        ("GET", "completed"),
    ]
    assert ("RecordingUrl" in delivered[-1].fields) is (operation == "dialParticipant")
    path = f"/Calls/{dialled.sid}/Recordings.json"
    (one,) = client.ask("GET", path).json()["recordings"]
    assert (one["channels"], one["source"], one["status"]) == (2, "OutboundAPI", "completed")
    gevent.sleep(0.3)
    assert len(house.application.to("/call")) == 1


@observes("createCall", "Method", "UrlMethod", "FallbackUrl", "FallbackMethod", "Twiml")
@pytest.mark.parametrize("name", ["Method", "UrlMethod"])
def test_instructions_are_asked_for_as_it_says(house: House, client: Client, name: str) -> None:
    sound = house.application.tone(1300, 3.0)
    fallback = house.application.document("/second", f"<Response><Play>{sound}</Play></Response>")
    dialled = Dialled(
        house,
        client,
        "createCall",
        Url=house.application.route("/first", 500),
        FallbackUrl=fallback,
        FallbackMethod="GET",
        **{name: "GET"},
    )
    dialled.phone().wait_hears(1300, 10)
    assert {house.application.to(path)[0].method for path in ("/first", "/second")} == {"GET"}
    twiml = f"<Response><Play>{house.application.tone(1700, 3.0)}</Play></Response>"
    Dialled(house, client, "createCall", Twiml=twiml).target.wait_called(10).wait_hears(1700, 10)


# Dialling: the participant and its conference


@observes(
    "dialParticipant",
    "Label",
    "Muted",
    "StartConferenceOnEnter",
    "EndConferenceOnExit",
    "WaitUrl",
    "WaitMethod",
)
def test_a_participant_waits_and_takes_part_as_asked_for(house: House, client: Client) -> None:
    house.application.tone(700, 60.0)
    wait = house.application.document(
        "/wait", f"<Response><Play>{house.application.tone(700, 60.0)}</Play></Response>"
    )
    dialled = Dialled(
        house,
        client,
        "dialParticipant",
        Label="guest",
        Muted=True,
        StartConferenceOnEnter=False,
        EndConferenceOnExit=True,
        WaitUrl=wait,
        WaitMethod="GET",
    )
    guest = dialled.phone()
    guest.wait_hears(700, 10)
    assert house.application.to("/wait")[0].method == "GET"
    sid = dialled.body["conference_sid"]
    assert client.conference(status="init").sid == sid
    house.voice(house.joins(beep="false"))
    anna = house.switch.call(ROOM, from_=ANNA, sounds=VOICES[ANNA])
    guest.wait_hears(VOICES[ANNA], 10)
    goes_quiet(anna, GUESTS)
    one = client.ask("GET", f"/Conferences/{sid}/Participants/guest").json()
    assert (one["call_sid"], one["muted"], one["end_conference_on_exit"]) == (dialled.sid, True, True)
    guest.hang_up()
    anna.wait_ended(10)


@observes("dialParticipant", "EarlyMedia")
@pytest.mark.parametrize("early", [True, False])
def test_those_inside_hear_how_the_phone_rings_or_do_not(house: House, client: Client, early: bool) -> None:
    house.voice(house.joins(beep="false"))
    anna = house.switch.call(ROOM, from_=ANNA)
    house.delivered(2, 10)
    behaviour = Answers(60.0, sounds=1700, early=True)
    Dialled(house, client, "dialParticipant", behaviour, EarlyMedia=early).phone()
    if early:
        anna.wait_hears(1700, 10)
    else:
        goes_quiet(anna, 1700)
        gevent.sleep(1.0)
        assert not anna.hears_now(1700)


@observes("dialParticipant", "Beep")
@pytest.mark.parametrize("beep", ["true", "false"])
def test_a_participant_comes_with_a_beep_or_without(house: House, client: Client, beep: str) -> None:
    house.voice(house.joins(beep="false"))
    anna = house.switch.call(ROOM, from_=ANNA)
    house.delivered(2, 10)
    since = time.monotonic()
    Dialled(house, client, "dialParticipant", Answers(0.2, sounds=1700), Beep=beep).phone()
    anna.wait_hears(1700, 10)
    gevent.sleep(0.5)
    assert bool(anna.heard(880, since=since)) is (beep == "true")


@observes("dialParticipant", "Coaching", "CallSidToCoach")
def test_a_participant_is_dialled_to_coach_one_of_two(house: House, client: Client) -> None:
    party = Party(house, client, ANNA, BERT)
    Dialled(house, client, "dialParticipant", Coaching=True, CallSidToCoach=party.sids[ANNA]).phone()
    party.phones[ANNA].wait_hears(GUESTS, 10)
    goes_quiet(party.phones[BERT], GUESTS)


@observes("dialParticipant", "MaxParticipants")
def test_a_conference_that_a_participant_opens_is_as_large_as_it_says(house: House, client: Client) -> None:
    sid = Dialled(house, client, "dialParticipant", MaxParticipants=2).body["conference_sid"]
    until(lambda: [one.status for one in client.participants(sid)] == ["connected"], 10, "the guest is in")
    house.voice(house.joins(beep="false"))
    anna = house.switch.call(ROOM, from_=ANNA)
    anna.wait_hears(GUESTS, 10)
    house.switch.call(ROOM, from_=BERT).wait_ended(10)


@observes(
    "dialParticipant",
    "ConferenceRecord",
    "ConferenceTrim",
    "ConferenceRecordingTimeout",
    "ConferenceRecordingStatusCallback",
    "ConferenceRecordingStatusCallbackMethod",
    "ConferenceRecordingStatusCallbackEvent",
    "ConferenceStatusCallback",
    "ConferenceStatusCallbackMethod",
    "ConferenceStatusCallbackEvent",
)
def test_the_status_of_a_conference_is_reported_as_asked_for(house: House, client: Client) -> None:
    for path in ("/room", "/recording"):
        house.application.takes_callbacks(path)
    dialled = Dialled(
        house,
        client,
        "dialParticipant",
        ConferenceRecord="record-from-start",
        ConferenceTrim="do-not-trim",
        ConferenceRecordingTimeout=1,
        ConferenceRecordingStatusCallback=house.application.url("/recording"),
        ConferenceRecordingStatusCallbackMethod="GET",
        ConferenceRecordingStatusCallbackEvent="completed",
        ConferenceStatusCallback=house.application.url("/room"),
        ConferenceStatusCallbackMethod="GET",
        ConferenceStatusCallbackEvent="start",
    )
    phone = dialled.phone()
    (delivered,) = house.application.wait_for("/room", 1, 10)
    assert (delivered.method, delivered.fields["StatusCallbackEvent"]) == ("GET", "conference-start")
    gevent.sleep(1.0)
    phone.sounds(None)
    # A second of silence ends it, long before the call is over; as long as the silence is, it is kept.
    (delivered,) = house.application.wait_for("/recording", 1, 15)
    assert phone.state == "answered"
    assert (delivered.method, delivered.fields["RecordingStatus"]) == ("GET", "completed")
    assert int(delivered.fields["RecordingDuration"]) >= 2
    phone.hang_up()
    gevent.sleep(0.5)
    assert len(house.application.to("/room")) == len(house.application.to("/recording")) == 1
