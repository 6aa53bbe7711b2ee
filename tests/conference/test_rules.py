"""Joining: waiting, starting, and their callbacks."""

from __future__ import annotations

import pytest

from orchestrator.conference.machine.effects import Join
from orchestrator.conference.machine.state import ConferenceOptions, ParticipantOptions, Phase, RoomPhase
from tests.conference.story import Story


def test_the_noun_s_defaults() -> None:
    options, conference_options = ParticipantOptions(), ConferenceOptions()
    assert (options.muted, options.start_on_enter, options.end_on_exit, options.beep) == (
        False,
        True,
        False,
        "true",
    )
    assert (conference_options.max_participants, conference_options.min_participants_to_start) == (250, 1)
    assert (conference_options.status_callback_method, conference_options.status_callback_event) == (
        "POST",
        frozenset(),
    )


# startConferenceOnEnter


def test_the_first_who_may_start_the_conference_starts_it_alone() -> None:
    story = Story()
    assert story.asks("anna") == ["join anna"]
    assert story.added("anna") == ["#0 conference-start anna", "#1 participant-join anna"]
    assert story.room.phase is RoomPhase.STARTED


def test_nothing_is_reported_before_freeswitch_has_the_first_one() -> None:
    story = Story()
    story.asks("anna")
    assert story.room.phase is RoomPhase.INIT
    assert not story.room.opened_at


def test_a_participant_that_may_not_start_the_conference_waits_and_is_reported_as_joined() -> None:
    story = Story()
    assert story.asks("anna", start=False) == ["wait anna", "#0 participant-join anna"]
    assert story.participant("anna").phase is Phase.WAITING


def test_the_start_moves_the_waiting_in_first_and_is_reported_before_the_starter_s_join() -> None:
    story = Story()
    story.asks("anna", start=False)
    story.asks("bert", start=False)
    assert story.asks("chef") == ["join chef"]
    assert story.added("chef") == [
        "join anna",
        "join bert",
        "#2 conference-start chef",
        "#3 participant-join chef",
    ]


def test_a_waiting_participant_is_not_reported_as_joined_again_when_moved_in() -> None:
    story = Story()
    story.asks("anna", start=False)
    story.enters("chef")
    assert story.added("anna") == []
    assert story.participant("anna").phase is Phase.IN


def test_in_a_started_conference_start_on_enter_does_nothing() -> None:
    story = Story()
    story.enters("chef")
    assert story.asks("anna", start=False) == ["join anna"]
    assert story.added("anna") == ["#2 participant-join anna"]


def test_only_one_of_two_who_come_together_starts_it() -> None:
    story = Story()
    assert story.asks("anna") == ["join anna"]
    assert story.asks("bert") == ["join bert"]
    assert story.added("bert") == ["#0 conference-start bert", "#1 participant-join bert"]
    assert story.added("anna") == ["#2 participant-join anna"]


def test_a_conference_shrunk_to_one_goes_on() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.hangs_up("anna")
    assert story.asks("cleo", start=False) == ["join cleo"]


def test_a_participant_that_may_not_start_the_conference_waits_while_a_starter_is_on_its_way() -> None:
    """Symptom: a conference of nobody but startConferenceOnEnter=false. Cause: a starter ordered in counted
    as present, so the next one was ordered in too, and overtook it or stayed when it failed. Fix: only those
    who wait count."""
    story = Story()
    story.asks("chef")
    assert story.asks("anna", start=False) == ["wait anna", "#0 participant-join anna"]
    assert story.not_added("chef") == ["refuse chef NOT_JOINED"]
    assert story.room.phase is RoomPhase.INIT


def test_a_participant_that_came_while_the_starter_was_on_its_way_is_moved_in_by_the_start() -> None:
    story = Story()
    story.asks("chef")
    story.asks("anna", start=False)
    assert story.added("chef") == ["join anna", "#1 conference-start chef", "#2 participant-join chef"]


def test_a_starter_whose_time_is_up_before_it_is_in_starts_the_conference_and_leaves_it() -> None:
    """Symptom: a join and a leave in a conference that had never started. Cause: an order out, before
    FreeSWITCH had added the starter, kept the start from being sent, but not the join. Fix: the callbacks are
    those of an order out that comes just after."""
    early, late = Story(), Story()
    for story in (early, late):
        story.asks("anna", start=False)
        story.asks("chef")
    early.is_removed("chef")
    after = early.added("chef")
    assert after == ["join anna", "#1 conference-start chef", "#2 participant-join chef", "kick chef mchef"]
    assert after == late.added("chef") + late.is_removed("chef")
    assert early.leaves("chef") == ["#3 participant-leave chef", "release chef participant_hung_up"]
    assert early.added("anna") == []
    assert early.room.phase is RoomPhase.STARTED


