"""Rooms under whatever can happen.

HISTORIES=20000 makes hypothesis run that many of each kind, and chance ten times as many, instead of a few.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from orchestrator.conference.machine.events import (
    Added,
    Announce,
    Announced,
    BeginRecording,
    ConferenceLost,
    Dial,
    End,
    Floor,
    Hold,
    HungUp,
    JoinRequest,
    JoinReturned,
    Left,
    Modify,
    Mute,
    Remove,
    Ringing,
    RoomEvent,
    SetRecording,
    Silence,
    Talking,
)
from orchestrator.conference.machine.state import ConferenceOptions, EndReason, LeaveReason
from tests.conference.invariants import RoomInvariants
from tests.conference.story import caller
from tests.conference.world import CALLS, CHOOSY, CONFERENCE_OPTIONS, PARTICIPANT_OPTIONS, World

T = TypeVar("T")
HISTORIES = int(os.environ.get("HISTORIES", "0"))
LONG = settings(
    max_examples=HISTORIES or 100,
    stateful_step_count=100 if HISTORIES else 30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def added(at: int, call_sid: str, number: str, renewed: bool) -> Added:
    return Added(at, call_sid, f"{call_sid}-{number}", renewed)


def announce(at: int, sid: str, to: str) -> Announce:
    """Its addressee is part of its name."""
    return Announce(at, f"{sid}-{to}", f"https://example.com/{sid}-{to}", to)


def announced(at: int, sid: str, to: str, problem: str) -> Announced:
    return Announced(at, f"{sid}-{to}", problem)


calls = st.sampled_from(CALLS)
times = st.integers(1, 9)
"""Of several clocks, so that they go back and forth."""
members = st.sampled_from(("1", "2"))
announcements = st.sampled_from(("1", "2", "3"))
anything: st.SearchStrategy[RoomEvent] = st.one_of(
    st.builds(JoinRequest, times, calls.map(caller), st.sampled_from(PARTICIPANT_OPTIONS)),
    st.builds(JoinRequest, times, calls.map(caller), st.sampled_from(PARTICIPANT_OPTIONS)),
    st.builds(Dial, times, calls.map(caller), st.sampled_from(PARTICIPANT_OPTIONS), st.booleans()),
    st.builds(Ringing, times, calls, st.booleans()),
    st.builds(added, times, calls, members, st.booleans()),
    st.builds(added, times, calls, members, st.booleans()),
    st.builds(Left, times, calls, st.booleans()),
    st.builds(JoinReturned, times, calls),
    st.builds(HungUp, times, calls),
    st.builds(Talking, times, calls, st.booleans()),
    st.builds(Floor, times, calls),
    st.builds(Silence, times, times),
    st.builds(BeginRecording, times),
    st.builds(SetRecording, times, st.sampled_from(("in-progress", "paused", "stopped"))),
    st.builds(Mute, times, calls, st.booleans()),
    st.builds(Hold, times, calls, st.booleans(), st.sampled_from(("", "https://example.com/hold"))),
    st.builds(
        Modify,
        times,
        calls,
        st.none() | st.booleans(),
        st.none() | st.booleans(),
        st.none() | st.just("") | calls,
        st.none() | st.just("") | st.just("https://example.com/wait"),
    ),
    st.builds(announce, times, announcements, st.just("") | calls),
    st.builds(announced, times, announcements, st.just("") | calls, st.sampled_from(("", "no"))),
    st.builds(Remove, times, calls, st.sampled_from(LeaveReason), st.booleans()),
    st.builds(End, times, st.sampled_from((EndReason.VIA_API, EndReason.TIME_EXCEEDED))),
    st.builds(ConferenceLost, times, st.booleans()),
)


@LONG
@given(st.sampled_from(CONFERENCE_OPTIONS), st.sampled_from(CHOOSY), st.lists(anything, max_size=60))
def test_anything_in_any_order(
    conference_options: ConferenceOptions, choosy: frozenset[str], events: list[RoomEvent]
) -> None:
    room = RoomInvariants(conference_options, choosy)
    for event in events:
        room.dispatch(event)
    for call_sid in CALLS:
        room.dispatch(Left(8, call_sid, gone=True))
    assert room.closed or not room.asked


def test_the_rules_hold_with_a_faulty_switch() -> None:
    for seed in range(HISTORIES * 10 or 1500):
        history(seed)


def history(seed: int) -> None:
    """One history by its number: `history(42)` is always the same."""
    chance = random.Random(seed)
    world = World(chance.choice)
    moves = [transition for weight, transition in World.MOVES for _ in range(weight)]
    try:
        for _ in range(chance.randrange(120)):
            chance.choice(moves)(world)
        world.comes_to_rest()
    except AssertionError as error:
        raise AssertionError(f"history({seed})") from error


class Drawn:
    """Hypothesis's choice instead of chance's."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data

    def __call__(self, among: Sequence[T], /) -> T:
        return self.data.draw(st.sampled_from(among))


class FaultySwitch(RuleBasedStateMachine):
    """The same by hypothesis, which looks for the shortest history that goes wrong."""

    @initialize(data=st.data())
    def opens(self, data: st.DataObject) -> None:
        self.world = World(Drawn(data))
        self.world.ask()

    @rule(data=st.data(), transition=st.sampled_from([transition for _, transition in World.MOVES]))
    def goes_on(self, data: st.DataObject, transition: Callable[[World], None]) -> None:
        self.world.pick = Drawn(data)
        transition(self.world)

    @rule(data=st.data())
    def comes_to_rest_and_opens_anew(self, data: st.DataObject) -> None:
        self.world.pick = Drawn(data)
        self.world.comes_to_rest()
        self.opens(data)


TestAFaultySwitchByHypothesis = FaultySwitch.TestCase
TestAFaultySwitchByHypothesis.settings = LONG
