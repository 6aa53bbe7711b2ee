"""The console over HTTP: the page, signing in, the live events, what is read and what is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import gevent
from flask import Blueprint, Request, Response, request
from flask.typing import ResponseReturnValue
from msgspec import DecodeError, Struct, ValidationError, json

from orchestrator.conference.live.manager import Rooms
from orchestrator.config.current import CurrentSettings
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger
from orchestrator.media.audio import AudioError
from orchestrator.recordings.files import RecordingFiles
from orchestrator.rejection import ServiceError
from orchestrator.services.conferences import ParticipantUpdate
from orchestrator.services.control import ApiServices
from orchestrator.store.interface import OutboxError, Store
from orchestrator.verbs.announcements import Announcement
from orchestrator.web.attempts import Attempts, TooManyAttempts
from orchestrator.web.clients import client_address
from orchestrator.web.console.event_stream import EventStream, TooManyClients
from orchestrator.web.console.peaks import Peaks
from orchestrator.web.console.phone import ConsolePhone
from orchestrator.web.console.queries import ConsoleQueries
from orchestrator.web.console.sessions import Session, Sessions

log = get_logger(__name__)

CSRF_HEADER = "X-CSRF-Token"
MAX_BODY_BYTES = 16 * 1024
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


class UpdateRequest(Struct, forbid_unknown_fields=True):
    """To a conference or a participant; exactly one of them."""

    end: bool | None = None
    muted: bool | None = None
    held: bool | None = None
    announce: str | None = None


class Denied(Exception):
    """The answer to who may not; the text is for people."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class Console(Part):
    """Its `blueprint` is the page at `/` and everything below `/console`.

    Flask calls it, on the greenlet of each request; a stream's greenlet lives as long as its browser.
    `on_reload` runs on the reload's greenlet.
    """

    def __init__(
        self,
        current: CurrentSettings,
        control: ApiServices,
        rooms: Rooms,
        outbox: Store,
        files: RecordingFiles,
        problems: Callable[[], Mapping[str, str]],
        attempts: Attempts,
        secret: bytes,
    ) -> None:
        """`secret` signs the cookies of who is signed in."""
        self._current = current
        self._attempts = attempts
        self._control = control
        self._files = files
        self._stream = EventStream(rooms, problems)
        rooms.on_change.append(self._stream.on_change)
        self._sessions = Sessions(current, outbox, secret)
        self._queries = ConsoleQueries(control, outbox)
        self._peaks = Peaks()
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
        for error in (Denied, TooManyAttempts, ServiceError, OutboxError, ValidationError, DecodeError):
            blueprint.register_error_handler(error, _failed)
        blueprint.add_url_rule("/", "page", lambda: blueprint.send_static_file("index.html"))
        for path, method, function in (
            ("/session", "GET", self._who),
            ("/session", "POST", self._sign_in),
            ("/session", "DELETE", self._sign_out),
            ("/events", "GET", self._events),
            ("/conferences", "GET", self._finished),
            ("/conferences/<sid>", "GET", self._conference),
            ("/conferences/<sid>", "POST", self._order_room),
            ("/conferences/<sid>/participants/<who>", "POST", self._order_participant),
            ("/conferences/<sid>/participants/<who>", "DELETE", self._drop),
            ("/recordings/<sid>/peaks", "GET", self._loudness),
        ):
            blueprint.add_url_rule(f"/console{path}", f"{method} {path}", function, methods=[method])
        return blueprint

    # Signing in

    def _session(self) -> Session:
        """Of who asks; a request that changes something has to come from our page."""
        session = self._sessions.current()
        if session is None:
            raise Denied(HTTPStatus.UNAUTHORIZED, "You are not signed in, or no longer.")
        if request.method != "GET" and not session.allows(request.headers.get(CSRF_HEADER, "")):
            raise Denied(HTTPStatus.FORBIDDEN, "This request does not come from the console's page.")
        return session

    def _who(self) -> ResponseReturnValue:
        """Not signed in is no error here: browsers would note it down as one."""
        try:
            return _json(self._welcome(self._session()))
        except Denied:
            keys = any(account.api_keys for account in self._current.settings.accounts)
            return _json({"account": None, "keys": keys})

    def _welcome(self, session: Session) -> dict[str, object]:
        account = self._current.settings.account(session.account_sid)
        name = account.name if account is not None else ""
        return {
            "account": {"sid": session.account_sid, "name": name},
            "csrf": session.csrf,
            "expires": int(session.expires_at * 1000),
            "calls": self._phone.enabled,
        }

    def _sign_in(self) -> ResponseReturnValue:
        # A form of another site can send no JSON, and our server allows no other site to ask.
        if request.mimetype != "application/json" or _is_foreign(request):
            raise Denied(HTTPStatus.FORBIDDEN, "This request does not come from the console's page.")
        key, settings = _body(Key).key.strip(), self._current.settings
        address = client_address(request, settings.web.proxies)
        account = self._attempts.check("console", address, "", key, lambda: settings.account_by_key(key))
        if account is None:
            log.warning("signing in to the console failed", address=address)
            raise Denied(HTTPStatus.UNAUTHORIZED, "No account has this API key.")
        log.info("signed in to the console", account=account.sid, address=address)
        return _json(self._welcome(self._sessions.open(account.sid, key)))

    def _sign_out(self) -> ResponseReturnValue:
        try:
            self._sessions.close(self._session())
        finally:
            self._stream.end_sessions(self._sessions.is_good)
            self._phone.end_sessions(self._sessions.is_good)
        return Response(status=HTTPStatus.NO_CONTENT)

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

    def _finished(self) -> ResponseReturnValue:
        words, after = (request.args.get(name, "")[:200] for name in ("words", "after"))
        return _json(self._queries.finished(self._session().account_sid, words.strip(), after))

    def _conference(self, sid: str) -> ResponseReturnValue:
        return _json(self._queries.conference(self._session().account_sid, sid))

    def _loudness(self, sid: str) -> ResponseReturnValue:
        recording = self._control.recordings.recording(self._session().account_sid, sid)
        wav = self._files.path(recording.sid)
        try:
            peaks = self._peaks.of(wav if wav.exists() else self._files.path(recording.sid, "mp3"))
        except (AudioError, OSError) as error:
            log.warning("no waveform of a recording", recording=sid, problem=str(error))
            raise Denied(HTTPStatus.NOT_FOUND, "The recording's audio cannot be read.") from None
        return _json({"peaks": peaks, "seconds": recording.duration})

    # Doing

    def _order_room(self, sid: str) -> ResponseReturnValue:
        account_sid = self._session().account_sid
        match _body(UpdateRequest):
            case UpdateRequest(end=True):
                self._control.conferences.end_room(account_sid, sid)
            case UpdateRequest(announce=str(address)):
                self._control.conferences.announce(account_sid, sid, _announcement(address))
            case _:
                raise Denied(HTTPStatus.BAD_REQUEST, "A conference can be ended, or announced something to.")
        return Response(status=HTTPStatus.NO_CONTENT)

    def _order_participant(self, sid: str, who: str) -> ResponseReturnValue:
        account_sid, order = self._session().account_sid, _body(UpdateRequest)
        announcement = _announcement(order.announce) if order.announce is not None else None
        changes = ParticipantUpdate(muted=order.muted, hold=order.held, announcement=announcement)
        one = self._control.conferences.participant(account_sid, sid, who)
        self._control.conferences.update_participant(sid, one, changes)
        return Response(status=HTTPStatus.NO_CONTENT)

    def _drop(self, sid: str, who: str) -> ResponseReturnValue:
        one = self._control.conferences.participant(self._session().account_sid, sid, who)
        self._control.conferences.drop(sid, one)
        return Response(status=HTTPStatus.NO_CONTENT)


