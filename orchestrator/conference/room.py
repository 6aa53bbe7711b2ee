"""A room as a state machine: `step(room, event)` gives the next room and what to do about it.

The rules are telnyx-texml sections 1.2 to 1.8 and 2.2 to 2.5. `TABLE` at the end is the machine at one look.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec.structs import replace

from orchestrator.conference.effects import (
    Close,
    Effect,
    HangUp,
    Join,
    Kick,
    Refuse,
    Release,
    StartWaiting,
    Tell,
)
from orchestrator.conference.events import Added, Ask, End, Event, Left, Lost, NotAdded, Remove, Talking
from orchestrator.conference.model import (
    Caller,
    EndReason,
    LeaveReason,
    Participant,
    Phase,
    Refusal,
    Room,
    RoomPhase,
    Wish,
)

# statusCallbackEvent's word for each callback (telnyx-texml 2.2).
SUBSCRIPTION = {
    "conference-start": "start",
    "conference-end": "end",
    "participant-join": "join",
    "participant-leave": "leave",
    "participant-speech-start": "speaker",
    "participant-speech-stop": "speaker",
}


class Outcome(NamedTuple):
    room: Room
    effects: list[Effect]
    changed: set[str]
    """CallSids whose participant is new, different or gone."""


def step(room: Room, event: Event) -> Outcome:
    """The room after `event`, and what is to be done, in order. An event may come late or twice."""
    move = _Move(room)
    TABLE[type(event)][_COLUMN[room.phase]](move, event)
    return Outcome(move.result(), move.effects, move.changed)


class _Move:
    """One step under way: the room's parts while they change, and the effects so far."""

    __slots__ = ("changed", "effects", "fields", "participants", "room", "sequence")

    def __init__(self, room: Room) -> None:
        self.room = room
        self.participants = room.participants
        self.sequence = room.next_sequence
        self.fields: dict[str, object] = {}
        self.effects: list[Effect] = []
        self.changed: set[str] = set()

    def result(self) -> Room:
        if not self.fields and not self.changed and self.sequence == self.room.next_sequence:
            return self.room
        return replace(self.room, participants=self.participants, next_sequence=self.sequence, **self.fields)

    def put(self, participant: Participant) -> Participant:
        if self.participants.get(participant.call_sid) == participant:
            return participant
        if not self.changed:
            self.participants = dict(self.participants)
        self.changed.add(participant.call_sid)
        self.participants[participant.call_sid] = participant
        return participant

    def drop(self, call_sid: str) -> None:
        if not self.changed:
            self.participants = dict(self.participants)
        self.changed.add(call_sid)
        del self.participants[call_sid]

    @property
    def phase(self) -> RoomPhase:
        phase = self.fields.get("phase", self.room.phase)
        assert isinstance(phase, RoomPhase)
        return phase

    def let_in(self, at: int, caller: Caller) -> None:
        """The first one opens the room; without one it closes unnoticed, and nobody is named for it."""
        if self.room.first is None:
            self.fields |= {"first": caller, "opened_at": at}

    @property
    def first(self) -> Caller | None:
        first = self.fields.get("first", self.room.first)
        assert first is None or isinstance(first, Caller)
        return first

    @property
    def hang_up(self) -> bool:
        return bool(self.fields.get("hang_up_on_end", self.room.hang_up_on_end))

    def tell(
        self,
        event: str,
        at: int,
        caller: Caller,
        participant: Participant | None = None,
        leave_reason: LeaveReason | None = None,
        call_gone: bool = False,
    ) -> None:
        """Numbers are taken only by callbacks that somebody subscribed to (2.5)."""
        if SUBSCRIPTION[event] not in self.room.terms.status_callback_event:
            return
        self.effects.append(Tell(event, self.sequence, at, caller, participant, leave_reason, call_gone))
        self.sequence += 1


# --- coming in ---------------------------------------------------------------------------------------


def _ask(move: _Move, event: Ask) -> None:
    room, wish, call_sid = move.room, event.wish, event.caller.call_sid
    refusal = _refusal(room, event)
    if refusal:
        move.effects.append(Refuse(call_sid, refusal))
        _end_if_empty(move, event.at, None)
        return
    if room.phase is RoomPhase.STARTED or _may_start(room, wish):
        move.effects.append(Join(move.put(Participant(event.caller, wish, Phase.JOINING))))
        return
    waiting = move.put(Participant(event.caller, wish, Phase.WAITING, told=True))
    move.let_in(event.at, event.caller)
    move.effects.append(StartWaiting(waiting))
    move.tell("participant-join", event.at, event.caller, waiting)


