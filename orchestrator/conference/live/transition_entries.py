"""Steps of a room in the timelines of its conference and of its participants' calls."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.callbacks.payloads import END_REASON_TEXT
from orchestrator.conference.machine.effects import RejectParticipant
from orchestrator.conference.machine.events import (
    Floor,
    Hold,
    Left,
    Modify,
    Mute,
    Remove,
    RoomEvent,
    Talking,
)
from orchestrator.conference.machine.state import LeaveReason, Participant, Phase, Room, RoomPhase
from orchestrator.timeline.actor import By, actor
from orchestrator.timeline.recorder import Subject, Timeline

UNRECORDED = frozenset({Talking, Floor})
"""Events whose steps have no entry: there are many of them."""
_LEFT = {
    LeaveReason.HUNG_UP: "hung up",
    LeaveReason.UPDATED_VIA_API: "taken out through the API",
    LeaveReason.MODERATOR_ENDED: "a participant with endConferenceOnExit left",
    LeaveReason.ENDED_VIA_API: "the conference was ended through the API",
}


def add_transition(
    timeline: Timeline, before: Room, event: RoomEvent, after: Room, changed: Iterable[str]
) -> None:
    """`changed`: the CallSids whose participants are new, different or gone."""
    if after.started_at and not before.started_at:
        timeline.add(
            "conference.start",
            account=after.account_sid,
            conference=after.sid,
            name=after.name,
            at=after.started_at,
        )
    for call_sid in changed:
        _participant(
            timeline,
            after,
            event,
            call_sid,
            before.participants.get(call_sid),
            after.participants.get(call_sid),
        )
    if after.phase is RoomPhase.ENDED and after.opened_at:
        reason = END_REASON_TEXT[after.end_reason] if after.end_reason else ""
        timeline.add(
            "conference.end",
            account=after.account_sid,
            conference=after.sid,
            name=after.name,
            reason=reason,
            at=after.ended_at,
        )


def add_rejection(timeline: Timeline, room: Room, effect: RejectParticipant) -> None:
    timeline.add(
        "conference.rejected",
        account=room.account_sid,
        call=effect.call_sid,
        conference=room.sid,
        level="warning",
        name=room.name,
        reason=effect.reason.value,
    )


def _participant(
    timeline: Timeline,
    room: Room,
    event: RoomEvent,
    call_sid: str,
    was: Participant | None,
    one: Participant | None,
) -> None:
    before, after = was and was.phase, one and one.phase
    if one is None:
        if was is not None and was.join_sent:
            _left(timeline.about(room.account_sid, call_sid, room.sid), room, event, was)
    elif before is not after:
        if after is Phase.WAITING or after is Phase.IN:
            _arrived(timeline.about(room.account_sid, call_sid, room.sid), room, one)
    elif was is not None and (was.options is not one.options or was.held is not one.held):
        _changes(timeline.about(room.account_sid, call_sid, room.sid), event, was, one)


def _arrived(about: Subject, room: Room, one: Participant) -> None:
    label, number = one.options.label, one.caller.number
    if one.phase is Phase.WAITING:
        about.add("conference.waiting", name=room.name, label=label, number=number)
    else:
        about.add(
            "conference.join",
            name=room.name,
            label=label,
            number=number,
            state=_state(one),
            participants=len(room.participants),
        )


def _left(about: Subject, room: Room, event: RoomEvent, was: Participant) -> None:
    about.add(
        "conference.leave",
        name=room.name,
        label=was.options.label,
        number=was.caller.number,
        reason=_why_left(was, event),
        participants=len(room.participants),
    )


def _changes(about: Subject, event: RoomEvent, was: Participant, one: Participant) -> None:
    # A participant mutes itself with its keys; a document asks for that only as it joins.
    otherwise: By = "caller" if isinstance(event, Mute) else "document"
    by, key = actor(otherwise)
    for change in _words(was, one, event):
        about.add("conference.change", change=change, by=by, key=key, label=one.options.label)


def _words(was: Participant, one: Participant, event: RoomEvent) -> Iterable[str]:
    before, after = was.options, one.options
    if isinstance(event, Mute) and before.muted is not after.muted:
        yield "Muted" if after.muted else "Unmuted"
    if isinstance(event, Hold) and was.held is not one.held:
        yield "Put on hold" if one.held else "Taken off hold"
    if isinstance(event, Modify):
        if before.coach != after.coach:
            yield f"Coaches {after.coach}" if after.coach else "Coaches nobody any more"
        if before.end_on_exit is not after.end_on_exit:
            yield f"endConferenceOnExit {'on' if after.end_on_exit else 'off'}"
        if before.beep != after.beep:
            yield f"Beep {after.beep}"
        if before.wait_url != after.wait_url:
            yield "Other audio while it waits"


def _why_left(was: Participant, event: RoomEvent) -> str:
    if was.leaving_for is not LeaveReason.HUNG_UP:
        return _LEFT[was.leaving_for]
    if isinstance(event, Remove):
        return _LEFT[event.reason] if event.reason is not LeaveReason.HUNG_UP else "its document goes on"
    if isinstance(event, Left) and not event.gone and not was.call_over:
        return "its document goes on"
    return _LEFT[LeaveReason.HUNG_UP]


def _state(one: Participant) -> str:
    words = []
    if one.options.muted:
        words.append("muted")
    if one.held:
        words.append("on hold")
    if one.options.coach:
        words.append(f"coaching {one.options.coach}")
    return ", ".join(words)
