"""Status callbacks, counters, records and dial strings of a call: one table for each rule."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from msgspec.structs import replace

from orchestrator.callbacks.call_status import UNANSWERED, StatusCallbacks, status_at_end
from orchestrator.calls.records import CallRecord, _record
from orchestrator.conference.live.records import (
    LeaveRecord,
    RoomRecord,
    decode_leave,
    decode_room,
    room_record,
    row_of_leave,
    row_of_room,
)
from orchestrator.conference.machine.effects import StoreLeave
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
from orchestrator.config import loads
from orchestrator.counters import CallCounters
from orchestrator.documents.counters import FetchCounters
from orchestrator.esl.events import decode
from orchestrator.recordings.model import recording_state_of
from orchestrator.recordings.records import RecordingRecord, decode_recording, row_of_recording
from orchestrator.routing.caller_id import ANONYMOUS_URI, CallerId, reported, shown_by, variables
from orchestrator.sids import call_sid_of, canonical_call_sid, has_call_sid, leg_of, twilio_call_sid_of
from orchestrator.store.message import Message
from orchestrator.store.outbox import Outbox
from orchestrator.store.records import Record
from orchestrator.store.write_behind import WriteBehindBuffer
from orchestrator.texml import parse
from orchestrator.types import CallbackStyle

UUID = "8403fb83-fef9-4c6a-8f50-7b6e2b09f977"
CALLER = Caller(call_sid_of(UUID), UUID, "1", "+13125550002", "+13125550100")
CREATE, RING, MEDIA = "CHANNEL_CREATE", "CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA"
ANSWER, COMPLETE = "CHANNEL_ANSWER", "CHANNEL_HANGUP_COMPLETE"
ALL = ("initiated", "ringing", "answered", "completed")


class Delivered:
    """The status callbacks of one call."""

    def __init__(self, path: Path) -> None:
        self.messages: list[Message] = []
        self.outbox = Outbox(path / "orchestrator.sqlite")
        self.write_buffer = WriteBehindBuffer(self.outbox, self.messages.extend)

    def follow(
        self, *names: str, events: tuple[str, ...] = ALL, sent: tuple[str, ...] = (), **more: str
    ) -> None:
        states = []

        def state(event: object, sent: object) -> list[tuple[str, str, bytes]]:
            states.append(sent)
            return [("call", UUID, b"state")]

        hear = StatusCallbacks(self.write_buffer).follow(
            CALLER, "account", "http://e/s", "POST", events, CallbackStyle(), sent=sent, state=state
        )
        for at, name in enumerate(names, 1):
            headers = {"Event-Name": name, "Unique-ID": UUID, "Event-Date-Timestamp": str(at)} | more
            hear(decode(msgspec.json.encode(headers)))
        assert len(states) == len(self.messages)

    @property
    def events(self) -> list[tuple[str, int, int]]:
        return [(one.event, one.sequence, one.created_at) for one in self.messages]

    @property
    def last(self) -> dict[str, str]:
        return dict(self.messages[-1].fields)


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[Delivered]:
    sent = Delivered(tmp_path)
    yield sent
    sent.outbox.close()


def test_each_event_is_reported_once_and_counted(sent: Delivered) -> None:
    sent.follow(CREATE, "CHANNEL_PARK", RING, MEDIA, RING, ANSWER, ANSWER, COMPLETE, "CHANNEL_DESTROY")
    assert sent.events == [("initiated", 0, 1), ("ringing", 1, 3), ("answered", 2, 6), ("completed", 3, 8)]
    assert {one.queue for one in sent.messages} == {CALLER.call_sid}
    assert sent.outbox.get("call", UUID) == b"state"


def test_only_subscribed_events_are_reported_and_counted(sent: Delivered) -> None:
    sent.follow(CREATE, MEDIA, ANSWER, COMPLETE, events=("ringing", "completed"))
    assert sent.events == [("ringing", 0, 2), ("completed", 1, 4)]


@pytest.mark.parametrize("style", [CallbackStyle(), CallbackStyle(signatures="both", user_agent="Twilio/1")])
def test_a_message_is_sent_as_its_application_wants_it(sent: Delivered, style: CallbackStyle) -> None:
    hear = StatusCallbacks(sent.write_buffer).follow(
        replace(CALLER, from_="+1", to="+2"),
        "account",
        "http://e/s?a=1",
        "GET",
        ALL,
        style,
        "outbound-dial",
        "v3:p",
    )
    hear(decode(msgspec.json.encode({"Event-Name": CREATE, "Event-Date-Timestamp": "7"})))
    (message,) = sent.messages
    assert (message.url, message.method, message.account_sid) == ("http://e/s?a=1", "GET", "account")
    assert (message.signatures, message.user_agent) == (style.signatures, style.user_agent)
    fields = dict(message.fields)
    assert (fields["From"], fields["To"], fields["CallerId"]) == ("+1", "+2", "+1")
    assert (fields["AccountSid"], fields["ParentCallSid"]) == ("account", "v3:p")
    assert fields["ConnectionId"] == CALLER.connection_id


def test_events_that_an_earlier_run_reported_are_counted_and_not_reported_again(sent: Delivered) -> None:
    sent.follow(CREATE, RING, ANSWER, COMPLETE, sent=("initiated", "ringing"))
    assert sent.events == [("answered", 2, 3), ("completed", 3, 4)]


@pytest.mark.parametrize(("cause", "status"), [*UNANSWERED.items(), ("ANYTHING", "failed"), ("", "failed")])
def test_how_a_call_ended_is_the_word_for_its_cause(cause: str, status: str) -> None:
    assert status_at_end(cause, answered=False) == status
    assert status_at_end(cause, answered=True) == "completed"
    assert UNANSWERED["USER_BUSY"] == "busy"
    assert UNANSWERED["NORMAL_CLEARING"] == UNANSWERED["ORIGINATOR_CANCEL"] == "canceled"
    assert UNANSWERED["NO_ANSWER"] == UNANSWERED["ALLOTTED_TIMEOUT"] == "no-answer"


@pytest.mark.parametrize(
    ("disposition", "direction", "source"),
    [
        ("recv_bye", "inbound", "caller"),
        ("recv_cancel", "inbound", "caller"),
        ("recv_bye", "outbound", "callee"),
        ("send_bye", "inbound", "callee"),
        ("send_refuse", "outbound", "caller"),
        ("", "inbound", "unknown"),
        ("", "outbound", "unknown"),
    ],
)
def test_the_hangup_source(sent: Delivered, disposition: str, direction: str, source: str) -> None:
    more = {"variable_sip_hangup_disposition": disposition, "Call-Direction": direction}
    sent.follow(COMPLETE, **more)
    assert sent.last["HangupSource"] == source


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"variable_proto_specific_hangup_cause": "sip:486"}, "486"),
        ({"variable_proto_specific_hangup_cause": "sip:486", "variable_sip_term_status": "480"}, "486"),
        ({"variable_sip_term_status": "480"}, "480"),
        ({"Hangup-Cause": "CALL_REJECTED"}, "603"),
        ({"Hangup-Cause": "USER_BUSY"}, "486"),
        ({"Hangup-Cause": "INCOMPATIBLE_DESTINATION"}, "488"),
        ({"Hangup-Cause": "NORMAL_TEMPORARY_FAILURE"}, "503"),
        ({"Hangup-Cause": "ORIGINATOR_CANCEL"}, "487"),
        ({"Hangup-Cause": "UNALLOCATED_NUMBER"}, "404"),
        ({"Hangup-Cause": "ANYTHING"}, None),
        ({"Caller-Channel-Answered-Time": "1", "Hangup-Cause": "USER_BUSY"}, "200"),
        ({"Caller-Channel-Answered-Time": "1", "variable_proto_specific_hangup_cause": "sip:486"}, "200"),
        ({"Caller-Channel-Answered-Time": "1", "variable_sip_term_status": "408"}, "408"),
        ({"Caller-Channel-Answered-Time": "0", "Hangup-Cause": "USER_BUSY"}, "486"),
        ({"Caller-Channel-Answered-Time": "", "Hangup-Cause": "NORMAL_CLEARING"}, "480"),
    ],
)
def test_the_sip_status_of_an_end(sent: Delivered, headers: dict[str, str], status: str | None) -> None:
    sent.follow(COMPLETE, **headers)
    assert sent.last.get("SipHangupCause") == status


def test_times_codec_and_ids_come_from_the_leg(sent: Delivered) -> None:
    second = 1_000_000
    sent.follow(
        ANSWER,
        COMPLETE,
        **{
            "Caller-Channel-Created-Time": str(1 * second),
            "Caller-Channel-Answered-Time": str(3 * second),
            "Caller-Channel-Hangup-Time": str(10 * second),
            "variable_read_codec": "PCMA",
            "variable_read_rate": "8000",
            "Channel-Call-UUID": "session",
        },
    )
    answered = dict(sent.messages[0].fields)
    assert (answered["Codec"], answered["SamplingRate"]) == ("PCMA", "8000")
    last = sent.last
    assert (last["CallDuration"], last["CallStatus"], last["CallSessionId"]) == ("7", "completed", "session")
    assert (last["StartTime"][-5:], last["AnsweredTime"][-5:], last["EndTime"][-5:]) == (".000Z",) * 3
    assert last["CallLegId"] == UUID


# Counters


def room(**more: object) -> Room:
    return Room("sid", "account", "Room", ConferenceOptions(), **more)  # type: ignore[arg-type]


def test_a_conference_is_counted_once_for_each_thing_that_becomes_of_it() -> None:
    counters = CallCounters()
    states = [room(), room(opened_at=1), room(opened_at=1, started_at=2)]
    states += [replace(states[-1], ended_at=3, end_reason=EndReason.LAST_LEFT)] * 2
    for before, after in itertools.pairwise(states):
        counters.on_room(before, after)
    assert (counters.rooms_opened, counters.rooms_started, dict(counters.rooms_ended)) == (
        1,
        1,
        {EndReason.LAST_LEFT: 1},
    )
    counters.on_room(room(), room(ended_at=3))
    assert (counters.rooms_opened, dict(counters.rooms_ended)) == (1, {EndReason.LAST_LEFT: 1})
    assert CallCounters().unknown_numbers == CallCounters().joins == CallCounters().leaves == 0


def test_a_join_and_a_leave_are_counted_where_the_join_was_reported() -> None:
    counters = CallCounters()
    silent = Participant(CALLER, ParticipantOptions(), Phase.JOINING)
    sent = replace(silent, join_sent=True)
    for before, after, joins, leaves in (
        (None, silent, 0, 0),
        (silent, sent, 1, 0),
        (sent, replace(sent, talking=True), 1, 0),
        (sent, None, 1, 1),
        (silent, None, 1, 1),
        (None, None, 1, 1),
        (None, sent, 2, 1),
    ):
        counters.on_participant(before, after)
        assert (counters.joins, counters.leaves) == (joins, leaves)


def test_a_request_is_counted_by_its_outcome() -> None:
    counters = FetchCounters()
    counters.count("ok", 0.5)
    counters.count("timeout", 1.5)
    assert (dict(counters.outcomes), counters.seconds.count, counters.seconds.sum) == (
        {"ok": 1, "timeout": 1},
        2,
        2.0,
    )


# Records


@pytest.mark.parametrize(
    ("phase", "started", "status"),
    [
        (RoomPhase.INIT, 0, "init"),
        (RoomPhase.STARTED, 5, "in-progress"),
        (RoomPhase.ENDING, 5, "in-progress"),
        (RoomPhase.ENDING, 0, "init"),
        (RoomPhase.ENDED, 5, "completed"),
    ],
)
def test_an_ending_conference_keeps_its_status(phase: RoomPhase, started: int, status: str) -> None:
    assert room_record(room(phase=phase, started_at=started, created_at=3)).status == status


@pytest.mark.parametrize("ended", [0, 9])
@pytest.mark.parametrize("reason", [None, *EndReason])
def test_the_reason_and_the_participant_that_ended_a_conference(ended: int, reason: EndReason | None) -> None:
    found = room_record(
        room(created_at=3, started_at=5, ended_at=ended, end_reason=reason, ending_by=CALLER, node="n")
    )
    left = reason in (EndReason.MODERATOR_LEFT, EndReason.LAST_LEFT)
    assert found.end_reason == (reason.value if reason and ended else "")
    assert found.ended_by == (CALLER.call_sid if ended and left else "")
    assert (found.created_at, found.updated_at, found.ended_at, found.node) == (3, max(5, ended), ended, "n")
    row = row_of_room(found)
    assert (row.kind, row.name, row.ended_at) == ("conference", "Room", ended)


@pytest.mark.parametrize(
    ("status", "over"),
    [
        ("in-progress", False),
        ("paused", False),
        ("stopped", False),
        ("processing", False),
        ("completed", True),
        ("absent", True),
        ("deleted", True),
    ],
)
def test_a_recording_is_over_once_it_has_an_end(status: str, over: bool) -> None:
    row = row_of_recording(RecordingRecord("s", "a", "c", "DialVerb", 1, 7, "conf", status=status))
    assert row.ended_at == (7 if over else 0)
    assert (row.call_sid, row.conference_sid, row.status) == ("c", "conf", status)
    plain = RecordingRecord("s", "a", "c", "DialVerb", 1, 7)
    assert (plain.channels, plain.started_at, plain.duration) == (1, 0, 0.0)


def test_a_row_has_each_column_of_its_thing() -> None:
    """Lists find a row by its columns, and show its value."""
    one = Participant(
        Caller("call", "leg", from_="+1", to="+2"),
        ParticipantOptions(label="anna"),
        Phase.IN,
        asked_at=1,
        joined_at=2,
    )
    inside = room(created_at=1, node="n")
    leave = row_of_leave(inside, StoreLeave(one, 5, LeaveReason.HUNG_UP))
    assert replace(leave, value=b"") == Record(
        "participant", f"{inside.sid}/call/2", inside.account_sid, 1, 5, 5, "completed", "anna", "+1", "+2",
        inside.sid, "call", b"", "n",
    )  # fmt: skip
    assert decode_leave(leave.value) == LeaveRecord(inside.sid, one, 5, "participant_hung_up")
    # It did not leave before it came.
    assert row_of_leave(inside, StoreLeave(replace(one, joined_at=9), 5, LeaveReason.HUNG_UP)).ended_at == 9
    stored = RoomRecord("sid", "account", "Room", 1, 2, 3, "completed", "r", "by", "n")
    row = row_of_room(stored)
    assert replace(row, value=b"") == Record(
        "conference", "sid", "account", 1, 2, 3, "completed", "Room", node="n"
    )
    assert decode_room(row.value) == stored
    call = CallRecord(
        "sid", "account", "leg", "+1", "+2", True, 1, 2, 3, 4, "busy", "Anna", "parent", None, "X"
    )
    row = _record(call)
    assert replace(row, value=b"") == Record(
        "call", "sid", "account", 1, 2, 4, "busy", "", "+1", "+2", "", "parent"
    )
    assert msgspec.json.decode(row.value, type=CallRecord) == call
    recording = RecordingRecord("sid", "account", "call", "DialVerb", 1, 2, "conf", 2, 3, 4.0, "completed")
    row = row_of_recording(recording)
    assert replace(row, value=b"") == Record(
        "recording", "sid", "account", 1, 2, 2, "completed", conference_sid="conf", call_sid="call"
    )
    assert decode_recording(row.value) == recording


# Ids


def test_both_spellings_of_a_call_sid_are_one() -> None:
    for uuid in (UUID, str(uuid4()), "00000000-0000-0000-0000-000000000000"):
        sid = call_sid_of(uuid)
        assert leg_of(sid) == uuid
        for written in (sid, twilio_call_sid_of(sid), twilio_call_sid_of(sid).lower().replace("ca", "CA", 1)):
            assert canonical_call_sid(written) == sid
        assert has_call_sid(uuid)
    for other in (UUID.upper(), "x", "", f"{{{UUID}}}", UUID.replace("-", "")):
        assert not has_call_sid(other)
    for written in ("CA12", "v3:x", f"CA{'0' * 33}", f"xCA{'0' * 32}"):
        assert canonical_call_sid(written) == written
    with pytest.raises(ValueError, match="no CallSid"):
        leg_of("CA12")


# Recordings of verbs


@pytest.mark.parametrize(
    ("record", "channels", "dual", "from_answer"),
    [
        ("record-from-answer", "single", False, True),
        ("record-from-answer", "dual", True, True),
        ("record-from-ringing", "single", False, False),
        ("record-from-answer-dual", "single", True, True),
        ("record-from-ringing-dual", "single", True, False),
    ],
)
def test_a_dial_s_recording_is_as_its_attributes_say(
    record: str, channels: str, dual: bool, from_answer: bool
) -> None:
    attributes = f'record="{record}" recordingChannels="{channels}" recordMaxLength="77" trim="trim-silence"'
    (verb,) = parse(f"<Response><Dial {attributes}>+13125550100</Dial></Response>".encode()).verbs
    state = recording_state_of(verb)  # type: ignore[arg-type]
    assert (state.channels, state.from_answer) == ("dual" if dual else "single", from_answer)
    assert (state.source, state.longest, state.trim, state.kind) == ("DialVerb", 77, True, "wav")
    assert recording_state_of(verb, "old").sid == "old"  # type: ignore[arg-type]
    assert state.sid != recording_state_of(verb).sid  # type: ignore[arg-type]


def test_a_record_verb_s_recording_is_as_its_attributes_say() -> None:
    document = b'<Response><Record format="wav" channels="dual" trim="do-not-trim"/></Response>'
    (verb,) = parse(document).verbs
    state = recording_state_of(verb)  # type: ignore[arg-type]
    assert (state.source, state.kind, state.channels, state.trim) == ("RecordVerb", "wav", "dual", False)
    assert (state.longest, state.from_answer, state.send_url, state.ended) == (0, False, True, False)
    assert [
        replace(state, status=status).ended for status in ("completed", "absent", "stopped", "processing")
    ] == [
        True,
        True,
        False,
        False,
    ]


# The number that is shown

TRUNKS = """
accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}]
trunks:
  plain: {proxy: a.example}
  own: {proxy: b.example, caller_ids: ["+13125550100"], caller_id: "+13125550100"}
  pai: {proxy: c.example, trusted: true, identity_header: pai}
  rpid: {proxy: d.example, trusted: true, identity_header: rpid}
  strict: {proxy: e.example, trusted: true, caller_ids: ["+13125550100"], caller_id: "+13125550100"}
