"""Calls from the console's page: a permit for each, and its WebSocket, which lives as long as its session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import gevent
from flask import Blueprint, Request, Response, request
from flask.typing import ResponseReturnValue
from msgspec import Struct, json

from orchestrator.config.current import CurrentSettings
from orchestrator.logs import get_logger
from orchestrator.rejection import ServiceError
from orchestrator.services.browser_calls import BrowserCallService
from orchestrator.web.console.sessions import Session
from orchestrator.web.console.sip_relay import SipRelay
from orchestrator.web.paths import UPGRADED
from orchestrator.web.sip_websocket import NoSwitch

log = get_logger(__name__)

MAX_BODY_BYTES = 4096
GOODBYE_SECONDS = 2.0
"""FreeSWITCH's BYE, and its answer, go through the WebSocket before that is closed."""


class CallRequest(Struct, forbid_unknown_fields=True):
    """To a number or a conference: exactly one of them."""

    number: str = ""
    conference: str = ""
    """Its name or sid."""


class Upgraded(Response):
    """After a WebSocket: everything is said, and no HTTP answer follows."""

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        environ[UPGRADED] = True
        return []


class ConsolePhone:
    """Each WebSocket has the greenlet of its request. `end_sessions` is called on those of other requests and
    of a reload."""

    def __init__(
        self,
        current: CurrentSettings,
        calls: BrowserCallService,
        session: Callable[[], Session],
        is_good: Callable[[Session], bool],
    ) -> None:
        """`session`: of the request that is answered; raises where there is none."""
        self._current = current
        self._calls = calls
        self._session = session
        self._is_good = is_good
        self._open: dict[str, tuple[Session, SipRelay]] = {}
        """By the call's id."""

    @property
    def enabled(self) -> bool:
        return self._calls.enabled

    def add_routes(self, blueprint: Blueprint) -> None:
        """Before the console's own handler of answers is added: the last one added is called first."""
        blueprint.after_request(self._allow_microphone)
        blueprint.add_url_rule("/console/phone", "begin call", self._begin, methods=["POST"])
        blueprint.add_url_rule("/console/phone/<id_>", "phone", self._talk, websocket=True)

    def end_sessions(self, is_good: Callable[[Session], bool]) -> None:
        """Of sessions that are not good any more the calls end, at once."""
        for id_, (session, relay) in list(self._open.items()):
            if not is_good(session):
                log.info("a call from the console ends with its session", account=session.account_sid)
                self._calls.end(id_)
                relay.close("You are not signed in any more.")

    def stop(self) -> None:
        """Browsers connect again, and their calls go on."""
        for _, relay in list(self._open.values()):
            relay.close("The orchestrator is stopping.", again=True)

    def _allow_microphone(self, response: Response) -> Response:
        if self.enabled:
            policy = response.headers.get("Permissions-Policy", "")
            response.headers["Permissions-Policy"] = policy.replace("microphone=()", "microphone=(self)")
        return response

    def _begin(self) -> ResponseReturnValue:
        session = self._session()
        request.max_content_length = MAX_BODY_BYTES
        wanted = json.decode(request.get_data(cache=False), type=CallRequest)
        permit = self._calls.begin(
            session.account_sid, session.id, number=wanted.number, conference=wanted.conference
        )
        return Response(json.encode(permit._asdict()), mimetype="application/json")

    def _talk(self, id_: str) -> ResponseReturnValue:
        """The WebSocket of one call."""
        session = self._session()
        if not self._is_ours(request):
            raise _refused(HTTPStatus.FORBIDDEN, "This request does not come from the console's page.")
        self._calls.attach(id_, session.id, lambda: self._close(id_, "The call has ended."))
        url = self._calls.websocket
        try:
            relay = SipRelay(request.environ, url)
        except NoSwitch as error:
            self._calls.detach(id_)
            log.error("FreeSWITCH takes no calls from the console", at=url, problem=str(error))
            text = "FreeSWITCH takes no calls from browsers: `orchestrator doctor` says why."
            raise _refused(HTTPStatus.SERVICE_UNAVAILABLE, text) from None
        self._open[id_] = session, relay
        try:
            relay.run(lambda: self._is_good(session))
        finally:
            del self._open[id_]
            if self._is_good(session):
                self._calls.detach(id_)
            else:
                self._calls.end(id_)
        return Upgraded()

    def _close(self, id_: str, text: str) -> None:
        """On the socket's reader, which must not block."""
        if id_ in self._open:
            gevent.spawn_later(GOODBYE_SECONDS, self._open[id_][1].close, text)

    def _is_ours(self, asked: Request) -> bool:
        """A browser says which page opens a WebSocket, and allows any to."""
        origin = urlsplit(asked.headers.get("Origin", "")).netloc
        public = urlsplit(self._current.settings.web.base_url).netloc
        return origin in (asked.host, public)


def _refused(status: HTTPStatus, text: str) -> ServiceError:
    return ServiceError("10015", "Bad Request", text, status=status)
