"""HTTP/1.1 over connections to checked addresses, which are kept.

Beyond what a library for HTTP does: the address of each connection is checked when it is dialled, and again
after settings were reloaded; URLs go out as they were written; a whole request is one packet.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import certifi

from orchestrator.net.connector import Connector
from orchestrator.net.http_messages import BadAnswer, Request, Response, StaleConnection
from orchestrator.net.idle_socket import is_readable

RECEIVE_BYTES: Final = 64 * 1024
_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}
_OPTIONS: Final = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
Verify = bool | str
"""Of TLS: the authorities that everybody trusts, none, or those of a file."""


class _Connection:
    def __init__(self, place: _Place, connector: Connector, sock: socket.socket) -> None:
        self._place = place
        self._socket: socket.socket | None = sock
        self._checked_by = connector.policy
        self.has_served = False
        self.keeps = True
        """It may serve once more."""

    def send(self, data: bytes) -> None:
        assert self._socket is not None
        try:
            # Nearly always all of it; `sendall` first asks the kernel for the size of its buffer.
            sent = self._socket.send(data)
            if sent < len(data):
                self._socket.sendall(data[sent:])
        except ConnectionError as error:
            if self.has_served:
                raise StaleConnection(str(error)) from error
            raise

    def receive(self) -> bytes:
        """Empty where it has ended."""
        if self._socket is None:
            raise BadAnswer("the connection was closed")
        try:
            return self._socket.recv(RECEIVE_BYTES)
        except ConnectionResetError as error:
            if self.has_served:
                raise StaleConnection(str(error)) from error
            raise

    def is_good(self, connector: Connector) -> bool:
        """Whether it can serve again."""
        policy = connector.policy
        if self._socket is None or (self._checked_by is not policy and self._checked_by != policy):
            # Settings that were reloaded hold for kept connections too.
            return False
        return not is_readable(self._socket.fileno())

    def served(self) -> None:
        self.has_served = True
        if self._socket is None:
            return
        if self.keeps:
            self._place.keep(self)
        else:
            self.close()

    def close(self) -> None:
        sock, self._socket = self._socket, None
        if sock is not None:
            sock.close()


class _Place:
    """One scheme, host and port."""

    def __init__(self, origin: str, verify: Verify, most: int) -> None:
        parts = urlsplit(origin)
        self._host = parts.hostname or ""
        self._scheme = parts.scheme
        self._verify = verify
        self._most = most
        default = _PORTS[parts.scheme]
        self._port = parts.port or default
        host = f"[{self._host}]" if ":" in self._host else self._host
        self.host_header = host if self._port == default else f"{host}:{self._port}"
        self._kept: list[_Connection] = []

    def connection(self, connector: Connector, timeout: float | None) -> _Connection:
        """A kept one, or a new one. Raises AddressRefused, LookupFailed or OSError."""
        while self._kept:
            kept = self._kept.pop()
            if kept.is_good(connector):
                return kept
            kept.close()
        sock = connector.dial(self._host, self._port, timeout, _OPTIONS)
        if self._scheme == "https":
            try:
                sock = _tls(self._verify).wrap_socket(sock, server_hostname=self._host)
            except BaseException:
                sock.close()
                raise
        return _Connection(self, connector, sock)

    def keep(self, connection: _Connection) -> None:
        if len(self._kept) < self._most:
            self._kept.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        kept, self._kept = self._kept, []
        for connection in kept:
            connection.close()


class HttpClient:
    """Requests of any greenlet, each of which blocks its own."""

    def __init__(self, connector: Connector, places: int, per_place: int) -> None:
        """Connections are kept to at most so many `places`, and so many `per_place`."""
        self._connector = connector
        self._most_places = places
        self._per_place = per_place
        self._places: dict[tuple[str, Verify], _Place] = {}

    def send(
        self,
        request: Request,
        timeout: float | None = None,
        verify: Verify = True,
        meanwhile: Callable[[], None] | None = None,
    ) -> Response:
        """The answer, once its head is here. `timeout`: seconds for each step; `meanwhile` is called once the
        request is sent.

        Raises StaleConnection, AddressRefused, LookupFailed, TooMuch, BadAnswer and OSError.
        """
        place = self._place(request.origin, verify)
        connection = place.connection(self._connector, timeout)
        response = Response(connection, request)
        try:
            connection.send(_written(request, place.host_header))
            if meanwhile is not None:
                meanwhile()
            response.read_head()
        except BaseException:
            connection.close()
            raise
        return response

    def close(self) -> None:
        """Those that are kept; what is under way goes on."""
        places, self._places = self._places, {}
        for place in places.values():
            place.close()

    def _place(self, origin: str, verify: Verify) -> _Place:
        key = origin, verify
        place = self._places.get(key)
        if place is None:
            if len(self._places) >= self._most_places:
                self._places.pop(next(iter(self._places))).close()
            place = self._places[key] = _Place(origin, verify, self._per_place)
        return place


def _written(request: Request, host: str) -> bytes:
    lines = [f"{request.method} {request.target} HTTP/1.1", f"Host: {host}"]
    lines += map(": ".join, request.headers.items())
    body = request.body
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError("a line's end within a header")
    return f"{head}\r\n\r\n".encode("latin-1") + (body or b"")


@lru_cache(maxsize=16)
def _tls(verify: Verify) -> Any:
    if verify is False:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    return ssl.create_default_context(cafile=certifi.where() if verify is True else verify)
