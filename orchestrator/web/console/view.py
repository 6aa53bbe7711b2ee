"""A room as the page shows it, and what has changed of it since: pure, and small on the wire.

Times are milliseconds since the epoch, as browsers count; 0 for what has not happened.
"""

from __future__ import annotations

from orchestrator.conference.machine.state import Participant, Room
from orchestrator.fsconfig.conference_profiles import reports_talking

View = dict[str, object]


def is_shown(room: Room | None) -> bool:
    """From the first admitted participant to the end."""
    return room is not None and bool(room.opened_at) and not room.ended_at


def room_view(room: Room) -> View:
    return _facts(room) | {"people": {sid: person_view(one) for sid, one in room.participants.items()}}


def change(before: Room | None, after: Room) -> View | None:
    """The changes for the page; None: no change. A participant's None: it has left."""
    if not is_shown(after):
        return {"sid": after.sid, "gone": True} if is_shown(before) else None
    if before is None or not is_shown(before):
        return room_view(after)
    facts, known = _facts(after), _facts(before)
    changed: View = {name: value for name, value in facts.items() if known[name] != value}
    people = _people(before, after)
    if people:
        changed["people"] = people
    return changed | {"sid": after.sid} if changed else None


def _people(before: Room, after: Room) -> View:
    # A participant that is the same object has not changed: the room's core makes a new one of each that has.
    people: View = {sid: None for sid in before.participants if sid not in after.participants}
    for sid, one in after.participants.items():
        was = before.participants.get(sid)
        if was is None:
            people[sid] = person_view(one)
        elif was is not one:
            old, new = person_view(was), person_view(one)
            if different := {name: value for name, value in new.items() if old[name] != value}:
                people[sid] = different
    return people


def _facts(room: Room) -> View:
    return {
        "sid": room.sid,
        "name": room.name,
        "node": room.node,
        "phase": room.phase.value,
        "opened": _ms(room.opened_at),
        "started": _ms(room.started_at),
        "recording": room.recording,
        "paused": room.recording_paused,
        "talking": reports_talking(room.profile),
        "max": room.options.max_participants,
    }


def person_view(one: Participant) -> View:
    caller, options = one.caller, one.options
    # A dialled participant has no calling party: it is shown by the number that was called.
    dialled = not caller.calling_party_type
    return {
        "number": caller.to if dialled else caller.from_,
        "dialled": dialled,
        "label": options.label,
        "phase": one.phase.value,
        "asked": _ms(one.asked_at),
        "talking": one.talking,
        "muted": options.muted,
        "held": one.held,
        "coach": options.coach,
        "moderator": options.end_on_exit,
    }


def _ms(microseconds: int) -> int:
    return microseconds // 1000
