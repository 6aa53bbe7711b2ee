"""Which of several patterns decides for a number: an exact one, then the one that says most."""

from __future__ import annotations

import itertools

import pytest

from orchestrator.config.patterns import best

NUMBER = "+13125550100"


@pytest.mark.parametrize(
    ("patterns", "decides"),
    [
        (["+1312*", NUMBER], NUMBER),
        (["+131255501??", NUMBER], NUMBER),
        (["+1*", "+1312*", "+13*"], "+1312*"),
        (["+1312*", "*5550100"], "*5550100"),
        (["+1312555*", "+1312555????"], "+1312555????"),
        (["+1*0100", "+1*01*"], "+1*0100"),
        (["*", "?*"], "*"),
        (["+44*", "+49*"], None),
        ([], None),
    ],
)
def test_the_most_specific_pattern_decides_in_any_order(patterns: list[str], decides: str | None) -> None:
    equal = decides == "*"
    for order in [patterns] if equal else itertools.permutations(patterns):
        assert best(order, NUMBER) == decides


def test_of_patterns_that_say_as_much_the_first_decides() -> None:
    for order in itertools.permutations(["+1312*", "+131*5", "*13125"]):
        fitting = [pattern for pattern in order if pattern == "+1312*"]
        assert best(order, NUMBER) == fitting[0]
    assert best(["+131*01*", "+13*101*", "+1312*"], "+13125551015") == "+131*01*"
    assert best(["+13*101*", "+131*01*"], "+13125551015") == "+13*101*"