def _announcement(address: str) -> Announcement:
    if not address.strip().startswith(("http://", "https://")):
        raise Denied(HTTPStatus.UNPROCESSABLE_ENTITY, "An announcement is an http or https address.")
    return Announcement(address.strip())


def _is_foreign(asked: Request) -> bool:
    return asked.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")


def _body(kind: Callable[..., Any]) -> Any:
    request.max_content_length = MAX_BODY_BYTES
    return json.decode(request.get_data(cache=False), type=kind)


def _json(data: object, status: int = HTTPStatus.OK) -> Response:
    return Response(json.encode(data), status, mimetype="application/json")


def _failed(error: Exception) -> Response:
    """In words that the page shows as they are."""
    match error:
        case Denied():
            return _json({"problem": str(error)}, error.status)
        case TooManyAttempts():
            answer = _json({"problem": str(error)}, HTTPStatus.TOO_MANY_REQUESTS)
            answer.headers["Retry-After"] = str(error.retry_after)
            return answer
        case ServiceError():
            gone = error.status == HTTPStatus.NOT_FOUND
            return _json({"problem": "It is no longer there." if gone else error.detail}, error.status)
        case OutboxError():
            log.error("console not answered", path=request.path, problem=str(error))
            return _json({"problem": "The orchestrator's database fails."}, HTTPStatus.INTERNAL_SERVER_ERROR)
    return _json({"problem": "This request cannot be read."}, HTTPStatus.BAD_REQUEST)


def _guard(response: Response) -> Response:
    response.headers.extend(HEADERS)
    if request.path.startswith("/console/static/") or request.path == "/":
        # By its ETag: after an upgrade nobody runs half of the old page.
        response.headers["Cache-Control"] = "no-cache"
    else:
        response.headers["Cache-Control"] = "no-store"
    return response
