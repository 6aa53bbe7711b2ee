"""How a call gets out of a room, and how a room ends."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.conference.machine.announcements import fail_all_announcements, fail_announcements_to
from orchestrator.conference.machine.audio import NOT_RECORDED, stop_audio, stop_talking
from orchestrator.conference.machine.dialling import leave_early_media
from orchestrator.conference.machine.effects import Close, EndCall, Kick, RejectParticipant, Release
from orchestrator.conference.machine.events import ConferenceLost, End, HungUp, Left, Remove
from orchestrator.conference.machine.state import (
    Caller,
    EndReason,
    LeaveReason,
    Participant,
    Phase,
    Rejection,
    RoomPhase,
)
from orchestrator.conference.machine.transition import Transition


def left(transition: Transition, event: Left) -> None:
    participant = transition.participants.get(event.call_sid)
    if participant is None or not (event.gone or participant.member_id or _may_return(participant)):
        return
    if participant.called and not event.gone:
        leave_early_media(transition, participant)
        return
    participant_left(transition, participant, event.at, participant.leaving_for, event.gone)


def _may_return(participant: Participant) -> bool:
    """Not from waiting: that was an earlier stay. Nor where it hung up: its add-member may be on its way."""
    return participant.phase is not Phase.WAITING and not participant.call_over


def hung_up(transition: Transition, event: HungUp) -> None:
    """CHANNEL_HANGUP may come before the add-member of a leg that `conference` still runs on."""
    participant = transition.participants.get(event.call_sid)
    if participant is None or participant.call_over:
        return
    if participant.ordered_at and not participant.member_id and not participant.called:
        transition.put(replace(participant, phase=Phase.LEAVING, call_over=True))
        return
    left(transition, Left(event.at, event.call_sid, gone=True))


def remove(transition: Transition, event: Remove) -> None:
    participant = transition.participants.get(event.call_sid)
    if participant is not None and participant.phase is not Phase.LEAVING:
        remove_participant(transition, replace(participant, hang_up=event.hang_up), event.at, event.reason)


def remove_participant(
    transition: Transition, participant: Participant, at: int, reason: LeaveReason
) -> None:
    """From the waiting at once, from the conference by a kick, and once it is there if it is on its way."""
    stays = participant.phase is Phase.DIALLED and not (transition.hang_up or participant.hang_up)
    if participant.phase is Phase.WAITING or stays:
        if participant.member_id:
            transition.effects.append(Kick(participant.call_sid, participant.member_id))
        participant_left(transition, participant, at, reason, gone=False)
        return
    transition.put(replace(participant, phase=Phase.LEAVING, leaving_for=reason))
    if transition.hang_up or participant.hang_up:
        transition.effects.append(EndCall(participant.call_sid))
    elif participant.member_id:
        transition.effects.append(Kick(participant.call_sid, participant.member_id))


def participant_left(
    transition: Transition, participant: Participant, at: int, reason: LeaveReason, gone: bool
) -> None:
    drop_participant(transition, participant, at, reason, gone)
    stop_audio(transition, participant, at)
    check_room_after_leave(transition, participant, at)


def drop_participant(
    transition: Transition, participant: Participant, at: int, reason: LeaveReason, gone: bool
) -> None:
    """One participant fewer; one whose join was never sent was, in the end, refused."""
    gone = gone or participant.call_over
    said = participant.join_sent and transition.room.options.join_while_waiting
    if gone and participant.ordered_at and not (participant.called or participant.member_id or said):
        transition.fields["unseen"] = {**transition.unseen, participant.call_sid: participant}
    fail_announcements_to(transition, participant, at)
    transition.drop(participant.call_sid)
    if transition.room.floor == participant.call_sid:
        transition.fields["floor"] = ""
    if transition.room.active_speaker == participant.call_sid:
        transition.fields["active_speaker"] = ""
    if participant.join_sent:
        stop_talking(transition, participant, at)
        over = gone or transition.hang_up or participant.hang_up
        transition.leave(participant, at, reason, over)
    if not gone:
        if transition.hang_up or participant.hang_up:
            transition.effects.append(EndCall(participant.call_sid))
        elif participant.called:
            # Its call has other instructions.
            pass
        elif participant.join_sent:
            transition.effects.append(Release(participant.call_sid, reason))
        else:
            transition.effects.append(RejectParticipant(participant.call_sid, Rejection.NOT_JOINED))


def check_room_after_leave(transition: Transition, last: Participant, at: int) -> None:
    """The consequences for the room of the leave of `last`."""
    if last.join_sent and last.options.end_on_exit and transition.phase is not RoomPhase.ENDING:
        start_ending(transition, at, last.caller, EndReason.MODERATOR_LEFT)
    end_if_empty(transition, at, last.caller if last.join_sent else None)


def end(transition: Transition, event: End) -> None:
    transition.fields["hang_up_on_end"] = True
    if transition.phase is RoomPhase.ENDING:
        # Already ending: the participants still inside are hung up instead of going on.
        transition.effects.extend(EndCall(call_sid) for call_sid in transition.participants)
        return
    start_ending(transition, event.at, transition.first, event.reason)
    end_if_empty(transition, event.at, None)


def start_ending(transition: Transition, at: int, by: Caller | None, reason: EndReason) -> None:
    moderator_left = reason is EndReason.MODERATOR_LEFT
    transition.fields |= {"phase": RoomPhase.ENDING, "ending_by": by, "end_reason": reason}
    for participant in list(transition.participants.values()):
        if participant.phase is Phase.DIALLED:
            # Its document has nothing but its place in this room.
            participant = replace(participant, hang_up=True)
        if participant.phase is not Phase.LEAVING or transition.hang_up:
            why = LeaveReason.MODERATOR_ENDED if moderator_left else LeaveReason.ENDED_VIA_API
            remove_participant(transition, participant, at, why)


def end_if_empty(transition: Transition, at: int, last: Caller | None) -> None:
    """`last` is whose leave emptied the room; somebody who was never in is not named."""
    if transition.participants or transition.phase is RoomPhase.ENDED:
        return
    if transition.phase is not RoomPhase.ENDING:
        transition.fields |= {"ending_by": last, "end_reason": EndReason.LAST_LEFT}
    fail_all_announcements(transition, at)
    transition.fields |= {"phase": RoomPhase.ENDED, "ended_at": at, **NOT_RECORDED}
    by = transition.fields.get("ending_by", transition.room.ending_by) or transition.first
    if by is not None:
        # Else nobody was ever admitted, and the room closes without a callback.
        assert isinstance(by, Caller)
        transition.send_callback("conference-end", at, by)
    transition.effects.append(Close())


def lost(transition: Transition, event: ConferenceLost) -> None:
    """With the conference go those inside it; with FreeSWITCH go all."""
    if transition.room.recording:
        transition.fields |= NOT_RECORDED
    inside = [other for other in transition.participants.values() if other.member_id]
    for participant in inside:
        if participant.called and not event.gone:
            leave_early_media(transition, participant)
    present = list(transition.participants.values())
    lost = present if event.gone else [other for other in inside if not other.called]
    if not lost:
        return
    # All are out before it counts that one of them ends the room: nobody is ordered out of what is gone.
    for participant in lost:
        drop_participant(transition, participant, event.at, participant.leaving_for, event.gone)
    reported = [participant for participant in lost if participant.join_sent] or lost
    enders = [participant for participant in reported if participant.options.end_on_exit]
    check_room_after_leave(transition, (enders or reported[-1:])[0], event.at)
