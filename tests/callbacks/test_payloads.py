from __future__ import annotations

from dataclasses import replace as changed
from urllib.parse import parse_qsl

import pytest
from msgspec.structs import replace

from orchestrator.callbacks.payloads import (
    CallFacts,
    CallStatus,
    RecordingFacts,
    TimestampFormat,
    call_fields,
    conference_fields,
    recording_fields,
    timestamp,
)
from orchestrator.conference.machine.effects import SendCallback
from orchestrator.conference.machine.events import Added, End, JoinRequest, Left
from orchestrator.conference.machine.state import (
    Caller,
    ConferenceOptions,
    EndReason,
    LeaveReason,
    Participant,
    ParticipantOptions,
    Phase,
    Room,
    RoomPhase,
)
from orchestrator.conference.machine.table import step
from orchestrator.store.message import Message
from orchestrator.types import CallbackStyle

AT = 1_705_314_660_000_000  # 2024-01-15T10:31:00Z
TELNYX_ONLY = CallbackStyle(twilio_extras=False)
ALL = CallbackStyle()

CALLER = Caller(
    call_sid="v3:9X2vxPDFY2RHSJ1EdMS0RHRksMTg7ldNxdjWbVr9zBjbGjGsSe-aiQ",
    leg="leg-1",
    connection_id="1234567890",
    from_="+35319605860",
    to="+13129457420",
)
ROOM = Room(
    sid="58b4eda9-03de-4bee-9178-d0e10d83e519",
    account_sid="f5586561-8ff0-4291-a51b-c7dfe4139ff9",
    name="Room 1234",
    options=ConferenceOptions(),
)
PARTICIPANT = Participant(CALLER, ParticipantOptions(), Phase.IN)
JOIN = SendCallback("participant-join", 2, AT, CALLER, PARTICIPANT)
END = SendCallback("conference-end", 5, AT, CALLER)


def test_a_join_is_on_the_wire_as_in_telnyx_s_sample() -> None:
    fields = conference_fields(ROOM, JOIN, TELNYX_ONLY)
    body = Message("q", "http://h/", "POST", fields, "a", "e", 2, 0).body()
    assert body == (
        b"AccountSid=f5586561-8ff0-4291-a51b-c7dfe4139ff9"
        b"&CallSid=v3%3A9X2vxPDFY2RHSJ1EdMS0RHRksMTg7ldNxdjWbVr9zBjbGjGsSe-aiQ"
        b"&CallSidLegacy=v3%3A9X2vxPDFY2RHSJ1EdMS0RHRksMTg7ldNxdjWbVr9zBjbGjGsSe-aiQ"
        b"&ConferenceSid=58b4eda9-03de-4bee-9178-d0e10d83e519"
        b"&ConnectionId=1234567890"
        b"&FriendlyName=Room+1234"
        b"&From=%2B35319605860"
        b"&SequenceNumber=2"
        b"&StatusCallbackEvent=participant-join"
        b"&Timestamp=2024-01-15T10%3A31%3A00.000000Z"
        b"&To=%2B13129457420"
    )
    assert dict(parse_qsl(body.decode())) == dict(fields)


REQUIRED = [
    "AccountSid",
    "CallSid",
    "CallSidLegacy",
    "ConferenceSid",
    "ConnectionId",
    "FriendlyName",
    "SequenceNumber",
    "StatusCallbackEvent",
    "Timestamp",
]


@pytest.mark.parametrize(
    "event",
    [
        "conference-start",
        "conference-end",
        "participant-join",
        "participant-leave",
        "participant-speech-start",
        "participant-speech-stop",
    ],
)
@pytest.mark.parametrize("settings", [TELNYX_ONLY, ALL])
def test_every_event_has_the_required_fields_in_alphabetical_order(
    event: str, settings: CallbackStyle
) -> None:
    bare = Caller(call_sid="v3:1", leg="leg")
    fields = conference_fields(ROOM, SendCallback(event, 0, AT, bare), settings)
    names = [name for name, _ in fields]
    assert [name for name in names if name in REQUIRED] == REQUIRED
    assert names == sorted(set(names))
    assert dict(fields)["StatusCallbackEvent"] == event
    assert dict(fields)["SequenceNumber"] == "0"


