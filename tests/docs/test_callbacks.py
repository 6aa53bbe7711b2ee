"""docs/callbacks.md has exactly the fields that are sent, and says truly which of them are always there."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace as changed
from pathlib import Path
from types import SimpleNamespace
from typing import get_args
from urllib.parse import parse_qsl

import msgspec
import pytest
from msgspec.structs import replace
from nacl.exceptions import BadSignatureError

from orchestrator.callbacks.call_status import EVENTS, StatusCallbacks
from orchestrator.callbacks.payloads import (
    CallFacts,
    RecordingFacts,
    RecordingStatus,
    TimestampFormat,
    call_fields,
    conference_fields,
    recording_fields,
    timestamp,
)
from orchestrator.callbacks.signature import (
    TWILIO_HEADER,
    load_key,
    new_seed,
    public_key,
    sign,
    twilio_signature,
)
from orchestrator.conference.machine.effects import SendCallback
from orchestrator.conference.machine.state import (
    Caller,
    ConferenceOptions,
    EndReason,
    LeaveReason,
    Participant,
    ParticipantOptions,
    Phase,
    Room,
)
from orchestrator.conference.machine.transition import SUBSCRIPTION
from orchestrator.config.service import Callbacks as SettingsOfCallbacks
from orchestrator.documents.request_parameters import Origin, standard_fields
from orchestrator.esl.events import decode
from orchestrator.store.outbox import Outbox
from orchestrator.store.write_behind import WriteBehindBuffer
from orchestrator.texml.vocabulary import CallProgressEvent, ConferenceEvent
from orchestrator.types import CallbackStyle, Fields
from tests.docs.markdown import DOCS, blocks, code, section

CALLBACKS = DOCS / "callbacks.md"
ALL, TELNYX_ONLY = CallbackStyle(), CallbackStyle(twilio_extras=False)
BARE = Caller("v3:1", "leg")
KNOWN = Caller("v3:1", "leg", "1", "+1", "+2", "a@b", "c@d", "sip")


def table(title: str) -> dict[str, str]:
    """When each field is sent."""
    found = section(CALLBACKS, title).table("Field")
    documented = {code(row["Field"]): row["When"] for row in found}
    assert list(documented) == sorted(documented)
    return documented


def names(sent: Iterable[Fields]) -> list[set[str]]:
    return [{name for name, _ in fields} for fields in sent]


def check(documented: dict[str, str], sent: Iterable[Fields], without_extras: Iterable[Fields]) -> None:
    found = names(sent)
    assert set(documented) == set().union(*found)
    assert {name for name, when in documented.items() if when == "always"} == set.intersection(*found)
    extras = set().union(*found) - set().union(*names(without_extras))
    assert {name for name, when in documented.items() if "Twilio" in when} == extras


def conference(settings: CallbackStyle) -> Iterator[Fields]:
    bare = Participant(BARE, ParticipantOptions(), Phase.IN)
    labelled = Participant(KNOWN, ParticipantOptions(label="x"), Phase.IN)
    for reason in (EndReason.LAST_LEFT, EndReason.MODERATOR_LEFT, EndReason.VIA_API):
        room = Room("s", "a", "n", ConferenceOptions(), end_reason=reason, ending_by=BARE)
        for event in SUBSCRIPTION:
            for one in (bare, labelled):
                yield conference_fields(room, callback_of(event, one), settings)


def callback_of(event: str, one: Participant) -> SendCallback:
    bare = SendCallback(event, 0, 0, one.caller)
    if event == "participant-leave":
        return replace(bare, participant=one, leave_reason=LeaveReason.HUNG_UP)
    if event.startswith("participant"):
        return replace(bare, participant=one)
    if event.startswith("announcement"):
        return replace(bare, announce_url="u", problem="p" if event.endswith("fail") else "")
    return bare


def test_the_fields_of_a_conference_s_callbacks() -> None:
    check(table("Conference: `statusCallback`"), conference(ALL), conference(TELNYX_ONLY))


def test_the_fields_that_one_event_alone_has() -> None:
    documented = table("Conference: `statusCallback`")
    for event in SUBSCRIPTION:
        one = Participant(KNOWN, ParticipantOptions(label="x"), Phase.IN)
        room = Room("s", "a", "n", ConferenceOptions(), end_reason=EndReason.LAST_LEFT, ending_by=BARE)
        room = replace(room, participants={one.call_sid: one})
        sent = {name for name, _ in conference_fields(room, callback_of(event, one), ALL)}
        expected = {
            name
            for name, when in documented.items()
            if when in ("always", "known") or event.startswith(when.removesuffix(", Twilio"))
        }
        assert sent == expected, event


def test_the_forms_of_a_timestamp() -> None:
    rows = section(CALLBACKS, "How they are sent").table("`timestamp_format`")
    shown = {code(row["`timestamp_format`"]): code(row["`Timestamp`"]) for row in rows}
    assert shown == {style: timestamp(1_619_650_289_993_535, style) for style in get_args(TimestampFormat)}
    choices = get_args(SettingsOfCallbacks.model_fields["timestamp_format"].annotation)
    assert set(choices) == set(shown)


def test_the_words_and_events_of_a_conference() -> None:
    rows = section(CALLBACKS, "Conference: `statusCallback`").table("word")
    assert [code(row["word"]) for row in rows] == list(get_args(ConferenceEvent))
    documented = {
        code(event): code(row["word"]) for row in rows for event in row["`StatusCallbackEvent`"].split(", ")
    }
    assert documented == SUBSCRIPTION


@pytest.mark.parametrize("field", ["ReasonParticipantLeft", "ReasonConferenceEnded"])
def test_every_reason_is_named(field: str) -> None:
    rows = section(CALLBACKS, "Conference: `statusCallback`").table("Field")
    (text,) = [row[""] for row in rows if row["Field"] == f"`{field}`"]
    # A conference has no time limit of its own, so nothing ever ends by one.
    ends = set(EndReason) - {EndReason.TIME_EXCEEDED}
    reasons = set(LeaveReason) if field == "ReasonParticipantLeft" else ends
    assert all(f"`{reason.value}`" in text for reason in reasons)
    assert text.count("`") == 2 * len(reasons)


def test_the_fields_of_a_recording_s_callbacks() -> None:
    bare = RecordingFacts("in-progress", "a", "c", "1", "r")
    sent = [recording_fields(bare, ALL)]
    for status in get_args(RecordingStatus):
        full = changed(bare, status=status, conference_sid="s", started_at=1, duration=1, url="u")
        sent.append(recording_fields(full, ALL))
        assert ("RecordingUrl" in dict(sent[-1])) is (status == "completed")
    check(table("Recording: `recordingStatusCallback`"), sent, sent)


HEADERS = {
    "Unique-ID": "leg",
    "Event-Date-Timestamp": "3000000",
    "Channel-Call-UUID": "leg",
    "Call-Direction": "outbound",
    "Hangup-Cause": "NORMAL_CLEARING",
    "Caller-Channel-Created-Time": "1000000",
    "Caller-Channel-Answered-Time": "2000000",
    "Caller-Channel-Hangup-Time": "3000000",
    "variable_read_codec": "PCMU",
    "variable_read_rate": "8000",
    "variable_rtp_audio_in_media_packet_count": "50",
}


def test_the_fields_of_a_call_s_callbacks(tmp_path: Path) -> None:
    documented = table("Call: `statusCallback`")
    outbox = Outbox(tmp_path / "outbox.sqlite")
    write_buffer = WriteBehindBuffer(outbox, lambda messages: None)
    status = StatusCallbacks(write_buffer)
    words, other = set(EVENTS.values()), replace(BARE, call_sid="v3:3")
    follow = status.follow(KNOWN, "a", "http://h/", "POST", words, ALL, parent_call_sid="v3:2")
    alone = status.follow(other, "a", "http://h/", "POST", words, ALL)
    sent: dict[str, set[str]] = {}
    for heard, queue in ((follow, "v3:1"), (alone, "v3:3")):
        for event in EVENTS:
            heard(decode(msgspec.json.encode({"Event-Name": event, **HEADERS})))
        while message := outbox.next(queue):
            fields = {name for name, _ in parse_qsl(message.body.decode(), keep_blank_values=True)}
            sent[f"{queue} {message.event}"] = fields
            outbox.finish(message, delivered=True, attempts=1, status=200)
    outbox.close()
    assert set(documented) == set().union(*sent.values())
    assert {name for name, when in documented.items() if when == "always"} == set.intersection(*sent.values())
    for event in ("initiated", "ringing", "answered", "completed"):
        also = {"all but initiated"} - {f"all but {event}"}
        expected = {name for name, when in documented.items() if when in {"always", event, *also}}
        assert sent[f"v3:3 {event}"] == expected
        more = {name for name, when in documented.items() if when in ("known", "dialled")}
        assert sent[f"v3:1 {event}"] == expected | more


def test_the_words_of_a_call() -> None:
    rows = section(CALLBACKS, "Call: `statusCallback`").table("word")
    never = {"amd", "dtmf", "deepfake"}
    assert {code(row["word"]) for row in rows} == set(get_args(CallProgressEvent)) - never


def test_the_fields_of_a_request_for_instructions() -> None:
    sent = [standard_fields(KNOWN, "a", "ringing", "inbound", (), style) for style in (ALL, TELNYX_ONLY)]
    documented = table("Requests for instructions")
    assert set(documented) == {name for name, _ in sent[0]}
    assert {name for name, when in documented.items() if when == "Twilio"} == {"ApiVersion"}
    assert {name for name, when in documented.items() if when == "always"} == {name for name, _ in sent[1]}


def test_both_ways_of_checking_a_signature_work() -> None:
    by_hand = blocks(CALLBACKS, "python")[2]
    key = load_key(new_seed())
    body = b"AccountSid=a&From=%2B1"
    here = {"PUBLIC_KEY": public_key(key), "headers": sign(key, body, int(time.time())), "body": body}
    exec(by_hand, dict(here))
    with pytest.raises(BadSignatureError):
        exec(by_hand, here | {"body": body + b"0"})


def test_twilio_s_library_checks_the_signature_as_shown() -> None:
    shown, token, url = blocks(CALLBACKS, "python")[0], b"token", "https://a.example/x?y=%20"
    request = SimpleNamespace(url=url, form={"A": "ö"})
    request.headers = {TWILIO_HEADER: twilio_signature(token, url, b"A=%C3%B6")}
    here = {"AUTH_TOKEN": token.decode(), "request": request}
    exec(shown, here)
    assert here["valid"] is True
    exec(shown, here | {"AUTH_TOKEN": "another"}, found := dict[str, object]())
    assert found["valid"] is False


def test_twilio_s_fields_of_a_call() -> None:
    """In a request for instructions, and in a callback about the call."""
    rows = section(CALLBACKS, "Twilio's fields of a call").table("Field")
    documented = {name: row for row in rows for name in row["Field"].replace("`", "").split(", ")}
    twilio = CallbackStyle(request_fields="twilio")
    origin = Origin("Anna", "+3", "TN-Validation-Passed-A")
    asked = dict(standard_fields(KNOWN, "a", "ringing", "outbound", (), twilio, origin, "v3:2"))
    asked_bare = dict(standard_fields(BARE, "a", "ringing", "outbound", (), twilio))
    plain = dict(standard_fields(KNOWN, "a", "ringing", "inbound", (), TELNYX_ONLY))
    facts = CallFacts("completed", "a", "v3:1", "1", "+1", "+2", 0, 1, 1, sip_hangup_cause="200")
    delivered, plain_call = dict(call_fields(facts, twilio)), dict(call_fields(facts, TELNYX_ONLY))
    for name, row in documented.items():
        assert (name in asked) is ("request" in row["In"]), name
        assert (name in delivered) is ("callback" in row["In"]), name
        assert (name in asked_bare) is ("request" in row["In"] and "known" not in row["When"]), name
    assert set(documented) == {*asked, *delivered} - {*plain, *plain_call} | {"Direction"}
    assert (asked["Direction"], asked_bare["Direction"]) == ("outbound-dial", "outbound-api")