def _may_start(room: Room, wish: Wish) -> bool:
    """Whether who asks would start it, with those who wait. Whoever is on its way in may not arrive."""
    waiting = [other.wish for other in room.participants.values() if other.phase is Phase.WAITING]
    present = [*waiting, wish]
    return len(present) >= room.terms.min_participants_to_start and any(one.start_on_enter for one in present)


def _refusal(room: Room, event: Ask) -> Refusal | None:
    wish, others = event.wish, room.participants
    if event.caller.call_sid in others:
        return Refusal.JOINED_TWICE
    if len(others) >= room.terms.max_participants:
        return Refusal.FULL
    if wish.label and any(other.wish.label == wish.label for other in others.values()):
        return Refusal.DUPLICATE_LABEL
    if wish.coach and wish.coach not in others:
        return Refusal.COACHED_UNKNOWN
    return None


def _ask_late(move: _Move, event: Ask) -> None:
    move.effects.append(Refuse(event.caller.call_sid, Refusal.ENDED))


def _added_first(move: _Move, event: Added) -> None:
    """The first one in starts the room and takes everybody who waits along."""
    participant = move.participants.get(event.call_sid)
    if participant is not None and participant.phase is Phase.JOINING:
        move.fields["phase"] = RoomPhase.STARTED
        move.fields["started_at"] = event.at
        # Whoever waits moves before anything else is done: its music must stop now.
        for other in list(move.participants.values()):
            if other.phase is Phase.WAITING:
                move.effects.append(Join(move.put(replace(other, phase=Phase.JOINING))))
        move.tell("conference-start", event.at, participant.caller)
    _added(move, event)


def _added(move: _Move, event: Added) -> None:
    participant = move.participants.get(event.call_sid)
    if participant is None or participant.phase is Phase.WAITING:
        # The order to join was given up as lost, and took effect after all; its call may have asked again.
        move.effects.append(Kick(event.call_sid, event.member_id))
        return
    told, leaving = participant.told, participant.phase is Phase.LEAVING
    phase = Phase.LEAVING if leaving else Phase.IN
    participant = move.put(replace(participant, phase=phase, told=True, member_id=event.member_id))
    move.let_in(event.at, participant.caller)
    if not told:
        move.tell("participant-join", event.at, participant.caller, participant)
    if leaving:
        # Ordered out between the order to join and its being carried out.
        move.effects.append(Kick(event.call_sid, event.member_id))


def _added_late(move: _Move, event: Added) -> None:
    move.effects.append(Kick(event.call_sid, event.member_id))


def _not_added(move: _Move, event: NotAdded) -> None:
    participant = move.participants.get(event.call_sid)
    if participant is None or participant.member_id or participant.phase is Phase.WAITING:
        return
    _out(move, participant, event.at, LeaveReason.ADD_FAILED, gone=False)


# --- going out ---------------------------------------------------------------------------------------


def _left(move: _Move, event: Left) -> None:
    participant = move.participants.get(event.call_sid)
    if participant is not None:
        _out(move, participant, event.at, participant.leaving_for, event.gone)


def _remove(move: _Move, event: Remove) -> None:
    participant = move.participants.get(event.call_sid)
    if participant is not None and participant.phase is not Phase.LEAVING:
        _send_off(move, participant, event.at, event.reason)


def _send_off(move: _Move, participant: Participant, at: int, reason: LeaveReason) -> None:
    """From the waiting at once, from the conference by a kick, and once it is there if it is on its way."""
    if participant.phase is Phase.WAITING:
        _out(move, participant, at, reason, gone=False)
        return
    move.put(replace(participant, phase=Phase.LEAVING, leaving_for=reason))
    if move.hang_up:
        move.effects.append(HangUp(participant.call_sid))
    elif participant.member_id:
        move.effects.append(Kick(participant.call_sid, participant.member_id))


def _out(move: _Move, participant: Participant, at: int, reason: LeaveReason, gone: bool) -> None:
    _part(move, participant, at, reason, gone)
    _settle(move, participant, at)


