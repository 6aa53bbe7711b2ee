"""Who is let in and who is refused, by the numbers alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.calls.overload import (
    ALWAYS,
    CLOCK_SECONDS,
    ENTERING_SECONDS,
    QUIET_SECONDS,
    REPORT_SECONDS,
    Ages,
    Full,
    Intake,
)
from orchestrator.config.service import Intake as Limits

SECOND = 1_000_000
LONG_AGO = 1_790_000_000 * SECOND


def intake(**limits: int) -> Intake:
    return Intake(Limits(**({"max_entering": 100, "max_delay_ms": 1000} | limits)))


def arrive(door: Intake, count: int, now: float = 0.0, first: int = 0) -> list[Full | None]:
    return [door.ask(f"leg-{number}", now, 0) for number in range(first, first + count)]


def test_an_idle_node_lets_everybody_in() -> None:
    assert arrive(intake(), 100) == [None] * 100


def test_as_many_may_be_on_their_way_in_as_the_setting_says() -> None:
    door = intake(max_entering=3)
    assert arrive(door, 5) == [None, None, None, Full.ENTERING, Full.ENTERING]
    assert (door.let_in, door.refused[Full.ENTERING]) == (3, 2)


def test_who_is_answered_or_gone_makes_place_for_the_next() -> None:
    door = intake(max_entering=1)
    assert arrive(door, 1) == [None]
    door.entered("leg-0")
    door.entered("a stranger")
    assert arrive(door, 2, first=1) == [None, Full.ENTERING]


def test_who_waits_long_for_its_application_keeps_nobody_out() -> None:
    door = intake(max_entering=1)
    arrive(door, 1)
    assert arrive(door, 1, ENTERING_SECONDS - 0.01, first=1) == [Full.ENTERING]
    assert arrive(door, 1, ENTERING_SECONDS, first=2) == [None]


def test_no_more_calls_than_the_setting_says() -> None:
    door = intake(max_calls=2)
    assert [door.ask("leg", 0, live) for live in (1, 2, 3)] == [None, Full.CALLS, Full.CALLS]


def test_the_later_everything_is_the_fewer_are_let_in() -> None:
    door = intake()
    door.late(1.0, now=0)
    assert door.allowed(0) == 100
    door.late(4.0, now=0)
    assert door.allowed(0) == 25
    assert arrive(door, 30) == [None] * 25 + [Full.DELAY] * 5


def test_a_lull_forgives() -> None:
    door = intake()
    door.late(8.0, now=0)
    assert [door.allowed(now) for now in (0, 1, 2, 3)] == [12, 25, 50, 100]
    door.late(0.1, now=1)
    assert door.allowed(1) == 25


def test_a_machine_that_stood_still_refuses_none_of_the_few_who_come_then() -> None:
    door = intake()
    door.late(3600.0, now=0)
    assert arrive(door, ALWAYS + 1) == [None] * ALWAYS + [Full.DELAY]


@given(
    st.lists(
        st.tuples(st.floats(0, 2), st.floats(0, 20), st.booleans()),
        max_size=300,
    )
)
def test_never_more_on_their_way_than_allowed_and_all_are_counted(
    steps: list[tuple[float, float, bool]],
) -> None:
    door, now = intake(max_entering=20), 0.0
    for number, (pause, late, answered) in enumerate(steps):
        now += pause
        door.late(late, now)
        door.ask(f"leg-{number}", now, 0)
        assert door.entering(now) <= 20
        if answered:
            door.entered(f"leg-{number}")
    assert door.let_in + door.refused.total() == len(steps)


def test_a_burst_is_reported_when_it_begins_every_minute_and_when_it_is_over() -> None:
    door = intake(max_entering=1)
    assert door.report(0) is None
    arrive(door, 3)
    first = door.report(0)
    assert first
    assert (first.refused, first.why, first.over) == (2, {"max_entering": 2}, False)
    arrive(door, 2, 1, first=3)
    assert door.report(1) is None
    arrive(door, 2, REPORT_SECONDS, first=5)
    minute = door.report(REPORT_SECONDS)
    assert minute
    assert (minute.refused, minute.let_in, minute.over) == (5, 2, False)
    assert door.report(REPORT_SECONDS + QUIET_SECONDS - 1) is None
    last = door.report(REPORT_SECONDS + QUIET_SECONDS)
    assert last
    assert (last.refused, last.over) == (0, True)
    assert door.report(REPORT_SECONDS + QUIET_SECONDS + 1) is None


def test_an_event_is_as_old_as_the_clocks_say() -> None:
    ages = Ages()
    assert ages.age(LONG_AGO, LONG_AGO + SECOND // 2) == 0.5
    assert ages.age(0, LONG_AGO) == 0.0


def test_a_clock_ahead_of_ours_hides_no_delay() -> None:
    ages = Ages()
    assert ages.age(LONG_AGO + 5 * SECOND, LONG_AGO) == 0.0
    assert ages.age(LONG_AGO + 5 * SECOND, LONG_AGO + 2 * SECOND) == 2.0


def test_a_clock_behind_ours_is_no_delay_once_it_is_known() -> None:
    ages = Ages()
    now = LONG_AGO
    for _ in range(3):
        ages.age(now - 5 * SECOND, now)
        now += int(CLOCK_SECONDS * SECOND)
    assert ages.age(now - 5 * SECOND, now) == 0.0
    assert ages.age(now - 6 * SECOND, now) == 1.0
