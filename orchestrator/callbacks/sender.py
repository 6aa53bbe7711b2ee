"""One attempt to deliver one message over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import gevent
from msgspec.structs import replace

from orchestrator.callbacks.retry import Answer, DeliverySettings, judge
from orchestrator.callbacks.signature import AccountKeys, Signer
from orchestrator.logs import get_logger
from orchestrator.net.errors import AddressRefused, NetError, reason
from orchestrator.net.http import HttpClient
from orchestrator.net.http_messages import Request, Response, StaleConnection
from orchestrator.net.urls import Unrequestable, target
from orchestrator.store.message import Queued
from orchestrator.types import CallbackStyle

log = get_logger(__name__)

Keys = Callable[[str], AccountKeys | None]
"""AccountSid -> what its callbacks are signed with; None: not at all."""

FRESH_SECONDS = 1.0
"""A request that was made longer ago is made and signed again."""
_SHOWN_BYTES = 200
_FORM = "application/x-www-form-urlencoded"


class Prepared(NamedTuple):
    """A message, and its request where that was made while the one before it was under way."""

    message: Queued
    request: Request | None = None
    keys: AccountKeys | None = None
    made_at: float = 0.0


class Sender:
    """Sends one message at a time over whatever connection the client has."""

    def __init__(self, keys: Keys, settings: DeliverySettings) -> None:
        self._keys = keys
        self._timeout = settings.timeout
        self._body_limit = settings.body_limit
        self._verify = settings.verify

    def prepare(self, message: Queued) -> Prepared:
        """For a `send` that comes soon. Raises Unrequestable or UnicodeError."""
        keys = self._keys(message.account_sid)
        return Prepared(message, self._request(message, keys), keys, time.monotonic())

    def send(
        self, prepared: Prepared, client: HttpClient, meanwhile: Callable[[], None] | None = None
    ) -> Answer:
        """One attempt, signed now or just before, over within the time limit whatever the receiver does.

        `meanwhile` is called while the receiver works; it neither raises nor blocks. The answer counts from
        its header on: a body that drips or never ends changes no verdict, it only costs the connection.
        """
        message = prepared.message
        limit = gevent.Timeout.start_new(self._timeout)
        status: int | None = None
        retry_after: str | None = None
        begins = b""
        try:
            try:
                response = self._send(prepared, client, meanwhile)
            except StaleConnection:
                # Other kept connections are no fresher. A receiver that had the request after all gets it
                # twice.
                client.close()
                response = self._send(prepared, client, meanwhile)
            status = response.status
            retry_after = response.headers.get("Retry-After") or None
            # An answer that is read to its end leaves its connection to the next message; others are closed.
            with response:
                begins = response.read(self._body_limit + 1)[:_SHOWN_BYTES]
        except gevent.Timeout as expired:
            if expired is not limit:
                raise
            if status is None:
                return Answer("retry", None, f"no answer within {self._timeout:g} s")
        except (Unrequestable, UnicodeError, AddressRefused) as error:
            return Answer("final", None, f"cannot be requested: {error}")
        except (NetError, OSError) as error:
            if status is None:
                return Answer("retry", None, reason(error))
        # Anything else that happens here is a fault of this attempt alone.
        except Exception as error:
            if status is None:
                log.warning("attempt failed", queue=message.queue, callback=message.event, exc_info=True)
                return Answer("retry", None, reason(error))
        finally:
            limit.close()
        assert status is not None
        answer = judge(status, retry_after, time.time(), message.method)
        return replace(answer, begins=begins) if begins else answer

    def _send(self, prepared: Prepared, client: HttpClient, meanwhile: Callable[[], None] | None) -> Response:
        message, request, keys, made_at = prepared
        current = self._keys(message.account_sid)
        if request is None or keys != current or time.monotonic() - made_at > FRESH_SECONDS:
            request = self._request(message, current)
        # No time limits on the socket: the one around it is for everything, and one timer is cheaper.
        return client.send(request, verify=self._verify, meanwhile=meanwhile)

    def _request(self, message: Queued, keys: AccountKeys | None) -> Request:
        to = target(message.url)
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", **to.headers}
        path, body = to.target, None
        if message.method == "GET":
            path = to.target_with_fields(message.body.decode("ascii"))
        else:
            body = message.body
            headers["Content-Type"] = _FORM
        style = CallbackStyle(signatures=message.signatures, user_agent=message.user_agent)
        signer = Signer(style, keys or AccountKeys())
        headers |= signer.headers(to.origin + path, body, int(time.time()))
        return Request(message.method, to.origin, path, headers, body)
