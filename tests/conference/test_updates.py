"""Changes from outside: how a participant leaves, its coaching, its sound."""

import pytest

from orchestrator.conference.machine.state import LeaveReason
from tests.conference.invariants import EVERY_CALLBACK
from tests.conference.story import Story


def party(*names: str, subscribed: frozenset[str] = frozenset({"modify", "announcement"})) -> Story:
    story = Story(subscribed=subscribed)
    for name in names:
        story.enters(name)
    return story


@pytest.mark.parametrize(
    ("beep", "on_exit", "then"),
    [
        ("true", False, "onEnter"),
        ("onExit", False, "false"),
        ("onEnter", True, "true"),
        ("false", True, "onExit"),
        ("true", True, "true"),
    ],
)
def test_beep_on_exit_is_the_half_of_beep_that_is_about_leaving(beep: str, on_exit: bool, then: str) -> None:
    story = Story()
    story.enters("anna", beep=beep)  # type: ignore[arg-type]
    story.is_modified("anna", beep_on_exit=on_exit)
    assert story.participant("anna").options.beep == then


def test_a_participant_made_to_end_the_conference_ends_it() -> None:
    story = party("anna", "bert", subscribed=EVERY_CALLBACK)
    story.is_modified("bert", end_on_exit=True)
    assert "kick anna manna" in story.hangs_up("bert")


def test_a_change_is_reported_once_and_none_is_not_reported() -> None:
    story = party("anna")
    assert story.is_modified("anna", end_on_exit=True) == ["#0 participant-modify anna"]
    assert story.is_modified("anna", end_on_exit=True) == []
    assert story.is_modified("nobody", end_on_exit=True) == []


def test_a_coach_is_shut_off_from_all_but_one() -> None:
    story = party("anna", "bert", "cleo")
    story.is_modified("anna", coach="bert")
    assert story.sounds() == ["manna is not heard by mcleo"]


def test_a_coach_that_changes_sides_is_heard_by_the_second_and_no_longer_by_the_first() -> None:
    story = party("anna", "bert", "cleo", "dora")
    story.is_modified("anna", coach="bert")
    story.is_modified("anna", coach="cleo")
    assert story.sounds() == ["manna is not heard by mbert", "manna is again heard by mcleo"]


def test_a_former_coach_is_heard_by_all() -> None:
    story = party("anna", "bert", "cleo")
    story.is_modified("anna", coach="bert")
    story.is_modified("anna", coach="")
    assert story.sounds() == ["manna is again heard by mcleo"]


def test_nobody_coaches_itself_or_somebody_who_is_not_there() -> None:
    story = party("anna")
    assert story.is_modified("anna", coach="anna") == story.is_modified("anna", coach="bert") == []
    assert story.participant("anna").options.coach == ""


def test_a_waiting_participant_hears_the_other_music_at_once() -> None:
    story = Story()
    story.asks("anna", start=False)
    assert story.is_modified("anna", wait_url="https://example.com/w") == ["wait anna"]


def test_a_waiting_participant_on_hold_hears_its_hold_music_until_the_hold_ends() -> None:
    """On hold is on hold, before the start too; what the wait is to sound like is heard after it."""
    story = Story()
    story.asks("anna", start=False)
    assert story.holds("anna", url="https://example.com/h") == ["wait anna"]
    assert story.participant("anna").hold_url == "https://example.com/h"
    assert story.is_modified("anna", wait_url="https://example.com/w") == []
    assert story.holds("anna", on=False) == ["wait anna"]
    assert not story.participant("anna").held


def test_a_participant_on_hold_gets_other_music_and_that_is_not_reported() -> None:
    story = party("anna", subscribed=frozenset({"hold"}))
    assert story.holds("anna") == ["#0 participant-hold anna"]
    assert story.holds("anna", url="https://example.com/h") == []
    assert story.sounds() == ["hold anna manna"]
    assert story.holds("anna", url="https://example.com/h") == []
    assert story.sounds() == []


def test_a_participant_removed_with_its_call_is_hung_up_and_not_released() -> None:
    story = party("anna", "bert", subscribed=frozenset({"leave"}))
    assert story.is_removed("anna", LeaveReason.UPDATED_VIA_API, hang_up=True) == ["hang up anna"]
    assert story.hangs_up("anna") == ["#0 participant-leave anna"]
    assert story.callbacks()[0].leave_reason is LeaveReason.UPDATED_VIA_API


def test_a_participant_that_leaves_before_its_hangup_is_seen_is_hung_up_all_the_same() -> None:
    story = party("anna", "bert", subscribed=frozenset())
    story.is_removed("anna", hang_up=True)
    assert story.leaves("anna") == ["hang up anna"]


def test_an_announcement_to_one_names_it_and_one_to_all_names_the_first() -> None:
    story = party("anna", "bert")
    for number, to in enumerate(("bert", "", "")):
        assert story.announces(to, str(number)) == []
    assert story.was_announced(sid="0") == ["#0 announcement-end bert"]
    assert story.was_announced(sid="1") == ["#1 announcement-end anna"]
    assert story.was_announced("answered 404", sid="2") == ["#2 announcement-fail anna"]


def test_an_announcement_ends_once() -> None:
    story = party("anna")
    story.announces("anna")
    story.was_announced()
    assert story.was_announced() == story.was_announced("too late") == story.was_announced(sid="other") == []


def test_an_announcement_to_somebody_who_leaves_fails_before_the_leave() -> None:
    """Symptom: no callback at all of an announcement that somebody left in the middle of. Cause: it was sent
    when it was over, and then there was nobody to name. Fix: it fails by the leave."""
    story = party("anna", "bert", subscribed=frozenset({"leave", "announcement"}))
    story.announces("bert")
    assert story.hangs_up("bert") == ["#0 announcement-fail bert", "#1 participant-leave bert"]
    assert story.outcome.effects[0].problem == "left before it ended"  # type: ignore[union-attr]
    assert story.was_announced() == []


def test_an_announcement_to_all_fails_by_the_end_before_the_end() -> None:
    story = party("anna", "bert", subscribed=frozenset({"leave", "end", "announcement"}))
    story.announces()
    assert story.hangs_up("anna") == ["#0 participant-leave anna"]
    assert story.hangs_up("bert") == [
        "#1 participant-leave bert",
        "#2 announcement-fail anna",
        "#3 conference-end bert",
        "close",
    ]
    assert story.was_announced() == []


def test_an_announcement_to_somebody_on_its_way_out_fails_at_once() -> None:
    story = party("anna", "bert")
    story.is_removed("bert")
    assert story.announces("bert") == ["#0 announcement-fail bert"]
    assert story.announces("nobody") == []


def test_an_announcement_to_somebody_who_does_not_get_in_is_not_reported() -> None:
    story = party("anna")
    story.asks("bert")
    story.announces("bert")
    assert story.not_added("bert") == ["refuse bert NOT_JOINED"]
    assert story.was_announced() == []
