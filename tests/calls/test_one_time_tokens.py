"""A token is good once and for its time, and its refusal says which of the two is over."""

from __future__ import annotations

import pytest

from orchestrator.calls.one_time_tokens import OneTimeTokens, TokenRefused

UNKNOWN, USED, EXPIRED = "no such token", "the token was used before", "the token is older than 60 s"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> OneTimeTokens[str]:
    return OneTimeTokens(60.0, clock)


def refusal(tokens: OneTimeTokens[str], token: str) -> tuple[str, str]:
    with pytest.raises(TokenRefused) as refused:
        tokens.redeem(token)
    return refused.value.outcome, str(refused.value)


def test_a_token_is_good_once_however_often_it_is_looked_at(tokens: OneTimeTokens[str]) -> None:
    one, other = tokens.issue("one"), tokens.issue("other")
    assert one != other
    assert len(one) > 40
    assert [tokens.look(one), tokens.look(one), tokens.redeem(one)] == ["one"] * 3
    assert refusal(tokens, one) == ("used", USED)
    assert tokens.redeem(other) == "other"
    assert refusal(tokens, "guessed") == ("unknown", UNKNOWN)


@pytest.mark.parametrize(("seconds", "outcome"), [(59.9, ""), (60.0, "expired"), (119.9, "expired")])
def test_a_token_is_good_for_its_time(
    tokens: OneTimeTokens[str], clock: Clock, seconds: float, outcome: str
) -> None:
    token = tokens.issue("one")
    clock.now += seconds
    tokens.issue("another")
    if outcome:
        assert refusal(tokens, token) == (outcome, EXPIRED)
    else:
        assert tokens.redeem(token) == "one"


@pytest.mark.parametrize(("seconds", "outcome"), [(119.9, "used"), (120.0, "unknown")])
def test_a_used_token_is_remembered_for_twice_its_time(
    tokens: OneTimeTokens[str], clock: Clock, seconds: float, outcome: str
) -> None:
    token, unused = tokens.issue("one"), tokens.issue("unused")
    tokens.redeem(token)
    clock.now += seconds
    tokens.issue("another")
    assert refusal(tokens, token)[0] == outcome
    assert refusal(tokens, unused)[0] == ("expired" if outcome == "used" else "unknown")
