"""Invariants that hold at the end of every test with an orchestrator.

Callbacks of a conference: sequence numbers without a gap and in order, none delivered twice, one start at
most, one end, nothing after it, a leave for each join, times that never go back. Once the phones have hung
up: no call, room, leg or undelivered callback is left in the orchestrator or on its disk.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

import gevent

from orchestrator.app import Orchestrator
from orchestrator.callbacks.retry import Answer
from orchestrator.conference.live.manager import PARTICIPANT, ROOM
from orchestrator.conference.machine.state import Room
from orchestrator.store.message import Queued
from tests.lab.web import Application, Request

START, END, JOIN, LEAVE = "conference-start", "conference-end", "participant-join", "participant-leave"
RECORDING_ENDS = {"completed", "absent", "failed"}
ENOUGH_SECONDS = 30.0
"""For callbacks to be delivered and calls to be forgotten after the last phone hung up."""


def left_in(orchestrator: Orchestrator) -> dict[str, int]:
    """The calls and conferences that are left, by kind; kinds of which nothing is left are left out."""
    nodes = orchestrator.nodes
    counts = {
        "legs": sum(len(node.legs) for node in nodes),
        "rooms": sum(len(node.rooms) for node in nodes),
        "seats": sum(len(node.rooms._executor._participant_legs) for node in nodes),
        "names": sum(len(node.rooms._by_name) for node in nodes),
        "calls": sum(len(node.calls) for node in nodes),
        "watched legs": sum(len(node.legs._watched) for node in nodes),
        "callbacks": orchestrator.outbox.counts().pending,
        "rooms on disk": len(orchestrator.outbox.load(ROOM)),
        "participants on disk": len(orchestrator.outbox.load(PARTICIPANT)),
    }
    return {kind: count for kind, count in counts.items() if count}


def wait_until_nothing_is_left(orchestrator: Orchestrator, seconds: float = ENOUGH_SECONDS) -> dict[str, int]:
    """Those left after `seconds` at most."""
    deadline = time.monotonic() + seconds
    while (left := left_in(orchestrator)) and time.monotonic() < deadline:
        gevent.sleep(0.02)
    return left


def broken_by_callbacks(
    application: Application,
    attempts: Iterable[tuple[Queued, Answer]],
    subscriptions: Mapping[str, frozenset[str]],
    over: bool,
) -> list[str]:
    """The faults of the callbacks of each conference that has `subscriptions`, by ConferenceSid.

    `attempts` to deliver them; `over`: the phones have hung up, and every callback had time to come.
    """
    by_room: dict[str, list[Request]] = defaultdict(list)
    for request in list(application.requests):
        fields = request.fields
        if {"ConferenceSid", "SequenceNumber", "StatusCallbackEvent"} <= fields.keys():
            by_room[fields["ConferenceSid"]].append(request)
    found = []
    for sid, requests in by_room.items():
        faults = list(_faults(requests))
        if over and sid in subscriptions:
            faults += _missing([request.fields for request in requests], subscriptions[sid])
        if faults:
            came = [(r.fields["SequenceNumber"], r.fields["StatusCallbackEvent"]) for r in requests]
            found.append(f"conference {sid}: {'; '.join(faults)}; callbacks were {came}")
    found += _repeated(attempts)
    if over:
        found += [
            f"conference {sid}: its end was never sent"
            for sid, events in subscriptions.items()
            if "end" in events and sid not in by_room
        ]
    return found


def _repeated(attempts: Iterable[tuple[Queued, Answer]]) -> Iterable[str]:
    """Callbacks that were delivered more than once, or contradict each other. A request that was repeated
    since its answer was missed is none of them: only the orchestrator knows that."""
    once: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    ends: dict[str, set[str]] = defaultdict(set)
    for message, answer in attempts:
        fields = dict(parse_qsl(message.body.decode(), keep_blank_values=True))
        if answer.verdict != "delivered":
            continue
        if status := fields.get("RecordingStatus"):
            once["recording", fields.get("RecordingSid", ""), f"{status} at {message.url}"].append(message.id)
            ends[fields.get("RecordingSid", "")] |= {status} & RECORDING_ENDS
        elif fields.get("CallbackSource") == "call-progress-events":
            what = f"{fields.get('CallStatus')} at {message.url}"
            once["call", fields.get("CallSid", ""), what].append(message.id)
        elif {"StatusCallbackEvent", "SequenceNumber"} <= fields.keys():
            number = f"number {fields.get('SequenceNumber')}"
            once["conference", fields.get("ConferenceSid", ""), number].append(message.id)
    yield from (
        f"{kind} {sid}: {what} was delivered {len(ids)} times, as messages {ids}"
        for (kind, sid, what), ids in once.items()
        if len(ids) > 1
    )
    yield from (f"recording {sid} ended as {sorted(end)}" for sid, end in ends.items() if len(end) > 1)


def subscription(room: Room, application: Application) -> frozenset[str]:
    """The events of a conference that are to be sent to this application; none of one that nobody entered."""
    here = room.opened_at and room.options.status_callback.startswith(application.url())
    return room.options.status_callback_event if here else frozenset()


def _faults(requests: list[Request]) -> Iterable[str]:
    distinct: dict[int, Request] = {}
    for request in requests:
        number = int(request.fields["SequenceNumber"])
        if number in distinct and distinct[number].fields != request.fields:
            yield f"number {number} was sent twice with different fields"
        if number not in distinct and distinct and number != max(distinct) + 1:
            yield f"number {number} came after {max(distinct)}"
        distinct.setdefault(number, request)
    if distinct and min(distinct) not in (0, 1):
        yield f"the first number is {min(distinct)}"
    yield from _wrong_order([request.fields for _, request in sorted(distinct.items())])


def _wrong_order(events: list[dict[str, str]]) -> Iterable[str]:
    names = [event["StatusCallbackEvent"] for event in events]
    for name in (START, END):
        if names.count(name) > 1:
            yield f"{names.count(name)} {name}"
    if END in names and names[-1] != END:
        yield f"{names[names.index(END) + 1]} after {END}"
    inside: set[str] = set()
    for event in events:
        call = event.get("CallSid", "")
        match event["StatusCallbackEvent"]:
            case "participant-join":
                if call in inside:
                    yield f"a second join of {call}"
                inside.add(call)
            case "participant-leave":
                if JOIN in names and call not in inside:
                    yield f"a leave of {call}, which had not joined"
                inside.discard(call)
    times = [event["Timestamp"] for event in events if event["Timestamp"][:1].isdigit()]
    if times != sorted(times):
        yield f"times that go back: {times}"


def _missing(events: list[dict[str, str]], wanted: frozenset[str]) -> Iterable[str]:
    names = [event["StatusCallbackEvent"] for event in events]
    if "end" in wanted and END not in names:
        yield "its end was never sent"
    if {"join", "leave"} <= wanted:
        joined = {event["CallSid"] for event in events if event["StatusCallbackEvent"] == JOIN}
        left = {event["CallSid"] for event in events if event["StatusCallbackEvent"] == LEAVE}
        yield from (f"no leave of {call}" for call in joined - left)
