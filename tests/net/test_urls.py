"""Requests have the URL as it was written, byte by byte, for documents, audio and callbacks alike.

Symptom: a query with `%20`, `%e9`, a flag or a signed token came out as another, and its signature was wrong.
Cause: the query was decoded and encoded again, once by us and twice by the libraries. Fix: net/urls.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.cookies import RequestsCookieJar

from orchestrator.callbacks.retry import DeliverySettings
from orchestrator.callbacks.sender import Prepared, Sender
from orchestrator.documents.fetch import Fetcher, Limits
from orchestrator.net.connector import Connector
from orchestrator.net.http import HttpClient
from orchestrator.net.urls import Unrequestable, location, path_of, resolve, target, with_fields
from orchestrator.store.message import Queued
from tests.net.villain import Villain, answer, says

WRITTEN = [
    "/a?b=c%20d",
    "/a?b=c+d",
    "/a?name=caf%E9",
    "/a?name=caf%e9&x=%C3%A9",
    "/a?flag",
    "/a?flag&other",
    "/a?a=b=c",
    "/a?a=1;b=2",
    "/a?a=&b=",
    "/a?=a",
    "/a?a=1&a=2&a=1",
    "/a?&&a=1&",
    "/a?",
    "/a?token=eyJhbGciOi.J9~x_-.sig%2Bsig%2F%3D%3D&exp=1",
    "/a?X-Amz-Signature=0aF&X-Amz-Date=20260101T000000Z&X-Amz-Credential=A%2F20260101%2Feu%2Fs3",
    "/a?u=http://h/x?y=z",
    "/a?q=[1]&r[]=2&p=(3)*'!$,:@/?",
    "/a?percent=100%&zz=%zz",
    "/a%2Fb/%7euser/c;v=1/d%20e?x=%7E~",
    "/a/./b/../c//d?x=/../y",
    "/%e9",
    "/a?sha=%aB%Cd",
    "?a=b",
    "",
]
FIELDS = (("Name", "a b&c"), ("From", "+1"))
ENCODED = "Name=a+b%26c&From=%2B1"


@pytest.fixture
def server() -> Iterator[Callable[..., Villain]]:
    made: list[Villain] = []

    def make(*pieces: bytes) -> Villain:
        made.append(Villain(says(*(pieces or (answer(b"<Response/>"),)))))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    fetcher = Fetcher(Limits(timeout=10.0))
    yield fetcher
    fetcher.close()


def requested(villain: Villain) -> str:
    """The target of the last request line."""
    return villain.heads[-1].split(b"\r\n")[0].decode("latin-1").split(" ", 1)[1].removesuffix(" HTTP/1.1")


def expected(written: str) -> str:
    return written if written.startswith("/") else f"/{written}"


def with_ours(written: str) -> str:
    path = expected(written)
    if "?" not in path:
        return f"{path}?{ENCODED}"
    return path + ENCODED if path.endswith(("?", "&")) else f"{path}&{ENCODED}"


@pytest.mark.parametrize("written", WRITTEN)
def test_a_document_is_asked_for_as_written_with_our_fields_behind(
    server: Callable[..., Villain], fetcher: Fetcher, written: str
) -> None:
    villain = server()
    fetched = fetcher.fetch(villain.url(written), "GET", FIELDS, RequestsCookieJar())
    assert requested(villain) == with_ours(written)
    # A relative part is so to the URL as written, else our fields would come twice.
    assert fetched.url == villain.url(written)
    fetcher.fetch(villain.url(written), "POST", FIELDS, RequestsCookieJar())
    assert requested(villain) == expected(written)


@pytest.mark.parametrize("written", WRITTEN)
def test_audio_is_asked_for_as_written(
    server: Callable[..., Villain], fetcher: Fetcher, written: str
) -> None:
    villain = server()
    fetcher.fetch(villain.url(written), "GET", (), RequestsCookieJar())
    assert requested(villain) == expected(written)


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_callback_goes_where_it_was_written_with_our_fields_behind(
    server: Callable[..., Villain], written: str, method: str
) -> None:
    villain = server()
    client = HttpClient(Connector(), 1, 1)
    message = Queued(
        1, "q", villain.url(written), "GET" if method == "GET" else "POST", ENCODED.encode(), "a", "e", 0, 0
    )
    sender = Sender(lambda account: None, DeliverySettings())
    assert sender.send(Prepared(message), client).verdict == "delivered"
    client.close()
    assert requested(villain) == (with_ours(written) if method == "GET" else expected(written))
    assert b":path" not in villain.heads[-1].lower()


@pytest.mark.parametrize("written", [one for one in WRITTEN if one.startswith("/a?")])
def test_a_redirect_leads_where_it_was_written(
    server: Callable[..., Villain], fetcher: Fetcher, written: str
) -> None:
    there = server()
    here = server(answer(b"", f"Location: {there.url(written)}", status="302 Found"))
    fetched = fetcher.fetch(here.url("/first?x=%e9"), "GET", FIELDS, RequestsCookieJar())
    assert requested(there) == written
    assert fetched.url == there.url(written)


def test_the_bytes_of_a_redirect_stay_those_bytes(server: Callable[..., Villain], fetcher: Fetcher) -> None:
    there = server()
    latin = (
        b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
        + there.url("/caf").encode()
        + b"\xe9\r\n\r\n"
    )
    fetcher.fetch(server(latin).url(), "GET", (), RequestsCookieJar())
    assert requested(there) == "/caf%E9"


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("http://h/a b?c d", "/a%20b?c%20d"),
        ("http://h/é?é=ü", "/%C3%A9?%C3%A9=%C3%BC"),
        ('http://h/a?"<>\\^`{|}', "/a?%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ("http://h/a?x#y?z", "/a?x"),
        (" http://h/a ", "/a"),
        ("http://u:p@h:8080/a?b", "/a?b"),
        ("http://good\\@evil/a", "/%5C@evil/a"),
    ],
)
def test_only_characters_that_no_url_has_are_percent_encoded(written: str, path: str) -> None:
    assert path_of(written) == path
    assert target(written.replace("\\@", "")).url.isascii()


@pytest.mark.parametrize(
    "written",
    [
        *(
            "ftp://h/a",
            "ws://h/",
            "mailto:a@h",
            "file:///a",
            "javascript:1",
            "tel:+1",
            "://h/",
            "//h/a",
            "h/a",
        ),
        *("/a", "", " ", "http:", "http://", "http:///a", "https://?a", "http://:80/", "http://h:port/"),
        *("http://h:99999/", "http://[::1/", "http://a b/"),
    ],
)
def test_a_server_of_another_protocol_is_never_tried(written: str) -> None:
    with pytest.raises(Unrequestable):
        target(written)


@pytest.mark.parametrize(
    ("written", "origin", "authorization"),
    [
        ("http://h/a", "http://h", ""),
        ("HTTPS://Host.Example:8443/A", "https://host.example:8443", ""),
        ("http://[2001:DB8::1]:80/", "http://[2001:db8::1]:80", ""),
        ("http://ann:pw@h/a", "http://h", "Basic YW5uOnB3"),
        ("http://ann@h/a", "http://h", ""),
        ("http://münchen.example/", "http://xn--mnchen-3ya.example", ""),
    ],
)
def test_connections_are_kept_for_scheme_host_and_port(written: str, origin: str, authorization: str) -> None:
    made = target(written)
    assert made.origin.lower() == origin
    assert {name.lower(): value for name, value in made.headers.items()} == (
        {"authorization": authorization} if authorization else {}
    )


def test_a_document_is_relative_to_itself_and_an_absolute_address_stays_as_written() -> None:
    base = "http://h/dir/voice?x=%e9"
    assert resolve(base, "") == base
    assert resolve(base, "?y=%e9;&") == "http://h/dir/voice?y=%e9;&"
    assert resolve(base, "next?a=b+c") == "http://h/dir/next?a=b+c"
    assert resolve(base, "//other/x?") in ("http://other/x?", "http://other/x")
    for written in WRITTEN:
        assert resolve(base, f"HTTPS://Host{written}") == f"HTTPS://Host{written}"
        assert location(base, f"https://h{written}") == f"https://h{written}"


PCHAR = st.text("abcXYZ019-._~%!$'()*+,;=:@/?[]&", max_size=30)


@given(PCHAR, st.lists(st.tuples(st.text(min_size=1, max_size=5), st.text(max_size=5)), max_size=3))
def test_the_query_of_a_url_stays_and_our_fields_follow(query: str, fields: list[tuple[str, str]]) -> None:
    encoded = "&".join(f"k{index}=v" for index, _ in enumerate(fields))
    url = with_fields(f"http://h/p?{query}", encoded)
    assert url.startswith(f"http://h/p?{query}")
    assert path_of(url) == url.removeprefix("http://h")
    assert url.endswith(encoded)


@pytest.mark.parametrize("written", ["//[", "//[::1", "//a]b/"])
def test_a_url_that_cannot_be_resolved_stays_as_it_was_written(written: str) -> None:
    """Its requester says that it is no URL."""
    assert resolve("http://example.com/a", written) == written
