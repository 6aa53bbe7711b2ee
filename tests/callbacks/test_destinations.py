"""Whose turn it is: whatever happens, each receiver and all slow ones stay within their share."""

from __future__ import annotations

from collections import defaultdict, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.callbacks import destinations as module
from orchestrator.callbacks.destinations import Destination, Destinations
from orchestrator.callbacks.retry import DeliverySettings
from orchestrator.net.connector import Connector

NAMES = ("http://a", "http://b", "http://c")
# An attempt's end: seconds until it was answered, or no answer; or nothing was sent after all.
ENDS = (0.1, 0.99, 1.0, 5.0, None, "untouched")
STEP = st.one_of(
    st.tuples(st.just("enqueue"), st.sampled_from(NAMES)),
    st.tuples(st.just("take"), st.just("")),
    st.tuples(st.just("end"), st.sampled_from(ENDS)),
)


def made(concurrency: int, per_host: int) -> Destinations:
    settings = DeliverySettings(concurrency=concurrency, per_host=per_host)
    return Destinations(settings, Connector())


@given(st.lists(STEP, max_size=80), st.integers(1, 9), st.integers(1, 20))
def test_any_steps_keep_to_the_shares_and_to_the_order_of_each_line(
    steps: list[tuple[str, object]], concurrency: int, per_host: int
) -> None:
    destinations = made(concurrency, per_host)
    most = min(per_host, concurrency)
    least = max(1, most // 8)
    waiting: dict[str, deque[str]] = defaultdict(deque)
    under_way: list[Destination] = []
    allowed = dict.fromkeys(NAMES, least)
    prompt = dict.fromkeys(NAMES, False)
    for number, (step, value) in enumerate(steps):
        if step == "enqueue":
            assert isinstance(value, str)
            waiting[value].append(str(number))
            destinations.enqueue(destinations.named(value), str(number))
        elif step == "take":
            sending = {name: sum(one.name == name for one in under_way) for name in NAMES}
            slow = sum(count for name, count in sending.items() if not prompt[name])
            may = {
                name
                for name in NAMES
                if waiting[name]
                and sending[name] < allowed[name]
                and (prompt[name] or slow < max(1, concurrency // 2))
            }
            assert destinations.waiting is bool(may)
            taken = destinations.take()
            assert (taken is not None) is bool(may)
            if taken is not None:
                destination, queue = taken
                assert destination.name in may
                assert queue == waiting[destination.name].popleft()
                under_way.append(destination)
        elif under_way:
            destination = under_way.pop(0)
            name = destination.name
            if value == "untouched":
                destinations.untouched(destination)
            else:
                assert value is None or isinstance(value, float)
                destinations.done(destination, value)
                grown = max(least, allowed[name] // 2) if value is None else min(most, allowed[name] * 2)
                allowed[name], prompt[name] = grown, value is not None and value < 1.0
    while under_way or destinations.waiting:
        while (taken := destinations.take()) is not None:
            assert taken[1] == waiting[taken[0].name].popleft()
            under_way.append(taken[0])
        destinations.done(under_way.pop(), 0.1)
    assert not any(waiting.values()), "nothing is left in line"


def test_those_that_answer_soon_and_all_others_have_their_turns_alternately() -> None:
    destinations = made(8, 8)
    quick, slow = destinations.named("http://quick"), destinations.named("http://slow")
    for _ in range(3):
        destinations.enqueue(quick, "first")
        assert destinations.take() is not None
        destinations.done(quick, 0.1)
    for number in range(3):
        destinations.enqueue(quick, f"quick {number}")
        destinations.enqueue(slow, f"slow {number}")
    order = []
    while (taken := destinations.take()) is not None:
        order.append(taken[1])
        destinations.done(taken[0], 0.1 if taken[0] is quick else 5.0)
    assert order == ["slow 0", "quick 0", "slow 1", "quick 1", "slow 2", "quick 2"]


@pytest.mark.parametrize(
    ("prompt", "unused", "is_known"),
    [(True, 14, True), (True, 16, False), (False, 16, True), (False, 599, True), (False, 601, False)],
)
def test_a_receiver_is_forgotten_when_it_is_not_needed_and_a_slow_one_later(
    monkeypatch: pytest.MonkeyPatch, prompt: bool, unused: float, is_known: bool
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    destinations = made(8, 8)
    destination = destinations.named("http://a")
    destinations.enqueue(destination, "queue")
    clock[0] += 10_000
    destinations.tidy()
    assert len(destinations) == 1, "something waits for it"
    assert destinations.take() is not None
    clock[0] += 10_000
    destinations.tidy()
    assert len(destinations) == 1, "something is under way"
    destinations.done(destination, 0.1 if prompt else 5.0)
    clock[0] += unused
    destinations.tidy()
    assert (destinations.named("http://a") is destination) is is_known


def test_after_a_clear_nothing_is_known_and_nothing_counts() -> None:
    destinations = made(2, 2)
    for name in NAMES:
        destinations.enqueue(destinations.named(name), name)
    assert destinations.take() is not None
    destinations.clear()
    assert (len(destinations), destinations.waiting, destinations.take()) == (0, False, None)
    destinations.enqueue(destinations.named("http://a"), "again")
    taken = destinations.take()
    assert taken is not None
    assert taken[1] == "again"


@pytest.mark.parametrize(
    ("attempts", "asked", "least"),
    [(1, 0, 1.0), (2, 0, 2.0), (3, 0, 4.0), (9, 0, 4.0), (1, 30, 30.0), (1, 0.5, 1.0), (1, 1000, 300.0)],
)
def test_a_pause_grows_as_far_as_the_last_and_a_receiver_s_own_wish_counts(
    attempts: int, asked: float, least: float
) -> None:
    settings = DeliverySettings()
    pauses = [settings.pause(attempts, asked) for _ in range(200)]
    assert least <= min(pauses) < max(pauses) <= least * 1.25
    assert settings.longest_pause == 375.0
