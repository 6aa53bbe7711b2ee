"""Settings of a room about its callbacks: from which number they count, and when the waiting have joined."""

from __future__ import annotations

import pytest

from tests.conference.story import Story

ALL = frozenset({"start", "end", "join", "leave", "speaker", "mute", "hold", "modify", "announcement"})


@pytest.mark.parametrize("first", [0, 1])
def test_numbers_count_from_the_first(first: int) -> None:
    story = Story(first_sequence=first)
    story.asks("anna")
    assert story.added("anna") == [f"#{first} conference-start anna", f"#{first + 1} participant-join anna"]
    assert story.hangs_up("anna")[0].startswith(f"#{first + 2} participant-leave anna")


def test_nothing_is_reported_of_the_waiting() -> None:
    story = Story(ALL, join_while_waiting=False)
    assert story.asks("anna", start=False) == ["wait anna"]
    assert story.mutes("anna") == []
    assert story.hangs_up("anna") == ["#0 conference-end anna", "close"]


def test_a_waiting_participant_has_joined_once_it_is_in() -> None:
    story = Story(ALL, join_while_waiting=False)
    story.asks("anna", start=False)
    story.asks("chef")
    assert story.added("chef") == ["join anna", "#0 conference-start chef", "#1 participant-join chef"]
    assert story.added("anna") == ["#2 participant-join anna"]
    assert story.hangs_up("anna")[0].startswith("#3 participant-leave anna")


def test_a_participant_that_never_arrived_is_not_reported() -> None:
    story = Story(ALL, join_while_waiting=False)
    story.asks("anna", start=False)
    story.asks("chef")
    story.added("chef")
    assert not [effect for effect in story.hangs_up("anna") if effect.startswith("#")]
    assert story.hangs_up("chef")[0].startswith("#2 participant-leave chef")
