"""A receiver of callbacks on a raw socket: it can be as nasty as a test wants."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import gevent
from gevent.server import StreamServer


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def fields(self) -> dict[str, str]:
        form = self.body.decode() if self.method == "POST" else urlsplit(self.target).query
        return dict(parse_qsl(form, keep_blank_values=True))

    @property
    def sequence(self) -> int:
        return int(self.fields["SequenceNumber"])


Behaviour = Callable[[Request, socket.socket], bool]
"""Answers on the socket; True keeps the connection."""


def answers(*statuses: int, headers: str = "", body: bytes = b"") -> Behaviour:
    """One status after the other; the last holds from then on."""
    left = list(statuses)

    def behave(request: Request, client: socket.socket) -> bool:
        status = left.pop(0) if len(left) > 1 else left[0]
        head = f"HTTP/1.1 {status} Whatever\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        return True

    return behave


def resets(request: Request, client: socket.socket) -> bool:
    """A TCP reset instead of an answer."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def hangs(request: Request, client: socket.socket) -> bool:
    """No answer at all, until the other side stops waiting."""
    while client.recv(65536):
        pass
    return False


def drips(data: bytes, every: float) -> Behaviour:
    """`data` at once and then one byte after the other, for ever."""

    def behave(request: Request, client: socket.socket) -> bool:
        client.sendall(data)
        while True:
            gevent.sleep(every)
            client.sendall(b"x")

    return behave


class Receiver:
    """`requests` is everything received so far, `behaviour` what to answer by path; "" is for all others."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.behaviour: dict[str, Behaviour] = {"": answers(200)}
        self.connections = 0
        address = ("127.0.0.1", 0)
        self._server = (
            StreamServer(address, self._serve, ssl_context=tls) if tls else StreamServer(address, self._serve)
        )
        self._scheme = "https" if tls else "http"
        self._server.start()
        self.port = int(self._server.address[1])

    def url(self, path: str = "/callbacks") -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}{path}"

    def behave(self, behaviour: Behaviour, path: str = "") -> None:
        self.behaviour[path] = behaviour

    def on(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    def stop(self) -> None:
        self._server.stop(timeout=0)

    def _serve(self, client: socket.socket, _: object) -> None:
        self.connections += 1
        try:
            for request in _requests(client):
                self.requests.append(request)
                behave = self.behaviour.get(request.path, self.behaviour[""])
                if not behave(request, client):
                    return
        except OSError:
            return  # the sender hung up, as several tests want it to
        finally:
            client.close()


def _requests(client: socket.socket) -> Iterator[Request]:
    buffer = b""
    while True:
        while b"\r\n\r\n" not in buffer:
            data = client.recv(65536)
            if not data:
                return
            buffer += data
        head, _, buffer = buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _version = first.split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(buffer) < length:
            data = client.recv(65536)
            if not data:
                return  # the sender was killed between head and body
            buffer += data
        body, buffer = buffer[:length], buffer[length:]
        yield Request(method, target, headers, body)