CONDITIONAL = [
    # field              where it comes from
    ("CallingPartyType", {"calling_party_type": "sip"}, "sip"),
    ("From", {"from_": "user@sip.telnyx.com"}, "user@sip.telnyx.com"),
    ("FromSipUri", {"from_sip_uri": "user@example.com"}, "user@example.com"),
    ("To", {"to": "+13129457420"}, "+13129457420"),
    ("ToSipUri", {"to_sip_uri": "conference@example.com"}, "conference@example.com"),
]


@pytest.mark.parametrize(("field", "known", "value"), CONDITIONAL)
def test_a_conditional_field_is_there_only_if_known(field: str, known: dict[str, str], value: str) -> None:
    bare = Caller(call_sid="v3:1", leg="leg")
    assert field not in dict(conference_fields(ROOM, replace(JOIN, caller=bare), ALL))
    assert dict(conference_fields(ROOM, replace(JOIN, caller=replace(bare, **known)), ALL))[field] == value


def test_the_label_is_there_only_if_set() -> None:
    assert "ParticipantLabel" not in dict(conference_fields(ROOM, JOIN, ALL))
    labelled = replace(PARTICIPANT, options=ParticipantOptions(label="participant-1"))
    join = replace(JOIN, participant=labelled)
    assert dict(conference_fields(ROOM, join, TELNYX_ONLY))["ParticipantLabel"] == "participant-1"


def test_the_start_carries_the_label_of_the_participant_that_started_it() -> None:
    room = replace(
        ROOM, participants={CALLER.call_sid: replace(PARTICIPANT, options=ParticipantOptions(label="host"))}
    )
    fields = dict(conference_fields(room, SendCallback("conference-start", 0, AT, CALLER), ALL))
    assert fields["ParticipantLabel"] == "host"
    assert "Muted" not in fields


EXTRAS = [
    # wish                         field                     value
    (ParticipantOptions(), "Muted", "false"),
    (ParticipantOptions(muted=True), "Muted", "true"),
    (ParticipantOptions(), "Hold", "false"),
    (ParticipantOptions(), "Coaching", "false"),
    (ParticipantOptions(coach="v3:other"), "Coaching", "true"),
    (ParticipantOptions(), "EndConferenceOnExit", "false"),
    (ParticipantOptions(end_on_exit=True), "EndConferenceOnExit", "true"),
    (ParticipantOptions(), "StartConferenceOnEnter", "true"),
    (ParticipantOptions(start_on_enter=False), "StartConferenceOnEnter", "false"),
]


@pytest.mark.parametrize(("options", "field", "value"), EXTRAS)
@pytest.mark.parametrize(
    "event", ["participant-join", "participant-leave", "participant-speech-start", "participant-speech-stop"]
)
def test_twilio_s_participant_fields_are_sent_with_participant_events(
    event: str, options: ParticipantOptions, field: str, value: str
) -> None:
    callback = SendCallback(event, 1, AT, CALLER, replace(PARTICIPANT, options=options))
    assert dict(conference_fields(ROOM, callback, ALL))[field] == value
    assert field not in dict(conference_fields(ROOM, callback, TELNYX_ONLY))


LEAVES = [
    (LeaveReason.HUNG_UP, True, "participant_hung_up", "completed"),
    (LeaveReason.HUNG_UP, False, "participant_hung_up", "in-progress"),
    (LeaveReason.UPDATED_VIA_API, False, "participant_updated_via_api", "in-progress"),
    (LeaveReason.MODERATOR_ENDED, False, "moderator_ended_conference", "in-progress"),
    (LeaveReason.ENDED_VIA_API, True, "conference_ended_via_api", "completed"),
]


@pytest.mark.parametrize(("reason", "gone", "sent", "status"), LEAVES)
def test_a_leave_says_why_and_whether_the_call_goes_on(
    reason: LeaveReason, gone: bool, sent: str, status: str
) -> None:
    callback = SendCallback("participant-leave", 4, AT, CALLER, PARTICIPANT, reason, gone)
    fields = dict(conference_fields(ROOM, callback, ALL))
    assert (fields["ReasonParticipantLeft"], fields["ParticipantCallStatus"]) == (sent, status)
    plain = dict(conference_fields(ROOM, callback, TELNYX_ONLY))
    assert not {"ReasonParticipantLeft", "ParticipantCallStatus"} & set(plain)


ENDS = [
    (EndReason.MODERATOR_LEFT, "participant-with-end-conference-on-exit-left", True),
    (EndReason.LAST_LEFT, "last-participant-left", True),
    (EndReason.VIA_API, "conference-ended-via-api", False),
    (EndReason.TIME_EXCEEDED, "time-exceeded", False),
]


