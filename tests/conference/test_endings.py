"""The end by the API and by FreeSWITCH's losses, and the participant that its callback names."""

from __future__ import annotations

from orchestrator.conference.machine.state import EndReason, LeaveReason
from tests.conference.story import Story

# ended through the API


def test_an_end_through_the_api_hangs_everybody_up_and_names_the_first() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    assert story.is_ended() == ["hang up anna", "hang up bert"]
    assert story.hangs_up("bert") == ["#3 participant-leave bert"]
    assert story.hangs_up("anna") == ["#4 participant-leave anna", "#5 conference-end anna", "close"]
    assert story.room.end_reason is EndReason.VIA_API


def test_an_end_through_the_api_names_the_first_even_when_it_has_left() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.hangs_up("anna")
    story.is_ended()
    assert story.hangs_up("bert")[-2:] == ["#5 conference-end anna", "close"]


def test_an_end_through_the_api_hangs_up_the_waiting_too() -> None:
    story = Story()
    story.asks("anna", start=False)
    story.asks("bert", start=False)
    assert story.is_ended() == [
        "#2 participant-leave anna",
        "hang up anna",
        "#3 participant-leave bert",
        "hang up bert",
        "#4 conference-end anna",
        "close",
    ]
    assert {delivered.leave_reason for delivered in story.callbacks()} == {LeaveReason.ENDED_VIA_API, None}


def test_an_ender_hung_up_by_the_api_does_not_end_the_conference_a_second_way() -> None:
    story = Story()
    story.enters("anna")
    story.enters("chef", end=True)
    story.is_ended()
    story.hangs_up("chef")
    assert story.hangs_up("anna")[-2:] == ["#5 conference-end anna", "close"]
    assert story.room.end_reason is EndReason.VIA_API


def test_a_participant_that_leaves_an_ended_conference_before_its_hangup_is_hung_up_and_not_released() -> (
    None
):
    story = Story()
    story.enters("anna")
    story.is_ended()
    assert story.leaves("anna") == [
        "#2 participant-leave anna",
        "hang up anna",
        "#3 conference-end anna",
        "close",
    ]


def test_an_end_through_the_api_hangs_up_those_an_ender_is_putting_out() -> None:
    story = Story()
    story.enters("chef", end=True)
    story.enters("anna")
    story.hangs_up("chef")
    assert story.is_ended() == ["hang up anna"]
    assert story.leaves("anna")[-3:] == ["hang up anna", "#5 conference-end chef", "close"]


def test_an_end_through_the_api_reaches_those_on_the_way_in_and_those_on_the_way_out() -> None:
    story = Story()
    story.enters("anna")
    story.asks("bert")
    story.is_removed("anna")
    assert story.is_ended() == ["hang up anna", "hang up bert"]


def test_time_exceeded_ends_like_the_api_and_says_so() -> None:
    story = Story()
    story.enters("anna")
    assert story.is_ended(EndReason.TIME_EXCEEDED) == ["hang up anna"]
    assert story.room.end_reason is EndReason.TIME_EXCEEDED


def test_a_room_that_nobody_has_asked_yet_can_be_ended() -> None:
    """Symptom: after such an end the room let people in and hung them up when they left. Cause: without a
    first caller only the wish to hang up was kept. Fix: an empty room closes."""
    story = Story()
    assert story.is_ended() == ["close"]
    assert story.asks("anna") == ["refuse anna ENDED"]


def test_a_room_ended_before_anybody_was_in_closes_without_a_word() -> None:
    story = Story()
    story.asks("anna")
    assert story.is_ended() == ["hang up anna"]
    assert story.hangs_up("anna") == ["close"]
    assert story.room.end_reason is EndReason.VIA_API


def test_a_room_ended_while_its_first_was_on_the_way_in_names_it_if_it_got_in() -> None:
    story = Story()
    story.asks("anna")
    story.is_ended()
    assert story.added("anna") == ["#0 conference-start anna", "#1 participant-join anna", "kick anna manna"]
    assert story.hangs_up("anna") == ["#2 participant-leave anna", "#3 conference-end anna", "close"]


