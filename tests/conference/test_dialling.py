"""A participant that the API dials belongs to the room from the request on; its callbacks begin with its
answer.

Symptom: a participant dropped in the moment of its answer was in the conference all the same, after a 204;
the end of a conference left a callee that answered then in a new, silent one of the same name.
Cause: between its CHANNEL_PARK and its document's asking for the room nobody had it: neither those who ring
nor the room. Fix: it is a participant from the order on, and only the end of its call takes it out.
"""

from __future__ import annotations

from orchestrator.conference.machine.dialling import MAX_EARLY
from orchestrator.conference.machine.state import LeaveReason, Phase, RoomPhase
from tests.conference.story import Story

API = LeaveReason.UPDATED_VIA_API


def test_dropped_before_it_asks_it_is_hung_up_and_gets_no_place() -> None:
    story = Story()
    story.enters("anna")
    assert story.is_dialled("bert") == []
    assert story.is_removed("bert", API, hang_up=True) == ["hang up bert"]
    assert story.asks("bert") == ["refuse bert JOINED_TWICE"]
    assert story.hangs_up("bert") == []
    assert story.leaves("anna")[2:] == ["#3 conference-end anna", "close"]


def test_the_end_of_the_room_hangs_up_participants_being_dialled_and_waits_for_that() -> None:
    story = Story()
    story.enters("anna")
    story.is_dialled("bert")
    assert story.is_ended() == ["hang up anna", "hang up bert"]
    assert story.asks("bert") == ["refuse bert ENDED"]
    story.hangs_up("anna")
    assert story.room.phase is RoomPhase.ENDING
    assert story.hangs_up("bert") == ["#3 conference-end anna", "close"]


def test_a_moderator_who_leaves_ends_it_too() -> None:
    story = Story()
    story.enters("anna", end=True)
    story.is_dialled("bert")
    assert "hang up bert" in story.leaves("anna")


def test_a_room_is_not_over_while_somebody_is_dialled_for_it() -> None:
    story = Story()
    story.enters("anna")
    story.is_dialled("bert")
    assert story.hangs_up("anna") == ["#2 participant-leave anna"]
    assert story.enters("bert") == ["join bert", "#3 participant-join bert"]
    assert story.hangs_up("bert") == ["#4 participant-leave bert", "#5 conference-end bert", "close"]


def test_of_a_room_that_nobody_came_into_nothing_is_reported() -> None:
    story = Story()
    story.is_dialled("anna")
    story.rings("anna")
    assert story.hangs_up("anna") == ["close"]


def test_it_counts_for_no_limit_until_it_asks_but_its_label_is_taken() -> None:
    story = Story(max_participants=2)
    story.enters("anna")
    story.is_dialled("bert", label="host")
    assert story.asks("cleo", label="host") == ["refuse cleo DUPLICATE_LABEL"]
    assert story.enters("cleo") == ["join cleo", "#2 participant-join cleo"]
    assert story.asks("bert", label="host") == ["refuse bert FULL"]


def test_with_other_instructions_it_is_not_on_its_way_any_more() -> None:
    story = Story()
    story.enters("anna")
    story.is_dialled("bert")
    assert story.is_removed("bert", API) == []
    assert "bert" not in story.room.participants


def test_those_inside_hear_a_tone_until_the_last_dialled_participant_has_answered_or_gone() -> None:
    story = Story()
    story.enters("anna")
    story.is_dialled("bert")
    assert story.sounds() == []
    story.rings("bert")
    assert story.sounds() == ["ringback"]
    story.is_dialled("cleo")
    story.rings("cleo")
    assert story.sounds() == []
    story.hangs_up("bert")
    assert story.sounds() == []
    assert story.asks("cleo") == ["join cleo"]
    assert story.sounds() == ["no ringback"]


def test_without_early_media_nobody_hears_it() -> None:
    story = Story()
    story.enters("anna")
    story.is_dialled("bert", early_media=False)
    assert story.rings("bert", media=True) == []
    assert story.sounds() == []


def test_its_own_sound_takes_the_place_of_the_tone_and_it_is_in_at_its_answer() -> None:
    story = Story()
    story.enters("anna")
    story.is_dialled("bert")
    story.rings("bert")
    assert story.rings("bert", media=True) == ["join bert early"]
    assert story.sounds() == ["no ringback"]
    assert story.added("bert") == []
    assert story.participant("bert").phase is Phase.DIALLED
    assert story.asks("bert") == ["admit bert", "#2 participant-join bert"]
    assert story.sounds() == ["beep enter manna"]
    assert story.leaves("bert") == ["#3 participant-leave bert", "release bert participant_hung_up"]