@pytest.mark.parametrize(("reason", "sent", "by_a_call"), ENDS)
def test_an_end_says_why_and_which_call_ended_it_if_one_did(
    reason: EndReason, sent: str, by_a_call: bool
) -> None:
    room = replace(ROOM, phase=RoomPhase.ENDED, ending_by=CALLER, end_reason=reason)
    fields = dict(conference_fields(room, END, ALL))
    assert fields["ReasonConferenceEnded"] == sent
    assert fields["Reason"]
    assert fields.get("CallSidEndingConference") == (CALLER.call_sid if by_a_call else None)
    assert not {"Reason", "ReasonConferenceEnded"} & set(dict(conference_fields(room, END, TELNYX_ONLY)))


def test_a_whole_conference_in_callbacks() -> None:
    room = replace(
        ROOM, options=ConferenceOptions(status_callback_event=frozenset({"start", "end", "join", "leave"}))
    )
    delivered = []
    for event in (
        JoinRequest(AT, CALLER, ParticipantOptions(end_on_exit=True)),
        Added(AT + 1, CALLER.call_sid, "1"),
        Left(AT + 2, CALLER.call_sid, gone=True),
        End(AT + 3),
    ):
        outcome = step(room, event)
        room = outcome.room
        for effect in outcome.effects:
            if isinstance(effect, SendCallback):
                delivered.append(dict(conference_fields(room, effect, ALL)))
    assert [(each["SequenceNumber"], each["StatusCallbackEvent"]) for each in delivered] == [
        ("0", "conference-start"),
        ("1", "participant-join"),
        ("2", "participant-leave"),
        ("3", "conference-end"),
    ]
    assert delivered[-1]["ReasonConferenceEnded"] == "participant-with-end-conference-on-exit-left"
    assert delivered[-1]["CallSidEndingConference"] == CALLER.call_sid


@pytest.mark.parametrize(
    ("at", "iso", "rfc"),
    [
        (AT, "2024-01-15T10:31:00.000000Z", "Mon, 15 Jan 2024 10:31:00 +0000"),
        (1_619_650_289_993_535, "2021-04-28T22:51:29.993535Z", "Wed, 28 Apr 2021 22:51:29 +0000"),
        (1, "1970-01-01T00:00:00.000001Z", "Thu, 01 Jan 1970 00:00:00 +0000"),
    ],
)
def test_timestamps_are_utc_in_each_format(at: int, iso: str, rfc: str) -> None:
    assert timestamp(at) == iso
    callback = replace(JOIN, at=at)
    styles: dict[TimestampFormat, str] = {
        "iso8601": iso,
        "iso8601-space": iso.replace("T", " "),
        "rfc2822": rfc,
    }
    for style, text in styles.items():
        assert timestamp(at, style) == text
        sent = conference_fields(ROOM, callback, CallbackStyle(timestamp_format=style))
        assert dict(sent)["Timestamp"] == text


# --- calls ---

CALL = CallFacts(
    event="initiated",
    account_sid="6a9a7976-012e-45d2-9258-6f5dc68d861e",
    call_sid="v3:1",
    connection_id="1568109700606592442",
    from_="+13122010091",
    to="+13122010090",
    sequence=0,
    at=AT,
    initiated_at=1_705_314_626_028_000,
)
CALL_REQUIRED = [
    "AccountSid",
    "CallInitiatedAt",
    "CallSid",
    "CallSidLegacy",
    "CallStatus",
    "CallbackSource",
    "ConnectionId",
    "From",
    "SequenceNumber",
    "Timestamp",
    "To",
]


def test_an_initiated_call_has_the_common_fields_and_no_others() -> None:
    fields = call_fields(CALL, ALL)
    assert [name for name, _ in fields] == CALL_REQUIRED
    assert dict(fields)["CallInitiatedAt"] == "2024-01-15T10:30:26.028Z"
    assert dict(fields)["CallbackSource"] == "call-progress-events"


ENDINGS: list[CallStatus] = ["completed", "busy", "no-answer", "canceled", "failed"]


@pytest.mark.parametrize(
    ("event", "status", "sent"),
    [
        ("initiated", "completed", "initiated"),
        ("ringing", "completed", "ringing"),
        ("answered", "completed", "in-progress"),
        *(("completed", status, status) for status in ENDINGS),
    ],
)
def test_call_status_by_event(event: str, status: CallStatus, sent: str) -> None:
    call = changed(CALL, event=event, status=status)  # type: ignore[arg-type]
    fields = dict(call_fields(call, ALL))
    assert fields["CallStatus"] == sent
    assert set(CALL_REQUIRED) <= set(fields)


