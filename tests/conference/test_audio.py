"""The sounds of a room: beeps and its recording."""

from __future__ import annotations

import pytest

from orchestrator.conference.machine.events import Added
from orchestrator.conference.machine.state import RecordingOptions
from orchestrator.types import Beep
from tests.conference.story import Story

RECORDED = RecordingOptions()
UNTIL_SILENT = RecordingOptions(beep=False, timeout=5)

# beep

BEEPS: list[tuple[Beep, list[str], list[str]]] = [
    # beep      when it enters         when it leaves
    ("true", ["beep enter manna"], ["beep exit manna"]),
    ("false", [], []),
    ("onEnter", ["beep enter manna"], []),
    ("onExit", [], ["beep exit manna"]),
]


@pytest.mark.parametrize(("beep", "on_enter", "on_exit"), BEEPS)
def test_a_beep_announces_a_participant_as_its_own_noun_says(
    beep: Beep, on_enter: list[str], on_exit: list[str]
) -> None:
    story = Story()
    story.enters("anna", beep="false")
    story.enters("bert", beep=beep)
    assert story.sounds() == on_enter
    story.hangs_up("bert")
    assert story.sounds() == on_exit


@pytest.mark.parametrize(("beep", "on_enter", "on_exit"), BEEPS)
def test_the_beep_of_those_who_hear_it_has_no_say(
    beep: Beep, on_enter: list[str], on_exit: list[str]
) -> None:
    story = Story()
    story.enters("anna", beep=beep)
    story.enters("bert")
    assert story.sounds() == ["beep enter manna"]
    story.hangs_up("bert")
    assert story.sounds() == ["beep exit manna"]


def test_a_joiner_never_hears_its_own_beep_and_everybody_else_does() -> None:
    story = Story()
    story.enters("anna")
    assert story.sounds() == []
    story.enters("bert")
    story.enters("cleo")
    assert story.sounds() == ["beep enter manna mbert"]


def test_a_leaving_participant_does_not_hear_its_own_beep_and_an_emptied_room_has_none() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.leaves("bert")
    assert story.sounds() == ["beep exit manna"]
    story.leaves("anna")
    assert story.sounds() == []


def test_a_kicked_participant_is_announced_when_it_is_out() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.is_removed("bert")
    assert story.sounds() == []
    story.leaves("bert")
    assert story.sounds() == ["beep exit manna"]


def test_those_who_are_on_the_way_in_or_out_hear_no_beep() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.asks("dora")
    story.is_removed("bert")
    story.enters("cleo")
    assert story.sounds() == ["beep enter manna"]


def test_nobody_beeps_while_the_conference_has_not_started() -> None:
    story = Story()
    story.asks("anna", start=False)
    story.asks("bert", start=False)
    assert story.sounds() == []
    story.hangs_up("bert")
    assert story.sounds() == []


def test_the_start_is_announced_by_no_beep_neither_the_starter_nor_those_it_moves_in() -> None:
    story = Story()
    story.asks("anna", start=False)
    story.asks("bert", start=False)
    story.enters("chef")
    assert story.sounds() == []
    story.added("anna")
    assert story.sounds() == []
    story.added("bert")
    assert story.sounds() == []


def test_a_participant_that_freeswitch_does_not_add_makes_no_beep() -> None:
    story = Story()
    story.enters("anna")
    story.asks("bert")
    story.not_added("bert")
    assert story.sounds() == []
    story.asks("bert")
    story.hangs_up("bert")
    assert story.sounds() == []


def test_nobody_beeps_while_the_conference_ends() -> None:
    story = Story()
    story.enters("chef", end=True)
    story.enters("anna")
    story.enters("bert")
    story.hangs_up("chef")
    assert story.sounds() == []
    story.leaves("anna")
    assert story.sounds() == []


def test_a_participant_on_hold_hears_no_beep() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.holds("anna")
    story.enters("cleo")
    assert story.sounds() == ["beep enter mbert"]
    story.hangs_up("cleo")
    assert story.sounds() == ["beep exit mbert"]


def test_an_add_member_said_twice_sounds_once() -> None:
    """Symptom: a recording's beep in the middle of a talk. Cause: who is in and is said to be added again
    looked like one moved in by the start. Fix: what is known already changes nothing."""
    story = Story(recording=RECORDED)
    story.enters("anna")
    story.enters("cleo", coach="anna")
    story.added("cleo")
    assert story.outcome.effects == []


# recordBeep


def test_everybody_in_the_room_hears_that_the_recording_begins_the_starter_too() -> None:
    """Symptom: who starts a recorded conference alone is not warned. Cause: only those moved in by the start
    were beeped. Fix: the starter is as well."""
    story = Story(recording=RECORDED)
    story.asks("anna", start=False)
    story.enters("chef")
    assert story.sounds() == ["record chef", "beep record mchef"]
    story.added("anna")
    assert story.sounds() == ["beep record manna"]


