"""What was told: the callbacks that came, each once, by room and by call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone

from tests.crash.application import Came

START, END = "conference-start", "conference-end"
JOIN, LEAVE = "participant-join", "participant-leave"


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


@dataclass
class ToldStay:
    """A join and the leave that belongs to it."""

    join: Callback | None = None
    leave: Callback | None = None

    @property
    def first(self) -> Callback:
        one = self.join or self.leave
        assert one is not None
        return one


@dataclass
class Told:
    """`rooms` by ConferenceSid, each in its own order; `wrong` is what contradicts itself."""

    rooms: dict[str, list[Callback]] = field(default_factory=dict)
    stays: dict[str, list[ToldStay]] = field(default_factory=lambda: defaultdict(list))
    """By CallSid."""
    wrong: list[str] = field(default_factory=list)
    twice: int = 0


def read(came: Iterable[Came]) -> Told:
    told, bodies = Told(), dict[tuple[str, int], bytes]()
    rooms: dict[str, list[Callback]] = defaultdict(list)
    for one in came:
        callback = _callback(one)
        key = callback.room, callback.sequence
        if key in bodies:
            told.twice += 1
            if bodies[key] != one.body:
                told.wrong.append(f"told twice, and not the same: {bodies[key]!r} and {one.body!r}")
            continue
        bodies[key] = one.body
        rooms[callback.room].append(callback)
    for sid, callbacks in rooms.items():
        told.rooms[sid] = sorted(callbacks, key=lambda callback: callback.sequence)
        _into_stays(told, told.rooms[sid])
    for stays in told.stays.values():
        stays.sort(key=lambda stay: stay.first.at)
    return told


def _into_stays(told: Told, callbacks: list[Callback]) -> None:
    inside: dict[str, ToldStay] = {}
    for callback in callbacks:
        if callback.event == JOIN:
            stay = inside[callback.call_sid] = ToldStay(join=callback)
            told.stays[callback.call_sid].append(stay)
        elif callback.event == LEAVE:
            left = inside.pop(callback.call_sid, None)
            if left is None:
                left = ToldStay()
                told.stays[callback.call_sid].append(left)
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
    )


def _microseconds(text: str) -> int:
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    return round(moment.timestamp() * 1_000_000)
