"""URLs in logs and errors: with what helps, and without what may be secret."""

from __future__ import annotations

import pytest

from orchestrator.net.logged_url import for_log, shown

# As it is written, as errors have it, and as logs of each request have it.
URLS = [
    ("http://h/voice", "http://h/voice", "http://h/voice"),
    ("http://h/voice?a=1#b", "http://h/voice?a=1#b", "http://h/voice"),
    ("http://ann:secret@h:8080/voice?a=1", "http://h:8080/voice?a=1", "http://h:8080/voice"),
    ("http://ann:sec@ret@h/", "http://h/", "http://h/"),
    ("http://ann@h/a@b?c@d", "http://h/a@b?c@d", "http://h/a@b"),
    ("http://ann:secret@[::1/voice", "[::1/voice", "unreadable"),
    ("http://[::1/voice", "http://[::1/voice", "unreadable"),
    ("", "", "://"),
]


@pytest.mark.parametrize(("written", "in_errors", "in_logs"), URLS)
def test_user_and_password_are_in_neither(written: str, in_errors: str, in_logs: str) -> None:
    assert (shown(written), for_log(written)) == (in_errors, in_logs)
    assert "sec" not in shown(written) + for_log(written)


@pytest.mark.parametrize("length", [199, 200, 201, 10_000])
def test_an_error_has_two_hundred_characters_of_it(length: int) -> None:
    url = "http://h/".ljust(length, "a")
    assert shown(url) == (url if length <= 200 else f"{url[:200]}…")