"""
SETTINGS = loads(TRUNKS, environ={})
NUMBER, WITHHELD = "+13125550002", CallerId("anonymous", "+13125550002")


def test_the_caller_id_that_a_trunk_shows() -> None:
    trunks = SETTINGS.trunks
    assert shown_by(None, CallerId(NUMBER)) == shown_by(trunks["plain"], CallerId(NUMBER)) == CallerId(NUMBER)
    assert shown_by(trunks["own"], CallerId(NUMBER)) == CallerId("+13125550100")
    assert shown_by(trunks["own"], WITHHELD) == WITHHELD
    assert reported("anonymous", "twilio") == "+266696687"
    assert reported("anonymous", "telnyx") == "anonymous"
    assert reported(NUMBER, "twilio") == NUMBER


@pytest.mark.parametrize("trunk", [None, "plain"])
@pytest.mark.parametrize("name", [None, "", "Alice"])
def test_a_number_that_is_shown(trunk: str | None, name: str | None) -> None:
    found = variables(SETTINGS.trunks[trunk] if trunk else None, CallerId(NUMBER), name)
    assert found == {"origination_caller_id_number": NUMBER, "origination_caller_id_name": name or NUMBER}


@pytest.mark.parametrize("trunk", [None, "plain", "pai without a number"])
@pytest.mark.parametrize("name", [None, "Alice"])
def test_a_withheld_number_is_sent_to_nobody(trunk: str | None, name: str | None) -> None:
    known = {None: None, "plain": SETTINGS.trunks["plain"]}.get(trunk, SETTINGS.trunks["pai"])
    caller = CallerId("anonymous") if trunk not in (None, "plain") else WITHHELD
    found = variables(known, caller, name)
    assert found == {
        "sip_from_uri": ANONYMOUS_URI,
        "sip_from_display": name or "Anonymous",
        "origination_caller_id_number": "anonymous",
        "origination_caller_id_name": name or "Anonymous",
        "sip_cid_type": "none",
        "sip_h_Privacy": "id",
    }


@pytest.mark.parametrize(
    ("trunk", "number", "more"),
    [
        ("pai", NUMBER, {"sip_cid_type": "pid"}),
        ("rpid", NUMBER, {"sip_cid_type": "rpid", "sip_h_Privacy": "id"}),
        ("strict", "+13125550100", {"sip_cid_type": "pid"}),
    ],
)
def test_a_withheld_number_is_asserted_to_a_trunk_that_is_trusted(
    trunk: str, number: str, more: dict[str, str]
) -> None:
    domain = SETTINGS.trunks[trunk].domain
    more = more | ({"sip_invite_domain": domain} if domain else {})
    assert variables(SETTINGS.trunks[trunk], WITHHELD, None) == more | {
        "sip_from_uri": ANONYMOUS_URI,
        "sip_from_display": "Anonymous",
        "origination_caller_id_number": number,
        "origination_caller_id_name": number,
        "origination_privacy": "screen:hide_name:hide_number",
    }
