"""Calls from the console's page: what may be called, and the caller that is shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, NamedTuple

from orchestrator.calls.browser_calls import BrowserTarget, TooManyBrowserCalls
from orchestrator.calls.context import CallContext
from orchestrator.config.browser_calls import websocket
from orchestrator.logs import get_logger
from orchestrator.recordings.files import is_sid
from orchestrator.rejection import NotFound, ServiceError
from orchestrator.services.applications import application_of
from orchestrator.services.nodes import LiveRooms
from orchestrator.texml.limits import MAX_ROOM_NAME

log = get_logger(__name__)

MAX_NUMBER: Final = 128


class Permit(NamedTuple):
    """One call that may be made within a minute."""

    id: str
    """Names its WebSocket; no secret."""
    token: str
    """The user that the browser calls."""


class BrowserCallService:
    """`begin` and `attach` may raise ServiceError."""

    def __init__(self, services: CallContext, rooms: LiveRooms) -> None:
        """`services`: of the node that browsers call; `rooms`: of all."""
        self._services = services
        self._rooms = rooms
        self._calls = services.browser_calls

    @property
    def enabled(self) -> bool:
        return self._services.settings.web.browser_calls.enabled

    @property
    def websocket(self) -> str:
        """Where FreeSWITCH takes SIP over WebSocket."""
        return websocket(self._services.node.host, self._services.settings.web.browser_calls.port)

    def begin(self, account_sid: str, owner: str, *, number: str = "", conference: str = "") -> Permit:
        """Allow one call to a number or a conference of the account, the latter by name or sid. `owner` is
        the console's session that makes it."""
        self._check_enabled()
        if not self._services.connection.connected:
            raise _refused("FreeSWITCH is not connected.", HTTPStatus.SERVICE_UNAVAILABLE)
        if conference:
            target = self._to_conference(account_sid, conference.strip())
        else:
            target = self._to_number(account_sid, number.strip())
        per_minute = self._services.settings.web.browser_calls.calls_per_minute
        try:
            permit = Permit(*self._calls.begin(owner, target, per_minute))
        except TooManyBrowserCalls:
            detail = f"This account has begun {per_minute} calls within a minute: wait a little."
            raise _refused(detail, HTTPStatus.TOO_MANY_REQUESTS) from None
        log.info("call from the console allowed", account=account_sid, to=target.to, caller=target.caller)
        return permit

    def attach(self, id_: str, owner: str, on_end: Callable[[], None]) -> None:
        """The WebSocket of this call is about to be opened; `detach` when it is closed. `on_end` is called
        once the call has ended."""
        self._check_enabled()
        if not self._calls.attach(id_, owner, on_end):
            raise NotFound

    def detach(self, id_: str) -> None:
        """Its WebSocket is closed: the call ends, unless there is another one soon."""
        self._calls.detach(id_)

    def end(self, id_: str) -> None:
        """At once."""
        self._calls.end(id_)

    def _check_enabled(self) -> None:
        if not self.enabled:
            raise _refused("Calls from the browser are off: web.browser_calls.enabled", HTTPStatus.FORBIDDEN)

    def _to_number(self, account_sid: str, number: str) -> BrowserTarget:
        settings = self._services.settings
        if not number or len(number) > MAX_NUMBER or not number.isprintable():
            raise _refused("A number or name to call is missing.")
        application = settings.application_for(number)
        if application is None or application.account != account_sid:
            raise _refused(f"{number} is no number of this account: `numbers` in the settings has them.")
        return BrowserTarget(account_sid, application.name, self._caller(account_sid), number)

    def _to_conference(self, account_sid: str, sid_or_name: str) -> BrowserTarget:
        """Of a live one its own application, of a new one the account's only one."""
        rooms = self._rooms
        live = rooms.get(sid_or_name) or rooms.named(account_sid, sid_or_name)
        if live.account_sid != account_sid if live is not None else is_sid(sid_or_name):
            raise NotFound
        if live is not None and not live.open:
            raise _refused("The conference has ended.")
        name = live.name if live is not None else sid_or_name
        if len(name) > MAX_ROOM_NAME or not name.isprintable():
            raise _refused("This is no name of a conference.")
        first = live.first.connection_id if live is not None and live.first is not None else ""
        application = application_of(self._services.settings, account_sid, first)
        return BrowserTarget(account_sid, application.name, self._caller(account_sid), name, name)

    def _caller(self, account_sid: str) -> str:
        """From of its calls: of the settings, never of the browser."""
        settings = self._services.settings
        if settings.web.browser_calls.caller_id:
            return settings.web.browser_calls.caller_id
        account = settings.account(account_sid)
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", account.name) if account is not None else ""
        return f"client:{name or account_sid}"


def _refused(detail: str, status: int = HTTPStatus.UNPROCESSABLE_ENTITY) -> ServiceError:
    return ServiceError("10015", "Bad Request", detail, status=status)