def test_an_answered_call_names_its_codec() -> None:
    call = changed(CALL, event="answered", answered_at=AT, codec="PCMU", sampling_rate="8000")
    fields = dict(call_fields(call, ALL))
    assert (fields["Codec"], fields["SamplingRate"], fields["CallDuration"]) == ("PCMU", "8000", "0")


def test_a_completed_call_says_how_long_and_why_it_ended() -> None:
    call = changed(
        CALL,
        event="completed",
        sequence=3,
        at=AT + 12_500_000,
        answered_at=AT,
        ended_at=AT + 12_400_000,
        hangup_cause="NORMAL_CLEARING",
        hangup_source="caller",
        sip_hangup_cause="200",
    )
    fields = call_fields(call, ALL)
    assert [name for name, _ in fields] == sorted(name for name, _ in fields)
    expected = {
        "AnsweredTime": "2024-01-15T10:31:00.000Z",
        "CallControlId": "v3:1",
        "CallDuration": "12",
        "EndTime": "2024-01-15T10:31:12.400Z",
        "HangupCause": "normal_clearing",
        "HangupSource": "caller",
        "OccurredAt": "2024-01-15T10:31:12.500Z",
        "SipHangupCause": "200",
        "StartTime": "2024-01-15T10:30:26.028Z",
    }
    assert expected.items() <= dict(fields).items()


def test_a_call_never_answered_has_no_answered_time_and_lasted_nothing() -> None:
    call = changed(CALL, event="completed", status="busy", ended_at=AT, hangup_cause="user_busy")
    fields = dict(call_fields(call, ALL))
    assert "AnsweredTime" not in fields
    assert (fields["CallDuration"], fields["HangupCause"]) == ("0", "user_busy")


@pytest.mark.parametrize(
    ("fact", "fields"),
    [
        ("caller_id", ["CallerId"]),
        ("parent_call_sid", ["ParentCallSid", "ParentCallSidLegacy"]),
    ],
)
@pytest.mark.parametrize("event", ["initiated", "ringing", "answered", "completed"])
def test_optional_fields_may_come_with_every_call_event(event: str, fact: str, fields: list[str]) -> None:
    without = changed(CALL, event=event)  # type: ignore[arg-type]
    known = dict(call_fields(changed(without, **{fact: "A"}), ALL))  # type: ignore[arg-type]
    for field in fields:
        assert field not in dict(call_fields(without, ALL))
        assert known[field] == "A"


# --- recordings ---

RECORDING = RecordingFacts(
    status="completed",
    account_sid=ROOM.account_sid,
    call_sid=CALLER.call_sid,
    connection_id="1234567890",
    recording_sid="35094891-3290-4142-b2c2-b2eda57534cf",
    conference_sid=ROOM.sid,
    started_at=AT,
    duration=5,
    url="https://example.com/recordings/1.mp3",
)


@pytest.mark.parametrize(
    ("status", "duration", "url"),
    [
        ("in-progress", None, None),
        ("completed", "5", "https://example.com/recordings/1.mp3"),
        ("absent", "0", None),
    ],
)
def test_a_conference_recording_s_fields_by_status(
    status: str, duration: str | None, url: str | None
) -> None:
    fields = recording_fields(changed(RECORDING, status=status), ALL)  # type: ignore[arg-type]
    assert [name for name, _ in fields] == sorted(name for name, _ in fields)
    values = dict(fields)
    assert values.pop("RecordingDuration", None) == duration
    assert values.pop("RecordingUrl", None) == url
    assert values == {
        "AccountSid": ROOM.account_sid,
        "CallSid": CALLER.call_sid,
        "CallSidLegacy": CALLER.call_sid,
        "ConferenceSid": ROOM.sid,
        "ConnectionId": "1234567890",
        "RecordingChannels": "1",
        "RecordingSid": "35094891-3290-4142-b2c2-b2eda57534cf",
        "RecordingSource": "Conference",
        "RecordingStartTime": "2024-01-15T10:31:00.000000Z",
        "RecordingStatus": status,
    }


def test_send_recording_url_false_leaves_the_url_out() -> None:
    assert "RecordingUrl" not in dict(recording_fields(changed(RECORDING, url=""), ALL))
