"""The cause of a failed connection, in a line for people."""

from __future__ import annotations

from urllib.error import URLError

import pytest

from orchestrator.net.errors import AddressRefused, LookupFailed, NetError, innermost, reason

REFUSED = ConnectionRefusedError(111, "Connection refused")


def circle() -> Exception:
    first, second = ValueError("first"), ValueError("second")
    first.args, second.args = (second,), (first,)
    return first


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (REFUSED, "ConnectionRefusedError: Connection refused"),
        (URLError(REFUSED), "ConnectionRefusedError: Connection refused"),
        (ValueError("retries", URLError(REFUSED)), "ConnectionRefusedError: Connection refused"),
        (ValueError("wrapped", KeyError("first"), TypeError("last")), "TypeError: last"),
        (ValueError("no cause"), "ValueError: no cause"),
        (ValueError(), "ValueError: ValueError"),
        (AddressRefused("h is not dialled"), "h is not dialled"),
        (ValueError(LookupFailed("h: no such name")), "h: no such name"),
        (NetError("x" * 300), "x" * 200),
        (ValueError("x" * 300), ("ValueError: " + "x" * 300)[:200]),
    ],
)
def test_the_first_cause_is_named(error: Exception, text: str) -> None:
    assert reason(error) == text


def test_a_circle_of_causes_has_an_end() -> None:
    assert isinstance(innermost(circle()), ValueError)
