"""Leaving: by hangup, with endConferenceOnExit, by removal."""

from __future__ import annotations

import pytest

from orchestrator.conference.machine.state import EndReason, LeaveReason, Phase, RoomPhase
from tests.conference.story import Story

# leaving


def test_a_participant_that_leaves_goes_on_with_its_document() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    assert story.leaves("anna") == ["#3 participant-leave anna", "release anna participant_hung_up"]


def test_a_participant_that_hangs_up_is_reported_as_gone_and_its_document_does_not_go_on() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    assert story.hangs_up("anna") == ["#3 participant-leave anna"]
    assert [delivered.call_gone for delivered in story.callbacks()] == [True]


def test_the_conference_s_exit_and_the_hangup_behind_it_are_one_leave() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.leaves("anna")
    assert story.hangs_up("anna") == []
    assert story.leaves("nobody") == []


def test_a_leave_is_stored_with_its_time_and_reason_also_without_a_subscription() -> None:
    story = Story(subscribed=())
    story.asks("anna", start=False)
    story.enters("chef", end=True)
    story.added("anna")
    story.enters("bert")
    story.hangs_up("bert")
    assert story.stored() == ["bert was in from 6 to 7: participant_hung_up"]
    story.hangs_up("chef")
    assert story.stored() == ["chef was in from 3 to 8: participant_hung_up"]
    story.leaves("anna")
    assert story.stored() == ["anna was in from 1 to 9: moderator_ended_conference"]


def test_a_refused_one_was_never_in_and_is_not_stored() -> None:
    story = Story(max_participants=1)
    story.enters("anna")
    story.asks("bert")
    assert story.stored() == []
    story.hangs_up("bert")
    assert story.stored() == []


def test_the_last_one_s_leave_ends_the_conference_and_is_named() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.hangs_up("anna")
    assert story.hangs_up("bert") == ["#4 participant-leave bert", "#5 conference-end bert", "close"]
    assert (story.room.phase, story.room.end_reason) == (RoomPhase.ENDED, EndReason.LAST_LEFT)


def test_a_room_in_which_everybody_only_waited_ends_too_without_having_started() -> None:
    story = Story()
    story.asks("anna", start=False)
    assert story.hangs_up("anna") == ["#1 participant-leave anna", "#2 conference-end anna", "close"]


@pytest.mark.parametrize("how", ["hangs up", "is kicked", "is put out by the end", "is lost"])
def test_a_speaker_that_leaves_stops_speaking_first(how: str) -> None:
    """Symptom: a participant-speech-start without its stop. Cause: FreeSWITCH sends no stop-talking for a
    member that leaves, and neither did the room. Fix: a speaker that leaves stops speaking first."""
    story = Story()
    story.enters("chef", end=True)
    story.enters("anna")
    story.talks("anna")
    match how:
        case "hangs up":
            said = story.hangs_up("anna")
        case "is kicked":
            story.is_removed("anna")
            said = story.leaves("anna")
        case "is put out by the end":
            story.hangs_up("chef")
            said = story.hangs_up("anna")
        case _:
            said = story.loses_freeswitch()
    said = [one.split(" ", 1)[1] for one in said if one.endswith(" anna")]
    assert said[:2] == ["participant-speech-stop anna", "participant-leave anna"]


def test_a_silent_participant_that_leaves_has_nothing_to_stop() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.talks("anna")
    story.talks("anna", on=False)
    assert story.hangs_up("anna") == ["#5 participant-leave anna"]


def test_a_dominant_speaker_has_no_stop_when_it_leaves_either() -> None:
    story = Story(speaker_mode="floor")
    story.enters("anna")
    story.enters("bert")
    story.takes_the_floor("anna")
    story.talks("anna")
    assert story.hangs_up("anna") == ["#4 participant-leave anna"]


def test_a_call_may_come_back_and_is_reported_anew() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.leaves("bert")
    assert story.enters("bert") == ["join bert", "#4 participant-join bert"]


# endConferenceOnExit


def test_the_leave_of_an_ender_puts_the_others_out_and_does_not_hang_them_up() -> None:
    story = Story()
    story.enters("chef", end=True)
    story.enters("anna")
    story.enters("bert")
    assert story.hangs_up("chef") == ["#4 participant-leave chef", "kick anna manna", "kick bert mbert"]
    assert story.leaves("bert") == ["#5 participant-leave bert", "release bert moderator_ended_conference"]
    assert story.leaves("anna") == [
        "#6 participant-leave anna",
        "release anna moderator_ended_conference",
        "#7 conference-end chef",
        "close",
    ]
    assert story.room.end_reason is EndReason.MODERATOR_LEFT


