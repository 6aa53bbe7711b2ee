"""How a call gets out of a room, and how a room ends (telnyx-texml 1.2, 1.8)."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.conference.machine.announcements import fail_all, fail_those_to
from orchestrator.conference.machine.audio import NOT_RECORDED, leave_sound, stops_talking
from orchestrator.conference.machine.dialling import out_early
from orchestrator.conference.machine.effects import Close, HangUp, Kick, Refuse, Release
from orchestrator.conference.machine.events import End, Left, Lost, Remove
from orchestrator.conference.machine.state import (
    Caller,
    EndReason,
    LeaveReason,
    Participant,
    Phase,
    Refusal,
    RoomPhase,
)
from orchestrator.conference.machine.transition import Move


def left(move: Move, event: Left) -> None:
    participant = move.participants.get(event.call_sid)
    if participant is None or (participant.phase is Phase.WAITING and not event.gone):
        # Who waits can only hang up: a stay that was given up has ended late.
        return
    if participant.called and not event.gone:
        out_early(move, participant)
        return
    out(move, participant, event.at, participant.leaving_for, event.gone)


def remove(move: Move, event: Remove) -> None:
    participant = move.participants.get(event.call_sid)
    if participant is not None and participant.phase is not Phase.LEAVING:
        send_off(move, replace(participant, hang_up=event.hang_up), event.at, event.reason)


def send_off(move: Move, participant: Participant, at: int, reason: LeaveReason) -> None:
    """From the waiting at once, from the conference by a kick, and once it is there if it is on its way."""
    stays = participant.phase is Phase.DIALLED and not (move.hang_up or participant.hang_up)
    if participant.phase is Phase.WAITING or stays:
        if participant.member_id:
            move.effects.append(Kick(participant.call_sid, participant.member_id))
        out(move, participant, at, reason, gone=False)
        return
    move.put(replace(participant, phase=Phase.LEAVING, leaving_for=reason))
    if move.hang_up or participant.hang_up:
        move.effects.append(HangUp(participant.call_sid))
    elif participant.member_id:
        move.effects.append(Kick(participant.call_sid, participant.member_id))


def out(move: Move, participant: Participant, at: int, reason: LeaveReason, gone: bool) -> None:
    part(move, participant, at, reason, gone)
    leave_sound(move, participant, at)
    settle(move, participant, at)


def part(move: Move, participant: Participant, at: int, reason: LeaveReason, gone: bool) -> None:
    """One participant fewer; who was never told as joined was, in the end, refused."""
    fail_those_to(move, participant, at)
    move.drop(participant.call_sid)
    if move.room.floor == participant.call_sid:
        move.fields["floor"] = ""
    if move.room.dominant == participant.call_sid:
        move.fields["dominant"] = ""
    if participant.told:
        stops_talking(move, participant, at)
        over = gone or move.hang_up or participant.hang_up
        move.tell("participant-leave", at, participant.caller, participant, reason, over)
    if not gone:
        if move.hang_up or participant.hang_up:
            move.effects.append(HangUp(participant.call_sid))
        elif participant.called:
            # Its call has other instructions.
            pass
        elif participant.told:
            move.effects.append(Release(participant.call_sid, reason))
        else:
            move.effects.append(Refuse(participant.call_sid, Refusal.NOT_JOINED))


def settle(move: Move, last: Participant, at: int) -> None:
    """What it means for the room that `last` is out."""
    if last.told and last.wish.end_on_exit and move.phase is not RoomPhase.ENDING:
        begin_end(move, at, last.caller, EndReason.MODERATOR_LEFT)
    end_if_empty(move, at, last.caller if last.told else None)


def end(move: Move, event: End) -> None:
    move.fields["hang_up_on_end"] = True
    if move.phase is RoomPhase.ENDING:
        # Already on its way out: whoever is still inside is hung up instead of going on.
        move.effects.extend(HangUp(call_sid) for call_sid in move.participants)
        return
    begin_end(move, event.at, move.first, event.reason)
    end_if_empty(move, event.at, None)


def begin_end(move: Move, at: int, by: Caller | None, reason: EndReason) -> None:
    moderator_left = reason is EndReason.MODERATOR_LEFT
    move.fields |= {"phase": RoomPhase.ENDING, "ending_by": by, "end_reason": reason}
    for participant in list(move.participants.values()):
        if participant.phase is Phase.DIALLED:
            # Its document has nothing but its place in this room.
            participant = replace(participant, hang_up=True)
        if participant.phase is not Phase.LEAVING or move.hang_up:
            why = LeaveReason.MODERATOR_ENDED if moderator_left else LeaveReason.ENDED_VIA_API
            send_off(move, participant, at, why)


def end_if_empty(move: Move, at: int, last: Caller | None) -> None:
    """`last` is whose leave emptied the room; somebody who was never in is not named."""
    if move.participants or move.phase is RoomPhase.ENDED:
        return
    if move.phase is not RoomPhase.ENDING:
        move.fields |= {"ending_by": last, "end_reason": EndReason.LAST_LEFT}
    fail_all(move, at)
    move.fields |= {"phase": RoomPhase.ENDED, "ended_at": at, **NOT_RECORDED}
    by = move.fields.get("ending_by", move.room.ending_by) or move.first
    if by is not None:
        # Else nobody was ever let in, and the room closes without a word.
        assert isinstance(by, Caller)
        move.tell("conference-end", at, by)
    move.effects.append(Close())


def lost(move: Move, event: Lost) -> None:
    """With the conference go those inside it; with FreeSWITCH go all."""
    if move.room.recording:
        move.fields |= NOT_RECORDED
    inside = [other for other in move.participants.values() if other.member_id]
    for participant in inside:
        if participant.called and not event.gone:
            out_early(move, participant)
    present = list(move.participants.values())
    lost = present if event.gone else [other for other in inside if not other.called]
    if not lost:
        return
    # All are out before it counts that one of them ends the room: nobody is ordered out of what is gone.
    for participant in lost:
        part(move, participant, event.at, participant.leaving_for, event.gone)
    told = [participant for participant in lost if participant.told] or lost
    enders = [participant for participant in told if participant.wish.end_on_exit]
    settle(move, (enders or told[-1:])[0], event.at)
