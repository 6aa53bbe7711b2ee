"""Connections to checked addresses, whose answers are metered, and which are kept.

A server may close a kept connection at any time, also in the moment in which the next message is written to
it. That is no fault of the server's and must cost no attempt; without this, one that closes after each answer
without saying so made every second attempt fail.
"""

from __future__ import annotations

import select
import socket
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from gevent.monkey import get_original
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from orchestrator.net.connector import Connector
from orchestrator.net.response_limit import SizeLimitedResponse
from orchestrator.net.urls import path_of

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse


# urllib3 writes path and query anew, with other capitals in %e9 and more, and has no option against that. The
# written form goes along as a header that HTTP/1.1 cannot have, and is taken out before headers are sent.
_AS_WRITTEN = ":path"


class StaleConnection(ConnectionResetError):
    """A connection that has served before was closed without an answer: send again on a new one."""


class _Connection(HTTPConnection):
    response_class = SizeLimitedResponse
    has_served = False

    def __init__(self, *args: Any, connector: Connector, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._connector = connector
        self._checked_by = connector.policy
        self._pieces: list[bytes] | None = None

    def _new_conn(self) -> socket.socket:
        self._checked_by = self._connector.policy
        # The name stays the connection's: TLS asks for it and verifies it.
        options = self.socket_options or ()
        return self._connector.dial(self._dns_host, self.port, self.timeout, options)

    @property
    def is_connected(self) -> bool:
        """Asked before each request; with gevent's poll it would be a watcher, a timer and two switches."""
        if self.sock is None or self._checked_by != self._connector.policy:
            # Settings that were reloaded hold for kept connections too: this one is dialled anew.
            return False
        poll = _poll()
        poll.register(self.sock, select.POLLIN)
        return not poll.poll(0)

    def connect(self) -> None:
        self.has_served = False
        super().connect()

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **kwargs: Any) -> None:
        """Header and body go out at once: one packet, and the receiver is woken once."""
        pieces = self._pieces = []
        headers = dict(headers or {})
        as_written = headers.pop(_AS_WRITTEN, url)
        try:
            super().request(method, as_written, body, headers, **kwargs)
        finally:
            self._pieces = None
        self.send(b"".join(pieces))

    def send(self, data: Any) -> None:
        if self._pieces is not None:
            self._pieces.append(data)
            return
        try:
            super().send(data)
        except ConnectionError as error:
            if self.has_served:
                raise StaleConnection(str(error)) from error
            raise

    def getresponse(self) -> BaseHTTPResponse:  # type: ignore[override]
        try:
            response = super().getresponse()
        except ConnectionError as error:
            if self.has_served:
                raise StaleConnection(str(error)) from error
            raise
        self.has_served = True
        return response


_poll = get_original("select", "poll")


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class Adapter(HTTPAdapter):
    """A kept connection is one to an address that was checked when it was dialled.

    The work that requests repeats for each request, half of its time, is done once for each destination, or
    not at all: there are no proxies here, and cookies are read from the raw answer where they are needed.
    """

    def __init__(self, connector: Connector, pool_connections: int, **kwargs: Any) -> None:
        self._connector = connector
        self._places = pool_connections
        self._pools: dict[tuple[str, str, bool | str], HTTPConnectionPool] = {}
        super().__init__(pool_connections, **kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_Pool, connector=self._connector),
            "https": partial(_SecurePool, connector=self._connector),
        }

    def get_connection_with_tls_context(
        self, request: PreparedRequest, verify: bool | str | None, proxies: Any = None, cert: Any = None
    ) -> HTTPConnectionPool:
        parts = urlsplit(request.url or "")
        place = parts.scheme, parts.netloc, verify if verify is not None else True
        pool = self._pools.get(place)
        if pool is None:
            if len(self._pools) >= self._places:
                # The manager closes those that it needs no more; one of these may be among them.
                self._pools.clear()
            pool = cast(
                HTTPConnectionPool,
                super().get_connection_with_tls_context(request, verify, proxies, cert),
            )
            self._pools[place] = pool
        return pool

    def close(self) -> None:
        self._pools.clear()
        super().close()

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        return request.path_url

    def add_headers(self, request: PreparedRequest, **kwargs: Any) -> None:
        request.headers[_AS_WRITTEN] = path_of(request.url or "")

    def build_response(self, req: PreparedRequest, resp: BaseHTTPResponse) -> Response:
        response = Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        response.reason = resp.reason or ""
        response.url = req.url or ""
        response.request = req
        return response
