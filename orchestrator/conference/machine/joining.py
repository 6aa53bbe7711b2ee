"""How a call gets into a room: asking, waiting, joining."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.conference.machine.audio import (
    apply_options_after_join,
    beep_recording,
    begin_recording,
    renew_recording,
)
from orchestrator.conference.machine.dialling import added_early, join_early
from orchestrator.conference.machine.effects import Admit, Join, Kick, RejectParticipant, StartWaiting
from orchestrator.conference.machine.events import Added, JoinRequest, JoinReturned, Left
from orchestrator.conference.machine.leaving import end_if_empty, left
from orchestrator.conference.machine.state import (
    Participant,
    ParticipantOptions,
    Phase,
    Rejection,
    Room,
    RoomPhase,
)
from orchestrator.conference.machine.transition import Transition

MAX_ORDERS = 3


def request_join(transition: Transition, event: JoinRequest) -> None:
    room, options, call_sid = transition.room, event.options, event.caller.call_sid
    was = room.participants.get(call_sid)
    refusal = rejection_of(room, event)
    if refusal:
        if was is not None and was.phase is Phase.DIALLED:
            _reject(transition, was)
        transition.effects.append(RejectParticipant(call_sid, refusal))
        end_if_empty(transition, event.at, None)
        return
    asked_at = was.asked_at if was is not None else event.at
    joining = Participant(event.caller, options, Phase.JOINING, asked_at=asked_at, changed_at=event.at)
    if was is not None and was.ordered_at:
        _join_after_early_media(
            transition, replace(joining, ordered_at=was.ordered_at, member_id=was.member_id), event.at
        )
        return
    if room.phase is RoomPhase.STARTED or may_start(room, options):
        start_joining(transition, joining, event.at)
        return
    waiting = transition.put(replace(joining, phase=Phase.WAITING, join_sent=True, joined_at=event.at))
    transition.accept(event.at, event.caller)
    transition.effects.append(StartWaiting(waiting))
    transition.send_callback("participant-join", event.at, event.caller, waiting)


def start_joining(transition: Transition, participant: Participant, at: int) -> None:
    """A coach comes in muted, until all but the coached one have been shut off from it."""
    muted = participant.options.muted or bool(participant.options.coach)
    joining = replace(participant, phase=Phase.JOINING, joins_muted=muted, ordered_at=at)
    transition.effects.append(Join(transition.put(joining)))


def _join_after_early_media(transition: Transition, participant: Participant, at: int) -> None:
    """FreeSWITCH has it in the conference, or was ordered to take it in."""
    if not participant.member_id:
        transition.effects.append(Join(transition.put(participant), early=True))
        return
    inside = transition.put(replace(participant, phase=Phase.IN, join_sent=True, joined_at=at))
    transition.accept(at, inside.caller)
    transition.effects.append(Admit(inside))
    transition.send_callback("participant-join", at, inside.caller, inside)
    apply_options_after_join(transition, inside, participant, at)


def _reject(transition: Transition, participant: Participant) -> None:
    transition.drop(participant.call_sid)
    if participant.member_id:
        transition.effects.append(Kick(participant.call_sid, participant.member_id))


def may_start(room: Room, options: ParticipantOptions) -> bool:
    """Whether this participant would start it, with those who wait. One that is joining may not arrive."""
    waiting = [other.options for other in room.participants.values() if other.phase is Phase.WAITING]
    present = [*waiting, options]
    return len(present) >= room.options.min_participants_to_start and any(
        one.start_on_enter for one in present
    )


def rejection_of(room: Room, event: JoinRequest) -> Rejection | None:
    options, call_sid, others = event.options, event.caller.call_sid, room.participants
    if call_sid in others and others[call_sid].phase is not Phase.DIALLED:
        return Rejection.JOINED_TWICE
    present = {other.call_sid for other in others.values() if not other.called}
    if len(present) >= room.options.max_participants:
        return Rejection.FULL
    labels = {other.options.label for other in others.values() if other.call_sid != call_sid}
    if options.label and options.label in labels:
        return Rejection.DUPLICATE_LABEL
    if options.coach and options.coach not in present:
        return Rejection.COACHED_UNKNOWN
    return None


def request_join_late(transition: Transition, event: JoinRequest) -> None:
    transition.effects.append(RejectParticipant(event.caller.call_sid, Rejection.ENDED))


def added_first(transition: Transition, event: Added) -> None:
    """The first one in starts the room and takes everybody who waits along, also where it was ordered out on
    its join: the callbacks do not depend on which of the two came first."""
    participant = transition.participants.get(event.call_sid) or transition.unseen.get(event.call_sid)
    on_its_way = participant is not None and participant.phase in (Phase.JOINING, Phase.LEAVING)
    if participant is not None and on_its_way and not participant.called:
        transition.fields["phase"] = RoomPhase.STARTED
        transition.fields["started_at"] = event.at
        # Waiting participants move before anything else is done: their music must stop now.
        for other in list(transition.participants.values()):
            if other.phase is Phase.WAITING:
                start_joining(transition, other, event.at)
        transition.send_callback("conference-start", event.at, participant.caller)
        begin_recording(transition, participant.caller)
        for other in list(transition.participants.values()):
            if other.phase is Phase.DIALLED:
                join_early(transition, other, event.at)
    added(transition, event)


def added(transition: Transition, event: Added) -> None:
    was = transition.participants.get(event.call_sid)
    if event.renewed:
        renew_recording(transition, was.caller if was is not None else transition.first)
    if was is None and event.call_sid in transition.room.unseen:
        _added_after_its_end(transition, event)
        return
    if was is None or was.phase is Phase.WAITING:
        # The command to join counted as lost, and took effect after all; its call may have asked again.
        transition.effects.append(Kick(event.call_sid, event.member_id))
        return
    if was.called:
        added_early(transition, was, event.member_id)
        return
    if was.phase is Phase.IN and was.member_id == event.member_id:
        return
    leaving = was.phase is Phase.LEAVING
    phase = Phase.LEAVING if leaving else Phase.IN
    participant = transition.put(
        replace(
            was,
            phase=phase,
            join_sent=True,
            joined_at=was.joined_at or event.at,
            member_id=event.member_id,
            changed_at=event.at,
        )
    )
    transition.accept(event.at, participant.caller)
    if not was.join_sent:
        _send_join(transition, participant, event.at)
    elif not (was.member_id or transition.room.options.join_while_waiting):
        transition.send_callback("participant-join", event.at, participant.caller, participant)
    if leaving:
        # Ordered out between the order to join and its being carried out.
        transition.effects.append(Kick(event.call_sid, event.member_id))
    else:
        apply_options_after_join(transition, participant, was, event.at)
        if event.renewed and transition.room.recording:
            beep_recording(transition, participant)


def _send_join(transition: Transition, participant: Participant, at: int) -> None:
    if not transition.room.started_at and transition.phase is RoomPhase.ENDING:
        # Ended by a waiting participant, while the first one was joining.
        transition.fields["started_at"] = at
        transition.send_callback("conference-start", at, participant.caller)
    transition.send_callback("participant-join", at, participant.caller, participant)


def _added_after_its_end(transition: Transition, event: Added) -> None:
    """Its end was known before its join: it was in all the same."""
    unseen = dict(transition.unseen)
    participant = replace(
        unseen.pop(event.call_sid), join_sent=True, joined_at=event.at, member_id=event.member_id
    )
    transition.fields["unseen"] = unseen
    transition.accept(event.at, participant.caller)
    _send_join(transition, participant, event.at)
    transition.leave(participant, event.at, participant.leaving_for, True)


def join_returned(transition: Transition, event: JoinReturned) -> None:
    """Not added, while room and leg live: its FreeSWITCH conference was ending, and it joins again."""
    participant = transition.participants.get(event.call_sid)
    if participant is None or participant.phase is not Phase.JOINING or participant.orders == MAX_ORDERS:
        left(transition, Left(event.at, event.call_sid))
        return
    transition.effects.append(Join(transition.put(replace(participant, orders=participant.orders + 1))))


def added_late(transition: Transition, event: Added) -> None:
    transition.effects.append(Kick(event.call_sid, event.member_id))
