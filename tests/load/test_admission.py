"""Accepted and refused calls, by the numbers alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.calls.overload import (
    ALWAYS,
    CLOCK_SECONDS,
    QUIET_SECONDS,
    REPORT_SECONDS,
    SETUP_SECONDS,
    CallLimiter,
    EventLag,
    LimitHit,
)
from orchestrator.config.service import Admission as Limits

SECOND = 1_000_000
LONG_AGO = 1_790_000_000 * SECOND


def new_admission(**limits: int) -> CallLimiter:
    return CallLimiter(Limits(**({"max_in_setup": 100, "max_delay_ms": 1000} | limits)))


def arrive(admission: CallLimiter, count: int, now: float = 0.0, first: int = 0) -> list[LimitHit | None]:
    return [admission.admit(f"leg-{number}", now, 0) for number in range(first, first + count)]


def test_an_idle_node_lets_everybody_in() -> None:
    assert arrive(new_admission(), 100) == [None] * 100


def test_as_many_may_be_on_their_way_in_as_the_setting_says() -> None:
    admission = new_admission(max_in_setup=3)
    assert arrive(admission, 5) == [None, None, None, LimitHit.IN_SETUP, LimitHit.IN_SETUP]
    assert (admission.accepted, admission.refused[LimitHit.IN_SETUP]) == (3, 2)


def test_a_call_that_is_answered_or_gone_makes_place_for_the_next() -> None:
    admission = new_admission(max_in_setup=1)
    assert arrive(admission, 1) == [None]
    admission.left_setup("leg-0")
    admission.left_setup("an unknown client")
    assert arrive(admission, 2, first=1) == [None, LimitHit.IN_SETUP]


def test_a_call_that_waits_long_for_its_application_keeps_nobody_out() -> None:
    admission = new_admission(max_in_setup=1)
    arrive(admission, 1)
    assert arrive(admission, 1, SETUP_SECONDS - 0.01, first=1) == [LimitHit.IN_SETUP]
    assert arrive(admission, 1, SETUP_SECONDS, first=2) == [None]


def test_no_more_calls_than_the_setting_says() -> None:
    admission = new_admission(max_calls=2)
    assert [admission.admit("leg", 0, live) for live in (1, 2, 3)] == [None, LimitHit.CALLS, LimitHit.CALLS]


def test_where_nothing_was_refused_there_is_nothing_to_report() -> None:
    admission = new_admission()
    arrive(admission, 3)
    assert [admission.report(now) for now in (0.0, 1.0, 1000.0)] == [None] * 3


def test_the_later_everything_is_the_fewer_are_admitted() -> None:
    admission = new_admission()
    admission.note_delay(1.0, now=0)
    assert admission.allowed(0) == 100
    admission.note_delay(4.0, now=0)
    assert admission.allowed(0) == 25
    assert arrive(admission, 30) == [None] * 25 + [LimitHit.DELAY] * 5


def test_a_lull_forgives() -> None:
    admission = new_admission()
    admission.note_delay(8.0, now=0)
    assert [admission.allowed(now) for now in (0, 1, 2, 3)] == [12, 25, 50, 100]
    admission.note_delay(0.1, now=1)
    assert admission.allowed(1) == 25


def test_a_machine_that_stood_still_refuses_none_of_the_few_who_come_then() -> None:
    admission = new_admission()
    admission.note_delay(3600.0, now=0)
    assert arrive(admission, ALWAYS + 1) == [None] * ALWAYS + [LimitHit.DELAY]


@given(
    st.lists(
        st.tuples(st.floats(0, 2), st.floats(0, 20), st.booleans()),
        max_size=300,
    )
)
def test_never_more_on_their_way_than_allowed_and_all_are_counted(
    steps: list[tuple[float, float, bool]],
) -> None:
    admission, now = new_admission(max_in_setup=20), 0.0
    for number, (pause, late, answered) in enumerate(steps):
        now += pause
        admission.note_delay(late, now)
        admission.admit(f"leg-{number}", now, 0)
        assert admission.in_setup(now) <= 20
        if answered:
            admission.left_setup(f"leg-{number}")
    assert admission.accepted + admission.refused.total() == len(steps)


def test_a_burst_is_reported_when_it_begins_every_minute_and_when_it_is_over() -> None:
    admission = new_admission(max_in_setup=1)
    assert admission.report(0) is None
    arrive(admission, 3)
    first = admission.report(0)
    assert first
    assert (first.refused, first.by_limit, first.ended) == (2, {"max_in_setup": 2}, False)
    arrive(admission, 2, 1, first=3)
    assert admission.report(1) is None
    arrive(admission, 2, REPORT_SECONDS, first=5)
    minute = admission.report(REPORT_SECONDS)
    assert minute
    assert (minute.refused, minute.accepted, minute.ended) == (5, 2, False)
    assert admission.report(REPORT_SECONDS + QUIET_SECONDS - 1) is None
    last = admission.report(REPORT_SECONDS + QUIET_SECONDS)
    assert last
    assert (last.refused, last.ended) == (0, True)
    assert admission.report(REPORT_SECONDS + QUIET_SECONDS + 1) is None


def test_an_event_is_as_old_as_the_clocks_say() -> None:
    ages = EventLag()
    assert ages.lag(LONG_AGO, LONG_AGO + SECOND // 2) == 0.5
    assert ages.lag(0, LONG_AGO) == 0.0


def test_a_clock_ahead_of_ours_hides_no_delay() -> None:
    ages = EventLag()
    assert ages.lag(LONG_AGO + 5 * SECOND, LONG_AGO) == 0.0
    assert ages.lag(LONG_AGO + 5 * SECOND, LONG_AGO + 2 * SECOND) == 2.0


def test_a_clock_behind_ours_is_no_delay_once_it_is_known() -> None:
    ages = EventLag()
    now = LONG_AGO
    for _ in range(3):
        ages.lag(now - 5 * SECOND, now)
        now += int(CLOCK_SECONDS * SECOND)
    assert ages.lag(now - 5 * SECOND, now) == 0.0
    assert ages.lag(now - 6 * SECOND, now) == 1.0