def test_a_lone_starter_whose_time_is_up_before_it_is_in_leaves_a_whole_history() -> None:
    story = Story()
    story.asks("chef")
    story.is_removed("chef")
    assert story.added("chef") == ["#0 conference-start chef", "#1 participant-join chef", "kick chef mchef"]
    assert story.leaves("chef") == [
        "#2 participant-leave chef",
        "release chef participant_hung_up",
        "#3 conference-end chef",
        "close",
    ]


def test_a_starter_whose_time_is_up_before_freeswitch_added_it_starts_nothing() -> None:
    story = Story()
    story.asks("anna", start=False)
    story.asks("chef")
    story.is_removed("chef")
    assert story.not_added("chef") == ["refuse chef NOT_JOINED"]
    assert story.participant("anna").phase is Phase.WAITING


def test_the_waiting_go_on_waiting_when_the_starter_does_not_get_in() -> None:
    story = Story()
    story.asks("anna", start=False)
    story.asks("chef")
    assert story.hangs_up("chef") == []
    assert story.participant("anna").phase is Phase.WAITING
    assert story.asks("dora") == ["join dora"]


# min_participants_to_start=2: Twilio's rule


def test_at_two_participants_a_lone_caller_waits_though_it_may_start() -> None:
    story = Story(min_participants_to_start=2)
    assert story.asks("anna") == ["wait anna", "#0 participant-join anna"]
    assert story.asks("bert") == ["join bert"]
    assert story.added("bert") == ["join anna", "#1 conference-start bert", "#2 participant-join bert"]


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (True, True)])
def test_at_two_participants_one_of_them_must_have_start_on_enter(first: bool, second: bool) -> None:
    story = Story(min_participants_to_start=2)
    story.asks("anna", start=first)
    assert story.asks("bert", start=second) == ["join bert"]


def test_at_two_participants_without_a_starter_everybody_waits() -> None:
    story = Story(min_participants_to_start=2)
    story.asks("anna", start=False)
    assert story.asks("bert", start=False) == ["wait bert", "#1 participant-join bert"]
    assert story.asks("chef") == ["join chef"]


def test_at_two_participants_somebody_on_the_way_out_is_not_the_other_one() -> None:
    story = Story(min_participants_to_start=2)
    story.asks("anna")
    story.asks("bert")
    story.is_removed("bert")
    story.hangs_up("anna")
    assert story.asks("cleo") == ["wait cleo", "#2 participant-join cleo"]


# what is reported


def test_muted_is_per_participant_and_goes_along_with_the_join_and_its_callback() -> None:
    story = Story()
    story.asks("anna", muted=True)
    story.added("anna")
    assert [
        delivered.participant.options.muted for delivered in story.callbacks() if delivered.participant
    ] == [True]
    story.asks("bert")
    (join,) = story.outcome.effects
    assert isinstance(join, Join)
    assert join.participant.options.muted is False


def test_the_joining_participant_s_own_beep_counts() -> None:
    story = Story()
    story.asks("anna", beep="onExit")
    story.asks("bert")
    assert [story.participant(who).options.beep for who in ("anna", "bert")] == ["onExit", "true"]


def test_start_and_end_are_about_the_room_and_join_and_leave_about_a_participant() -> None:
    story = Story()
    story.asks("anna")
    story.added("anna")
    start, join = story.callbacks()
    story.hangs_up("anna")
    leave, end = story.callbacks()
    assert (start.participant, end.participant) == (None, None)
    assert join.participant is not None
    assert join.participant.phase is Phase.IN
    assert leave.participant is not None


def test_a_callback_has_the_time_at_which_it_was_seen_to_happen() -> None:
    story = Story()
    story.asks("anna")
    story.added("anna")
    assert {delivered.at for delivered in story.callbacks()} == {2}
    assert (story.room.opened_at, story.room.started_at) == (2, 2)
    story.hangs_up("anna")
    assert story.room.ended_at == 3