def test_a_later_participant_hears_no_beep_of_the_recording() -> None:
    story = Story(recording=RECORDED)
    story.enters("anna")
    story.enters("bert", beep="false")
    assert story.sounds() == []


def test_a_participant_on_its_way_in_when_another_started_the_recording_hears_no_beep_of_it() -> None:
    story = Story(recording=RECORDED)
    story.asks("anna", beep="false")
    story.enters("bert")
    story.added("anna")
    assert story.sounds() == []


RECORD_BEEPS: list[tuple[bool, Beep, list[str], list[str]]] = [
    # recordBeep, beep, to the starter and one moved in, to the starter when another enters
    (True, "true", ["beep record mchef", "beep record manna"], ["beep enter manna mchef"]),
    (True, "false", ["beep record mchef", "beep record manna"], []),
    (False, "true", [], ["beep enter manna mchef"]),
    (False, "false", [], []),
]


@pytest.mark.parametrize(("record_beep", "beep", "at_the_start", "later"), RECORD_BEEPS)
def test_record_beep_and_beep_do_not_ask_each_other(
    record_beep: bool, beep: Beep, at_the_start: list[str], later: list[str]
) -> None:
    story = Story(recording=RecordingOptions(beep=record_beep))
    story.asks("anna", start=False, beep=beep)
    story.enters("chef", beep=beep)
    heard = story.sounds()
    story.added("anna")
    heard += story.sounds()
    assert [sound for sound in heard if sound != "record chef"] == at_the_start
    story.enters("bert", beep=beep)
    assert story.sounds() == later


def test_a_participant_moved_in_on_hold_hears_no_beep_of_the_recording() -> None:
    story = Story(recording=RECORDED)
    story.asks("anna", start=False)
    story.holds("anna")
    story.enters("chef")
    story.added("anna")
    assert story.sounds() == ["hold anna manna"]


# record


def test_the_recording_begins_once_at_the_start() -> None:
    story = Story(recording=UNTIL_SILENT)
    story.asks("anna", start=False)
    assert story.sounds() == []
    story.asks("chef")
    assert story.sounds() == []
    story.added("chef")
    assert story.sounds() == ["record chef"]
    story.added("anna")
    story.hangs_up("chef")
    story.enters("chef", beep="false")
    assert story.sounds() == []


def test_without_the_first_joiner_s_word_nothing_is_recorded() -> None:
    story = Story()
    story.enters("anna")
    assert story.sounds() == []
    assert not story.room.recording


def test_those_who_only_waited_are_not_recorded() -> None:
    story = Story(recording=RECORDED)
    story.asks("anna", start=False)
    story.hangs_up("anna")
    assert story.sounds() == []


# recordingTimeout


def test_the_silence_is_awaited_from_the_moment_when_the_last_one_stops_speaking() -> None:
    story = Story(recording=UNTIL_SILENT)
    story.enters("anna")
    story.enters("bert", beep="false")
    story.talks("anna")
    story.talks("bert")
    story.talks("anna", on=False)
    assert story.sounds() == []
    story.talks("bert", on=False)
    assert story.sounds() == [f"await 5 s of silence since {story.at}"]


def test_a_silence_before_anybody_has_spoken_is_not_awaited() -> None:
    story = Story(recording=UNTIL_SILENT)
    story.enters("anna", beep="false")
    assert story.sounds() == ["record anna"]
    story.enters("bert", beep="false")
    story.hangs_up("bert")
    assert story.sounds() == []
    story.talks("anna", on=False)
    assert story.sounds() == []


@pytest.mark.parametrize("conference_options", [None, RECORDED])
def test_without_a_timeout_no_silence_is_awaited(conference_options: RecordingOptions | None) -> None:
    story = Story(recording=conference_options)
    story.enters("anna")
    story.talks("anna")
    story.talks("anna", on=False)
    assert story.sounds() == []


def test_a_speaker_that_leaves_leaves_silence_behind() -> None:
    story = Story(recording=UNTIL_SILENT)
    story.enters("anna")
    story.enters("bert", beep="false")
    story.talks("bert")
    story.hangs_up("bert")
    assert story.sounds() == [f"await 5 s of silence since {story.at}"]


def test_a_speaker_that_leaves_while_another_speaks_leaves_no_silence() -> None:
    story = Story(recording=UNTIL_SILENT)
    story.enters("anna")
    story.enters("bert", beep="false")
    story.talks("bert")
    story.talks("anna")
    story.hangs_up("bert")
    assert story.sounds() == []


@pytest.mark.parametrize("end", [False, True])
def test_the_silence_after_the_conference_is_not_awaited(end: bool) -> None:
    """Symptom: a timer for a room that is over. Cause: a speaker's leave asked for it before it was looked at
    whether the room ends with it. Fix: nothing sounds then."""
    story = Story(recording=UNTIL_SILENT)
    story.enters("chef", end=end)
    if end:
        story.enters("anna")
    story.talks("chef")
    story.hangs_up("chef")
    assert story.sounds() == []


