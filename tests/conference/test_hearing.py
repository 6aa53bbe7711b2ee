"""Mute, hold and coaching: the listeners of each participant."""

from __future__ import annotations

from orchestrator.conference.machine.effects import Join
from orchestrator.conference.machine.state import RecordingOptions
from tests.conference.story import EVERY_CALLBACK, Story

TWILIO_S = EVERY_CALLBACK | {"mute", "hold"}

# mute


def test_a_mute_is_done_and_reported_once() -> None:
    story = Story(TWILIO_S)
    story.enters("anna")
    assert story.mutes("anna") == ["#2 participant-mute anna"]
    assert story.sounds() == ["mute manna"]
    before = story.room
    assert story.mutes("anna") == []
    assert story.room is before
    assert story.mutes("anna", on=False) == ["#3 participant-unmute anna"]
    assert story.sounds() == ["unmute manna"]


def test_a_participant_muted_while_it_waits_joins_muted() -> None:
    story = Story(TWILIO_S)
    story.asks("anna", start=False)
    assert story.mutes("anna") == ["#1 participant-mute anna"]
    assert story.sounds() == []
    story.enters("chef")
    join = story.outcome.effects[0]
    assert isinstance(join, Join)
    assert join.participant.joins_muted
    story.added("anna")
    assert story.sounds() == []


def test_a_participant_muted_on_its_way_in_is_muted_when_it_arrives() -> None:
    """Symptom: muted, and heard by all. Cause: the order to join had gone out with what held before, and
    nothing came after it. Fix: what changed on the way is done on arrival."""
    story = Story(TWILIO_S)
    story.enters("anna")
    story.asks("bert", beep="false")
    story.mutes("bert")
    assert story.sounds() == []
    story.added("bert")
    assert story.sounds() == ["mute mbert"]


def test_a_participant_unmuted_on_its_way_in_is_heard_when_it_arrives() -> None:
    story = Story(TWILIO_S)
    story.enters("anna")
    story.asks("bert", muted=True, beep="false")
    story.mutes("bert", on=False)
    story.added("bert")
    assert story.sounds() == ["unmute mbert"]


def test_no_mute_or_hold_is_reported_before_the_join() -> None:
    """Symptom: callbacks about a call that is refused in the end (90015). Cause: mute and hold were reported
    of everybody who had asked. Fix: only of those reported as joined; the join says how they stand."""
    story = Story(TWILIO_S)
    story.enters("anna")
    story.asks("bert")
    assert story.mutes("bert") == []
    assert story.holds("bert") == []
    assert story.added("bert") == ["#2 participant-join bert"]
    (join,) = story.callbacks()
    assert join.participant is not None
    assert (join.participant.options.muted, join.participant.held) == (True, True)


def test_a_participant_on_its_way_out_is_neither_muted_nor_held() -> None:
    """Symptom: a mute was reported and not done. Cause: who is ordered out got no order but a callback."""
    story = Story(TWILIO_S)
    story.enters("anna")
    story.is_removed("anna")
    before = story.room
    assert story.mutes("anna") == []
    assert story.holds("anna") == []
    assert story.mutes("nobody") == []
    assert story.holds("nobody") == []
    assert story.room is before


def test_mute_and_hold_are_reported_only_to_subscribers_of_twilio_s_names_for_them() -> None:
    for subscribed, delivered in (
        (EVERY_CALLBACK, []),
        ({"mute"}, ["#0 participant-mute anna", "#1 participant-unmute anna"]),
        ({"hold"}, ["#0 participant-hold anna", "#1 participant-unhold anna"]),
    ):
        story = Story(subscribed)
        story.enters("anna")
        said = story.mutes("anna") + story.holds("anna")
        said += story.holds("anna", on=False) + story.mutes("anna", on=False)
        assert said == delivered


# hold


def test_a_hold_is_done_and_reported_once() -> None:
    story = Story(TWILIO_S)
    story.enters("anna")
    assert story.holds("anna") == ["#2 participant-hold anna"]
    assert story.sounds() == ["hold anna manna"]
    before = story.room
    assert story.holds("anna") == []
    assert story.room is before
    assert story.holds("anna", on=False) == ["#3 participant-unhold anna"]


