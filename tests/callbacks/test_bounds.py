"""Waiting callbacks are bounded in depth and age, and in the memory that they take."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.store.outbox import Outbox
from orchestrator.store.queues import Queues
from tests.callbacks.conftest import QUICK, Office, make, wait_until
from tests.callbacks.receiver import Receiver, answers, hangs


def failed(office: Office) -> list[tuple[str, int]]:
    office.outbox.flush()
    return [
        (message.queue, message.sequence)
        for message in reversed(office.outbox.finished(100_000, failed=True))
    ]


def test_with_too_many_waiting_the_oldest_of_the_longest_queue_fails_and_is_kept(
    open_office: Callable[..., Office], destination: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    office = open_office(replace(QUICK, timeout=60, max_waiting=50))
    destination.behave(hangs)
    office.send(*(make("long", destination.url(), number) for number in range(30)))
    office.send(*(make("short", destination.url(), number) for number in range(20)))
    wait_until(lambda: len(destination.requests) == 2, "the first of each is in flight")
    assert failed(office) == []
    for number in range(20, 25):
        office.send(make("short", destination.url(), number))
        assert office.outbox.depth == 50
    # The first of the long queue is in flight and stays.
    assert failed(office) == [("long", number) for number in range(1, 6)]
    assert office.delivery.counters.failed["too many"] == 5
    lines = [each for each in caplog.text.splitlines() if "callbacks.max_waiting=50" in each]
    assert len(lines) == 1, "one line for a burst"
    assert office.outbox.finished(failed=True)[0].error == "too many: 50 were waiting (callbacks.max_waiting)"


def test_a_room_that_gets_through_loses_nothing_to_one_that_does_not(
    open_office: Callable[..., Office], destination: Receiver
) -> None:
    office = open_office(replace(QUICK, timeout=60, max_waiting=100))
    destination.behave(hangs, "/dead")
    for number in range(400):
        office.send(make("dead", destination.url("/dead"), number), make("alive", destination.url(), number))
        # So that on a busy machine, too, the living room's queue is the shorter one.
        wait_until(lambda enough=number - 20: len(office.results) > enough, "it gets through")  # type: ignore[misc]
    wait_until(lambda: len(office.results) == 400, "all of the living room are delivered")
    assert [request.sequence for request in destination.on("/callbacks")] == list(range(400))
    assert {queue for queue, _ in failed(office)} == {"dead"}
    assert office.outbox.depth <= 100


def test_a_callback_that_has_waited_too_long_fails_wherever_it_waits(
    open_office: Callable[..., Office], destination: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    office = open_office(replace(QUICK, timeout=60, max_age=1.0))
    destination.behave(hangs)
    office.send(*(make("room", destination.url(), number) for number in range(300)))
    wait_until(lambda: office.outbox.depth == 1, "all but the one in flight are abandoned", timeout=20)
    assert failed(office) == [("room", number) for number in range(1, 300)]
    assert office.delivery.counters.failed["too old"] == 299
    assert office.outbox.finished(1)[0].error == "too old: waited longer than 1 s (callbacks.max_age_secs)"
    assert len([each for each in caplog.text.splitlines() if "callbacks.max_age_secs=1" in each]) == 1


def test_a_callback_that_is_too_old_when_its_turn_comes_is_not_sent(
    open_office: Callable[..., Office], destination: Receiver
) -> None:
    office = open_office(replace(QUICK, backoff=(1.0,), jitter=0, max_age=0.5))
    destination.behave(answers(500))
    office.send(make("room", destination.url(), 0))
    wait_until(lambda: office.delivery.backing_off == 1, "it has failed once")
    wait_until(lambda: office.outbox.depth == 0, "it is abandoned")
    assert len(destination.requests) == 1
    office.outbox.flush()
    (one,) = office.outbox.finished()
    assert (one.delivered, one.attempts, one.error) == (
        False,
        1,
        "too old: waited longer than 0.5 s (callbacks.max_age_secs)",
    )


def test_each_that_fails_without_an_attempt_is_reported_once(
    open_office: Callable[..., Office], destination: Receiver
) -> None:
    office = open_office(replace(QUICK, timeout=60, max_waiting=50, max_age=1.5))
    reported: list[tuple[int, int, str]] = []
    office.delivery.on_dropped.append(lambda one: reported.append((one.sequence, one.attempts, one.error)))
    destination.behave(hangs)
    office.send(*(make("room", destination.url(), number) for number in range(50)))
    wait_until(lambda: len(destination.requests) == 1, "the first is in flight")
    office.send(make("room", destination.url(), 50))
    # A list of callbacks writes down what is not yet, too.
    office.outbox.flush()
    too_many = (1, 0, "too many: 50 were waiting (callbacks.max_waiting)")
    wait_until(lambda: reported == [too_many], "the one that is too much")
    wait_until(lambda: len(reported) == 50, "those that are too old")
    assert reported[1:] == [
        (number, 0, "too old: waited longer than 1.5 s (callbacks.max_age_secs)") for number in range(2, 51)
    ]


def test_bounds_hold_for_callbacks_of_an_earlier_run(
    open_office: Callable[..., Office], destination: Receiver
) -> None:
    office = open_office()
    office.delivery.stop()
    office.outbox.commit([make(f"room-{n % 7}", destination.url(), n) for n in range(500)])
    office.settings = replace(QUICK, max_waiting=100)
    office.restart()
    wait_until(lambda: office.outbox.depth == 0, "nothing waits any more")
    # One in a hundred more than had to be.
    assert office.delivery.counters.failed["too many"] == 401
    assert len(destination.requests) == 99


@given(st.lists(st.tuples(st.sampled_from(["append", "end", "fail", "retry", "shed"]), st.integers(0, 3))))
def test_a_queue_is_sent_in_ascending_order_of_its_ids_through_any_history(
    history: list[tuple[str, int]],
) -> None:
    queues, next_id, over = Queues(), 1, list[tuple[str, int]]()
    for what, which in history:
        queue = f"q{which}"
        head = queues.head(queue)
        if what == "append":
            queues.append(queue, next_id)
            next_id += 1
        elif what in ("end", "fail") and head is not None:
            # In flight: others are queued again meanwhile, behind it.
            back = [each for each in over if each[0] == queue][:2]
            for each in back:
                over.remove(each)
                queues.insert(*each, in_flight=True)
            assert queues.head(queue) == head
            if what == "end":
                assert queues.remove(queue, head)
            else:
                queues.landed(queue)
        elif what == "retry" and over:
            queues.insert(*over.pop(0), in_flight=False)
        elif what == "shed":
            for each in queues.oldest_of_the_longest(2, {queue}):
                assert each[1] != head
                assert queues.remove(*each)
                over.append(each)
    depth = queues.depth
    for queue in queues.names():
        taken = []
        while (id_ := queues.head(queue)) is not None:
            queues.remove(queue, id_)
            taken.append(id_)
        assert taken == sorted(taken)
        depth -= len(taken)
    assert depth == 0
    assert len(queues) == 0


@pytest.mark.parametrize(("queues", "most"), [(1, 20), (5000, 400)])
def test_a_waiting_callback_takes_little_memory(
    tmp_path: Path, destination: Receiver, queues: int, most: int
) -> None:
    """Its body and its address are on disk alone; figures: python -m tests.benchmarks waiting."""
    with_none = Outbox(tmp_path / "outbox.sqlite")
    with_none.commit(
        [make(f"{n % queues:036d}", destination.url(), n, fields=(("X", "x" * 500),)) for n in range(5000)]
    )
    with_none.close()
    tracemalloc.start()
    outbox = Outbox(tmp_path / "outbox.sqlite")
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outbox.depth == 5000
    outbox.close()
    assert taken / 5000 < most


def test_a_hundred_thousand_waiting_callbacks_are_ready_soon(tmp_path: Path, destination: Receiver) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    for begin in range(0, 100_000, 10_000):
        outbox.commit([make(f"room-{n % 2000}", destination.url(), n) for n in range(begin, begin + 10_000)])
    outbox.close()
    destination.behave(hangs)
    begin = time.process_time()
    office = Office(tmp_path / "outbox.sqlite", replace(QUICK, timeout=60))
    try:
        wait_until(lambda: len(destination.requests) >= 4, "the first are being sent")
        assert office.outbox.depth == 100_000
        assert time.process_time() - begin < 5, "CPU seconds"
    finally:
        office.close(timeout=0)
