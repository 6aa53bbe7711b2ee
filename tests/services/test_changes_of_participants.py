"""Updates of a participant, and admission to a conference: by its state at that moment."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from orchestrator.conference.machine.events import Hold, Modify, Mute, RoomEvent
from orchestrator.conference.machine.state import (
    Caller,
    ConferenceOptions,
    Participant,
    ParticipantOptions,
    Phase,
    Room,
    RoomPhase,
)
from orchestrator.rejection import ServiceError
from orchestrator.services.conferences import ParticipantUpdate, _check, _events, _may_be_coached

OPEN = Participant(Caller("anna", "leg"), ParticipantOptions(), Phase.IN)
HELD = replace(OPEN, held=True, hold_url="http://h/old")


def hold(on: bool, url: str = "", method: Any = "GET") -> Hold:
    return Hold(0, "anna", on, url, method)


def modify(**changes: Any) -> Modify:
    return Modify(0, "anna", **changes)


CHANGES: list[tuple[dict[str, Any], list[RoomEvent], list[RoomEvent]]] = [
    # The request; the changes of one who takes part, and of one who is on hold.
    ({}, [], []),
    ({"muted": True}, [Mute(0, "anna", True)], [Mute(0, "anna", True)]),
    ({"muted": False}, [Mute(0, "anna", False)], [Mute(0, "anna", False)]),
    ({"hold": True}, [hold(True)], []),
    ({"hold": False}, [hold(False)], [hold(False)]),
    ({"hold": True, "hold_url": "http://h/a"}, [hold(True, "http://h/a")], [hold(True, "http://h/a")]),
    ({"hold": True, "hold_url": ""}, [hold(True)], [hold(True)]),
    ({"hold_url": "http://h/a"}, [], [hold(True, "http://h/a")]),
    ({"hold_url": "http://h/a", "hold_method": "POST"}, [], [hold(True, "http://h/a", "POST")]),
    ({"hold_method": "POST"}, [], []),
    *(
        ({name: value}, [modify(**{name: value})], [modify(**{name: value})])
        for name in ("end_on_exit", "beep_on_exit")
        for value in (True, False)
    ),
    *(({"coach": sid}, [modify(coach=sid)], [modify(coach=sid)]) for sid in ("bert", "")),
    *(({"wait_url": url}, [modify(wait_url=url)], [modify(wait_url=url)]) for url in ("http://h/w", "")),
    (
        {"wait_url": "http://h/w", "wait_method": "GET"},
        [modify(wait_url="http://h/w", wait_method="GET")],
        [modify(wait_url="http://h/w", wait_method="GET")],
    ),
    ({"wait_method": "GET"}, [], []),
    (
        {"muted": True, "hold": True, "end_on_exit": True, "coach": "bert"},
        [Mute(0, "anna", True), hold(True), modify(end_on_exit=True, coach="bert")],
        [Mute(0, "anna", True), modify(end_on_exit=True, coach="bert")],
    ),
]


@pytest.mark.parametrize(("asked", "of_one_inside", "of_one_on_hold"), CHANGES)
def test_each_change_that_is_asked_for_is_one_event_and_no_other_is_made(
    asked: dict[str, Any], of_one_inside: list[RoomEvent], of_one_on_hold: list[RoomEvent]
) -> None:
    changes = ParticipantUpdate(**asked)
    for one, expected in ((OPEN, of_one_inside), (HELD, of_one_on_hold)):
        assert [replace(event, at=0) for event in _events(one, changes)] == expected


def room(*participants: Participant, most: int = 250, phase: RoomPhase = RoomPhase.STARTED) -> Room:
    options = ConferenceOptions(max_participants=most)
    return Room(
        "sid", "account", "Room", options, phase=phase, participants={p.call_sid: p for p in participants}
    )


def one(sid: str, phase: Phase = Phase.IN, label: str = "", *, called: bool = False) -> Participant:
    return Participant(Caller(sid, f"leg-{sid}"), ParticipantOptions(label=label), phase, called=called)


@pytest.mark.parametrize(
    ("there", "options", "code"),
    [
        ((), ParticipantOptions(), ""),
        ((one("a"),), ParticipantOptions(), ""),
        ((one("a"), one("b")), ParticipantOptions(), "90032"),
        # Somebody whose phone still rings takes no place.
        ((one("a"), one("b", Phase.DIALLED, called=True)), ParticipantOptions(), ""),
        ((one("a", label="x"),), ParticipantOptions(label="x"), "16025"),
        ((one("a", label="x"),), ParticipantOptions(label="y"), ""),
        ((one("a", label=""),), ParticipantOptions(label=""), ""),
        ((one("a", Phase.DIALLED, "x", called=True),), ParticipantOptions(label="x"), "16025"),
        ((one("a"),), ParticipantOptions(coach="a"), ""),
        ((one("a"),), ParticipantOptions(coach="b"), "13240"),
        ((one("a", Phase.LEAVING),), ParticipantOptions(coach="a"), "13240"),
        ((one("a", Phase.DIALLED, called=True),), ParticipantOptions(coach="a"), "13240"),
        ((one("a", Phase.WAITING),), ParticipantOptions(coach="a"), ""),
    ],
)
def test_somebody_is_dialled_only_where_there_is_a_place_a_label_and_a_coached_call(
    there: tuple[Participant, ...], options: ParticipantOptions, code: str
) -> None:
    try:
        _check(room(*there, most=2), options)
        said = ""
    except ServiceError as error:
        said = error.code
    assert said == code


@pytest.mark.parametrize("phase", RoomPhase)
def test_nobody_in_a_conference_that_ends_is_coached(phase: RoomPhase) -> None:
    is_open = phase in (RoomPhase.INIT, RoomPhase.STARTED)
    assert _may_be_coached(room(one("a"), phase=phase), "a") is is_open
