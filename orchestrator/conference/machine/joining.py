"""How a call gets into a room: asking, waiting, joining (telnyx-texml 1.2, 1.4, 1.5)."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.conference.machine.audio import begin_recording, settle_in
from orchestrator.conference.machine.dialling import added_early, join_early, out_early
from orchestrator.conference.machine.effects import Admit, Join, Kick, Refuse, StartWaiting
from orchestrator.conference.machine.events import Added, Ask, NotAdded
from orchestrator.conference.machine.leaving import end_if_empty, out
from orchestrator.conference.machine.state import (
    LeaveReason,
    Participant,
    Phase,
    Refusal,
    Room,
    RoomPhase,
    Wish,
)
from orchestrator.conference.machine.transition import Move


def ask(move: Move, event: Ask) -> None:
    room, wish, call_sid = move.room, event.wish, event.caller.call_sid
    was = room.participants.get(call_sid)
    refusal = why_refused(room, event)
    if refusal:
        if was is not None and was.phase is Phase.DIALLED:
            _turn_away(move, was)
        move.effects.append(Refuse(call_sid, refusal))
        end_if_empty(move, event.at, None)
        return
    asked_at = was.asked_at if was is not None else event.at
    joining = Participant(event.caller, wish, Phase.JOINING, asked_at=asked_at, changed_at=event.at)
    if was is not None and was.ordered_at:
        _come_in_early(move, replace(joining, ordered_at=was.ordered_at, member_id=was.member_id), event.at)
        return
    if room.phase is RoomPhase.STARTED or may_start(room, wish):
        take_in(move, joining, event.at)
        return
    waiting = move.put(replace(joining, phase=Phase.WAITING, told=True))
    move.let_in(event.at, event.caller)
    move.effects.append(StartWaiting(waiting))
    move.tell("participant-join", event.at, event.caller, waiting)


def take_in(move: Move, participant: Participant, at: int) -> None:
    """A coach comes in muted, until all but the coached one have been shut off from it."""
    muted = participant.wish.muted or bool(participant.wish.coach)
    joining = replace(participant, phase=Phase.JOINING, joins_muted=muted, ordered_at=at)
    move.effects.append(Join(move.put(joining)))


def _come_in_early(move: Move, participant: Participant, at: int) -> None:
    """FreeSWITCH has it in the conference, or was ordered to take it in."""
    if not participant.member_id:
        move.effects.append(Join(move.put(participant), early=True))
        return
    inside = move.put(replace(participant, phase=Phase.IN, told=True))
    move.let_in(at, inside.caller)
    move.effects.append(Admit(inside))
    move.tell("participant-join", at, inside.caller, inside)
    settle_in(move, inside, participant, at)


def _turn_away(move: Move, participant: Participant) -> None:
    move.drop(participant.call_sid)
    if participant.member_id:
        move.effects.append(Kick(participant.call_sid, participant.member_id))


def may_start(room: Room, wish: Wish) -> bool:
    """Whether who asks would start it, with those who wait. Whoever is on its way in may not arrive."""
    waiting = [other.wish for other in room.participants.values() if other.phase is Phase.WAITING]
    present = [*waiting, wish]
    return len(present) >= room.terms.min_participants_to_start and any(one.start_on_enter for one in present)


def why_refused(room: Room, event: Ask) -> Refusal | None:
    wish, call_sid, others = event.wish, event.caller.call_sid, room.participants
    if call_sid in others and others[call_sid].phase is not Phase.DIALLED:
        return Refusal.JOINED_TWICE
    present = {other.call_sid for other in others.values() if not other.called}
    if len(present) >= room.terms.max_participants:
        return Refusal.FULL
    labels = {other.wish.label for other in others.values() if other.call_sid != call_sid}
    if wish.label and wish.label in labels:
        return Refusal.DUPLICATE_LABEL
    if wish.coach and wish.coach not in present:
        return Refusal.COACHED_UNKNOWN
    return None


def ask_late(move: Move, event: Ask) -> None:
    move.effects.append(Refuse(event.caller.call_sid, Refusal.ENDED))


def added_first(move: Move, event: Added) -> None:
    """The first one in starts the room and takes everybody who waits along, also where it was ordered out on
    its way in: what is sent does not depend on which of the two came first."""
    participant = move.participants.get(event.call_sid)
    on_its_way = participant is not None and participant.phase in (Phase.JOINING, Phase.LEAVING)
    if participant is not None and on_its_way and not participant.called:
        move.fields["phase"] = RoomPhase.STARTED
        move.fields["started_at"] = event.at
        # Whoever waits moves before anything else is done: its music must stop now.
        for other in list(move.participants.values()):
            if other.phase is Phase.WAITING:
                take_in(move, other, event.at)
        move.tell("conference-start", event.at, participant.caller)
        begin_recording(move, participant.caller)
        for other in list(move.participants.values()):
            if other.phase is Phase.DIALLED:
                join_early(move, other, event.at)
    added(move, event)


def added(move: Move, event: Added) -> None:
    was = move.participants.get(event.call_sid)
    if was is None or was.phase is Phase.WAITING:
        # The order to join was given up as lost, and took effect after all; its call may have asked again.
        move.effects.append(Kick(event.call_sid, event.member_id))
        return
    if was.called:
        added_early(move, was, event.member_id)
        return
    if was.phase is Phase.IN and was.member_id == event.member_id:
        return
    leaving = was.phase is Phase.LEAVING
    phase = Phase.LEAVING if leaving else Phase.IN
    participant = move.put(
        replace(was, phase=phase, told=True, member_id=event.member_id, changed_at=event.at)
    )
    move.let_in(event.at, participant.caller)
    if not was.told:
        if not move.room.started_at and move.phase is RoomPhase.ENDING:
            # Ended by somebody who waited, while the first one was on its way in.
            move.fields["started_at"] = event.at
            move.tell("conference-start", event.at, participant.caller)
        move.tell("participant-join", event.at, participant.caller, participant)
    elif not (was.member_id or move.room.terms.join_while_waiting):
        move.tell("participant-join", event.at, participant.caller, participant)
    if leaving:
        # Ordered out between the order to join and its being carried out.
        move.effects.append(Kick(event.call_sid, event.member_id))
    else:
        settle_in(move, participant, was, event.at)


def added_late(move: Move, event: Added) -> None:
    move.effects.append(Kick(event.call_sid, event.member_id))


def not_added(move: Move, event: NotAdded) -> None:
    participant = move.participants.get(event.call_sid)
    if participant is None or participant.member_id or participant.phase is Phase.WAITING:
        return
    if participant.called:
        out_early(move, participant)
        return
    out(move, participant, event.at, LeaveReason.ADD_FAILED, gone=False)
