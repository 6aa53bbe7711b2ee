"""The callbacks that came, each once, by room and by call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone

from tests.crash.application import Came
from tests.crash.moments import SECOND, Moments

START, END = "conference-start", "conference-end"
JOIN, LEAVE = "participant-join", "participant-leave"
ANSWER_LIMIT = 2 * SECOND
"""The service's time limit (`callbacks.timeout_secs`): an answer may have been late for what comes later."""


@dataclass(frozen=True)
class Callback:
    room: str
    sequence: int
    event: str
    call_sid: str
    name: str
    number: str
    at: int
    """Its Timestamp, microseconds since the epoch."""
    came: int
    """When it came for the first time."""
    fields: Mapping[str, str]


@dataclass
class ReportedStay:
    """A join and the leave that belongs to it."""

    join: Callback | None = None
    leave: Callback | None = None

    @property
    def first(self) -> Callback:
        one = self.join or self.leave
        assert one is not None
        return one


@dataclass
class Delivered:
    """`rooms` by ConferenceSid, each in its own order; `wrong` is what contradicts itself."""

    rooms: dict[str, list[Callback]] = field(default_factory=dict)
    stays: dict[str, list[ReportedStay]] = field(default_factory=lambda: defaultdict(list))
    """By CallSid."""
    wrong: list[str] = field(default_factory=list)
    twice: int = 0


def read(came: Iterable[Came], moments: Moments) -> Delivered:
    delivered, before = Delivered(), dict[tuple[str, int], Came]()
    rooms: dict[str, list[Callback]] = defaultdict(list)
    for one in came:
        callback = _callback(one)
        key = callback.room, callback.sequence
        if key in before:
            delivered.twice += 1
            if before[key].body != one.body:
                delivered.wrong.append(f"sent twice, and not the same: {before[key].body!r} and {one.body!r}")
            elif is_needless(before[key], one, moments):
                delivered.wrong.append(
                    f"reported again {(one.at - before[key].at) / 1e6:.3f} s after it was taken: {key}"
                )
        else:
            rooms[callback.room].append(callback)
        before[key] = one
    for sid, callbacks in rooms.items():
        delivered.rooms[sid] = sorted(callbacks, key=lambda callback: callback.sequence)
        _into_stays(delivered, delivered.rooms[sid])
    for stays in delivered.stays.values():
        stays.sort(key=lambda stay: stay.first.at)
    return delivered


def is_needless(before: Came, again: Came, moments: Moments) -> bool:
    """Whether what was taken came once more and nothing explains it: no kill, no standing still, no answer
    that may have come too late."""
    in_time = again.at - before.at < ANSWER_LIMIT
    return before.taken and in_time and not moments.may_be_repeated(before.at)


def _into_stays(delivered: Delivered, callbacks: list[Callback]) -> None:
    inside: dict[str, ReportedStay] = {}
    for callback in callbacks:
        if callback.event == JOIN:
            stay = inside[callback.call_sid] = ReportedStay(join=callback)
            delivered.stays[callback.call_sid].append(stay)
        elif callback.event == LEAVE:
            left = inside.pop(callback.call_sid, None)
            if left is None:
                left = ReportedStay()
                delivered.stays[callback.call_sid].append(left)
            left.leave = callback


def _callback(came: Came) -> Callback:
    fields = came.fields
    return Callback(
        room=fields["ConferenceSid"],
        sequence=int(fields["SequenceNumber"]),
        event=fields["StatusCallbackEvent"],
        call_sid=fields["CallSid"],
        name=fields["FriendlyName"],
        number=fields.get("From", ""),
        at=_microseconds(fields["Timestamp"]),
        came=came.at,
        fields=fields,
    )


def _microseconds(text: str) -> int:
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    return round(moment.timestamp() * 1_000_000)
