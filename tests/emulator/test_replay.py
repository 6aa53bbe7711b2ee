"""The recorded conversations with a real FreeSWITCH 1.10.12, played against the emulator.

Same commands, same points; what comes back must be the same: answers, event names, their order, their
headers, the order of those, their values. The tables below have the allowed differences, with reasons.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.emulator import Behaviour, EmulatedSwitch
from tests.emulator.replay import TRACES, Entry, Replay, load, settle
from tests.emulator.socket_client import Frame, SocketClient
from tests.lab.emulated_phone import ObservedPhone

CONVERSATIONS = sorted(path.stem for path in TRACES.glob("*.jsonl"))

# Which sequences are compared, and why not simply one: FreeSWITCH runs these in threads of their own, and the
# recordings themselves show them in different orders.
THREADS = {
    "answers": "a command is answered by the listener's thread, between any two events",
    "leg": "each leg has a thread; its events and its member's events keep their order",
    "room": "a conference has a thread: conference-destroy is seen before or after the last leg's end",
    "job": "each background job has a thread",
}

# Headers that are not compared at all.
UNLIKE_HEADERS = {
    "Current-Energy": "the real phones spoke from a file",
    "variable_sip_from_display": "the softphone sent none",
    "room": "a conference's variable, set beside the conference's own thread: early events may be without it",
}

# Variables whose place in the list, or whose presence, depends on a moment in FreeSWITCH.
RACING_VARIABLES = {
    **dict.fromkeys(
        [
            "sip_to_tag",
            "sip_from_tag",
            "sip_cseq",
            "sip_call_id",
            "sip_full_via",
            "sip_full_from",
            "sip_full_to",
        ],
        "set when the ACK arrives, some ms after the answer",
    ),
    **dict.fromkeys(
        ["remote_audio_ip_reported", "remote_audio_ip", "remote_audio_port_reported", "remote_audio_port"],
        "set when the first RTP packet arrives",
    ),
    "rtp_auto_adjust_audio": "set when the first RTP packet arrives",
    "sip_hangup_disposition": "set by SIP's thread beside the leg's own",
}

# Headers of which only the presence counts: ids, times, counters, addresses, what the machine measured.
MOVING = re.compile(
    r"Core-UUID|FreeSWITCH-|Event-Date|Event-Sequence|Unique-ID|Call-UUID|-Time$|Member-ID|Old-ID|New-ID|Job-UUID"
    r"|Application-UUID|_body|Content-Length|Path|seconds|samples|Samples|Milliseconds|Record-File-Size|talking-"
    r"|variable_.*(uuid|epoch|stamp|sec$|duration|_ip|port|_tag|via|sdp|call_id|ssrc|cseq|packet|bytes|octet|pos$"
    r"|_ms$|member_id|contact|session_id|network|full_|call_key|recording|hold_accum|jitter|mos|variance|flaw|rate$)"
)


@pytest.fixture
def emulator() -> Iterator[EmulatedSwitch]:
    switch = EmulatedSwitch(
        time_scale=0.5,
        dialplan=(("set", "park_timeout=10:NORMAL_TEMPORARY_FAILURE"), ("park", "")),
        extensions={"tone": (("answer", ""), ("playback", "tone_stream://%(60000,0,880)"))},
        sip_profile="internal",
        context="public",
        phone_type=ObservedPhone,
    )
    switch.register("none", Behaviour(answers_after=0, rejects=503))
    switch.start()
    yield switch
    switch.stop()


def _thread(event: dict[str, Any], names: dict[str, str]) -> str:
    if event.get("Event-Name") == "BACKGROUND_JOB":
        return "job"
    if uuid := event.get("Unique-ID"):
        return f"leg {names.get(uuid, uuid)}"
    return "room"


def _threads(events: list[dict[str, Any]], names: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        found.setdefault(_thread(event, names), []).append(event)
    return found


def _label(event: dict[str, Any]) -> tuple[str, ...]:
    keys = ("Event-Name", "Action", "Application", "Application-Data", "Application-Response", "Hangup-Cause")
    return tuple(
        str(event.get(key, "")) for key in (*keys, "Channel-State", "Channel-Call-State", "Answer-State")
    )


def _headers(event: dict[str, Any]) -> list[str]:
    left_out = set(UNLIKE_HEADERS) | {f"variable_{name}" for name in RACING_VARIABLES}
    return [name for name in event if name not in left_out]


def _values(event: dict[str, Any], place: str) -> dict[str, str]:
    return {
        name: str(value).replace(place, "/var/lib/freeswitch/recordings")
        for name, value in event.items()
        if name in _headers(event) and not MOVING.search(name)
    }


def _text(body: Any, place: str) -> str:
    """An answer with all that moves taken out."""
    text = str(body or "").replace(place, "/var/lib/freeswitch/recordings")
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>", text)
    return re.sub(r"\d+", "<n>", text)


def _answers(frames: list[Frame] | list[Entry], place: str) -> list[tuple[str, str, str]]:
    return [
        (
            frame.headers["Content-Type"],
            _text(frame.headers.get("Reply-Text"), place),
            _text(frame.body, place),
        )
        for frame in frames
        if frame.headers and not frame.event
    ]


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_the_emulator_says_what_freeswitch_said(name: str, emulator: EmulatedSwitch, tmp_path: Path) -> None:
    trace = load(name)
    client = SocketClient(emulator.port)
    replay = Replay(emulator, client, trace, tmp_path)
    replay.run()
    settle(emulator)
    assert emulator.leftovers() == []

    there = [entry for entry in trace if not entry.out]
    here = client.frames[1:]  # the trace begins after auth/request
    place = str(tmp_path)
    dumped = re.compile(r'^\{"(Event-Name|row_count)')
    assert [answer for answer in _answers(here, place) if not dumped.match(answer[2])] == [
        answer for answer in _answers(there, place) if not dumped.match(answer[2])
    ]
    theirs = _threads([entry.event for entry in there if entry.event], replay.names)
    ours = _threads([frame.event for frame in here if frame.event], {})
    assert sorted(theirs) == sorted(ours)
    for thread, expected in theirs.items():
        assert [_label(event) for event in ours[thread]] == [_label(event) for event in expected], thread
        for mine, real in zip(ours[thread], expected, strict=True):
            about = f"{thread}: {_label(real)}"
            assert _headers(mine) == _headers(real), about
            assert _values(mine, place) == _values(real, place), about
    client.close()