def _part(move: _Move, participant: Participant, at: int, reason: LeaveReason, gone: bool) -> None:
    """One participant fewer; who was never told as joined was, in the end, refused."""
    move.drop(participant.call_sid)
    if participant.told:
        move.tell("participant-leave", at, participant.caller, participant, reason, gone)
    if not gone:
        if move.hang_up:
            move.effects.append(HangUp(participant.call_sid))
        elif participant.told:
            move.effects.append(Release(participant.call_sid, reason))
        else:
            move.effects.append(Refuse(participant.call_sid, Refusal.NOT_JOINED))


def _settle(move: _Move, last: Participant, at: int) -> None:
    """What it means for the room that `last` is out."""
    if last.told and last.wish.end_on_exit and move.phase is not RoomPhase.ENDING:
        _begin_end(move, at, last.caller, EndReason.MODERATOR_LEFT)
    _end_if_empty(move, at, last.caller if last.told else None)


# --- speaking ----------------------------------------------------------------------------------------


def _talking(move: _Move, event: Talking) -> None:
    participant = move.participants.get(event.call_sid)
    if participant is None or participant.phase is not Phase.IN or participant.talking is event.on:
        return
    participant = move.put(replace(participant, talking=event.on))
    name = "participant-speech-start" if event.on else "participant-speech-stop"
    move.tell(name, event.at, participant.caller, participant)


# --- the end -----------------------------------------------------------------------------------------


def _end(move: _Move, event: End) -> None:
    move.fields["hang_up_on_end"] = True
    if move.phase is RoomPhase.ENDING:
        # Already on its way out: whoever is still inside is hung up instead of going on.
        move.effects.extend(HangUp(call_sid) for call_sid in move.participants)
        return
    _begin_end(move, event.at, move.first, event.reason)
    _end_if_empty(move, event.at, None)


def _begin_end(move: _Move, at: int, by: Caller | None, reason: EndReason) -> None:
    moderator_left = reason is EndReason.MODERATOR_LEFT
    move.fields |= {"phase": RoomPhase.ENDING, "ending_by": by, "end_reason": reason}
    for participant in list(move.participants.values()):
        if participant.phase is not Phase.LEAVING or move.hang_up:
            why = LeaveReason.MODERATOR_ENDED if moderator_left else LeaveReason.ENDED_VIA_API
            _send_off(move, participant, at, why)


def _end_if_empty(move: _Move, at: int, last: Caller | None) -> None:
    """`last` is whose leave emptied the room; somebody who was never in is not named."""
    if move.participants or move.phase is RoomPhase.ENDED:
        return
    if move.phase is not RoomPhase.ENDING:
        move.fields |= {"ending_by": last, "end_reason": EndReason.LAST_LEFT}
    move.fields |= {"phase": RoomPhase.ENDED, "ended_at": at}
    by = move.fields.get("ending_by", move.room.ending_by) or move.first
    if by is not None:
        # Else nobody was ever let in, and the room closes without a word.
        assert isinstance(by, Caller)
        move.tell("conference-end", at, by)
    move.effects.append(Close())


def _lost(move: _Move, event: Lost) -> None:
    """With the conference go those inside it; with FreeSWITCH go all."""
    lost = [other for other in move.participants.values() if event.gone or other.member_id]
    if not lost:
        return
    # All are out before it counts that one of them ends the room: nobody is ordered out of what is gone.
    for participant in lost:
        _part(move, participant, event.at, participant.leaving_for, event.gone)
    told = [participant for participant in lost if participant.told] or lost
    enders = [participant for participant in told if participant.wish.end_on_exit]
    _settle(move, (enders or told[-1:])[0], event.at)


def _ignore(move: _Move, event: Event) -> None:
    """Late or said twice: an answer to something already settled."""


_COLUMN = {RoomPhase.INIT: 0, RoomPhase.STARTED: 1, RoomPhase.ENDING: 2, RoomPhase.ENDED: 3}

TABLE: dict[type[Event], tuple[Callable[[_Move, Any], None], ...]] = {
    # event:   init          started     ending       ended
    Ask: (_ask, _ask, _ask_late, _ask_late),
    Added: (_added_first, _added, _added, _added_late),
    NotAdded: (_not_added, _not_added, _not_added, _ignore),
    Left: (_left, _left, _left, _ignore),
    Talking: (_ignore, _talking, _ignore, _ignore),
    Remove: (_remove, _remove, _remove, _ignore),
    End: (_end, _end, _end, _ignore),
    Lost: (_lost, _lost, _lost, _ignore),
}
