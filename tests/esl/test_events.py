"""Event JSON to typed events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields

from orchestrator.esl.errors import ProtocolError
from orchestrator.esl.events import Event, HangupEvent, decode, hangup_event
from tests.esl.wire import trace_frames, trace_names


def event(**headers: object) -> bytes:
    return json.dumps({name.replace("_", "-"): value for name, value in headers.items()}).encode()


@pytest.mark.parametrize("name", trace_names())
def test_every_recorded_event_keeps_every_header(name: str) -> None:
    for kind, _, body in trace_frames(name):
        if kind == "text/event-json":
            decoded, recorded = decode(body), json.loads(body)
            assert decoded.headers() == recorded
            assert decoded.name == recorded["Event-Name"]
            assert decoded.uuid == recorded.get("Unique-ID", "")
            assert decoded.timestamp == int(recorded["Event-Date-Timestamp"])


def test_an_absent_header_is_empty() -> None:
    assert decode(b"{}") == Event(raw=b"{}")


FIELDS = [info for info in fields(HangupEvent) if info.name != "raw"]
# Of calls that go out through a gateway, or with a password; the traces have none.
NOT_IN_TRACES = {"variable_sip_auth_username", "variable_sip_gateway_name"}


def test_each_header_that_is_a_field_is_one_that_freeswitch_sends() -> None:
    sent = set[str]()
    for name in trace_names():
        for kind, _, body in trace_frames(name):
            if kind == "text/event-json":
                sent |= set(json.loads(body))
    assert {info.encode_name for info in FIELDS} - sent == NOT_IN_TRACES


@pytest.mark.parametrize("twice", [False, True], ids=["as usual", "one header twice"])
def test_each_header_reaches_its_field_and_no_other(twice: bool) -> None:
    """Also of the rare event that is decoded one header after the other."""
    values = {info.encode_name: str(number) for number, info in enumerate(FIELDS, 10)}
    values["Event-Name"] = "CHANNEL_HANGUP_COMPLETE"
    more = {"X-A": ["1", "2"], "Unique-ID": [values["Unique-ID"], "x"]} if twice else {}
    # As FreeSWITCH writes it: the name first, without spaces.
    raw = json.dumps(values | more, separators=(",", ":"))
    decoded = decode(raw.encode())
    assert isinstance(decoded, HangupEvent)
    found = {info.encode_name: str(getattr(decoded, info.name)) for info in FIELDS}
    assert found == values


def test_an_end_that_freeswitch_did_not_report_has_what_is_known() -> None:
    known = Event("CHANNEL_HANGUP_COMPLETE", 17, "leg", hangup_cause="NORMAL_CLEARING")
    assert hangup_event(known) == HangupEvent(
        "CHANNEL_HANGUP_COMPLETE", 17, "leg", hangup_cause="NORMAL_CLEARING"
    )
    raw = event(
        Event_Name="CHANNEL_HANGUP", Unique_ID="leg", Hangup_Cause="USER_BUSY", Channel_Name="sofia/a"
    )
    found = hangup_event(decode(raw))
    assert (found.name, found.uuid, found.hangup_cause, found.channel_name, found.raw) == (
        "CHANNEL_HANGUP",
        "leg",
        "USER_BUSY",
        "sofia/a",
        raw,
    )
    assert hangup_event(found) is found


@pytest.mark.parametrize("value", [["CHANNEL_PARK", "forged"], ["CHANNEL_PARK"]])
def test_a_header_that_occurs_twice_counts_once_and_first(value: list[str]) -> None:
    decoded = decode(event(Event_Name=value, Unique_ID="a", Event_Date_Timestamp="3"))
    assert (decoded.name, decoded.uuid, decoded.timestamp) == ("CHANNEL_PARK", "a", 3)
    assert decoded.headers()["Event-Name"] == "CHANNEL_PARK"


@pytest.mark.parametrize("time", ["", "many", ["2", "3"], [], None, 2.5, {"a": 1}, "9" * 40])
def test_a_number_that_is_none_never_raises(time: object) -> None:
    assert isinstance(decode(event(Event_Date_Timestamp=time, Event_Name="CUSTOM")).timestamp, int)


def test_invalid_utf_8_in_a_callers_name_loses_only_those_bytes() -> None:
    """SYMPTOM one caller with a Latin-1 name ended all event processing. CAUSE greenswitch decodes strictly
    and its reader dies of it. FIX bytes that are no UTF-8 are replaced, in that value alone."""
    decoded = decode(b'{"Event-Name":"CHANNEL_PARK","Caller-Caller-ID-Name":"Jos\xe9","Unique-ID":"a"}')
    assert (decoded.name, decoded.uuid) == ("CHANNEL_PARK", "a")
    assert decoded.header("Caller-Caller-ID-Name") == "Jos\ufffd"


def test_a_lone_surrogate_is_not_passed_on() -> None:
    decoded = decode(
        b'{"Event-Name":"CHANNEL_PARK","Unique-ID":"\\ud800x","Caller-Caller-ID-Name":"\\ud800x"}'
    )
    decoded.uuid.encode()
    decoded.header("Caller-Caller-ID-Name").encode()
    assert decoded.name == "CHANNEL_PARK"


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{", b'"x"', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_a_protocol_error(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(raw)


def test_a_header_cannot_reach_the_raw_field() -> None:
    assert decode(b'{"raw":"eA==","Event-Name":"A"}').raw == b'{"raw":"eA==","Event-Name":"A"}'


_values: Any = st.one_of(st.text(), st.lists(st.text(), max_size=3), st.integers(), st.none())


@given(st.dictionaries(st.sampled_from(["Event-Name", "Event-Date-Timestamp", "Unique-ID", "X"]), _values))
def test_any_object_decodes_to_strings_and_numbers(headers: dict[str, Any]) -> None:
    decoded = decode(json.dumps(headers).encode())
    assert isinstance(decoded.name, str)
    assert isinstance(decoded.uuid, str)
    assert isinstance(decoded.timestamp, int)
    assert all(isinstance(value, str) for value in decoded.headers().values())


@given(st.text())
def test_a_callers_name_reaches_its_field_and_no_other(name: str) -> None:
    raw = json.dumps({"Event-Name": "CHANNEL_PARK", "Caller-Caller-ID-Name": name}).encode()
    decoded = decode(raw)
    assert decoded.name == "CHANNEL_PARK"
    assert decoded.uuid == ""
    assert decoded.header("Caller-Caller-ID-Name") == name.encode("utf-8", "replace").decode()
