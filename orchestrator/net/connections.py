"""Connections to checked addresses, whose answers are metered, and which are kept.

A server may close a kept connection at any time, also in the moment in which the next message is written to
it. That is no fault of the server's and must cost no attempt; without this, one that closes after each answer
without saying so made every second attempt fail.
"""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from orchestrator.net.dial import Dialler
from orchestrator.net.meter import MeteredResponse

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse


class StaleConnection(ConnectionResetError):
    """A connection that has served before was closed without an answer: send again on a new one."""


class _Connection(HTTPConnection):
    response_class = MeteredResponse
    has_served = False

    def __init__(self, *args: Any, dialler: Dialler, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._dialler = dialler

    def _new_conn(self) -> socket.socket:
        # The name stays the connection's: TLS asks for it and verifies it.
        options = self.socket_options or ()
        return self._dialler.dial(self._dns_host, self.port, self.timeout, options)

    def connect(self) -> None:
        self.has_served = False
        super().connect()

    def send(self, data: Any) -> None:
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


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class Adapter(HTTPAdapter):
    """A kept connection is one to an address that was checked when it was dialled."""

    def __init__(self, dialler: Dialler, **kwargs: Any) -> None:
        self._dialler = dialler
        super().__init__(**kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_Pool, dialler=self._dialler),
            "https": partial(_SecurePool, dialler=self._dialler),
        }