def test_after_the_hold_the_former_mute_state_comes_back() -> None:
    """FreeSWITCH's unhold opens the ear it closed, muted or not (conference_api_sub_unhold)."""
    story = Story()
    story.enters("anna", muted=True)
    story.enters("bert")
    story.holds("anna")
    story.holds("anna", on=False)
    assert story.sounds() == ["unhold anna manna", "mute manna"]
    story.holds("bert")
    story.holds("bert", on=False)
    assert story.sounds() == ["unhold bert mbert", "unmute mbert"]


def test_a_mute_during_the_hold_is_done_after_it() -> None:
    """FreeSWITCH's unmute would open the ear that a hold closed (conference_api_sub_unmute)."""
    story = Story(TWILIO_S)
    story.enters("anna", muted=True)
    story.holds("anna")
    assert story.mutes("anna", on=False) == ["#3 participant-unmute anna"]
    assert story.sounds() == []
    story.holds("anna", on=False)
    assert story.sounds() == ["unhold anna manna", "unmute manna"]


def test_a_participant_held_while_it_waits_hears_that_at_once_and_is_on_hold_as_soon_as_it_is_in() -> None:
    story = Story(TWILIO_S)
    story.asks("anna", start=False)
    assert story.holds("anna") == ["wait anna", "#1 participant-hold anna"]
    assert story.sounds() == []
    story.enters("chef")
    story.asks("bert", beep="false")
    story.holds("bert")
    assert story.sounds() == []
    story.added("anna")
    assert story.sounds() == ["hold anna manna"]
    story.added("bert")
    assert story.sounds() == ["hold bert mbert"]


def test_a_mute_on_the_way_into_a_hold_is_done_after_the_hold() -> None:
    story = Story()
    story.enters("anna")
    story.asks("bert", beep="false")
    story.holds("bert")
    story.mutes("bert")
    story.added("bert")
    assert story.sounds() == ["hold bert mbert"]
    story.holds("bert", on=False)
    assert story.sounds() == ["unhold bert mbert", "mute mbert"]


# muted or on hold in the middle of a word


def test_a_speaker_that_is_muted_or_held_speaks_no_more() -> None:
    """Symptom: a recording with recordingTimeout never ended, and a speaker never stopped. Cause: FreeSWITCH
    clears its mark of a speaker on mute and hold without a stop-talking (conference_api.c). Fix: the speech
    ends with the mute or hold."""
    story = Story(TWILIO_S, recording=RecordingOptions(beep=False, timeout=5))
    story.enters("anna")
    story.talks("anna")
    assert story.mutes("anna") == ["#3 participant-mute anna", "#4 participant-speech-stop anna"]
    assert story.sounds() == ["mute manna", f"await 5 s of silence since {story.at}"]
    story.mutes("anna", on=False)
    assert story.talks("anna") == ["#6 participant-speech-start anna"]
    assert story.holds("anna") == ["#7 participant-hold anna", "#8 participant-speech-stop anna"]
    assert story.sounds() == ["hold anna manna", f"await 5 s of silence since {story.at}"]


def test_a_muted_or_held_participant_does_not_begin_to_speak() -> None:
    """FreeSWITCH may have said so just before it was ordered to mute; no stop-talking would follow."""
    story = Story()
    story.enters("anna", muted=True)
    assert story.talks("anna") == []
    story.mutes("anna", on=False)
    story.holds("anna")
    assert story.talks("anna") == []
    story.holds("anna", on=False)
    assert story.talks("anna") == ["#2 participant-speech-start anna"]


# coach


def test_a_coach_joins_muted_and_is_unmuted_once_nobody_but_the_coached_one_can_hear_it() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.asks("cleo", beep="false", coach="anna")
    (join,) = story.outcome.effects
    assert isinstance(join, Join)
    assert join.participant.joins_muted
    assert not join.participant.options.muted
    story.added("cleo")
    assert story.sounds() == ["mcleo is not heard by mbert", "unmute mcleo"]


def test_a_muted_coach_stays_muted() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.enters("cleo", muted=True, beep="false", coach="anna")
    assert story.sounds() == ["mcleo is not heard by mbert"]


def test_a_coach_that_is_muted_on_its_way_in_stays_muted_until_somebody_unmutes_it() -> None:
    story = Story()
    story.enters("anna")
    story.asks("cleo", beep="false", coach="anna")
    story.mutes("cleo")
    story.added("cleo")
    assert story.sounds() == []
    story.mutes("cleo", on=False)
    assert story.sounds() == ["unmute mcleo"]


