"""How many wrong keys may be tried: by address, by account, and never more memory than it may be."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from orchestrator.config.network import ip_network
from orchestrator.web.attempts import MAX_KEPT, OF_ACCOUNT, OF_ADDRESS, Attempts, TooManyAttempts
from orchestrator.web.clients import client_address

RIGHT = "right"


class TimedAttempts:
    """Attempts whose clock the test sets; `RIGHT` is the right key."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.looked = 0
        self.attempts = Attempts(lambda: self.now)

    def tries(self, key: str, address: str = "192.0.2.1", account: str = "") -> str:
        def find() -> str | None:
            self.looked += 1
            return key if key == RIGHT else None

        try:
            return "in" if self.attempts.check("rest", address, account, key, find) else "wrong"
        except TooManyAttempts as error:
            return f"refused {error.retry_after}"


@pytest.fixture
def admission() -> TimedAttempts:
    return TimedAttempts()


def guesses(
    admission: TimedAttempts, count: int, address: Callable[[int], str] = lambda n: "192.0.2.1"
) -> list[str]:
    return [admission.tries(f"guess {number}", address(number)) for number in range(count)]


def test_ten_at_once_and_then_one_every_thirty_seconds(admission: TimedAttempts) -> None:
    assert guesses(admission, 10) == ["wrong"] * 10
    assert admission.tries("one more") == "refused 30"
    assert admission.tries("guess 3") == "wrong", "it says nothing new"
    assert admission.tries(RIGHT) == "refused 30"
    admission.now += 12.5
    assert admission.tries(RIGHT) == "refused 18"
    assert admission.looked == 11
    admission.now += 17.5
    assert admission.tries("another") == "wrong"
    assert admission.tries("yet another") == "refused 30"


def test_no_more_is_saved_up_than_the_allowance(admission: TimedAttempts) -> None:
    guesses(admission, 3)
    admission.now += 86400
    results = [admission.tries(f"later {number}") for number in range(12)]
    assert results.count("wrong") == OF_ADDRESS.attempts


def test_the_same_wrong_key_counts_once(admission: TimedAttempts) -> None:
    assert [admission.tries("old key") for _ in range(500)] == ["wrong"] * 500
    assert admission.tries(RIGHT) == "in"
    assert admission.looked == 501


def test_another_address_is_another_s(admission: TimedAttempts) -> None:
    guesses(admission, 11)
    assert admission.tries(RIGHT, "192.0.2.2") == "in"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("", "unix:", False),
    ],
)
def test_an_ipv6_address_counts_as_its_whole_network(
    admission: TimedAttempts, one: str, other: str, same: bool
) -> None:
    guesses(admission, 10, lambda number: one)
    assert admission.tries(RIGHT, other).startswith("refused" if same else "in")


def test_many_addresses_share_the_allowance_of_the_account_they_try(admission: TimedAttempts) -> None:
    for number in range(OF_ACCOUNT.attempts):
        assert admission.tries(f"guess {number}", f"198.51.100.{number}", "main") == "wrong"
    assert admission.tries("more", "203.0.113.1", "main").startswith("refused")
    assert admission.tries(RIGHT, "203.0.113.1", "other") == "in"


def test_a_client_that_had_the_right_key_before_is_admitted_despite_the_guesses_of_others(
    admission: TimedAttempts,
) -> None:
    assert admission.tries(RIGHT, "192.0.2.1", "main") == "in"
    guesses(admission, 20)
    for number in range(OF_ACCOUNT.attempts + 1):
        admission.tries(f"guess {number}", f"198.51.100.{number}", "main")
    assert admission.tries("a guess", "192.0.2.1", "main").startswith("refused")
    assert admission.tries(RIGHT, "192.0.2.1", "main") == "in"


def test_a_key_that_was_right_and_is_withdrawn_is_wrong(admission: TimedAttempts) -> None:
    assert admission.tries(RIGHT) == "in"
    guesses(admission, 10)
    with pytest.raises(TooManyAttempts):
        admission.attempts.check("rest", "192.0.2.1", "", "never right", lambda: None)
    assert admission.attempts.check("rest", "192.0.2.1", "", RIGHT, lambda: None) is None


def test_the_remembered_attempts_are_bounded(admission: TimedAttempts) -> None:
    for number in range(MAX_KEPT + 500):
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        admission.tries("x", address)
        admission.tries(RIGHT, address, f"account {number}")
    kept = admission.attempts
    assert {len(each) for each in (kept._addresses, kept._accounts, kept._right)} <= {MAX_KEPT}


def test_a_flood_is_one_line_in_the_log(admission: TimedAttempts, caplog: pytest.LogCaptureFixture) -> None:
    guesses(admission, 300)
    assert len([line for line in caplog.text.splitlines() if "too many wrong keys" in line]) == 1
    admission.now += 30
    guesses(admission, 300)
    assert admission.attempts.counted["rest", "refused"] > 500
    assert "guess" not in caplog.text


@pytest.mark.parametrize(
    ("connection", "forwarded", "address"),
    [
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "no address", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, ", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"),
        ("10.0.0.1", "2001:db8::7", "2001:db8::7"),
    ],
)
def test_only_a_proxy_of_ours_says_who_asks(connection: str, forwarded: str, address: str) -> None:
    environ = EnvironBuilder(headers={"X-Forwarded-For": forwarded}).get_environ()
    asked = Request(environ | {"REMOTE_ADDR": connection})
    assert client_address(asked, [ip_network("10.0.0.0/8")]) == address
    assert client_address(asked, []) == connection
