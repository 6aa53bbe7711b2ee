"""A web server that does whatever a test wants on its bare socket."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import gevent
from gevent.server import StreamServer

Serve = Callable[[Any, bytes], None]
"""(socket, head of the request); the connection is closed afterwards."""


class Villain:
    def __init__(
        self,
        serve: Serve,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
        keeps: bool = False,
        port: int = 0,
    ) -> None:
        self.heads: list[bytes] = []
        self.connections = 0
        self.closed_by_client = 0
        """Connections that were kept here and closed there."""
        self._serve, self._keeps = serve, keeps
        extra = {"ssl_context": tls} if tls else {}
        self._server = StreamServer((host, port), self._handle, **extra)
        self._server.start()
        self._scheme = "https" if tls else "http"

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}{path}"

    def stop(self) -> None:
        self._server.stop(timeout=0)

    def _handle(self, client: Any, _: object) -> None:
        self.connections += 1
        try:
            while head := _head(client):
                self.heads.append(head)
                self._serve(client, head)
                if not self._keeps:
                    return
            self.closed_by_client += 1
        except OSError:
            return
        finally:
            client.close()


def _head(client: Any) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        data = client.recv(65536)
        if not data:
            return b""
        head += data
    return head


def says(*pieces: bytes, then: bytes = b"", times: int = 10**9, every: float | None = None) -> Serve:
    """These pieces, and then one thing again and again, as fast as it is taken or `every` so many seconds."""

    def serve(client: Any, head: bytes) -> None:
        for piece in pieces:
            client.sendall(piece)
        many = then * max(1, 65536 // len(then)) if then and every is None else then
        for _ in range(times if then else 0):
            client.sendall(many)
            gevent.sleep(every or 0)

    return serve


def answer(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