def test_an_ender_that_leaves_while_it_waits_ends_the_conference_for_all_who_wait() -> None:
    story = Story()
    story.asks("anna", start=False)
    story.asks("chef", start=False, end=True)
    assert story.hangs_up("chef") == [
        "#2 participant-leave chef",
        "#3 participant-leave anna",
        "release anna moderator_ended_conference",
        "#4 conference-end chef",
        "close",
    ]


def test_an_ender_that_never_got_in_ends_nothing() -> None:
    story = Story()
    story.enters("anna")
    story.asks("chef", end=True)
    assert story.hangs_up("chef") == []
    assert story.room.phase is RoomPhase.STARTED


def test_an_ender_whose_time_is_up_ends_the_conference_when_it_is_out() -> None:
    story = Story()
    story.enters("chef", end=True)
    story.enters("anna")
    assert story.is_removed("chef") == ["kick chef mchef"]
    assert story.room.phase is RoomPhase.STARTED
    assert story.leaves("chef") == [
        "#3 participant-leave chef",
        "release chef participant_hung_up",
        "kick anna manna",
    ]


def test_a_second_ender_ends_nothing_anew() -> None:
    story = Story()
    story.enters("chef", end=True)
    story.enters("vice", end=True)
    story.hangs_up("chef")
    assert story.hangs_up("vice") == ["#4 participant-leave vice", "#5 conference-end chef", "close"]


def test_a_participant_on_its_way_in_when_an_ender_leaves_is_reported_in_and_out_before_the_end() -> None:
    story = Story()
    story.enters("chef", end=True)
    story.asks("anna")
    assert story.hangs_up("chef") == ["#2 participant-leave chef"]
    assert story.added("anna") == ["#3 participant-join anna", "kick anna manna"]
    assert story.leaves("anna") == [
        "#4 participant-leave anna",
        "release anna moderator_ended_conference",
        "#5 conference-end chef",
        "close",
    ]


def test_a_participant_on_its_way_in_when_an_ender_leaves_that_does_not_arrive_was_refused() -> None:
    story = Story()
    story.enters("chef", end=True)
    story.asks("anna")
    story.hangs_up("chef")
    assert story.not_added("anna") == ["refuse anna NOT_JOINED", "#3 conference-end chef", "close"]


@pytest.mark.parametrize("ended", [False, True])
def test_a_join_to_a_room_that_ends_or_has_ended_is_refused(ended: bool) -> None:
    story = Story()
    story.enters("chef", end=True)
    story.enters("anna")
    story.hangs_up("chef")
    if ended:
        story.leaves("anna")
    assert not story.room.open
    assert story.asks("cleo") == ["refuse cleo ENDED"]


# removal: a time limit, the star key, the API


def test_a_participant_removed_while_it_waits_is_out_at_once() -> None:
    story = Story()
    story.asks("anna", start=False)
    story.asks("bert", start=False)
    assert story.is_removed("anna") == ["#2 participant-leave anna", "release anna participant_hung_up"]


def test_a_participant_removed_on_its_way_in_is_put_out_when_it_arrives() -> None:
    story = Story()
    story.enters("anna")
    story.asks("bert")
    assert story.is_removed("bert") == []
    assert story.participant("bert").phase is Phase.LEAVING
    assert story.added("bert") == ["#2 participant-join bert", "kick bert mbert"]
    assert story.leaves("bert") == ["#3 participant-leave bert", "release bert participant_hung_up"]


def test_a_participant_removed_on_its_way_in_that_does_not_arrive_was_refused() -> None:
    story = Story()
    story.enters("anna")
    story.asks("bert")
    story.is_removed("bert")
    assert story.not_added("bert") == ["refuse bert NOT_JOINED"]


def test_a_removed_participant_leaves_for_the_reason_given() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    assert story.is_removed("bert", LeaveReason.UPDATED_VIA_API) == ["kick bert mbert"]
    assert story.leaves("bert") == ["#3 participant-leave bert", "release bert participant_updated_via_api"]
    assert [delivered.leave_reason for delivered in story.callbacks()] == [LeaveReason.UPDATED_VIA_API]


def test_a_second_removal_changes_nothing() -> None:
    story = Story()
    story.enters("anna")
    story.is_removed("anna", LeaveReason.UPDATED_VIA_API)
    before = story.room
    assert story.is_removed("anna") == []
    assert story.is_removed("nobody") == []
    assert story.room is before
