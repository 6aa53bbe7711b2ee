"""Kept connections that say when they were closed by the other side before they could be used again.

A receiver may close a kept connection at any time, also in the moment in which the next message is written
to it. That is no fault of the receiver's and must cost no attempt; without this, one that closes after each
answer without saying so made every second attempt fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse


class StaleConnection(ConnectionResetError):
    """A connection that has served before was closed without an answer: send again on a new one."""


class _Connection(HTTPConnection):
    has_served = False

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
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
