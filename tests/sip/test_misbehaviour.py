"""Calls of random misbehaviour, some at once; `python -m tests.sip` makes 500 of them.

Symptom, of any phone that vanishes, races or speaks an odd dialect of SIP: sessions, conferences or threads
that stay in FreeSWITCH, participants without a leave, recordings without an end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import gevent
import pytest

from tests.crash.witness import Seen
from tests.lab.switches import FreeSwitch
from tests.lab.web import Request
from tests.sip.callee import Callee
from tests.sip.misbehaviour.callees import CALLEES
from tests.sip.misbehaviour.callers import CALLERS
from tests.sip.misbehaviour.plan import plans
from tests.sip.misbehaviour.run import Tried, tried
from tests.sip.misbehaviour.verdict import judge

CALLS, SEED = 40, 4
LEG, CALL = "00000000-0000-4000-8000-000000000001", "v3:AAAAAAAAQACAAAAAAAAAAQ"


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    if reason := FreeSwitch.why_not():
        pytest.skip(reason)
    with tried(tmp_path_factory.mktemp("misbehaviour"), CALLS, SEED, at_once=CALLS) as calls:
        yield calls


@pytest.mark.only("freeswitch")
def test_nothing_is_left_of_misbehaviour_and_every_participant_joined_and_left_once(after: Tried) -> None:
    verdict = after.verdict()
    assert [*verdict.left, *verdict.wrong] == []
    assert str(verdict) == f"calls {CALLS} left 0 wrong 0"
    assert verdict.stays > CALLS / 4, "hardly anybody entered a conference"


@pytest.mark.only("freeswitch")
def test_leftovers_and_lost_callbacks_are_noticed(after: Tried) -> None:
    """A session, a conference, a thread, and a leave that is lost."""
    scene, switch = after.scene, after.scene.switch
    requests = scene.house.application.requests
    leave = next(one for one in requests if one.fields.get("StatusCallbackEvent") == "participant-leave")
    with Callee() as callee, switch.socket():
        options = "origination_caller_id_number=1,rtp_timeout_sec=0"
        order = f"originate {{{options}}}sofia/texml/x@{callee.address} &conference(left)"
        assert switch.api(order).startswith("+OK")
        requests.remove(leave)
        try:
            verdict = after.verdict(patience=0.5)
        finally:
            requests.append(leave)
            switch.api("hupall NORMAL_CLEARING")
            gevent.sleep(0.2)
    kinds = [line.split()[0] for line in verdict.left]
    assert {"channel", "conference", "a"} <= set(kinds), verdict.left
    (fault, *_) = [line for line in verdict.wrong if line.startswith("1 joins and 0 leaves")]
    assert leave.fields["CallSid"] in fault
    assert any(f"'{name}'" in fault for name in CALLERS), "the behaviours of the call are not named"
    assert not verdict.good


def test_there_are_33_ways_of_either_side_and_a_seed_repeats_a_run() -> None:
    assert (len(CALLERS), len(CALLEES)) == (33, 33)
    assert plans(66, 7) == plans(66, 7) != plans(66, 8)
    assert {plan.caller.behaviour for plan in plans(33, 7)} == set(CALLERS)
    assert {plan.callee.behaviour for plan in plans(99, 7) if plan.callee} == set(CALLEES)


# The verdict


def came(path: str, **fields: str) -> Request:
    return Request("POST", path, "", {}, b"", tuple(fields.items()), time.monotonic())


def event(number: int, name: str) -> Request:
    return came(
        "/events", ConferenceSid="room", CallSid=CALL, SequenceNumber=str(number), StatusCallbackEvent=name
    )


def right() -> list[Request]:
    """Of one call, which was recorded in a conference."""
    names = ["conference-start", "participant-join", "participant-leave", "conference-end"]
    return [
        *(event(number, name) for number, name in enumerate(names)),
        came("/recording", RecordingSid="r", RecordingStatus="in-progress", CallSid=CALL),
        came("/recording", RecordingSid="r", RecordingStatus="completed", CallSid=CALL),
        came("/status", CallSid=CALL, CallStatus="in-progress"),
        came("/status", CallSid=CALL, CallStatus="completed"),
    ]


def judged(requests: list[Request]) -> list[str]:
    seen = [Seen(1, 1, "CHANNEL_ANSWER", LEG, "", "", "1"), Seen(1, 1, "add-member", LEG, "room", "", "1")]
    return judge(requests, seen, [CALL], lambda calls: f"about {sorted(calls)}")


def test_a_phone_that_is_heard_ringing_in_a_conference_and_declines_was_no_participant() -> None:
    """EarlyMedia: FreeSWITCH has it as a member before its answer."""
    assert judge([], [Seen(1, 1, "add-member", LEG, "room", "", "1")], [], str) == []


def without(*places: int) -> Callable[[list[Request]], list[Request]]:
    return lambda requests: [one for place, one in enumerate(requests) if place not in places]


def and_also(*more: Request) -> Callable[[list[Request]], list[Request]]:
    return lambda requests: [*requests, *more]


def test_a_right_history_has_no_findings_also_when_a_callback_comes_twice() -> None:
    assert judged(right()) == []
    assert judged([*right(), event(2, "participant-leave")]) == []


@pytest.mark.parametrize(
    ("change", "blamed"),
    [
        (without(1), "0 joins and 1 leaves"),
        (without(2), "1 joins and 0 leaves"),
        (without(0, 1, 2, 3), "0 joins and 0 leaves"),
        (without(2), "numbers are [0, 1, 3]"),
        (without(0), "0 starts"),
        (without(3), "0 ends"),
        (and_also(event(4, "participant-join")), "2 joins and 1 leaves"),
        (and_also(event(4, "conference-start")), "2 starts"),
        (and_also(event(4, "conference-end")), "2 ends"),
        (without(5), "0 ends of recording r"),
        (
            and_also(came("/recording", RecordingSid="r", RecordingStatus="absent", CallSid=CALL)),
            "2 ends of recording r",
        ),
        (without(7), f"0 ends of call {CALL}"),
        (without(6, 7), f"0 ends of call {CALL}"),
        (and_also(came("/status", CallSid=CALL, CallStatus="failed")), f"2 ends of call {CALL}"),
    ],
)
def test_every_fault_is_blamed(change: Callable[[list[Request]], list[Request]], blamed: str) -> None:
    faults = judged(change(right()))
    assert [fault for fault in faults if blamed in fault], faults
    assert all("about" in fault for fault in faults)
