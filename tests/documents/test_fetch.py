"""Applications that attack with their answers. Each attack ends in time, in bounded memory, with a reason."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import gevent
import pytest
from requests.cookies import RequestsCookieJar

from orchestrator.documents.fetch import MAX_URL, Fetched, Fetcher, FetchError, Limits
from tests.lab.cost import Turns, at_most
from tests.net.villain import Serve, Villain, answer, says

MB = 1 << 20
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
# Time limits that a busy machine keeps: what is asked is that there is one.
SLACK_SECONDS = 5.0
MEMORY_MB = 8


@pytest.fixture
def villain() -> Iterator[Callable[..., Villain]]:
    made: list[Villain] = []

    def make(serve: Serve, **more: bool) -> Villain:
        made.append(Villain(serve, **more))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def fetcher(tmp_path: Path) -> Iterator[Fetcher]:
    fetcher = Fetcher(Limits(timeout=10.0), directory=tmp_path)
    yield fetcher
    fetcher.close()


def get(fetcher: Fetcher, url: str, limits: Limits | None = None) -> Fetched:
    return fetcher.fetch(url, "GET", (), RequestsCookieJar(), limits)


def problem(fetcher: Fetcher, url: str, limits: Limits | None = None) -> str:
    began = time.monotonic()
    with at_most(MEMORY_MB), pytest.raises(FetchError) as found:
        get(fetcher, url, limits)
    assert time.monotonic() - began < (limits or fetcher.limits).timeout + SLACK_SECONDS
    return found.value.problem


def bomb(layers: int = 1) -> bytes:
    """A hundred megabytes in a hundred kilobytes, or two."""
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(bytes(MB)) for _ in range(100)) + packer.flush()
    for _ in range(layers - 1):
        packed = gzip.compress(packed)
    return packed


ENDLESS: dict[str, tuple[Serve, str]] = {
    "a gigabyte that is announced": (says(HEAD + b"Content-Length: 1073741824\r\n\r\n"), "more than"),
    "a gigabyte that is not": (says(HEAD + b"\r\n", then=b"x"), "more than"),
    "a length of ten thousand digits": (
        says(HEAD + b"Content-Length: " + b"9" * 10000 + b"\r\n\r\n"),
        "Content-Length overflow",
    ),
    "less than was announced": (says(HEAD + b"Content-Length: 100\r\n\r\n<Respo"), "closed within the body"),
    "a body in drips": (says(HEAD + b"\r\n", then=b"x", every=0.05), "no complete answer within 1 s"),
    "a head in drips": (says(HEAD, then=b"x", every=0.05), "no complete answer within 1 s"),
    "a header line without an end": (says(HEAD + b"X-Long: ", then=b"x"), "does not end"),
    "headers without an end": (says(HEAD, then=b"X-Again: and again\r\n"), "does not end"),
    "long headers": (says(HEAD, then=b"X-Again: " + b"x" * 60000 + b"\r\n"), "does not end"),
    "continues without an end": (says(then=b"HTTP/1.1 100 Continue\r\n\r\n"), "does not end"),
    "chunks without an end": (says(CHUNKED, then=b"4000\r\n" + b"x" * 0x4000 + b"\r\n"), "more than"),
    "chunks of a byte": (says(CHUNKED, then=b"1\r\nx\r\n"), ""),
    "a chunk's size without an end": (says(CHUNKED, then=b"0"), ""),
    "a chunk's extensions without an end": (says(CHUNKED, b"1;", then=b"a=b;"), ""),
    "a chunk of a negative size": (says(CHUNKED + b"-5\r\nx\r\n"), ""),
    "trailers without an end": (says(CHUNKED + b"1\r\nx\r\n0\r\n", then=b"X-Again: and again\r\n"), ""),
    "a gzip bomb": (says(answer(bomb(), "Content-Encoding: gzip")), "more than 1048576 bytes"),
    "a bomb in a bomb": (says(answer(bomb(2), "Content-Encoding: gzip, gzip")), "not asked for"),
    "a coding of its own": (says(answer(b"x", "Content-Encoding: br")), "not asked for"),
    "no gzip": (says(answer(b"<Response/>", "Content-Encoding: gzip")), "which it is not"),
    "half a gzip": (says(answer(gzip.compress(b"<Response/>")[:-9], "Content-Encoding: gzip")), "to its end"),
    "no answer": (says(b"HTTP/1.1 200", then=b" ", every=60), "no complete answer"),
    "no HTTP": (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "SSH-2.0-OpenSSH"),
    "nothing": (says(), "closed without an answer"),
    "a status without words for a page": (
        says(b"HTTP/1.1 500 " + b"x" * 60000 + b"\r\n\r\n"),
        "answered 500",
    ),
}


@pytest.mark.parametrize("attack", ENDLESS)
def test_an_answer_that_attacks_is_no_answer(
    villain: Callable[..., Villain], fetcher: Fetcher, attack: str
) -> None:
    serve, said = ENDLESS[attack]
    # Only what comes too slowly may end by the time limit.
    limits = Limits(timeout=1.0 if "no complete" in said else 30.0)
    found = problem(fetcher, villain(serve).url(), limits)
    assert said in found
    assert len(found) < 300


@pytest.mark.parametrize(
    "attack", ["continues without an end", "trailers without an end", "chunks of a byte", "long headers"]
)
def test_a_server_that_never_makes_us_wait_stops_nobody_else(
    villain: Callable[..., Villain], fetcher: Fetcher, attack: str
) -> None:
    """Symptom: one answer stopped every call, and no time limit struck. Cause: a greenlet that always finds
    something to read never gives way, and http.client reads 1xx answers, chunks and trailers for ever. Fix:
    what is read of an answer is counted, and reading gives way every few milliseconds."""
    serve, _ = ENDLESS[attack]
    asking = gevent.spawn(get, fetcher, villain(serve).url(), Limits(1.0, 20 * MB))
    turns = Turns(0.002)
    turns.wait_while(lambda: not asking.ready())
    assert isinstance(asking.exception, FetchError)
    assert turns.longest < 0.2


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_body_of_a_redirect_is_not_read(
    villain: Callable[..., Villain], fetcher: Fetcher, status: str, packed: bool
) -> None:
    """Symptom: a redirect with a body of a gigabyte took a gigabyte. Cause: requests' Session reads it to its
    end, and unpacks it, even where redirects are not followed. Fix: no Session."""
    target = villain(says(answer(b"<Response/>"))).url()
    coding = "Content-Encoding: gzip\r\n" if packed else ""
    head = f"HTTP/1.1 {status}\r\nLocation: {target}\r\n{coding}Content-Length: 1073741824\r\n\r\n".encode()
    mover = villain(says(head, bomb() if packed else b"", then=b"x"))
    with at_most(MEMORY_MB):
        assert get(fetcher, mover.url()).body == b"<Response/>"


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "gopher://127.0.0.1:6379/_x",
        "data:text/xml,<Response/>",
        "FILE:/etc/passwd",
        "javascript:1",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "http://" + "a" * 300 + "/",
        "http://a..b/",
        "http://127.0.0.1:0/",
    ],
)
def test_a_redirect_to_anything_but_the_web_is_refused(
    villain: Callable[..., Villain], fetcher: Fetcher, location: str
) -> None:
    mover = villain(says(answer(b"", f"Location: {location}", status="302 Found")))
    assert problem(fetcher, mover.url())
    assert problem(fetcher, location)
    assert mover.connections == 1


def test_redirects_in_circles_end(villain: Callable[..., Villain], fetcher: Fetcher) -> None:
    mover = villain(says(answer(b"", "Location: /again", status="302 Found")))
    assert problem(fetcher, mover.url()) == "more than 3 redirects"
    assert len(mover.heads) == 4


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\t", "\0", "%0d%0a"])
def test_no_break_in_a_url_makes_a_header(
    villain: Callable[..., Villain], fetcher: Fetcher, break_: str
) -> None:
    server = villain(says(answer(b"<Response/>")))
    evil = server.url(f"/a{break_}X-Evil:{break_}1")
    if break_ == "%0d%0a":
        get(fetcher, evil)
    else:
        assert problem(fetcher, evil) == "a URL with a control character"
    mover = villain(says(answer(b"", f"Location: {evil}", status="302 Found")))
    with suppress(FetchError):
        get(fetcher, mover.url())
    assert not any(b"\r\nx-evil" in head.lower() for head in server.heads)


def test_a_url_of_a_megabyte_is_refused_and_not_repeated(
    villain: Callable[..., Villain], fetcher: Fetcher
) -> None:
    server = villain(says(answer()))
    with pytest.raises(FetchError) as found:
        get(fetcher, server.url("/" + "a" * MB))
    assert f"{MAX_URL} are the most" in found.value.problem
    assert len(str(found.value)) < 500
    mover = villain(says(answer(b"", f"Location: {server.url('/' + 'a' * 60000)}", status="302 Found")))
    assert "are the most" in problem(fetcher, mover.url())
    assert not server.connections


def test_user_and_password_of_a_url_stay_with_its_host_and_out_of_errors(
    villain: Callable[..., Villain], fetcher: Fetcher
) -> None:
    """Symptom: the password of an application's URL stood in the log. Cause: a failed fetch names its URL.
    Fix: it names it without user and password."""
    other = villain(says(answer(b"", status="500 -")))
    mover = villain(says(answer(b"", f"Location: {other.url()}", status="302 Found")))
    with pytest.raises(FetchError) as found:
        get(fetcher, mover.url().replace("//", "//ann:secret@"))
    assert b"authorization: basic" in mover.heads[0].lower()
    assert b"authorization" not in other.heads[0].lower()
    assert "secret" not in f"{found.value} {found.value.url}"


def test_cookies_of_megabytes_are_not_kept(villain: Callable[..., Villain], fetcher: Fetcher) -> None:
    """Symptom: a call took as much memory as its application sent cookies, and sent them all back. Cause: a
    jar without a bottom. Fix: the first fifty, up to eight kilobytes."""
    jar = RequestsCookieJar()
    number = 0

    def serve(client: object, head: bytes) -> None:
        nonlocal number
        number += 1
        many = [f"Set-Cookie: c{number}-{each}={'x' * 1000}" for each in range(60)]
        client.sendall(answer(b"<Response/>", "Set-Cookie: own=1", *many))  # type: ignore[attr-defined]

    server = villain(serve)
    with at_most(MEMORY_MB):
        for _ in range(20):
            fetcher.fetch(server.url(), "GET", (), jar)
    assert jar["own"] == "1"
    assert max(len(head) for head in server.heads) < 12000


def test_a_hundred_answers_too_long_for_a_document_take_no_memory(
    villain: Callable[..., Villain], fetcher: Fetcher, tmp_path: Path
) -> None:
    """Symptom: a hundred callers who fetched their music at once took two gigabytes. Cause: bodies were kept
    in memory. Fix: what is longer than any document goes into a file without a name."""
    song = villain(says(HEAD + b"Content-Length: 10485760\r\n\r\n", then=b"RIFF", times=160))
    # Two megabytes for each: the start that is kept, and its copy. All of it would be twenty.
    with at_most(8 * 4):
        asking = [gevent.spawn(get, fetcher, song.url(), Limits(60, 20 * MB)) for _ in range(8)]
        songs = [one.get() for one in asking]
    assert {song.size for song in songs} == {10 * MB}
    assert all(song.body.startswith(b"RIFF") and len(song.body) < 2 * MB for song in songs)
    assert not list(tmp_path.iterdir())


def test_bytes_beyond_an_answer_s_length_are_no_answer_to_the_next_request(
    villain: Callable[..., Villain], fetcher: Fetcher
) -> None:
    evil = answer(b"<Response><Say>smuggled</Say></Response>")
    server = villain(says(answer(b"<Response/>") + evil), keeps=True)
    for _ in range(3):
        assert get(fetcher, server.url()).body == b"<Response/>"


def test_a_packed_answer_is_unpacked_although_none_was_asked_for(
    villain: Callable[..., Villain], fetcher: Fetcher
) -> None:
    server = villain(says(answer(gzip.compress(b"<Response/>" * 9000), "Content-Encoding: gzip")))
    assert get(fetcher, server.url()).body == b"<Response/>" * 9000
    assert b"Accept-Encoding: identity" in server.heads[0]


def test_each_request_is_counted_with_its_outcome_and_its_time(
    villain: Callable[..., Villain], fetcher: Fetcher
) -> None:
    before = fetcher.counters.seconds.sum
    silent = villain(lambda client, head: gevent.sleep(60)).url()  # type: ignore[arg-type]
    get(fetcher, villain(says(answer(b"<Response/>"))).url())
    for url in (
        villain(says(answer(b"", status="500 No"))).url(),
        villain(says(answer(b"no gzip", "Content-Encoding: gzip"))).url(),
        "ftp://127.0.0.1/",
        "http://127.0.0.1:1/",
        villain(says(b"no HTTP")).url(),
    ):
        with pytest.raises(FetchError):
            get(fetcher, url)
    with pytest.raises(FetchError):
        get(fetcher, silent, Limits(0.1))
    asking = gevent.spawn(get, fetcher, silent)
    gevent.sleep(0.05)
    asking.kill()
    outcomes = {"ok": 1, "status": 1, "body": 1, "url": 1, "transport": 2, "timeout": 1, "abandoned": 1}
    assert dict(fetcher.counters.outcomes) == outcomes
    assert fetcher.counters.seconds.count == 8
    assert 0.1 < fetcher.counters.seconds.sum - before < 5
