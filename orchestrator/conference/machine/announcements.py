"""Announcements under way: each ends in one callback, before its participant leaves and before the end."""

from __future__ import annotations

from orchestrator.conference.machine.events import Announce, Announced
from orchestrator.conference.machine.state import Announcement, Participant, Phase
from orchestrator.conference.machine.transition import Transition

LEFT = "left before it ended"
ENDED = "the conference ended before it did"


def announce(transition: Transition, event: Announce) -> None:
    participant = transition.participants.get(event.call_sid)
    away = participant is None or participant.called or participant.phase is Phase.LEAVING
    if event.call_sid and away:
        # It is leaving, and not named where it has left, or has not answered.
        if participant is not None:
            _report_announcement_end(transition, Announcement(event.url, event.call_sid), event.at, LEFT)
        return
    if event.sid not in transition.announcing:
        announcement = Announcement(event.url, event.call_sid)
        transition.fields["announcing"] = {**transition.announcing, event.sid: announcement}


def announced(transition: Transition, event: Announced) -> None:
    """One that has failed by now is not said to have ended."""
    _finish_announcement(transition, event.sid, event.at, event.problem)


def fail_announcements_to(transition: Transition, participant: Participant, at: int) -> None:
    """It is about to be out."""
    for sid, announcement in list(transition.announcing.items()):
        if announcement.call_sid == participant.call_sid:
            _finish_announcement(transition, sid, at, LEFT)


def fail_all_announcements(transition: Transition, at: int) -> None:
    for sid in list(transition.announcing):
        _finish_announcement(transition, sid, at, ENDED)


def _finish_announcement(transition: Transition, sid: str, at: int, problem: str) -> None:
    announcing = transition.announcing
    announcement = announcing.get(sid)
    if announcement is not None:
        transition.fields["announcing"] = {key: one for key, one in announcing.items() if key != sid}
        _report_announcement_end(transition, announcement, at, problem)


def _report_announcement_end(
    transition: Transition, announcement: Announcement, at: int, problem: str
) -> None:
    """Sent for its addressee, or for the room: the first participant is named then."""
    participant = transition.participants.get(announcement.call_sid)
    caller = participant.caller if participant is not None else transition.first
    if caller is None or (participant is not None and not participant.join_sent):
        # A participant that may still be refused is not named.
        return
    name = "announcement-fail" if problem else "announcement-end"
    transition.send_callback(name, at, caller, participant, announce_url=announcement.url, problem=problem)
