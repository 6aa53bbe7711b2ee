"""A leg hangs up as it joins: FreeSWITCH's events about it come from several threads, in any order."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest

from orchestrator.conference.machine.events import (
    Added,
    ConferenceLost,
    HungUp,
    JoinReturned,
    Left,
    RoomEvent,
)
from tests.conference.story import Story

JOIN_AND_LEAVE = ["participant-join", "participant-leave"]
EVENTS: dict[str, RoomEvent] = {
    "CHANNEL_HANGUP": HungUp(50, "bert"),
    "add-member": Added(50, "bert", "m2"),
    "del-member": Left(50, "bert"),
    "CHANNEL_EXECUTE_COMPLETE": JoinReturned(50, "bert"),
    "conference-destroy": ConferenceLost(50),
    "CHANNEL_HANGUP_COMPLETE": Left(51, "bert", gone=True),
}
THREADS = (
    # The leg's own thread fires these, in this order; a conference is destroyed when nobody is in it.
    ("add-member", "del-member", "CHANNEL_EXECUTE_COMPLETE"),
    ("del-member", "conference-destroy"),
    ("CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"),
)


def orders(*left_out: str) -> list[tuple[str, ...]]:
    """All that these threads allow, also where the leg's end overtakes the rest: after a standstill it is
    known from what FreeSWITCH has, before the events are read."""
    names = [name for name in EVENTS if name not in left_out]
    return [
        order
        for order in permutations(names)
        if all(
            order.index(first) < order.index(then)
            for thread in THREADS
            for first, then in pairwise(name for name in thread if name in order)
        )
    ]


def joins_and_leaves(order: tuple[str, ...], *, alone: bool) -> list[str]:
    """The joins and leaves that are sent of bert, and of the end."""
    story, found = Story(), []
    if not alone:
        story.enters("anna")
    story.asks("bert")
    for name in order:
        story.happens(EVENTS[name])
        found += [one.event for one in story.callbacks() if one.caller.call_sid == "bert"]
    return found


@pytest.mark.parametrize("order", orders("conference-destroy"), ids=" ".join)
def test_each_that_was_a_member_has_one_join_and_one_leave(order: tuple[str, ...]) -> None:
    """Symptom: a participant that FreeSWITCH had in a room that lived on, without any callback.
    Cause: its CHANNEL_HANGUP was heard before its add-member, and dropped it. Fix: it stays until its leg is
    through, and an add-member that comes later still counts."""
    assert joins_and_leaves(order, alone=False) == JOIN_AND_LEAVE


ALONE = [one for one in orders() if one[-1] == "CHANNEL_HANGUP_COMPLETE"]


@pytest.mark.parametrize("order", ALONE, ids=" ".join)
def test_one_that_is_alone_starts_and_ends_the_conference_too(order: tuple[str, ...]) -> None:
    assert joins_and_leaves(order, alone=True) == ["conference-start", *JOIN_AND_LEAVE, "conference-end"]


def test_one_that_was_never_a_member_is_not_mentioned() -> None:
    story = Story()
    story.enters("anna")
    story.asks("bert")
    assert story.happens(HungUp(50, "bert")) == []
    assert story.happens(JoinReturned(50, "bert")) == []
    assert story.happens(Left(51, "bert", gone=True)) == []
    assert list(story.room.participants) == ["anna"]


def test_a_join_that_comes_back_is_tried_again_and_not_for_ever() -> None:
    story = Story()
    story.enters("anna")
    story.asks("bert")
    assert story.happens(JoinReturned(50, "bert")) == ["join bert"]
    assert story.happens(JoinReturned(51, "bert")) == ["join bert"]
    assert story.happens(JoinReturned(52, "bert")) == ["refuse bert NOT_JOINED"]
