"""What FreeSWITCH lists becomes what is seen, each of its fields; a listing that fails is never read as
empty."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from orchestrator.esl import CommandFailed, Connection, LegGone, SwitchError, snapshot
from orchestrator.esl.errors import ConferenceGone, MemberGone, failure
from orchestrator.esl.snapshot import (
    HangupRecord,
    Member,
    delete_hangup_record,
    dump,
    list_channels,
    list_conferences,
    list_hangup_records,
    list_recordings,
    take_snapshot,
)
from tests.calls.scripted import ScriptedSwitch

SECOND = 1_000_000
AT = 1_790_000_000 * SECOND + 654_321
ONE, OTHER = "8403fb83-fef9-4c6a-8f50-7b6e2b09f977", "8403fb83-fef9-4c6a-8f50-7b6e2b09f978"


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[ScriptedSwitch]:
    scripted = ScriptedSwitch(tmp_path)
    yield scripted
    scripted.stop()


@pytest.fixture
def connection(scripted: ScriptedSwitch) -> Iterator[Connection]:
    connection = Connection(scripted.host, scripted.port, scripted.password)
    connection.connect()
    yield connection
    connection.stop(0.5)


def says(scripted: ScriptedSwitch, *members: dict[str, object], **more: object) -> None:
    listed = {"conference_name": "room", "conference_uuid": "first", "members": list(members)} | more
    scripted.answers["conference json_list"] = json.dumps([listed])


@pytest.mark.parametrize("answer", ["+OK No active conferences.\n", "", "\n", "[]"])
def test_no_conference_is_none(scripted: ScriptedSwitch, connection: Connection, answer: str) -> None:
    scripted.answers["conference json_list"] = answer or "-ERR no reply\n"
    assert list_conferences(connection, AT) == {}


@pytest.mark.parametrize("answer", ["-ERR no such command\n", "{}", '"room"', "[{", "not JSON"])
def test_a_listing_that_is_none_is_an_error(
    scripted: ScriptedSwitch, connection: Connection, answer: str
) -> None:
    scripted.answers["conference json_list"] = answer
    scripted.answers["show channels"] = answer.replace("{}", "[]")
    for ask in (lambda: list_conferences(connection, AT), lambda: list_channels(connection)):
        with pytest.raises(SwitchError):
            ask()


def test_a_member_s_age_is_counted_from_the_second_s_beginning(
    scripted: ScriptedSwitch, connection: Connection
) -> None:
    says(scripted, {"type": "caller", "id": 7, "uuid": ONE, "join_time": 10})
    seen = list_conferences(connection, AT)["room"]
    assert seen.instance == "first"
    assert seen.members == {ONE: Member(ONE, "7", (1_790_000_000 - 10) * SECOND)}
    assert (seen.recordings, seen.paused) == ({}, frozenset())


@pytest.mark.parametrize("flag", ["can_speak", "can_hear", "hold", "talking"])
@pytest.mark.parametrize("value", [True, False])
def test_each_flag_is_read(scripted: ScriptedSwitch, connection: Connection, flag: str, value: bool) -> None:
    says(scripted, {"type": "caller", "id": 7, "uuid": ONE, "flags": {flag: value}})
    member = list_conferences(connection, AT)["room"].members[ONE]
    expected = {"can_speak": True, "can_hear": True, "hold": False, "talking": False} | {flag: value}
    assert {name: getattr(member, name) for name in expected} == expected
    assert member.joined_at == 1_790_000_000 * SECOND


@pytest.mark.parametrize("status", ["recording", "paused"])
def test_a_recording_began_at_its_moment_and_may_be_paused(
    scripted: ScriptedSwitch, connection: Connection, status: str
) -> None:
    node = {"type": "recording_node", "record_path": "/one.wav", "join_time": 1_789_999_990, "status": status}
    says(scripted, node, {"type": "caller", "id": 7, "uuid": ONE})
    seen = list_conferences(connection, AT)["room"]
    assert seen.recordings == {"/one.wav": 1_789_999_990 * SECOND}
    assert seen.paused == ({"/one.wav"} if status == "paused" else set())
    assert list(seen.members) == [ONE]


def test_a_snapshot_has_the_legs_that_live_and_the_hangup_records_of_the_others(
    scripted: ScriptedSwitch, connection: Connection
) -> None:
    scripted.leg(ONE)
    scripted.gone(OTHER, 5, 3, 4, "USER_BUSY", "room", "7", "486", "recv_refuse", "PCMA", "8000")
    before = time.time_ns() // 1000
    seen = take_snapshot(connection, [ONE, OTHER])
    assert before <= seen.taken_at <= time.time_ns() // 1000
    assert list(seen.legs) == [ONE]
    assert seen.legs[ONE]["variable_texml_guard"] == "1"
    assert seen.channels == (ONE,)
    assert seen.hangup_records == {
        OTHER: HangupRecord(OTHER, 5, 3, 4, "USER_BUSY", "room", "7", "486", "recv_refuse", "PCMA", "8000")
    }
    delete_hangup_record(connection.post, OTHER)
    delete_hangup_record(connection.post, "no name at all!")
    gevent.sleep(0.1)
    assert list_hangup_records(connection) == {}


@pytest.mark.parametrize(
    ("words", "gone"),
    [
        ("5", HangupRecord(ONE, 5)),
        ("", HangupRecord(ONE, 0)),
        ("x|3| 4 | USER_BUSY ", HangupRecord(ONE, 0, 3, 0, "USER_BUSY")),
        ("5|3|4|A|B|C|D|E|F|G|more", HangupRecord(ONE, 5, 3, 4, "A", "B", "C", "D", "E", "F", "G")),
    ],
)
def test_hangup_records_may_be_few(
    scripted: ScriptedSwitch, connection: Connection, words: str, gone: HangupRecord
) -> None:
    scripted.globals[f"texml_gone_{ONE}"] = words
    scripted.globals["texml_owner"] = "somebody"
    found = list_hangup_records(connection)
    assert list(found) == [ONE]
    # A word that is padded counts as a number too.
    assert found[ONE].cause == gone.cause
    assert (found[ONE].ended_at, found[ONE].created_at) == (gone.ended_at, gone.created_at)
    assert (found[ONE].conference, found[ONE].rate) == (gone.conference, gone.rate)


@pytest.mark.parametrize("state", ["CS_HANGUP", "CS_REPORTING", "CS_DESTROY"])
@pytest.mark.parametrize("ends", [True, False])
def test_a_leg_that_is_hanging_up_is_waited_for_and_is_none(
    scripted: ScriptedSwitch,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    ends: bool,
) -> None:
    monkeypatch.setattr(snapshot, "_ENDING_SECONDS", 60.0 if ends else 0.3)
    scripted.leg(ONE)
    scripted.legs[ONE]["Channel-State"] = state
    began = time.monotonic()
    if ends:
        gevent.spawn_later(0.2, scripted.legs.clear)
    assert dump(connection, ONE) is None
    assert time.monotonic() - began < 30
    assert bool(scripted.legs) is not ends


def test_what_is_no_text_of_a_leg_becomes_one(scripted: ScriptedSwitch, connection: Connection) -> None:
    scripted.answers["uuid_dump"] = '{"Channel-State": "CS_EXECUTE", "number": 5, "text": "a"}'
    assert dump(connection, ONE) == {"Channel-State": "CS_EXECUTE", "number": "5", "text": "a"}
    scripted.answers["uuid_dump"] = "-ERR something else\n"
    with pytest.raises(CommandFailed):
        dump(connection, ONE)


def test_only_what_record_session_writes_is_a_recording(
    scripted: ScriptedSwitch, connection: Connection
) -> None:
    bug = "<media-bug><function>{}</function>\n <target>{}</target></media-bug>"
    listed = [bug.format("session_record", "/one.wav"), bug.format("eavesdrop", "/two.wav")]
    scripted.answers["uuid_buglist"] = "\n".join([*listed, bug.format("session_record", "/three.wav")])
    assert list_recordings(connection, ONE) == ["/one.wav", "/three.wav"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("+OK", None),
        ("true", None),
        ("an -ERR in the middle", None),
        ("-ERR No such channel!\n", LegGone),
        ("-ERR invalid session id [x]", LegGone),
        ("-ERR Conference room not found", ConferenceGone),
        ("-ERR conference room is busy", CommandFailed),
        ("-ERR room not found", CommandFailed),
        ("-ERR Non-Existant ID 7", MemberGone),
        ("-ERR member: 7 not found", MemberGone),
        ("-ERR anything", CommandFailed),
        ("-USAGE: uuid_kill", CommandFailed),
    ],
)
def test_an_answer_is_an_error_of_its_type(answer: str, error: type[CommandFailed] | None) -> None:
    found = failure(answer)
    assert type(found) is (error or type(None))
    assert found is None or found.reply == answer.strip()
