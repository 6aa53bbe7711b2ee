"""The console over HTTP: the page, signing in, and the live events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

import gevent
from flask import Blueprint, Request, Response, request
from flask.typing import ResponseReturnValue
from msgspec import Struct

from orchestrator.config.current import CurrentSettings
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger
from orchestrator.node_availability import NodeState
from orchestrator.recordings.files import RecordingsOfNodes
from orchestrator.services.api_services import ApiServices
from orchestrator.services.nodes import LiveRooms
from orchestrator.store.interface import StateStore
from orchestrator.timeline.actor import Actor, set_actor
from orchestrator.web.attempts import Attempts
from orchestrator.web.clients import client_address
from orchestrator.web.console.answers import ERRORS, Denied, body, json_answer, nothing, problem
from orchestrator.web.console.commands import Commands
from orchestrator.web.console.event_stream import EventStream, TooManyClients
from orchestrator.web.console.phone import ConsolePhone
from orchestrator.web.console.query_routes import QueryRoutes
from orchestrator.web.console.sessions import Session, Sessions

log = get_logger(__name__)

CSRF_HEADER = "X-CSRF-Token"
STATIC = Path(__file__).with_name("static")
PAGES = (
    "/",
    "/conferences",
    "/conferences/<sid>",
    "/calls",
    "/calls/<sid>",
    "/rejected",
    "/callbacks",
    "/numbers",
    "/nodes",
)
"""Addresses of the one page, which shows what its address says."""
HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "media-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Key(Struct):
    key: str


class Console(Part):
    """Its `blueprint` is the page at `/` and everything below `/console`.

    Flask calls it, on the greenlet of each request; a stream's greenlet lives as long as its browser.
    `on_reload` runs on the reload's greenlet.
    """

    def __init__(
        self,
        current: CurrentSettings,
        control: ApiServices,
        rooms: LiveRooms,
        outbox: StateStore,
        files: RecordingsOfNodes,
        problems: Callable[[], Mapping[str, str]],
        attempts: Attempts,
        secret: bytes,
        nodes: Callable[[], Sequence[NodeState]],
    ) -> None:
        """`secret` signs the cookies of who is signed in."""
        self._current = current
        self._attempts = attempts
        self._stream = EventStream(rooms, problems, control.callbacks.failing)
        rooms.on_change(self._stream.on_change)
        control.conferences.on_announced(self._stream.on_announced)
        self._sessions = Sessions(current, outbox, secret)
        self._query_routes = QueryRoutes(current, control, files, self._session, nodes, rooms)
        self._commands = Commands(current, control, self._session)
        self._phone = ConsolePhone(current, control.browser_calls, self._session, self._sessions.is_good)
        self._stopping = False
        self.blueprint = self._routes()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Browsers are sent away: they would keep the server from stopping."""
        self._stopping = True
        self._stream.stop()
        self._phone.stop()

    def on_reload(self) -> None:
        """Sessions of a key that is withdrawn end, and their streams with them."""
        for session in self._stream.end_sessions(self._sessions.is_good):
            log.info(
                "signed out: the session has expired or its key was withdrawn", account=session.account_sid
            )
        self._phone.end_sessions(self._sessions.is_good)

    def _routes(self) -> Blueprint:
        blueprint = Blueprint("console", __name__, static_folder="static", static_url_path="/console/static")
        blueprint.record(self._sessions.set_up)
        self._phone.add_routes(blueprint)
        blueprint.after_request(_guard)
        for error in ERRORS:
            blueprint.register_error_handler(error, problem)
        for path in PAGES:
            blueprint.add_url_rule(path, f"page {path}", self._page)
        for path, method, function in (
            ("/session", "GET", self._who),
            ("/session", "POST", self._sign_in),
            ("/session", "DELETE", self._sign_out),
            ("/events", "GET", self._events),
            *self._query_routes.routes,
            *self._commands.routes,
        ):
            blueprint.add_url_rule(f"/console{path}", f"{method} {path}", function, methods=[method])
        blueprint.teardown_request(lambda error: set_actor(None))
        return blueprint

    @staticmethod
    def _page(sid: str = "") -> ResponseReturnValue:
        """Its addresses are relative, as the orchestrator may be at any path behind a proxy."""
        up = "../" * (request.path.count("/") - 1)
        page = (STATIC / "index.html").read_text("utf-8").replace('"console/', f'"{up}console/')
        response = Response(page, mimetype="text/html")
        response.add_etag()
        return response.make_conditional(request)

    # Signing in

    def _session(self) -> Session:
        """Of who asks; a request that changes something has to come from our page."""
        session = self._sessions.current()
        if session is None:
            raise Denied(HTTPStatus.UNAUTHORIZED, "You are not signed in, or no longer.")
        # The timeline is to say on whose behalf it was.
        set_actor(Actor("console", self._sessions.key_name(session)))
        if request.method != "GET" and not session.allows(request.headers.get(CSRF_HEADER, "")):
            raise Denied(HTTPStatus.FORBIDDEN, "This request does not come from the console's page.")
        return session

    def _who(self) -> ResponseReturnValue:
        """Not signed in is no error here: browsers would note it down as one."""
        try:
            return json_answer(self._welcome(self._session()))
        except Denied:
            keys = any(account.api_keys for account in self._current.settings.accounts)
            return json_answer({"account": None, "keys": keys})

    def _welcome(self, session: Session) -> dict[str, object]:
        account = self._current.settings.account(session.account_sid)
        name = account.name if account is not None else ""
        return {
            "account": {"sid": session.account_sid, "name": name},
            "key": self._sessions.key_name(session),
            "csrf": session.csrf,
            "expires": int(session.expires_at * 1000),
            "calls": self._phone.enabled,
            "nodes": len(self._current.settings.freeswitch.nodes),
        }

    def _sign_in(self) -> ResponseReturnValue:
        # A form of another site can send no JSON, and our server allows no other site to ask.
        if request.mimetype != "application/json" or _is_foreign(request):
            raise Denied(HTTPStatus.FORBIDDEN, "This request does not come from the console's page.")
        key, settings = body(Key).key.strip(), self._current.settings
        address = client_address(request, settings.web.proxies)
        account = self._attempts.check("console", address, "", key, lambda: settings.account_by_key(key))
        if account is None:
            log.warning("signing in to the console failed", address=address)
            raise Denied(HTTPStatus.UNAUTHORIZED, "No account has this API key.")
        named = account.name_of_key(key)
        log.info("signed in to the console", account=account.sid, key=named, address=address)
        return json_answer(self._welcome(self._sessions.open(account.sid, key)))

    def _sign_out(self) -> ResponseReturnValue:
        try:
            self._sessions.close(self._session())
        finally:
            self._stream.end_sessions(self._sessions.is_good)
            self._phone.end_sessions(self._sessions.is_good)
        return nothing()

    # Looking

    def _events(self) -> ResponseReturnValue:
        session = self._session()
        if self._stopping:
            raise Denied(HTTPStatus.SERVICE_UNAVAILABLE, "The orchestrator is stopping.")
        try:
            watcher = self._stream.watch(session)
        except TooManyClients:
            text = "Too many consoles of this account are open."
            raise Denied(HTTPStatus.SERVICE_UNAVAILABLE, text) from None
        serving = gevent.getcurrent()
        watcher.greenlet = serving if isinstance(serving, gevent.Greenlet) else None
        events = watcher.read(lambda: self._sessions.is_good(session))
        response = Response(events, mimetype="text/event-stream")
        # A generator that was never begun has no `finally`.
        response.call_on_close(lambda: self._stream.leave(watcher))
        response.headers["X-Accel-Buffering"] = "no"
        return response


def _is_foreign(asked: Request) -> bool:
    return asked.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")


def _guard(response: Response) -> Response:
    response.headers.extend(HEADERS)
    if request.path.startswith("/console/static/") or not request.path.startswith("/console/"):
        # By its ETag: after an upgrade nobody runs half of the old page.
        response.headers["Cache-Control"] = "no-cache"
    else:
        response.headers["Cache-Control"] = "no-store"
    return response
