"""The changes that browsers are sent of a room, put together, are the room."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrator.conference.machine.state import (
    Caller,
    ConferenceOptions,
    Participant,
    ParticipantOptions,
    Phase,
    Room,
    RoomPhase,
)
from orchestrator.web.console.view import change, room_view

EMPTY = Room("room", "account", "Room", ConferenceOptions(), opened_at=1_000)
CALLS = ("a", "b", "c")


def participant(call_sid: str) -> Participant:
    caller = Caller(call_sid, f"leg-{call_sid}", from_=f"+1{call_sid}", to="+2", calling_party_type="pstn")
    return Participant(caller, ParticipantOptions(), Phase.WAITING, asked_at=5_000)


def put_together(view: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """As live.js does it."""
    people = dict(view["people"])
    for sid, person in patch.get("people", {}).items():
        if person is None:
            people.pop(sid)
        else:
            people[sid] = people.get(sid, {}) | person
    return view | patch | {"people": people}


def moved(room: Room, move: tuple[str, str]) -> Room:
    what, call = move
    people = dict(room.participants)
    one = people.get(call)
    match what:
        case "come":
            people.setdefault(call, participant(call))
        case "go":
            people.pop(call, None)
        case "start":
            return replace(room, phase=RoomPhase.STARTED, started_at=2_000)
        case "record":
            return replace(room, recording=not room.recording)
        case "talk" if one:
            people[call] = replace(one, talking=not one.talking)
        case "mute" if one:
            people[call] = replace(one, options=replace(one.options, muted=not one.options.muted))
        case "hold" if one:
            people[call] = replace(one, held=not one.held)
        case "enter" if one:
            people[call] = replace(one, phase=Phase.IN, member_id="7")
        case _:
            return room
    return replace(room, participants=people)


MOVES = st.tuples(
    st.sampled_from(["come", "go", "start", "record", "talk", "mute", "hold", "enter"]),
    st.sampled_from(CALLS),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(MOVES, max_size=4), max_size=12))
def test_the_changes_put_together_are_the_room(bursts: list[list[tuple[str, str]]]) -> None:
    room = EMPTY
    view: Any = room_view(room)
    for rejections in bursts:
        before = room
        for move in rejections:
            room = moved(room, move)
        patch: Any = change(before, room)
        if patch is not None:
            view = put_together(view, patch)
        assert view == room_view(room)


def test_changes_that_browsers_do_not_show_are_not_reported() -> None:
    one = participant("a")
    before = replace(EMPTY, participants={"a": one})
    after = replace(EMPTY, participants={"a": replace(one, member_id="7")}, next_sequence=4)
    assert change(before, after) is None


def test_one_who_speaks_is_reported_in_a_few_bytes() -> None:
    people = {call: participant(call) for call in CALLS}
    before = replace(EMPTY, participants=people)
    after = replace(EMPTY, participants=people | {"b": replace(people["b"], talking=True)})
    assert change(before, after) == {"sid": "room", "people": {"b": {"talking": True}}}


def test_a_room_is_there_from_the_first_who_is_admitted_to_its_end() -> None:
    unopened = replace(EMPTY, opened_at=0)
    assert change(None, unopened) is None
    assert change(unopened, EMPTY) == room_view(EMPTY)
    assert change(EMPTY, replace(EMPTY, ended_at=9_000)) == {"sid": "room", "gone": True}
    assert change(None, replace(EMPTY, ended_at=9_000)) is None


def test_somebody_who_was_called_is_known_by_the_number_that_was_called() -> None:
    dialled = Participant(Caller("a", "leg", from_="+1", to="+2"), ParticipantOptions(), Phase.IN)
    people: Any = room_view(replace(EMPTY, participants={"a": dialled}))["people"]
    assert people["a"]["number"] == "+2"
    assert people["a"]["dialled"]
