"""The periodic check: whether FreeSWITCH has what we believe. Each difference, and what is none."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import gevent
import pytest

from orchestrator.conference.machine.state import ParticipantOptions, Phase
from orchestrator.recovery import periodic_check
from tests.recovery.left import Left
from tests.recovery.test_reconcile import SUBJECT, with_anchor

Change = Callable[[Left, str], object]


def flags(left: Left, uuid: str, **changed: bool) -> None:
    members = left.switch.conferences[left.sid]["members"]
    assert isinstance(members, list)
    (member,) = [one for one in members if one.get("uuid") == uuid]
    member["flags"] |= changed


def out(left: Left, uuid: str) -> None:
    members = left.switch.conferences[left.sid]["members"]
    assert isinstance(members, list)
    members[:] = [one for one in members if one.get("uuid") != uuid]


def foreign(left: Left, uuid: str) -> None:
    left.switch.member(left.sid, left.switch.leg(texml_guard=""), 99)


def goes(left: Left, uuid: str) -> None:
    out(left, uuid)
    del left.switch.legs[uuid]


CHANGES: dict[str, tuple[Change, bool]] = {
    "nothing": (lambda left, uuid: None, False),
    "muted by somebody": (lambda left, uuid: flags(left, uuid, can_speak=False), True),
    "held by somebody": (lambda left, uuid: flags(left, uuid, hold=True), True),
    "speaks": (lambda left, uuid: flags(left, uuid, talking=True), False),
    "out of the conference": (out, True),
    "gone": (goes, True),
    "somebody else's leg is in the conference": (foreign, False),
    "somebody else's leg": (lambda left, uuid: left.switch.leg(texml_guard=""), False),
    "a leg of ours that nobody steers": (lambda left, uuid: left.switch.leg(), True),
    "the conference is over": (lambda left, uuid: left.switch.conferences.clear(), True),
}


@pytest.mark.parametrize(("change", "differs"), CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("phase", [Phase.IN, Phase.LEAVING])
def test_a_change_that_nobody_said_is_a_difference(
    left: Left, phase: Phase, change: Change, differs: bool
) -> None:
    check, subject = in_step(left, phase)
    assert not check()
    name = next(name for name, (one, _) in CHANGES.items() if one is change)
    before = dict(left.switch.legs)
    change(left, subject)
    # A participant on its way out is not made what it was.
    assert check() is (differs and not (phase is Phase.LEAVING and name.endswith("by somebody")))
    # So that its end is said when all phones hang up.
    left.switch.legs |= before


def in_step(left: Left, phase: Phase) -> tuple[Callable[[], bool], str]:
    """The check's question, and a participant in this phase."""
    with_anchor(left)
    subject = left.switch.leg()
    left.participant(subject, phase, SUBJECT, member_id="7")
    left.call(subject, left.house.joins(), SUBJECT)
    left.switch.member(left.sid, subject, 7)
    left.write()
    left.house.start(node="reconcile_secs: 600")
    assert left.house.orchestrator is not None
    return left.house.orchestrator.node.periodic_check._differs, subject


@pytest.mark.parametrize("settled", [False, True], ids=["just now", "a while ago"])
def test_an_order_of_just_now_may_be_on_its_way(
    left: Left, settled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    check, _ = in_step(left, Phase.IN)
    left.house.voice(left.house.joins())
    uuid = left.switch.parks(answer_state="answered")
    left.switch.wait_for(f"sendmsg {uuid}", "execute-app-name: conference")
    if settled:
        monkeypatch.setattr(periodic_check, "SETTLED_SECONDS", 0.0)
        gevent.sleep(0.01)
    assert check() is settled


def test_a_member_that_has_not_been_believed_in_is_a_difference(left: Left) -> None:
    """It waits, as we believe, and FreeSWITCH has it in the conference."""
    check, _ = in_step(left, Phase.IN)
    left.house.application.document("/wait", "<Response><Pause length='600'/></Response>")
    left.house.voice(left.house.joins("Other", startConferenceOnEnter="false", waitUrl="/wait"))
    uuid = left.switch.parks(answer_state="answered")
    left.house.application.wait_for("/wait")
    assert not check()
    left.switch.member(left.sid, uuid, 12)
    assert check()


def test_a_participant_on_its_way_out_is_let_alone(left: Left) -> None:
    """With any state of it in FreeSWITCH: no order of a member is given again."""
    with_anchor(left)
    subject = str(uuid4())
    options = ParticipantOptions(muted=True, beep="false")
    left.participant(subject, Phase.LEAVING, SUBJECT, options, member_id="7")
    left.call(subject, left.house.joins(), SUBJECT)
    left.switch.leg(subject)
    left.switch.member(left.sid, subject, 7, hold=True)
    left.write()
    left.house.start()
    gevent.sleep(0.2)
    assert left.house.orchestrator is not None
    assert left.house.orchestrator.node.reconciler.corrections.members == 0
    words = ("mute", "unmute", "hold", "unhold", "undeaf")
    assert not [c for c in left.switch.saw(f"conference {left.sid} ") if c.split(" ")[2] in words]
