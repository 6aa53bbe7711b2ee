"""How a call gets into a room: asking, waiting, joining (telnyx-texml 1.2, 1.4, 1.5)."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.conference.effects import Join, Kick, Refuse, StartWaiting
from orchestrator.conference.events import Added, Ask, NotAdded
from orchestrator.conference.leaving import end_if_empty, out
from orchestrator.conference.model import LeaveReason, Participant, Phase, Refusal, Room, RoomPhase, Wish
from orchestrator.conference.move import Move
from orchestrator.conference.sounding import begin_recording, settle_in


def ask(move: Move, event: Ask) -> None:
    room, wish, call_sid = move.room, event.wish, event.caller.call_sid
    refusal = why_refused(room, event)
    if refusal:
        move.effects.append(Refuse(call_sid, refusal))
        end_if_empty(move, event.at, None)
        return
    if room.phase is RoomPhase.STARTED or may_start(room, wish):
        joining = Participant(event.caller, wish, Phase.JOINING, asked_at=event.at, changed_at=event.at)
        take_in(move, joining, event.at)
        return
    waiting = move.put(
        Participant(event.caller, wish, Phase.WAITING, told=True, asked_at=event.at, changed_at=event.at)
    )
    move.let_in(event.at, event.caller)
    move.effects.append(StartWaiting(waiting))
    move.tell("participant-join", event.at, event.caller, waiting)


def take_in(move: Move, participant: Participant, at: int) -> None:
    """A coach comes in muted, until all but the coached one have been shut off from it."""
    muted = participant.wish.muted or bool(participant.wish.coach)
    joining = replace(participant, phase=Phase.JOINING, joins_muted=muted, ordered_at=at)
    move.effects.append(Join(move.put(joining)))


def may_start(room: Room, wish: Wish) -> bool:
    """Whether who asks would start it, with those who wait. Whoever is on its way in may not arrive."""
    waiting = [other.wish for other in room.participants.values() if other.phase is Phase.WAITING]
    present = [*waiting, wish]
    return len(present) >= room.terms.min_participants_to_start and any(one.start_on_enter for one in present)


def why_refused(room: Room, event: Ask) -> Refusal | None:
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


def ask_late(move: Move, event: Ask) -> None:
    move.effects.append(Refuse(event.caller.call_sid, Refusal.ENDED))


def added_first(move: Move, event: Added) -> None:
    """The first one in starts the room and takes everybody who waits along, also where it was ordered out on
    its way in: what is sent does not depend on which of the two came first."""
    participant = move.participants.get(event.call_sid)
    if participant is not None and participant.phase in (Phase.JOINING, Phase.LEAVING):
        move.fields["phase"] = RoomPhase.STARTED
        move.fields["started_at"] = event.at
        # Whoever waits moves before anything else is done: its music must stop now.
        for other in list(move.participants.values()):
            if other.phase is Phase.WAITING:
                take_in(move, other, event.at)
        move.tell("conference-start", event.at, participant.caller)
        begin_recording(move, participant.caller)
    added(move, event)


def added(move: Move, event: Added) -> None:
    was = move.participants.get(event.call_sid)
    if was is None or was.phase is Phase.WAITING:
        # The order to join was given up as lost, and took effect after all; its call may have asked again.
        move.effects.append(Kick(event.call_sid, event.member_id))
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
    out(move, participant, event.at, LeaveReason.ADD_FAILED, gone=False)
