"""A room as a state machine: `step(room, event)` gives the next room and what to do about it.

docs/texml.md and docs/callbacks.md have the rules. `TABLE` at the end is the machine at one look.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from orchestrator.conference.machine.announcements import announce, announced
from orchestrator.conference.machine.audio import (
    begin_recording_now,
    floor,
    set_recording,
    silence,
    talking,
)
from orchestrator.conference.machine.dialling import dial, ringback, ringing
from orchestrator.conference.machine.effects import Effect
from orchestrator.conference.machine.events import (
    Added,
    Announce,
    Announced,
    BeginRecording,
    ConferenceLost,
    Dial,
    End,
    Floor,
    Hold,
    HungUp,
    JoinRequest,
    JoinReturned,
    Left,
    Modify,
    Mute,
    Remove,
    Ringing,
    RoomEvent,
    SetRecording,
    Silence,
    Talking,
)
from orchestrator.conference.machine.joining import (
    added,
    added_first,
    added_late,
    join_returned,
    request_join,
    request_join_late,
)
from orchestrator.conference.machine.leaving import end, hung_up, left, lost, remove
from orchestrator.conference.machine.state import Room, RoomPhase
from orchestrator.conference.machine.transition import Transition
from orchestrator.conference.machine.updates import hold, modify, mute


class StepResult(NamedTuple):
    room: Room
    effects: list[Effect]
    changed: set[str]
    """CallSids whose participant is new, different or gone."""


def step(room: Room, event: RoomEvent) -> StepResult:
    """The room after `event`, and what is to be done, in order. An event may come late or twice."""
    transition = Transition(room)
    TABLE[type(event)][_COLUMN[room.phase]](transition, event)
    after = transition.result()
    transition.effects.extend(ringback(room, after))
    return StepResult(after, transition.effects, transition.changed)


def ignore(transition: Transition, event: RoomEvent) -> None:
    """Late or said twice: an answer to something already settled."""


_COLUMN = {RoomPhase.INIT: 0, RoomPhase.STARTED: 1, RoomPhase.ENDING: 2, RoomPhase.ENDED: 3}

TABLE: dict[type[RoomEvent], tuple[Callable[[Transition, Any], None], ...]] = {
    # event:   init         started    ending      ended
    JoinRequest: (request_join, request_join, request_join_late, request_join_late),
    Dial: (dial, dial, ignore, ignore),
    Ringing: (ringing, ringing, ignore, ignore),
    Added: (added_first, added, added, added_late),
    Left: (left, left, left, ignore),
    JoinReturned: (join_returned, join_returned, join_returned, ignore),
    HungUp: (hung_up, hung_up, hung_up, ignore),
    Talking: (ignore, talking, ignore, ignore),
    Floor: (ignore, floor, ignore, ignore),
    Silence: (ignore, silence, ignore, ignore),
    Mute: (mute, mute, ignore, ignore),
    Hold: (hold, hold, ignore, ignore),
    Modify: (modify, modify, ignore, ignore),
    BeginRecording: (ignore, begin_recording_now, ignore, ignore),
    SetRecording: (ignore, set_recording, ignore, ignore),
    Announce: (announce, announce, ignore, ignore),
    Announced: (announced, announced, announced, ignore),
    Remove: (remove, remove, remove, ignore),
    End: (end, end, end, ignore),
    ConferenceLost: (lost, lost, lost, ignore),
}
