"""The calls, their times and their documents: everything follows from one seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

ROOMS_AT_A_TIME = 5
PATIENCE_MS = 25_000
CALLED = "+13125550100"


class Kind(Enum):
    """The action of a document. It talks to the caller or takes it into a room, never both: so the events
    of its leg say how far it is."""

    ROOM = "joined"
    PLAY = "playing"
    SAY = "saying"
    GATHER = "gathering"
    DIAL = "dialling"


@dataclass(frozen=True)
class Step:
    """One document of a call. The fields after `kind` concern rooms only."""

    kind: Kind
    room: str = ""
    starts: bool = True
    ends: bool = False
    muted: bool = False
    records: bool = False
    beep: bool = True
    time_limit: int = 0
    """Seconds after which the room is left and the next document asked for; 0: never."""
    redirected: bool = False
    """On by the verb after the Dial, not by the Dial's action."""


@dataclass(frozen=True)
class Caller:
    """One call: rings, is answered by its first document, stays for so long, hangs up."""

    number: str
    steps: tuple[Step, ...]
    stay_ms: int
    patience_ms: int = PATIENCE_MS
    calls: str = CALLED


@dataclass
class _Room:
    name: str
    moderated: bool
    records: bool
    callers: list[Caller] = field(default_factory=list)


class Plan:
    """Callers without end, in the order in which they call; a few rooms fill up at a time."""

    def __init__(self, seed: int, pace: float = 1.0) -> None:
        self._pace = pace
        self._chance = random.Random(seed)
        self._numbers = 0

    def callers(self) -> Iterator[Caller]:
        group = 0
        while True:
            yield from self._group(group)
            group += 1

    def _group(self, group: int) -> list[Caller]:
        chance = self._chance
        rooms = [
            _Room(f"Room {group}-{number} & so on", chance.random() < 0.55, chance.random() < 0.3)
            for number in range(ROOMS_AT_A_TIME)
        ]
        places: list[tuple[float, Caller]] = []
        for room in rooms:
            others = [other for other in rooms if other is not room]
            size = chance.randint(3, 7)
            # Where there is nobody to start it, all wait in vain.
            moderators = chance.choice((1, 1, 1, 2, 0)) if room.moderated else 0
            for place in range(size):
                caller = self._caller(room, chance.choice(others), moderates=place < moderators)
                late = room.moderated and place < moderators
                places.append((chance.uniform(0.4, 1.3) if late else chance.random(), caller))
        return [caller for _, caller in sorted(places, key=lambda one: one[0])]

    def _caller(self, room: _Room, other: _Room, *, moderates: bool) -> Caller:
        chance = self._chance
        self._numbers += 1
        first = self._visit(room, moderates)
        steps: list[Step] = [first]
        way = chance.random()
        if way < 0.24:
            steps.insert(0, Step(chance.choice((Kind.GATHER, Kind.PLAY, Kind.SAY, Kind.DIAL))))
        elif way < 0.40:
            steps.append(Step(chance.choice((Kind.GATHER, Kind.PLAY, Kind.DIAL))))
        elif way < 0.48:
            steps.append(self._visit(other, moderates=False))
        elif way < 0.52:
            steps.append(self._visit(room, moderates))
        stay = chance.uniform(2, 14) if len(steps) == 1 else chance.uniform(5, 18)
        if chance.random() < 0.06:
            stay = chance.uniform(0.02, 0.5)
        return Caller(f"+1415{self._numbers:06}", tuple(steps), int(stay * self._pace * 1000))

    def _visit(self, room: _Room, moderates: bool) -> Step:
        chance = self._chance
        starts = moderates or not room.moderated
        return Step(
            Kind.ROOM,
            room=room.name,
            starts=starts,
            ends=starts and chance.random() < (0.6 if moderates else 0.08),
            muted=chance.random() < 0.2,
            records=room.records,
            beep=chance.random() < 0.5,
            # A caller that may have to wait waits for as long as it likes.
            time_limit=chance.randint(1, 5) if starts and chance.random() < 0.4 else 0,
            redirected=chance.random() < 0.3,
        )
