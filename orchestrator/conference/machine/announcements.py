"""Announcements under way: each ends in one callback, before its participant leaves and before the end."""

from __future__ import annotations

from orchestrator.conference.machine.events import Announce, Announced
from orchestrator.conference.machine.state import Announcement, Participant, Phase
from orchestrator.conference.machine.transition import Move

LEFT = "left before it was over"
ENDED = "the conference ended before it was over"


def announce(move: Move, event: Announce) -> None:
    participant = move.participants.get(event.call_sid)
    away = participant is None or participant.called or participant.phase is Phase.LEAVING
    if event.call_sid and away:
        # It is on its way out, and not named where it is out, or has not answered.
        if participant is not None:
            _ends(move, Announcement(event.url, event.call_sid), event.at, LEFT)
        return
    if event.sid not in move.announcing:
        announcement = Announcement(event.url, event.call_sid)
        move.fields["announcing"] = {**move.announcing, event.sid: announcement}


def announced(move: Move, event: Announced) -> None:
    """One that has failed by now is not said to have ended."""
    _over(move, event.sid, event.at, event.problem)


def fail_those_to(move: Move, participant: Participant, at: int) -> None:
    """It is about to be out."""
    for sid, announcement in list(move.announcing.items()):
        if announcement.call_sid == participant.call_sid:
            _over(move, sid, at, LEFT)


def fail_all(move: Move, at: int) -> None:
    for sid in list(move.announcing):
        _over(move, sid, at, ENDED)


def _over(move: Move, sid: str, at: int, problem: str) -> None:
    announcing = move.announcing
    announcement = announcing.get(sid)
    if announcement is not None:
        move.fields["announcing"] = {key: one for key, one in announcing.items() if key != sid}
        _ends(move, announcement, at, problem)


def _ends(move: Move, announcement: Announcement, at: int, problem: str) -> None:
    """Told of the one whom it was to, or of the room: named is then the first one in."""
    participant = move.participants.get(announcement.call_sid)
    caller = participant.caller if participant is not None else move.first
    if caller is None or (participant is not None and not participant.told):
        # Whoever may still be refused is not named.
        return
    name = "announcement-fail" if problem else "announcement-end"
    move.tell(name, at, caller, participant, announce_url=announcement.url, problem=problem)
