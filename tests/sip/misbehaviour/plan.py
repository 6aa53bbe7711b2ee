"""The events of each call, by chance and yet the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum

from tests.sip.misbehaviour.callees import CALLEES
from tests.sip.misbehaviour.callers import CALLERS
from tests.sip.misbehaviour.rtp import Path

ROOMS = 8
CODECS = ["PCMU", "PCMA", "G722", "OPUS"]
PATHS = [Path(), Path(), Path(loss=0.1), Path(jitter=0.04), Path(loss=0.02, jitter=0.02, reordered=0.1)]


class Kind(Enum):
    CONFERENCE = "joins a conference"
    DIAL = "calls somebody"
    INVITED = "joins a conference that somebody is dialled into"
    CALLED = "joins a conference while the API calls somebody who joins it too"
    GATHER = "types, then joins a conference"
    RECORD = "is recorded, then joins a conference"

    @property
    def has_callee(self) -> bool:
        return self in (Kind.DIAL, Kind.INVITED, Kind.CALLED)


WEIGHTS = {
    Kind.CONFERENCE: 3,
    Kind.DIAL: 8,
    Kind.INVITED: 5,
    Kind.CALLED: 4,
    Kind.GATHER: 2,
    Kind.RECORD: 2,
}


@dataclass(frozen=True)
class Side:
    """One of the two phones of a call."""

    behaviour: str
    transport: str
    codecs: tuple[str, ...]
    path: Path


@dataclass(frozen=True)
class Plan:
    number: int
    kind: Kind
    caller: Side
    callee: Side | None
    room: str
    seed: int
    """Of everything else in this call."""

    def __str__(self) -> str:
        text = f"call {self.number}, {self.kind.value}: caller {_named(self.caller)}"
        return text + (f"; callee {_named(self.callee)}" if self.callee else "")


def plans(count: int, seed: int, callers: Collection[str] = (), callees: Collection[str] = ()) -> list[Plan]:
    """Each behaviour comes as often as any other; with names, those alone."""
    chance = random.Random(seed)
    first, second = _deck(callers or CALLERS, chance), _deck(callees or CALLEES, chance)
    found = []
    for number in range(count):
        (kind,) = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        caller = _side(next(first), ["UDP", "UDP", "TCP", "IPv6"], chance)
        callee = _side(next(second), ["UDP", "UDP", "TCP"], chance) if kind.has_callee else None
        room = f"Room {chance.randrange(ROOMS)}"
        found.append(Plan(number, kind, caller, callee, room, chance.getrandbits(32)))
    return found


def _deck(names: Collection[str], chance: random.Random) -> Iterator[str]:
    while True:
        deck = list(names)
        chance.shuffle(deck)
        yield from deck


def _side(behaviour: str, transports: list[str], chance: random.Random) -> Side:
    codecs = chance.sample(CODECS, chance.randrange(1, len(CODECS) + 1))
    return Side(behaviour, chance.choice(transports), tuple(codecs), chance.choice(PATHS))


def _named(side: Side) -> str:
    return f"'{side.behaviour}' ({side.transport}, {'+'.join(side.codecs)})"