def test_a_coach_on_hold_is_unmuted_when_the_hold_ends() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.asks("cleo", beep="false", coach="anna")
    story.holds("cleo")
    story.added("cleo")
    assert story.sounds() == ["mcleo is not heard by mbert", "hold cleo mcleo"]
    story.holds("cleo", on=False)
    assert story.sounds() == ["unhold cleo mcleo", "unmute mcleo"]


def test_a_later_participant_does_not_hear_the_coach() -> None:
    story = Story()
    story.enters("anna")
    story.enters("cleo", coach="anna")
    story.enters("bert", beep="false")
    assert story.sounds() == ["mcleo is not heard by mbert"]


def test_coaches_do_not_hear_each_other_whomever_they_coach() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert", beep="false", coach="anna")
    assert story.sounds() == ["unmute mbert"]
    story.enters("cleo", beep="false", coach="anna")
    assert story.sounds() == [
        "mcleo is not heard by mbert",
        "mbert is not heard by mcleo",
        "unmute mcleo",
    ]
    story.enters("dora", beep="false", coach="cleo")
    assert story.sounds() == [
        "mdora is not heard by manna",
        "mdora is not heard by mbert",
        "mbert is not heard by mdora",
        "mcleo is not heard by mdora",
        "unmute mdora",
    ]


def test_a_coach_may_be_moved_in_before_the_one_it_coaches() -> None:
    story = Story()
    story.asks("anna", start=False)
    story.asks("cleo", start=False, coach="anna")
    story.enters("bert")
    story.added("cleo")
    assert story.sounds() == ["mcleo is not heard by mbert", "unmute mcleo"]
    story.added("anna")
    assert story.sounds() == []


def test_a_coach_whose_coached_one_has_left_stays_and_is_heard_by_nobody() -> None:
    """Words for one participant reach no other, also none that comes later; until the API says otherwise."""
    story = Story()
    story.enters("host", beep="false")
    story.enters("anna")
    story.enters("coach", coach="host")
    story.hangs_up("host")
    assert story.participant("coach").options.coach == "host"
    assert story.sounds() == []
    story.enters("bert", beep="false")
    assert story.sounds() == ["mcoach is not heard by mbert"]
    story.is_modified("coach", coach="anna")
    assert story.sounds() == ["mcoach is again heard by manna"]
    story.is_modified("coach", coach="")
    assert story.sounds() == ["mcoach is again heard by mbert"]


def test_a_coached_one_that_comes_back_is_coached_again() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.enters("cleo", coach="anna")
    story.leaves("anna")
    story.asks("anna", beep="false")
    story.added("anna", "manna-2")
    assert story.sounds() == []


def test_another_one_that_comes_back_does_not_hear_the_coach_under_its_new_number_either() -> None:
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.enters("cleo", coach="anna")
    story.leaves("bert")
    story.asks("bert", beep="false")
    story.added("bert", "mbert-2")
    assert story.sounds() == ["mcleo is not heard by mbert-2"]


def test_a_coach_with_a_new_member_number_is_hidden_from_the_others_anew() -> None:
    """Two orders to join took effect, the first of them counted as lost."""
    story = Story()
    story.enters("anna")
    story.enters("bert")
    story.enters("cleo", coach="anna")
    story.added("cleo", "mcleo-2")
    assert story.sounds() == ["mcleo-2 is not heard by mbert", "unmute mcleo-2"]


def test_a_coach_that_speaks_while_another_enters_speaks_no_more_until_freeswitch_says_so_again() -> None:
    """Symptom: a recording with recordingTimeout never ended. Cause: FreeSWITCH clears its mark of a speaker
    when it is shut off from somebody, with no stop-talking (conference_api.c). Fix: the speech ends there."""
    story = Story(recording=RecordingOptions(beep=False, timeout=5))
    story.enters("anna")
    story.enters("cleo", coach="anna")
    story.talks("cleo")
    story.asks("bert", beep="false")
    assert story.added("bert") == ["#4 participant-join bert", "#5 participant-speech-stop cleo"]
    assert story.sounds() == ["mcleo is not heard by mbert", f"await 5 s of silence since {story.at}"]
