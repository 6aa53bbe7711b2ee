"""Leftovers after all calls, and faults of the callbacks, beside FreeSWITCH's own events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.sids import call_sid_of
from tests.crash.witness import Seen
from tests.lab.invariants import END, JOIN, LEAVE, START
from tests.lab.web import Request
from tests.sip.misbehaviour.documents import EVENTS, RECORDINGS, STATUS

BEGUN, ENDS = ("in-progress",), ("completed", "absent")
CALL_ENDS = ("completed", "busy", "failed", "no-answer", "canceled")


@dataclass
class Verdict:
    calls: int
    left: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    conferences: int = 0
    stays: int = 0

    @property
    def good(self) -> bool:
        return not (self.left or self.wrong)

    def __str__(self) -> str:
        return f"calls {self.calls} left {len(self.left)} wrong {len(self.wrong)}"


Explains = Callable[[Iterable[str]], str]
"""The calls, with their behaviours, that these CallSids belong to."""


def judge(
    requests: Sequence[Request], seen: Sequence[Seen], calls: Collection[str], explains: Explains
) -> list[str]:
    """Every fault, with the calls that it is about; `calls`: the CallSids that the application knows."""
    events = _once(requests, EVENTS, "SequenceNumber", "ConferenceSid")
    entered = admitted(seen)
    return [
        *_stays(events, entered, explains),
        *_conferences(events, {one.room for one in entered}, explains),
        *_recordings([one.fields for one in requests if one.path == RECORDINGS], explains),
        *_calls([one.fields for one in requests if one.path == STATUS], calls, explains),
    ]


def admitted(seen: Sequence[Seen]) -> list[Seen]:
    """The members that were answered: with EarlyMedia a phone is one from its ringing on."""
    answered = {one.leg for one in seen if one.name == "CHANNEL_ANSWER"}
    return [one for one in seen if one.name == "add-member" and one.leg in answered]


def _once(requests: Sequence[Request], path: str, *key: str) -> list[Mapping[str, str]]:
    """Delivered more than once is allowed (at least once): the same number is the same callback."""
    found: dict[tuple[str, ...], Mapping[str, str]] = {}
    for one in requests:
        if one.path == path:
            found.setdefault(tuple(one.fields[name] for name in key), one.fields)
    return list(found.values())


def _stays(events: Sequence[Mapping[str, str]], entered: Sequence[Seen], explains: Explains) -> Iterable[str]:
    """Every participant, by FreeSWITCH's own events or the callbacks, had one join and one leave."""
    counts = Counter((one["ConferenceSid"], one["CallSid"], one["StatusCallbackEvent"]) for one in events)
    members = {(one.room, call_sid_of(one.leg)) for one in entered}
    mentioned = {(room, call) for room, call, event in counts if event in (JOIN, LEAVE)}
    for room, call in sorted(members | mentioned):
        joins, leaves = counts[room, call, JOIN], counts[room, call, LEAVE]
        if (joins, leaves) != (1, 1):
            yield f"{joins} joins and {leaves} leaves of {call} in {room}: {explains([call])}"


def _conferences(
    events: Sequence[Mapping[str, str]], in_use: Collection[str], explains: Explains
) -> Iterable[str]:
    """Each had its numbers without a gap, one start at most, one end, and nothing after it."""
    by_room: dict[str, list[Mapping[str, str]]] = {room: [] for room in in_use}
    for event in events:
        by_room.setdefault(event["ConferenceSid"], []).append(event)
    for room, found in by_room.items():
        ordered = sorted(found, key=lambda event: int(event["SequenceNumber"]))
        numbers = [int(event["SequenceNumber"]) for event in ordered]
        names = [event["StatusCallbackEvent"] for event in ordered]
        faults = []
        if numbers != list(range(len(numbers))):
            faults.append(f"numbers are {numbers}")
        if names.count(START) > 1 or (names.count(START) < 1 and room in in_use):
            faults.append(f"{names.count(START)} starts")
        if names.count(END) != 1 or names[-1] != END:
            faults.append(f"{names.count(END)} ends, last came {names[-1:]}")
        if faults:
            yield f"{room}: {', '.join(faults)}: {explains({event['CallSid'] for event in found})}"


def _recordings(callbacks: Sequence[Mapping[str, str]], explains: Explains) -> Iterable[str]:
    """Each that began ended once, in one of completed and absent."""
    counts = Counter((one["RecordingSid"], one["RecordingStatus"]) for one in callbacks)
    calls = {one["RecordingSid"]: one.get("CallSid", "") for one in callbacks}
    for sid, call in calls.items():
        ends = sum(counts[sid, status] for status in ENDS)
        if ends != 1:
            yield f"{ends} ends of recording {sid}: {explains([call])}"


def _calls(
    callbacks: Sequence[Mapping[str, str]], calls: Collection[str], explains: Explains
) -> Iterable[str]:
    """Each ended once."""
    counts = Counter((one["CallSid"], one["CallStatus"]) for one in callbacks)
    for call in sorted({one["CallSid"] for one in callbacks} | set(calls)):
        ends = sum(counts[call, status] for status in CALL_ENDS)
        if ends != 1:
            yield f"{ends} ends of call {call}: {explains([call])}"
