"""Each step of a conference in the timelines: of the conference, and of its participants' calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrator.conference.live.transition_entries import add_rejection, add_transition
from orchestrator.conference.machine.effects import RejectParticipant
from orchestrator.conference.machine.events import Hold, Left, Modify, Mute, Remove, RoomEvent, Talking
from orchestrator.conference.machine.state import (
    Caller,
    ConferenceOptions,
    EndReason,
    LeaveReason,
    Participant,
    ParticipantOptions,
    Phase,
    Rejection,
    Room,
    RoomPhase,
)
from orchestrator.store.outbox import Outbox
from orchestrator.timeline.actor import Actor, set_actor
from orchestrator.timeline.entry import Entry
from orchestrator.timeline.recorder import Timeline

CALLER = Caller("v3:a", "leg", from_="+1", to="+2", calling_party_type="pstn")
ANNA = Participant(CALLER, ParticipantOptions(label="anna"), Phase.IN, join_sent=True)
ROOM = Room(
    "room", "account", "Room 1", ConferenceOptions(), phase=RoomPhase.STARTED, opened_at=1, started_at=2
)
ABOUT = {"name": "Room 1", "label": "anna", "number": "+1"}
NOTHING: RoomEvent = Talking(0, "v3:a", True)


class Story:
    def __init__(self, outbox: Outbox) -> None:
        self.timeline, self._store = Timeline(outbox.timeline), outbox.timeline

    def step(self, before: Room, event: RoomEvent, after: Room) -> None:
        changed = {
            sid
            for sid in {*before.participants, *after.participants}
            if before.participants.get(sid) is not after.participants.get(sid)
        }
        add_transition(self.timeline, before, event, after, changed)

    def of_anna(self, was: Participant | None, event: RoomEvent, one: Participant | None) -> None:
        self.step(with_anna(was), event, with_anna(one))

    def entries(self) -> list[Entry]:
        self.timeline.flush()
        return self._store.since("account", 0)

    def said(self) -> list[tuple[str, dict[str, Any]]]:
        found = self.entries()
        assert {entry.conference_sid for entry in found} <= {"room"}
        return [(entry.kind, entry.facts) for entry in found]


def with_anna(one: Participant | None) -> Room:
    return replace(ROOM, participants={} if one is None else {"v3:a": one})


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    story = Story(outbox)
    yield story
    story.timeline.stop()
    outbox.close()


def test_a_conference_begins_and_ends_at_its_times(story: Story) -> None:
    init = replace(ROOM, phase=RoomPhase.INIT, started_at=0)
    story.step(init, NOTHING, ROOM)
    story.step(ROOM, NOTHING, ROOM)
    ended = replace(ROOM, phase=RoomPhase.ENDED, ended_at=3, end_reason=EndReason.LAST_LEFT)
    story.step(ROOM, NOTHING, ended)
    story.step(replace(ROOM, opened_at=0), NOTHING, replace(ended, opened_at=0))
    start, end = story.entries()
    assert (start.kind, start.at, start.facts) == ("conference.start", 2, {"name": "Room 1"})
    reason = "The last participant left"
    assert (end.kind, end.at, end.facts) == ("conference.end", 3, {"name": "Room 1", "reason": reason})
    assert start.call_sid == end.call_sid == ""


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("was", [None, *Phase])
def test_one_arrives_when_it_waits_or_is_in(story: Story, was: Phase | None, phase: Phase) -> None:
    before = None if was is None else replace(ANNA, phase=was)
    story.of_anna(before, NOTHING, replace(ANNA, phase=phase))
    expected: list[tuple[str, dict[str, Any]]] = []
    if was is not phase and phase is Phase.WAITING:
        expected = [("conference.waiting", ABOUT)]
    if was is not phase and phase is Phase.IN:
        expected = [("conference.join", ABOUT | {"participants": 1})]
    assert story.said() == expected


@pytest.mark.parametrize(
    ("options", "held", "state"),
    [
        ({}, False, ""),
        ({"muted": True}, False, "muted"),
        ({}, True, "on hold"),
        ({"coach": "b"}, False, "coaching b"),
        ({"muted": True, "coach": "b"}, True, "muted, on hold, coaching b"),
    ],
)
def test_a_join_says_how_it_takes_part(story: Story, options: dict[str, Any], held: bool, state: str) -> None:
    one = replace(ANNA, options=ParticipantOptions(**options), held=held)
    story.of_anna(None, NOTHING, one)
    ((_, facts),) = story.said()
    assert facts.get("state", "") == state


API, MODERATOR = LeaveReason.UPDATED_VIA_API, LeaveReason.MODERATOR_ENDED
LEAVES: list[tuple[dict[str, Any], RoomEvent, str]] = [
    ({}, Left(0, "v3:a", gone=True), "hung up"),
    ({}, Left(0, "v3:a"), "its document goes on"),
    ({"call_over": True}, Left(0, "v3:a"), "hung up"),
    ({}, Remove(0, "v3:a"), "its document goes on"),
    ({}, Remove(0, "v3:a", API), "taken out through the API"),
    ({"leaving_for": API}, Left(0, "v3:a"), "taken out through the API"),
    ({"leaving_for": MODERATOR}, Left(0, "v3:a"), "a participant with endConferenceOnExit left"),
    (
        {"leaving_for": LeaveReason.ENDED_VIA_API},
        Left(0, "v3:a", gone=True),
        "the conference was ended through the API",
    ),
    ({}, NOTHING, "hung up"),
]


@pytest.mark.parametrize(("more", "event", "reason"), LEAVES)
def test_a_leave_says_why(story: Story, more: dict[str, Any], event: RoomEvent, reason: str) -> None:
    story.of_anna(replace(ANNA, **more), event, None)
    assert story.said() == [("conference.leave", ABOUT | {"reason": reason, "participants": 0})]


def test_one_that_never_joined_does_not_leave(story: Story) -> None:
    story.of_anna(replace(ANNA, join_sent=False), Left(0, "v3:a"), None)
    assert story.said() == []


MUTE, HOLD, MODIFY = Mute(0, "v3:a", True), Hold(0, "v3:a", True), Modify(0, "v3:a")
CHANGES: list[tuple[RoomEvent, dict[str, Any], dict[str, Any], list[str]]] = [
    # The event, what was otherwise before in its options and in itself, and what is said.
    (MUTE, {"muted": True}, {}, ["Unmuted"]),
    (HOLD, {}, {"held": True}, ["Taken off hold"]),
    (MODIFY, {"coach": "b"}, {}, ["Coaches nobody any more"]),
    (MODIFY, {"end_on_exit": True}, {}, ["endConferenceOnExit off"]),
    (MODIFY, {"beep": "false"}, {}, ["Beep true"]),
    (MODIFY, {"wait_url": "http://h/"}, {}, ["Other audio while it waits"]),
    (MODIFY, {"end_on_exit": True, "coach": "b"}, {}, ["Coaches nobody any more", "endConferenceOnExit off"]),
    # Other consequences of an event are no change of anybody's.
    (HOLD, {"muted": True}, {}, []),
    (MUTE, {}, {"held": True}, []),
    (NOTHING, {"muted": True}, {}, []),
]


@pytest.mark.parametrize(("event", "options", "more", "words"), CHANGES)
def test_a_change_says_what_is_otherwise(
    story: Story, event: RoomEvent, options: dict[str, Any], more: dict[str, Any], words: list[str]
) -> None:
    usual = replace(ANNA, options=ParticipantOptions(label="anna"))
    other = replace(usual, options=ParticipantOptions(label="anna", **options), **more)
    story.of_anna(other, event, usual)
    by = "caller" if event is MUTE else "document"
    assert story.said() == [
        ("conference.change", {"change": word, "by": by, "label": "anna"}) for word in words
    ]


@pytest.mark.parametrize(
    ("event", "more", "word"),
    [
        (MUTE, {"options": ParticipantOptions(label="anna", muted=True)}, "Muted"),
        (HOLD, {"held": True}, "Put on hold"),
        (MODIFY, {"options": ParticipantOptions(label="anna", coach="b")}, "Coaches b"),
        (MODIFY, {"options": ParticipantOptions(label="anna", end_on_exit=True)}, "endConferenceOnExit on"),
    ],
)
def test_a_change_over_the_api_says_with_which_key(
    story: Story, event: RoomEvent, more: dict[str, Any], word: str
) -> None:
    set_actor(Actor("api", "API key crm"))
    try:
        story.of_anna(ANNA, event, replace(ANNA, **more))
    finally:
        set_actor(None)
    facts = {"change": word, "by": "api", "key": "API key crm", "label": "anna"}
    assert story.said() == [("conference.change", facts)]


@pytest.mark.parametrize("why", Rejection)
def test_one_that_is_refused_has_the_reason(story: Story, why: Rejection) -> None:
    add_rejection(story.timeline, ROOM, RejectParticipant("v3:a", why))
    (entry,) = story.entries()
    assert (entry.kind, entry.level, entry.call_sid, entry.conference_sid) == (
        "conference.rejected",
        "warning",
        "v3:a",
        "room",
    )
    assert entry.facts == {"name": "Room 1", "reason": why.value}
