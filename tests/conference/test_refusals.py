"""Refused callers: the reason, and that no callback is sent."""

from __future__ import annotations

import pytest

from orchestrator.conference.machine.state import Phase, Rejection, RoomPhase
from tests.conference.story import Story

# maxParticipants


def test_one_over_the_limit_is_refused_without_a_callback() -> None:
    story = Story(max_participants=2)
    story.enters("anna")
    story.enters("bert")
    assert story.asks("cleo") == ["refuse cleo FULL"]


def test_those_who_wait_count() -> None:
    story = Story(max_participants=2)
    story.asks("anna", start=False)
    story.asks("bert", start=False)
    assert story.asks("chef") == ["refuse chef FULL"]


def test_those_on_the_way_in_count_so_that_many_in_one_millisecond_are_no_more_than_allowed() -> None:
    story = Story(max_participants=3)
    answers = [story.asks(f"caller-{n}")[0].split()[0] for n in range(10)]
    assert answers == ["join"] * 3 + ["refuse"] * 7


def test_those_on_the_way_out_count_until_they_are_out() -> None:
    story = Story(max_participants=2)
    story.enters("anna")
    story.enters("bert")
    story.is_removed("anna")
    assert story.asks("cleo") == ["refuse cleo FULL"]
    story.leaves("anna")
    assert story.asks("cleo") == ["join cleo"]


def test_the_default_takes_in_250() -> None:
    story = Story()
    for n in range(250):
        assert story.enters(f"caller-{n}")[0] == f"join caller-{n}"
    assert story.asks("one-more") == ["refuse one-more FULL"]


def test_the_room_s_terms_stay_those_it_was_opened_with() -> None:
    """The first joiner's maxParticipants and statusCallback count: an Ask brings none of its own."""
    story = Story(max_participants=2)
    conference_options = story.room.options
    story.enters("anna")
    story.hangs_up("anna")
    assert story.room.options is conference_options


# who else is refused


def test_a_label_that_somebody_in_the_room_has_is_refused() -> None:
    story = Story()
    story.enters("anna", label="host")
    assert story.asks("bert", label="host") == ["refuse bert DUPLICATE_LABEL"]
    assert story.asks("cleo", label="guest") == ["join cleo"]
    assert story.asks("dora", label="guest") == ["refuse dora DUPLICATE_LABEL"]


def test_a_label_is_free_again_when_its_owner_has_left() -> None:
    story = Story()
    story.enters("bert")
    story.enters("anna", label="host")
    story.hangs_up("anna")
    assert story.asks("cleo", label="host") == ["join cleo"]


def test_any_number_may_come_without_a_label() -> None:
    story = Story()
    story.enters("anna")
    assert story.asks("bert") == ["join bert"]


def test_a_coach_of_somebody_who_is_not_there_is_refused() -> None:
    story = Story()
    story.enters("anna")
    assert story.asks("bert", coach="nobody") == ["refuse bert COACHED_UNKNOWN"]
    assert story.asks("bert", coach="bert") == ["refuse bert COACHED_UNKNOWN"]
    assert story.asks("bert", coach="anna") == ["join bert"]


def test_a_call_cannot_be_in_the_room_twice() -> None:
    story = Story()
    story.enters("anna")
    before = story.room
    assert story.asks("anna") == ["refuse anna JOINED_TWICE"]
    assert story.room is before


def test_a_second_join_to_a_full_room_is_refused_as_joined_twice() -> None:
    story = Story(max_participants=2)
    story.enters("anna")
    story.enters("bert")
    assert story.asks("anna") == ["refuse anna JOINED_TWICE"]


def test_a_room_whose_first_caller_is_refused_closes_without_a_word() -> None:
    """Symptom: a room that nobody is in lived for ever, with the terms of somebody it never took. Cause: a
    refusal looked at nobody but the asker. Fix: a refusal that leaves the room empty closes it."""
    story = Story()
    assert story.asks("anna", coach="nobody") == ["refuse anna COACHED_UNKNOWN", "close"]
    assert story.room.phase is RoomPhase.ENDED


def test_a_refused_one_may_ask_again() -> None:
    story = Story(max_participants=2)
    story.enters("anna")
    story.enters("bert")
    story.asks("cleo")
    story.hangs_up("bert")
    assert story.asks("cleo") == ["join cleo"]


@pytest.mark.parametrize("refusal", Rejection)
def test_a_refusal_carries_a_code_and_a_reason(refusal: Rejection) -> None:
    code, _, reason = refusal.value.partition(" ")
    assert code.isdigit()
    assert reason


# joins that fail


def test_a_participant_that_freeswitch_does_not_add_was_refused_and_is_not_reported() -> None:
    story = Story()
    story.enters("anna")
    story.asks("bert")
    assert story.not_added("bert") == ["refuse bert NOT_JOINED"]


def test_the_conference_application_s_end_before_add_member_is_a_refusal_too() -> None:
    story = Story()
    story.enters("anna")
    story.asks("bert")
    assert story.leaves("bert") == ["refuse bert NOT_JOINED"]


def test_a_caller_that_hangs_up_before_it_is_in_was_never_there() -> None:
    story = Story()
    assert story.asks("anna") == ["join anna"]
    assert story.hangs_up("anna") == ["close"]


def test_a_waiting_participant_that_is_not_added_leaves_as_it_had_joined() -> None:
    story = Story()
    story.asks("anna", start=False)
    story.enters("chef")
    assert story.not_added("anna") == [
        "#3 participant-leave anna",
        "release anna participant_hung_up",
    ]


def test_a_late_failure_does_not_put_out_one_that_waits() -> None:
    story = Story()
    story.asks("anna", start=False)
    assert story.not_added("anna") == []
    assert story.not_added("nobody") == []


def test_a_participant_added_after_its_join_failed_is_kicked() -> None:
    story = Story()
    story.enters("anna")
    story.asks("bert")
    story.not_added("bert")
    assert story.added("bert") == ["kick bert mbert"]
    assert story.leaves("bert") == []


def test_a_participant_added_after_the_room_has_ended_is_kicked() -> None:
    story = Story()
    story.asks("anna")
    assert story.not_added("anna") == ["refuse anna NOT_JOINED", "close"]
    assert story.added("anna") == ["kick anna manna"]


def test_an_abandoned_join_that_takes_effect_while_its_call_waits_again_starts_nothing() -> None:
    """Symptom: a participant that must not start the conference started it, and was ordered in while in.
    Cause: any add-member in a room that had not started started it. Fix: only that of one ordered in does."""
    story = Story()
    story.asks("bert", start=False)
    story.asks("anna")
    story.not_added("anna")
    story.asks("anna", start=False)
    assert story.added("anna") == ["kick anna manna"]
    assert story.participant("anna").phase is Phase.WAITING
    assert story.room.phase is RoomPhase.INIT


def test_an_add_member_said_twice_is_one() -> None:
    story = Story()
    story.enters("anna")
    before = story.room
    assert story.added("anna") == []
    assert story.room is before
    assert story.outcome.changed == set()
