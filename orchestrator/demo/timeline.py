"""The content of the demo's screen, as values: a lane for each caller and the room, and the callbacks; no
terminal."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from orchestrator.demo.application import Callback

ROOM_LANE = "room"


class State(Enum):
    """Where a caller is; the value says it."""

    AWAY = ""
    RINGING = "ringing"
    WAITING = "waiting, with music"
    QUIET = "answered"
    IN_ROOM = "in the room"
    SPEAKING = "speaking"
    MUTED = "in the room, muted"
    UNHEARD = "speaking, but muted"
    GOES_ON = "its document goes on"
    ENDED = "call ended"


@dataclass(frozen=True)
class RoomState:
    """How many are in, and whether it has started."""

    people: int = 0
    phase: str = ""  # "", waiting, started, ended

    @property
    def words(self) -> str:
        match self.phase:
            case "waiting":
                return f"not started, {self.people} waiting"
            case "started":
                return f"started, {self.people} in it"
        return self.phase


@dataclass
class Lane:
    """`changes` are (seconds since the start, what it is from then on), in order."""

    name: str
    role: str
    first: State | RoomState
    changes: list[tuple[float, State | RoomState]] = field(default_factory=list)

    @property
    def now(self) -> State | RoomState:
        return self.changes[-1][1] if self.changes else self.first

    def at(self, seconds: float) -> State | RoomState:
        index = bisect_right(self.changes, seconds, key=lambda change: change[0])
        return self.changes[index - 1][1] if index else self.first


class Timeline:
    """`on_*` are called as things happen, with the seconds since the start."""

    def __init__(self, title: str, lanes: Sequence[tuple[str, str]], expected: float) -> None:
        self.title = title
        self.expected = expected
        self.began = time.time()
        self.ended: float | None = None
        self.caption = ""
        self.lanes = {name: Lane(name, role, State.AWAY) for name, role in lanes}
        self.room = Lane(ROOM_LANE, "", RoomState())
        self.callbacks: list[tuple[str, Callback]] = []
        self.on_caption: Callable[[float, str], None] = lambda at, text: None
        self.on_change: Callable[[float, Lane], None] = lambda at, lane: None
        self.on_callback: Callable[[float, str, Callback], None] = lambda at, who, callback: None

    def now(self) -> float:
        return (self.ended or time.time()) - self.began

    def begin(self) -> None:
        self.began = time.time()

    def end(self) -> None:
        self.ended = time.time()

    def say(self, caption: str) -> None:
        self.caption = caption
        self.on_caption(self.now(), caption)

    def set(self, name: str, state: State) -> None:
        self._set(self.lanes[name], state)

    def add(self, who: str, callback: Callback) -> None:
        self.callbacks.append((who, callback))
        self.on_callback(self.now(), who, callback)
        self._set(self.room, room_after(self.room.now, callback.event))

    def _set(self, lane: Lane, state: State | RoomState) -> None:
        if lane.now != state:
            at = self.now()
            lane.changes.append((at, state))
            self.on_change(at, lane)


def room_after(before: State | RoomState, event: str) -> RoomState:
    """The room's lane follows its callbacks alone."""
    assert isinstance(before, RoomState)
    people, phase = before.people, before.phase or "waiting"
    match event:
        case "conference-start":
            phase = "started"
        case "participant-join":
            people += 1
        case "participant-leave":
            people -= 1
        case "conference-end":
            phase = "ended"
    return RoomState(people, phase)