def test_the_recording_stops_after_the_silence_and_only_once() -> None:
    """Symptom: StopRecording again and again, after each further silence. Cause: the room did not know that
    its recording was over. Fix: `Room.recording`."""
    story = Story(recording=UNTIL_SILENT)
    story.enters("anna")
    story.talks("anna")
    story.talks("anna", on=False)
    silent_since = story.at
    assert story.has_been_silent(silent_since) == []
    assert story.sounds() == ["stop recording"]
    story.has_been_silent(silent_since)
    assert story.sounds() == []
    story.talks("anna")
    story.talks("anna", on=False)
    assert story.sounds() == []


def test_only_the_latest_silence_stops_the_recording() -> None:
    story = Story(recording=UNTIL_SILENT)
    story.enters("anna")
    story.talks("anna")
    story.talks("anna", on=False)
    first = story.at
    story.talks("anna")
    story.has_been_silent(first)
    assert story.sounds() == []
    story.talks("anna", on=False)
    second = story.at
    story.has_been_silent(first)
    assert story.sounds() == []
    story.has_been_silent(second)
    assert story.sounds() == ["stop recording"]


def test_a_recording_that_is_lost_with_its_conference_is_not_stopped() -> None:
    story = Story(recording=UNTIL_SILENT)
    story.enters("anna")
    story.asks("bert")
    story.talks("anna")
    story.talks("anna", on=False)
    silent_since = story.at
    story.loses_the_conference()
    assert not story.room.recording
    story.has_been_silent(silent_since)
    assert story.sounds() == []


# A recording that the API pauses, or ends


def test_a_silence_during_a_pause_ends_nothing_and_counts_anew_when_it_is_over() -> None:
    story = Story(recording=UNTIL_SILENT)
    story.enters("anna")
    story.talks("anna")
    story.recording_becomes("paused")
    story.talks("anna", on=False)
    since = story.at
    story.sounds()
    story.has_been_silent(since)
    assert story.sounds() == []
    story.recording_becomes("in-progress")
    assert story.sounds() == [f"await 5 s of silence since {story.at}"]
    story.has_been_silent(since)
    assert story.sounds() == []
    story.has_been_silent(story.room.silent_since)
    assert story.sounds() == ["stop recording"]


def test_a_pause_that_ends_while_somebody_speaks_awaits_no_silence() -> None:
    story = Story(recording=UNTIL_SILENT)
    story.enters("anna")
    story.recording_becomes("paused")
    story.talks("anna")
    story.sounds()
    story.recording_becomes("in-progress")
    assert story.sounds() == []


def test_a_recording_that_the_api_ends_stops_once_and_is_paused_no_more() -> None:
    story = Story(recording=UNTIL_SILENT)
    story.enters("anna")
    story.sounds()
    story.recording_becomes("stopped")
    assert story.sounds() == ["stop recording"]
    story.recording_becomes("stopped")
    assert story.sounds() == []
    story.recording_becomes("paused")
    assert not story.room.recording_paused


# A recording that is asked for while the conference goes on


def test_a_conference_that_is_not_recorded_is_from_when_that_is_asked_for_on_with_a_beep_to_all() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bob")
    story.sounds()
    story.recording_is_asked_for()
    assert story.room.recording
    assert story.sounds() == ["record anna", "beep record manna mbob"]
    story.recording_is_asked_for()
    assert story.sounds() == []


def test_a_recording_that_was_ended_is_followed_by_another_one() -> None:
    story = Story(recording=UNTIL_SILENT)
    story.enters("anna")
    story.recording_becomes("paused")
    story.recording_becomes("stopped")
    story.sounds()
    story.recording_is_asked_for()
    assert "record anna" in story.sounds()
    assert not story.room.recording_paused
    story.recording_becomes("stopped")
    assert story.sounds() == ["stop recording"]


def test_nothing_is_recorded_before_the_start_and_after_the_end() -> None:
    story = Story()
    story.recording_is_asked_for()
    assert not story.room.recording
    story.enters("anna")
    story.is_ended()
    story.sounds()
    story.recording_is_asked_for()
    assert story.sounds() == []
    assert not story.room.recording


def test_the_silence_of_a_conference_that_was_lost_ends_no_recording_of_the_new_one() -> None:
    story = Story(recording=UNTIL_SILENT)
    story.enters("anna")
    story.talks("anna")
    story.talks("anna", on=False)
    since = story.room.silent_since
    story.asks("bert")
    story.happens(Added(story.room.opened_at + 50, "bert", "mbert", renewed=True))
    assert "record bert" in story.sounds()
    story.has_been_silent(since)
    assert story.sounds() == []
    # Nobody has spoken in the new one: after a pause no silence counts either.
    story.recording_becomes("paused")
    story.recording_becomes("in-progress")
    assert story.sounds() == []
    assert story.room.recording