# a refused one is named by no callback


def test_the_end_through_the_api_does_not_name_a_first_caller_who_was_refused() -> None:
    """Symptom: conference-end with the CallSid of a call that was never in. Cause: the first to ask was kept
    as the first, though FreeSWITCH did not take it. Fix: the first to be admitted is."""
    story = Story()
    story.asks("anna")
    story.enters("bert")
    story.not_added("anna")
    story.is_ended()
    assert story.hangs_up("bert")[-2:] == ["#3 conference-end bert", "close"]


def test_the_end_does_not_name_a_refused_one_though_it_was_the_last_in_the_room() -> None:
    """Symptom: as above. Cause: the caller that emptied the room was named. Fix: only if it was in."""
    story = Story()
    story.enters("anna")
    story.asks("bert")
    story.hangs_up("anna")
    assert story.not_added("bert") == ["refuse bert NOT_JOINED", "#3 conference-end anna", "close"]
    assert story.room.end_reason is EndReason.LAST_LEFT


# what FreeSWITCH loses


def test_a_lost_conference_puts_out_those_inside_and_leaves_the_others() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.asks("cleo")
    assert story.loses_the_conference() == [
        "#3 participant-leave anna",
        "release anna participant_hung_up",
        "#4 participant-leave bert",
        "release bert participant_hung_up",
    ]
    assert story.added("cleo") == ["#5 participant-join cleo"]


def test_a_lost_conference_with_all_inside_ends_once() -> None:
    story = Story()
    story.enters("anna")
    assert story.loses_the_conference() == [
        "#2 participant-leave anna",
        "release anna participant_hung_up",
        "#3 conference-end anna",
        "close",
    ]
    assert story.loses_the_conference() == []


def test_a_lost_freeswitch_ends_the_room_and_nobody_is_sent_anywhere() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.asks("cleo")
    assert story.loses_freeswitch() == [
        "#3 participant-leave anna",
        "#4 participant-leave bert",
        "#5 conference-end bert",
        "close",
    ]


def test_a_lost_freeswitch_takes_all_calls_along_though_an_ender_was_among_them() -> None:
    """Symptom: calls of a dead FreeSWITCH were ordered out and released, and their leave reported as of calls
    that live. Cause: the ender's leave put the others out before their own turn came. Fix: all lost ones
    leave first, then the ender's leave counts."""
    story = Story()
    story.asks("anna", start=False)
    story.asks("chef", start=False, end=True)
    story.asks("bert", start=False)
    assert story.loses_freeswitch() == [
        "#3 participant-leave anna",
        "#4 participant-leave chef",
        "#5 participant-leave bert",
        "#6 conference-end chef",
        "close",
    ]
    assert [delivered.call_gone for delivered in story.callbacks()] == [True, True, True, False]


def test_a_lost_conference_kicks_nobody() -> None:
    story = Story()
    story.enters("chef", end=True)
    story.enters("anna")
    assert story.loses_the_conference() == [
        "#3 participant-leave chef",
        "release chef participant_hung_up",
        "#4 participant-leave anna",
        "release anna participant_hung_up",
        "#5 conference-end chef",
        "close",
    ]


def test_a_freeswitch_lost_before_anybody_was_in_closes_the_room_without_a_word() -> None:
    story = Story()
    story.asks("anna")
    assert story.loses_freeswitch() == ["close"]


# after the end


def test_nothing_that_happens_after_the_end_changes_anything() -> None:
    story = Story()
    story.enters("anna")
    story.hangs_up("anna")
    ended = story.room
    for answer in (
        story.hangs_up("anna"),
        story.not_added("anna"),
        story.talks("anna"),
        story.is_removed("anna"),
        story.is_ended(),
        story.loses_the_conference(),
        story.loses_freeswitch(),
    ):
        assert answer == []
    assert story.added("anna") == ["kick anna manna"]
    assert story.asks("anna") == ["refuse anna ENDED"]
    assert story.room is ended
