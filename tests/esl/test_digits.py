"""A press that FreeSWITCH reports once for each way in which it came counts once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.esl.digits import SAME_PRESS_USECS, WAYS, Presses

TONE, EVENT, INFO = "INBAND_AUDIO", "RTP", "ENDPOINT"
MS = 1000


def counted(reports: list[tuple[str, str, int]]) -> str:
    presses = Presses()
    return "".join(digit for digit, way, at in reports if presses.is_new(digit, way, at * MS))


@pytest.mark.parametrize(
    ("reports", "digits"),
    [
        ([("5", EVENT, 0), ("5", TONE, 90)], "5"),
        ([("5", TONE, 0), ("5", EVENT, 90), ("5", INFO, 300)], "5"),
        ([("5", EVENT, 0), ("5", TONE, 60), ("5", EVENT, 200), ("5", TONE, 260)], "55"),
        ([("5", EVENT, 0), ("5", EVENT, 150), ("5", TONE, 200), ("5", TONE, 350)], "55"),
        ([("1", EVENT, 0), ("2", EVENT, 150), ("1", TONE, 200), ("2", TONE, 350)], "12"),
        ([("5", EVENT, 0), ("5", TONE, SAME_PRESS_USECS // MS + 1)], "55"),
        ([("5", "APP", 0), ("5", "APP", 10), ("5", EVENT, 20)], "555"),
        ([("5", "", 0), ("5", TONE, 10)], "55"),
    ],
)
def test_reports_of_one_press(reports: list[tuple[str, str, int]], digits: str) -> None:
    assert counted(reports) == digits


@given(
    presses=st.lists(st.tuples(st.sampled_from("0123456789*#"), st.integers(100, 2000)), max_size=20),
    ways=st.sets(st.sampled_from(sorted(WAYS)), min_size=1),
    late=st.dictionaries(st.sampled_from(sorted(WAYS)), st.integers(0, 900)),
)
def test_every_press_counts_once_in_its_order(
    presses: list[tuple[str, int]], ways: set[str], late: dict[str, int]
) -> None:
    """Each way is late by a time of its own, less than the window."""
    at, reports = 0, []
    for number, (digit, gap) in enumerate(presses):
        at += gap
        reports += [(at + late.get(way, 0), number, digit, way) for way in sorted(ways)]
    counted_, digits = Presses(), ""
    for when, _, digit, way in sorted(reports):
        if counted_.is_new(digit, way, when * MS):
            digits += digit
    fastest = min(ways, key=lambda way: late.get(way, 0))
    assert digits == "".join(d for _, _, d, w in sorted(reports) if w == fastest)
