"""A participant that the API dials belongs to the room from the request on: its ringing, its join.

No callback is sent about one that is `called`, it counts for no limit, and only the end of its call or of the
room takes it out.
"""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.conference.machine.effects import JoinEarly, Kick, Ringback
from orchestrator.conference.machine.events import Dial, Ringing
from orchestrator.conference.machine.state import Participant, Phase, Room, RoomPhase
from orchestrator.conference.machine.transition import Transition

# FreeSWITCH counts them as members: `conference_max_members` leaves room for so many beside the participants.
MAX_EARLY = 20


def dial(transition: Transition, event: Dial) -> None:
    if event.caller.call_sid in transition.participants:
        return
    if not transition.room.dialled_at:
        transition.fields["dialled_at"] = event.at
    transition.put(
        Participant(
            event.caller,
            event.options,
            Phase.DIALLED,
            asked_at=event.at,
            changed_at=event.at,
            called=True,
            early_media=event.early_media,
        )
    )


def ringing(transition: Transition, event: Ringing) -> None:
    was = transition.participants.get(event.call_sid)
    if was is None or was.phase is not Phase.DIALLED:
        return
    media = event.media or was.rings == "media"
    join_early(transition, transition.put(replace(was, rings="media" if media else "ringing")), event.at)


def join_early(transition: Transition, participant: Participant, at: int) -> None:
    """The sound of its phone is heard from the conference's start on."""
    if (
        not _has_early_media(participant)
        or participant.ordered_at
        or transition.phase is not RoomPhase.STARTED
    ):
        return
    dialled = [other for other in transition.participants.values() if other.phase is Phase.DIALLED]
    if sum(bool(other.ordered_at) for other in dialled) < MAX_EARLY:
        transition.effects.append(
            JoinEarly(transition.put(replace(participant, ordered_at=at, joins_muted=False)))
        )


def added_early(transition: Transition, participant: Participant, member_id: str) -> None:
    if participant.phase is Phase.DIALLED and participant.ordered_at:
        transition.put(replace(participant, member_id=member_id))
        return
    if participant.phase is Phase.LEAVING:
        transition.put(replace(participant, member_id=member_id))
    transition.effects.append(Kick(participant.call_sid, member_id))


def leave_early_media(transition: Transition, participant: Participant) -> None:
    """Out of the FreeSWITCH conference, or never in it; its phone rings on, and that is heard as a tone."""
    if participant.phase is Phase.DIALLED and participant.ordered_at:
        transition.put(replace(participant, member_id="", ordered_at=0))
    elif participant.member_id:
        transition.put(replace(participant, member_id=""))


def _has_early_media(participant: Participant) -> bool:
    """Whether its phone sends sound that everybody is to hear."""
    hidden = participant.options.muted or participant.options.coach
    return participant.early_media and participant.rings == "media" and not hidden


def needs_ringback(room: Room) -> bool:
    """Whether those inside are to hear a ringing tone: for a phone that rings without sound of its own."""
    if not room.dialled_at or room.phase is not RoomPhase.STARTED:
        return False
    present = room.participants.values()
    return any(one.phase is Phase.IN for one in present) and any(_needs_ringback_tone(one) for one in present)


def _needs_ringback_tone(one: Participant) -> bool:
    return one.phase is Phase.DIALLED and one.early_media and bool(one.rings) and not one.ordered_at


def ringback(before: Room, after: Room) -> list[Ringback]:
    """The step's change of the ringing tone; a room that has ended plays none."""
    on = needs_ringback(after)
    return [Ringback(on)] if on is not needs_ringback(before) and after.phase is not RoomPhase.ENDED else []
