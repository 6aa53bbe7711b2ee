"""The calls of a load test, when each hangs up, and its application's instructions."""

from __future__ import annotations

import random
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

CALLS_A_ROOM = 10
ROOMS_AT_A_TIME = 4
PATIENT_MS = 20_000
HESITATION = 4.0
"""Seconds for which the application leaves a caller ringing who hangs up within 0.3 s: much more, as the
machine may be busy and the caller late."""
HASTY_MS = 50, 300


class Role(Enum):
    PLAIN = "joins, and starts the room"
    GUEST = "waits for the moderator"
    LEAVES_WAITING = "waits for the moderator, but not long"
    MODERATOR = "comes last and starts the room"
    CHAIR = "comes last, starts the room, and ends it"
    HASTY = "cancels while it rings"

    @property
    def starts(self) -> bool:
        """Whether its joining starts the conference."""
        return self in (Role.PLAIN, Role.MODERATOR, Role.CHAIR)


class Caller(NamedTuple):
    number: str
    calls: str
    role: Role
    patience_ms: int
    stay_ms: int

    @property
    def admitted(self) -> bool:
        return self.role is not Role.HASTY


def party(rooms: int, stay_ms: int, seed: int = 1) -> list[Caller]:
    """Ten callers a room, in the order in which they call. A few rooms fill at a time, each from its first
    caller to its moderator, so that a caller that waits for one meets it."""
    chance = random.Random(seed)
    return [
        _caller(room, place, stay_ms, chance)
        for first in range(0, rooms, ROOMS_AT_A_TIME)
        for place in range(CALLS_A_ROOM)
        for room in range(first, min(first + ROOMS_AT_A_TIME, rooms))
    ]


def plain_party(rooms: int, calls: int, stay_ms: int) -> list[Caller]:
    return [
        Caller(caller_id(call), number(call % rooms), Role.PLAIN, PATIENT_MS, stay_ms)
        for call in range(calls)
    ]


def _caller(room: int, place: int, stay_ms: int, chance: random.Random) -> Caller:
    role = _role(room, place)
    patience, stay = PATIENT_MS, stay_ms + chance.randrange(-500, 500)
    if role is Role.HASTY:
        patience = chance.randrange(*HASTY_MS)
    elif role is Role.LEAVES_WAITING:
        stay = chance.randrange(20, 400)
    elif role is Role.CHAIR:
        stay = stay_ms // 2
    return Caller(caller_id(room * CALLS_A_ROOM + place), number(room), role, patience, stay)


def _role(room: int, place: int) -> Role:
    """Half of the rooms are moderated; half of the moderators end theirs."""
    if place == 4:
        return Role.HASTY
    if room % 2:
        return Role.PLAIN
    if place == CALLS_A_ROOM - 1:
        return Role.MODERATOR if room % 4 else Role.CHAIR
    return Role.LEAVES_WAITING if place == 2 else Role.GUEST


def number(room: int) -> str:
    return f"+13125551{room:03}"


def caller_id(call: int) -> str:
    return f"+14155{call:06}"


def attributes(caller: Caller) -> dict[str, str]:
    """Of the Conference noun."""
    match caller.role:
        case Role.GUEST | Role.LEAVES_WAITING:
            return {"startConferenceOnEnter": "false"}
        case Role.CHAIR:
            return {"endConferenceOnExit": "true"}
        case _:
            return {}


def rows(callers: list[Caller]) -> Iterator[str]:
    """As the sipp scenario reads them."""
    yield "SEQUENTIAL"
    for caller in callers:
        yield f"{caller.number};{caller.calls};{caller.patience_ms};{caller.stay_ms}"