def test_it_answers_before_freeswitch_has_taken_it_in() -> None:
    story = Story()
    story.enters("anna")
    story.is_dialled("bert")
    story.rings("bert", media=True)
    # The first order may have been carried out by now: a second one must not take the call in twice.
    assert story.asks("bert") == ["join bert unless it is in"]
    assert story.added("bert") == ["#2 participant-join bert"]


def test_only_so_many_ring_with_their_own_sound_as_freeswitch_has_room_for_and_the_next_as_a_tone() -> None:
    story = Story()
    for number in range(MAX_EARLY + 5):
        story.enters(f"inside {number}")
    early = [f"early {number}" for number in range(MAX_EARLY)]
    for who in (*early, "late"):
        story.is_dialled(who)
    # Those who are in the conference take no place from those who ring.
    assert [story.rings(who, media=True) for who in early] == [[f"join {who} early"] for who in early]
    assert story.rings("late", media=True) == []
    assert story.sounds() == ["ringback"]
    story.hangs_up(early[0])
    assert story.rings("late", media=True) == ["join late early"]
    assert story.sounds() == ["no ringback"]


def test_where_the_room_has_not_started_its_sound_is_heard_from_the_start_on() -> None:
    story = Story()
    story.asks("anna", start=False)
    story.is_dialled("bert")
    assert story.rings("bert", media=True) == []
    assert story.enters("cleo")[-1] == "#2 participant-join cleo"
    assert "join bert early" in story.added("cleo") or story.participant("bert").ordered_at


def test_a_muted_participant_or_a_coach_rings_as_a_tone() -> None:
    story = Story()
    story.enters("anna")
    for who, options in (("bert", {"muted": True}), ("cleo", {"coach": "anna"})):
        story.is_dialled(who, **options)
        assert story.rings(who, media=True) == []
        assert story.sounds() == ["ringback"]
        story.hangs_up(who)


def test_out_of_freeswitch_s_conference_before_its_answer_it_still_gets_in() -> None:
    story = Story()
    story.enters("anna")
    story.is_dialled("bert")
    story.rings("bert", media=True)
    story.added("bert")
    assert story.loses_the_conference() == ["#2 participant-leave anna", "release anna participant_hung_up"]
    assert story.enters("bert") == ["join bert", "#3 participant-join bert"]


def test_dropped_while_it_is_heard_it_is_not_reported() -> None:
    story = Story()
    story.enters("anna")
    story.is_dialled("bert")
    story.rings("bert", media=True)
    story.added("bert")
    assert story.is_removed("bert", API, hang_up=True) == ["hang up bert"]
    assert story.leaves("bert") == []
    assert story.hangs_up("bert") == []
    assert "bert" not in story.room.participants


def test_dropped_before_freeswitch_has_taken_it_in_it_is_put_out_when_it_is_there() -> None:
    story = Story()
    story.enters("anna")
    story.is_dialled("bert")
    story.rings("bert", media=True)
    assert story.is_removed("bert", API, hang_up=True) == ["hang up bert"]
    assert story.added("bert") == ["kick bert mbert"]
    assert story.participant("bert").member_id == "mbert"
    assert story.leaves("bert") == []
    assert story.participant("bert").member_id == ""
    assert story.hangs_up("bert") == []


def test_with_other_instructions_it_is_put_out_while_it_is_heard() -> None:
    """Its call lives on elsewhere, and what its phone sends is no longer for the ears of the others."""
    story = Story()
    story.enters("anna")
    story.is_dialled("bert")
    story.rings("bert", media=True)
    story.added("bert")
    assert story.is_removed("bert", API) == ["kick bert mbert"]
    assert "bert" not in story.room.participants


def test_refused_at_its_answer_it_is_put_out_too() -> None:
    story = Story(max_participants=1)
    story.enters("anna")
    story.is_dialled("bert")
    story.rings("bert", media=True)
    story.added("bert")
    assert story.asks("bert") == ["kick bert mbert", "refuse bert FULL"]
    assert "bert" not in story.room.participants


def test_refused_at_its_answer_before_it_was_taken_in_it_is_put_out_when_it_is_there() -> None:
    story = Story(max_participants=1)
    story.enters("anna")
    story.is_dialled("bert")
    story.rings("bert", media=True)
    assert story.asks("bert") == ["refuse bert FULL"]
    assert story.added("bert") == ["kick bert mbert"]
