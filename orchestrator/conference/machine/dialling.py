"""Somebody whom the API dials belongs to the room from the order on: how it is heard to ring, how it gets in.

Of one that is `called` nothing is told, it counts for no limit, and only the end of its call or of the room
takes it out.
"""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.conference.machine.effects import JoinEarly, Kick, Ringback
from orchestrator.conference.machine.events import Dial, Ringing
from orchestrator.conference.machine.state import Participant, Phase, Room, RoomPhase
from orchestrator.conference.machine.transition import Move

# FreeSWITCH counts them as members: `conference_max_members` leaves room for so many beside the participants.
MAX_EARLY = 20


def dial(move: Move, event: Dial) -> None:
    if event.caller.call_sid in move.participants:
        return
    if not move.room.dialled_at:
        move.fields["dialled_at"] = event.at
    move.put(
        Participant(
            event.caller,
            event.wish,
            Phase.DIALLED,
            asked_at=event.at,
            changed_at=event.at,
            called=True,
            early_media=event.early_media,
        )
    )


def ringing(move: Move, event: Ringing) -> None:
    was = move.participants.get(event.call_sid)
    if was is None or was.phase is not Phase.DIALLED:
        return
    media = event.media or was.rings == "media"
    join_early(move, move.put(replace(was, rings="media" if media else "ringing")), event.at)


def join_early(move: Move, participant: Participant, at: int) -> None:
    """What its phone sends is heard from the conference's start on."""
    if not _has_own_sound(participant) or participant.ordered_at or move.phase is not RoomPhase.STARTED:
        return
    dialled = [other for other in move.participants.values() if other.phase is Phase.DIALLED]
    if sum(bool(other.ordered_at) for other in dialled) < MAX_EARLY:
        move.effects.append(JoinEarly(move.put(replace(participant, ordered_at=at, joins_muted=False))))


def added_early(move: Move, participant: Participant, member_id: str) -> None:
    if participant.phase is Phase.DIALLED and participant.ordered_at:
        move.put(replace(participant, member_id=member_id))
        return
    if participant.phase is Phase.LEAVING:
        move.put(replace(participant, member_id=member_id))
    move.effects.append(Kick(participant.call_sid, member_id))


def out_early(move: Move, participant: Participant) -> None:
    """Out of the FreeSWITCH conference, or never in it; its phone rings on, and that is heard as a tone."""
    if participant.phase is Phase.DIALLED and participant.ordered_at:
        move.put(replace(participant, member_id="", ordered_at=0))
    elif participant.member_id:
        move.put(replace(participant, member_id=""))


def _has_own_sound(participant: Participant) -> bool:
    """Whether its phone sends sound that is for everybody's ears."""
    hidden = participant.wish.muted or participant.wish.coach
    return participant.early_media and participant.rings == "media" and not hidden


def rings_back(room: Room) -> bool:
    """Whether those inside are to hear a ringing tone: for whoever rings without sound of its own."""
    if not room.dialled_at or room.phase is not RoomPhase.STARTED:
        return False
    present = room.participants.values()
    return any(one.phase is Phase.IN for one in present) and any(_sounds_as_tone(one) for one in present)


def _sounds_as_tone(one: Participant) -> bool:
    return one.phase is Phase.DIALLED and one.early_media and bool(one.rings) and not one.ordered_at


def ringback(before: Room, after: Room) -> list[Ringback]:
    """What a step has changed about the ringing tone; a room that is over plays nothing."""
    on = rings_back(after)
    return [Ringback(on)] if on is not rings_back(before) and after.phase is not RoomPhase.ENDED else []
