"""The HTTP client itself: what it writes, which answers it understands, and which connections it keeps."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from orchestrator.net.addresses import AddressPolicy
from orchestrator.net.connector import Connector
from orchestrator.net.errors import AddressRefused, TooMuch
from orchestrator.net.http import HttpClient
from orchestrator.net.http_messages import BadAnswer, Request, Response, StaleConnection
from tests.net.villain import Serve, Villain
from tests.web.site import wait_until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def says(data: bytes) -> Serve:
    return lambda client, head: client.sendall(data)


@pytest.fixture
def serve() -> Iterator[Callable[..., Villain]]:
    made: list[Villain] = []

    def make(data: bytes | Serve = OK, keeps: bool = True) -> Villain:
        made.append(Villain(data if callable(data) else says(data), keeps=keeps))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def client() -> Iterator[HttpClient]:
    client = HttpClient(Connector(), places=2, per_place=2)
    yield client
    client.close()


def request(server: Villain, method: str = "POST", **more: Any) -> Request:
    return Request(method, server.url("").rstrip("/"), "/a?b=%e9", {"X-One": "1"}, **more)


def test_a_request_is_one_packet_as_it_was_written(serve: Callable[..., Villain], client: HttpClient) -> None:
    packets: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer() -> None:
            near, _ = listener.accept()
            packets.append(near.recv(65536))
            near.sendall(OK)

        gevent.spawn(answer)
        to = f"http://127.0.0.1:{port}"
        assert client.send(Request("POST", to, "/a?b=%e9", {"X-One": "1"}, b"From=1")).read(10) == b"ok"
    assert packets == [
        b"POST /a?b=%%e9 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-One: 1\r\nContent-Length: 6\r\n\r\nFrom=1" % port
    ]


@pytest.mark.parametrize("value", ["1\r\nX-Two: 2", "1\nX-Two: 2", "1\rX"])
def test_nothing_that_is_given_becomes_another_header(
    serve: Callable[..., Villain], client: HttpClient, value: str
) -> None:
    server = serve()
    with pytest.raises(ValueError, match="a line's end"):
        client.send(request(server)._replace(headers={"X-One": value}))
    assert not server.heads


ANSWERS: dict[str, tuple[bytes, int, bytes]] = {
    "a length": (OK, 200, b"ok"),
    "chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\nT: 1\r\n\r\n",
        200,
        b"ok",
    ),
    "lines that end with LF alone": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200, b"ok"),
    "continues before": (
        b"HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + OK,
        200,
        b"ok",
    ),
    "no body": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "a status of its own": (b"HTTP/1.1 799 Hm\r\nContent-Length: 2\r\n\r\nok", 799, b"ok"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_that_has_an_end_leaves_its_connection_to_the_next(
    serve: Callable[..., Villain], client: HttpClient, case: str
) -> None:
    data, status, body = ANSWERS[case]
    server = serve(data)
    for _ in range(3):
        with client.send(request(server)) as answer:
            assert (answer.status, answer.read(100)) == (status, body)
    assert (server.connections, len(server.heads)) == (1, 3)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmore",
        OK + b"and more",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
    ids=["close", "1.0", "a second answer", "more than its length", "another protocol"],
)
def test_other_connections_are_not_used_again(
    serve: Callable[..., Villain], client: HttpClient, data: bytes
) -> None:
    server = serve(data)
    for _ in range(2):
        with client.send(request(server)) as answer:
            assert answer.read(100) in (b"ok", b"")
        wait_until(lambda: server.closed_by_client == server.connections, "it is closed at once")
    assert server.connections == 2


def test_an_answer_ends_with_its_connection_where_it_says_no_length(
    serve: Callable[..., Villain], client: HttpClient
) -> None:
    def answer_and_wait(near: Any, head: bytes) -> None:
        near.sendall(b"HTTP/1.1 200 OK\r\n\r\nok")
        near.shutdown(socket.SHUT_WR)

    server = serve(answer_and_wait)
    with client.send(request(server)) as answer:
        assert answer.read(100) == b"ok"
    wait_until(lambda: server.closed_by_client == 1, "our side is closed at once, too")


@pytest.mark.parametrize("read", [0, 1])
def test_an_answer_that_is_not_read_to_its_end_costs_its_connection(
    serve: Callable[..., Villain], client: HttpClient, read: int
) -> None:
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300000)
    for count in (1, 2):
        with client.send(request(server)) as answer:
            if read:
                assert answer.read(read)[:1] == b"x"
        assert server.connections == count


@pytest.mark.parametrize(
    ("data", "says_"),
    [
        (b"", "closed without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "closed within its head"),
        (b"SIP/2.0 200 OK\r\n\r\n", "begins with 'SIP/2.0 200 OK"),
    ],
)
def test_no_answer_says_what_came(
    serve: Callable[..., Villain], client: HttpClient, data: bytes, says_: str
) -> None:
    with pytest.raises(BadAnswer, match=says_):
        client.send(request(serve(data, keeps=False)))


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnoise",
        b"HTTP/1.1 200 OK\r\nContent-Length: much\r\n\r\nok",
    ],
)
def test_a_body_that_is_broken_is_none_and_its_status_counts(
    serve: Callable[..., Villain], client: HttpClient, data: bytes
) -> None:
    with client.send(request(serve(data, keeps=False))) as answer:
        assert answer.status == 200
        with pytest.raises(BadAnswer):
            answer.read(100)


def test_a_body_may_be_as_long_as_is_allowed(serve: Callable[..., Villain], client: HttpClient) -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3000000
    with client.send(request(serve(data))) as answer, pytest.raises(TooMuch):
        answer.read(3000000)
    with client.send(request(serve(data))) as answer:
        answer.allow(3000000)
        assert len(answer.read(3000000)) == 3000000


RESET = struct.pack("ii", 1, 0)
BROKEN: dict[str, tuple[bytes | None, bool]] = {
    "closed": (None, False),
    "reset": (None, True),
    "reset while the request is sent": (b"x" * 20_000_000, True),
}


@pytest.mark.parametrize("has_served", [False, True], ids=["new", "kept"])
@pytest.mark.parametrize("case", BROKEN)
def test_only_a_connection_that_has_served_is_stale(
    serve: Callable[..., Villain], client: HttpClient, case: str, has_served: bool
) -> None:
    """A new one that fails is a failed attempt; were it sent again at once, it would be for ever."""
    body, is_reset = BROKEN[case]

    def breaks(near: Any, head: bytes) -> None:
        if has_served and len(server.heads) == 1:
            near.sendall(OK)
            return
        if is_reset:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        near.close()

    server = serve(breaks)
    if has_served:
        assert client.send(request(server)).read(10) == b"ok"
    with pytest.raises((OSError, BadAnswer)) as found:
        client.send(request(server, body=body), 10)
    assert isinstance(found.value, StaleConnection) is has_served
    assert server.connections == 1


def test_settings_that_were_reloaded_hold_for_kept_connections(serve: Callable[..., Villain]) -> None:
    server, connector = serve(), Connector()
    client = HttpClient(connector, 1, 1)
    assert client.send(request(server)).read(10) == b"ok"
    connector.policy = AddressPolicy()
    assert client.send(request(server)).read(10) == b"ok"
    assert server.connections == 1, "the same settings once more"
    connector.policy = AddressPolicy(private=False)
    with pytest.raises(AddressRefused, match="is not dialled"):
        client.send(request(server))
    wait_until(lambda: server.closed_by_client == 1, "it is closed")


def test_two_at_once_have_a_connection_each_and_so_many_are_kept(
    serve: Callable[..., Villain], client: HttpClient
) -> None:
    server = serve()
    answers: list[Response] = [client.send(request(server)) for _ in range(3)]
    assert [answer.read(10) for answer in answers] == [b"ok"] * 3
    assert server.connections == 3
    for answer in answers:
        answer.close()
    answers = [client.send(request(server)) for _ in range(3)]
    assert [answer.read(10) for answer in answers] == [b"ok"] * 3
    assert server.connections == 4, "two are kept of a place"
    wait_until(lambda: server.closed_by_client == 2, "those beyond are closed")


def test_of_places_that_are_too_many_the_oldest_is_closed(
    serve: Callable[..., Villain], client: HttpClient
) -> None:
    servers = [serve() for _ in range(3)]
    for server in (*servers, servers[0]):
        assert client.send(request(server)).read(10) == b"ok"
    assert [server.connections for server in servers] == [2, 1, 1]
    wait_until(lambda: [server.closed_by_client for server in servers] == [1, 1, 0], "the oldest is closed")
    client.close()
    wait_until(lambda: [server.closed_by_client for server in servers] == [2, 1, 1], "all are closed")


def test_a_greenlet_that_is_killed_leaves_no_half_read_connection(
    serve: Callable[..., Villain], client: HttpClient
) -> None:
    server = serve(lambda near, head: gevent.sleep(60))
    waiting = gevent.spawn(client.send, request(server))
    gevent.sleep(0.1)
    waiting.kill()
    assert not client._places[server.url("").rstrip("/"), True]._kept


def test_a_request_that_the_kernel_does_not_take_at_once_is_sent_whole(client: HttpClient) -> None:
    body = bytes(range(256)) * 40_000
    came = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            near, _ = listener.accept()
            gevent.sleep(0.02)
            while not came.endswith(b"the end"):
                came.extend(near.recv(1 << 20))
            near.sendall(OK)
            near.close()

        answering = gevent.spawn(answer)
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        response = client.send(Request("POST", origin, "/", {}, body + b"the end"), timeout=10)
        assert response.read(10) == b"ok"
        answering.get(timeout=10)
    assert bytes(came).partition(b"\r\n\r\n")[2] == body + b"the end"


def test_an_answer_that_was_closed_is_not_read_on_and_may_be_closed_again(
    serve: Callable[..., Villain], client: HttpClient
) -> None:
    response = client.send(request(serve(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")))
    for _ in range(2):
        response.close()
    with pytest.raises(BadAnswer, match="the connection was closed"):
        response.read(5)
