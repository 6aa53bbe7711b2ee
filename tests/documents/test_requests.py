"""A request for a document, as the application's server sees it, and the bounds of its answer."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from requests.cookies import RequestsCookieJar

from orchestrator.documents.fetch import MAX_URL, Fetched, Fetcher, FetchError, Limits
from tests.net.villain import Serve, Villain, answer, says
from tests.web.site import wait_until

FIELDS = (("From", "+1"), ("Name", "é b"))
ENCODED = "From=%2B1&Name=%C3%A9+b"
OK = answer(b"<Response/>")


@pytest.fixture
def serve() -> Iterator[Callable[..., Villain]]:
    made: list[Villain] = []

    def make(what: bytes | Serve = OK) -> Villain:
        made.append(Villain(what if callable(what) else says(what), keeps=True))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def fetcher(tmp_path: Path) -> Iterator[Fetcher]:
    fetcher = Fetcher(Limits(timeout=10.0), directory=tmp_path)
    yield fetcher
    fetcher.close()


def ask(fetcher: Fetcher, url: str, method: str = "POST", limits: Limits | None = None) -> Fetched:
    return fetcher.fetch(url, method, FIELDS, RequestsCookieJar(), limits)


def request_of(head: bytes) -> tuple[str, dict[str, str]]:
    """The request line, and the headers, in small letters."""
    line, *lines = head.decode().partition("\r\n\r\n")[0].split("\r\n")
    pairs = (one.partition(": ") for one in lines)
    return line.removesuffix(" HTTP/1.1"), {name.lower(): value for name, _, value in pairs}


@pytest.mark.parametrize(
    ("method", "line", "more"),
    [
        ("GET", f"GET /voice?a=1&{ENCODED}", {}),
        (
            "POST",
            "POST /voice?a=1",
            {
                "content-type": "application/x-www-form-urlencoded",
                "content-length": str(len(ENCODED)),
            },
        ),
    ],
)
def test_a_request_has_these_headers_and_no_others(
    serve: Callable[..., Villain], fetcher: Fetcher, method: str, line: str, more: dict[str, str]
) -> None:
    server = serve()
    ask(fetcher, server.url("/voice?a=1"), method)
    common = {
        "host": f"127.0.0.1:{server.port}",
        "accept": "*/*",
        "accept-encoding": "identity",
        "user-agent": "telnyx-webhooks",
    }
    assert request_of(server.heads[0]) == (line, common | more)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_with_the_method_that_its_status_asks_for(
    serve: Callable[..., Villain], fetcher: Fetcher, status: int, method: str
) -> None:
    server = serve(
        lambda near, head: near.sendall(
            OK if b" /there" in head else answer(b"", "Location: /there?x=1", status=f"{status} -")
        )
    )
    fetched = ask(fetcher, server.url("/voice"), method)
    assert (fetched.url, fetched.body) == (server.url("/there?x=1"), b"<Response/>")
    line, headers = request_of(server.heads[1])
    again = "POST" if method == "POST" and status in (307, 308) else "GET"
    assert line == f"{again} /there?x=1"
    assert ("content-type" in headers, "content-length" in headers) == (again == "POST",) * 2


@pytest.mark.parametrize("status", [300, 304, 305, 306, 399, 400, 404, 500])
def test_other_statuses_lead_nowhere(serve: Callable[..., Villain], fetcher: Fetcher, status: int) -> None:
    server = serve(answer(b"", "Location: /there", status=f"{status} -"))
    with pytest.raises(FetchError, match=f"answered {status}") as found:
        ask(fetcher, server.url())
    assert (found.value.status, found.value.outcome, len(server.heads)) == (status, "status", 1)


@pytest.mark.parametrize("hops", range(5))
def test_so_many_redirects_are_followed(serve: Callable[..., Villain], fetcher: Fetcher, hops: int) -> None:
    moved = answer(b"", "Location: /", status="302 Found")
    server = serve(lambda near, head: near.sendall(moved if len(server.heads) <= hops else OK))
    if hops <= 3:
        assert ask(fetcher, server.url()).status == 200
    else:
        with pytest.raises(FetchError, match="more than 3 redirects"):
            ask(fetcher, server.url())


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "with its length": answer,
    "in chunks": lambda body: (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    ),
    "packed": lambda body: answer(gzip.compress(body), "Content-Encoding: gzip"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("limit", [100, 1000, (1 << 20) + 1])
def test_a_body_is_as_long_as_may_be_and_no_byte_longer(
    serve: Callable[..., Villain], fetcher: Fetcher, limit: int, form: str
) -> None:
    bodies = {size: b"<" * size for size in (limit, limit + 1)}
    limits = Limits(max_bytes=limit)
    fetched = ask(fetcher, serve(FORMS[form](bodies[limit])).url(), limits=limits)
    content = fetched.content
    assert (content if isinstance(content, bytes) else content.seek(0) or content.read()) == bodies[limit]
    assert fetched.size == limit
    with pytest.raises(FetchError, match=f"more than {limit} bytes") as found:
        ask(fetcher, serve(FORMS[form](bodies[limit + 1])).url(), limits=limits)
    assert found.value.outcome == "body"


@pytest.mark.parametrize("character", [*map(chr, range(32)), "\x7f"])
def test_no_control_character_is_requested(
    serve: Callable[..., Villain], fetcher: Fetcher, character: str
) -> None:
    server = serve()
    with pytest.raises(FetchError, match="control character") as found:
        ask(fetcher, server.url(f"/a{character}b"))
    assert (found.value.outcome, server.connections) == ("url", 0)


def test_a_url_is_as_long_as_may_be_and_no_character_longer(
    serve: Callable[..., Villain], fetcher: Fetcher
) -> None:
    server = serve()
    longest = server.url("/").ljust(MAX_URL, "a")
    assert ask(fetcher, longest).url == longest
    with pytest.raises(FetchError, match=f"{MAX_URL + 1} characters"):
        ask(fetcher, longest + "a")


COOKIES = [
    ("Set-Cookie: a=1", "/dir/next", "a=1"),
    ("Set-Cookie: a=1", "/voice", ""),
    ("Set-Cookie: a=1; Path=/", "/voice", "a=1"),
    ("Set-Cookie: a=1; Path=/dir", "/dir/next", "a=1"),
    ("Set-Cookie: a=1; Path=/dir", "/other", ""),
    ("Set-Cookie: a=1; Path=/; Secure", "/voice", ""),
    ("Set-Cookie: a=1; Path=/; Max-Age=0", "/voice", ""),
    ("Set-Cookie: a=1; Path=/; Domain=other.example", "/voice", ""),
    ("Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; Path=/", "/voice", "a=1; b=2"),
]


@pytest.mark.parametrize(("given", "path", "sent"), COOKIES)
def test_a_call_s_cookies_go_where_they_are_meant_for(
    serve: Callable[..., Villain], fetcher: Fetcher, given: str, path: str, sent: str
) -> None:
    server, jar = serve(answer(b"<Response/>", given)), RequestsCookieJar()
    fetcher.fetch(server.url("/dir/first"), "POST", (), jar)
    fetcher.fetch(server.url(path), "POST", (), jar)
    assert request_of(server.heads[1])[1].get("cookie", "") == sent
    fetcher.fetch(server.url(path), "POST", (), RequestsCookieJar())
    assert "cookie" not in request_of(server.heads[2])[1], "another call has its own"


def test_a_template_has_the_url_s_own_query_and_our_fields(
    serve: Callable[..., Villain], fetcher: Fetcher
) -> None:
    server = serve(answer(b"<Response><Say>{{From}}</Say></Response>"))
    asked = ask(fetcher, server.url("/voice?a=1&empty=&odd=%e9&plus=b+c")).asked
    assert asked == (("a", "1"), ("empty", ""), ("odd", "\ufffd"), ("plus", "b c"), *FIELDS)
    assert ask(fetcher, serve().url("/voice?a=1")).asked is None


def test_kept_connections_end_with_the_fetcher(serve: Callable[..., Villain], fetcher: Fetcher) -> None:
    server = serve()
    ask(fetcher, server.url())
    assert server.closed_by_client == 0
    fetcher.close()
    wait_until(lambda: server.closed_by_client == 1, "it is closed")


def test_a_request_that_met_a_stale_connection_is_sent_once_more(
    serve: Callable[..., Villain], fetcher: Fetcher
) -> None:
    """A server may close a kept connection at any time; what else is kept is no fresher."""
    other = serve()

    def closes_before_the_second(near: object, head: bytes) -> None:
        if len(server.heads) == 2:
            near.close()  # type: ignore[attr-defined]
        else:
            near.sendall(OK)  # type: ignore[attr-defined]

    server = serve(closes_before_the_second)
    for _ in range(2):
        ask(fetcher, other.url())
        assert ask(fetcher, server.url()).body == b"<Response/>"
    assert [request_of(head)[0] for head in server.heads] == ["POST /"] * 3
    assert (server.connections, other.connections) == (2, 1)
    wait_until(lambda: other.closed_by_client == 1, "the other kept connection is closed, too")