SUBSCRIPTIONS: list[tuple[set[str], list[str]]] = [
    (set(), []),
    ({"start"}, ["conference-start"]),
    ({"end"}, ["conference-end"]),
    ({"join"}, ["participant-join", "participant-join"]),
    ({"leave"}, ["participant-leave", "participant-leave"]),
    ({"speaker"}, ["participant-speech-start", "participant-speech-stop"]),
    ({"start", "end"}, ["conference-start", "conference-end"]),
    ({"join", "end"}, ["participant-join", "participant-join", "conference-end"]),
]


@pytest.mark.parametrize(("subscribed", "delivered"), SUBSCRIPTIONS)
def test_only_subscribed_events_are_reported_and_numbered(subscribed: set[str], delivered: list[str]) -> None:
    story = Story(subscribed=subscribed)
    said = story.asks("anna", start=False)
    said += story.enters("bert")
    said += story.added("anna")
    said += story.talks("anna")
    said += story.talks("anna", on=False)
    said += story.hangs_up("bert")
    said += story.hangs_up("anna")
    callbacks = [words.split() for words in said if words.startswith("#")]
    assert [event for _, event, _ in callbacks] == delivered
    assert [number for number, _, _ in callbacks] == [f"#{n}" for n in range(len(delivered))]


def test_speaking_is_reported_once_however_often_it_is_said() -> None:
    story = Story()
    story.enters("anna")
    assert story.talks("anna", on=False) == []
    assert story.talks("anna") == ["#2 participant-speech-start anna"]
    assert story.talks("anna") == []
    assert story.talks("anna", on=False) == ["#3 participant-speech-stop anna"]
    assert story.talks("anna", on=False) == []


def test_a_participant_outside_the_conference_does_not_speak_in_it() -> None:
    story = Story()
    story.asks("anna", start=False)
    assert story.talks("anna") == []
    story.asks("chef")
    assert story.talks("chef") == []
    story.added("chef")
    story.is_removed("chef")
    assert story.talks("chef") == []
    assert story.talks("nobody") == []


def test_by_the_floor_only_a_new_dominant_speaker_is_reported() -> None:
    story = Story(speaker_mode="floor")
    story.enters("anna")
    story.enters("bert")
    assert story.takes_the_floor("anna") == []
    assert story.talks("bert") == []
    assert story.talks("anna") == ["#3 participant-speech-start anna"]
    assert story.takes_the_floor("anna") == []
    assert story.takes_the_floor("bert") == ["#4 participant-speech-start bert"]
    assert story.talks("bert", on=False) == []
    assert story.talks("bert") == []
    assert story.takes_the_floor("anna") == ["#5 participant-speech-start anna"]
    assert story.takes_the_floor("nobody") == []


def test_by_the_floor_a_speaker_that_comes_back_is_reported_again() -> None:
    """Symptom: a dominant speaker untold. Cause: the floor was still its own when it came back. Fix: who
    leaves has no floor."""
    story = Story(speaker_mode="floor")
    story.enters("anna")
    story.enters("bert")
    story.talks("bert")
    story.takes_the_floor("bert")
    story.leaves("bert")
    story.enters("bert")
    story.talks("bert")
    assert story.takes_the_floor("bert") == ["#6 participant-speech-start bert"]


def test_by_talking_the_floor_is_not_reported() -> None:
    story = Story()
    story.enters("anna")
    assert story.takes_the_floor("anna") == []


def test_the_timestamps_of_a_room_never_go_back_though_the_clocks_that_saw_it_differ() -> None:
    story = Story()
    delivered = []
    for who, clock in (("anna", 30), ("bert", 10), ("cleo", 40), ("dora", 20)):
        story.at = clock - 1
        story.asks(who, start=False)
        delivered += [callback.at for callback in story.callbacks()]
    assert delivered == [30, 30, 40, 40]
    assert story.room.last_callback_at == 40


def test_a_room_that_ends_while_its_first_is_on_its_way_in_has_begun() -> None:
    """Symptom: a join and a leave without a conference-start. Cause: somebody who waited ended the room, and
    the starter came in then. Fix: FreeSWITCH had a conference, so one was begun."""
    story = Story()
    story.asks("anna", start=False, end=True)
    story.asks("chef")
    story.hangs_up("anna")
    assert story.added("chef")[:2] == ["#2 conference-start chef", "#3 participant-join chef"]
