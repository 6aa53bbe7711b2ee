"""The event socket of one FreeSWITCH, kept up: greenswitch's client with its faulty parts replaced."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar, cast

import gevent
import gevent.event
import greenswitch
from gevent import socket

from orchestrator.esl import commands
from orchestrator.esl.background_jobs import BackgroundJobs
from orchestrator.esl.errors import (
    AuthenticationFailed,
    CommandTimeout,
    Disconnected,
    NotConnected,
    ProtocolError,
    SwitchError,
)
from orchestrator.esl.events import MAINTENANCE, Event, decode
from orchestrator.esl.half_open import watch
from orchestrator.esl.heartbeat import Heartbeat
from orchestrator.esl.later_commands import LaterCommands
from orchestrator.esl.ownership import SETTLE_SECONDS, NotOwner, Ownership
from orchestrator.esl.poll_keepalive import PollKeepalive
from orchestrator.esl.protocol_errors import ProtocolErrors
from orchestrator.esl.reply import NO_REPLY, OnReply, Reply, settle
from orchestrator.esl.session import PING, EslSession
from orchestrator.esl.stall import HubHeartbeat
from orchestrator.lifecycle import Part
from orchestrator.logs import get_logger

log = get_logger(__name__)

DEFAULT_EVENTS: Final = (
    "CHANNEL_CREATE",
    "CHANNEL_PARK",
    "CHANNEL_ANSWER",
    "CHANNEL_EXECUTE_COMPLETE",
    "CHANNEL_BRIDGE",
    "CHANNEL_UNBRIDGE",
    "CHANNEL_HANGUP",
    "CHANNEL_HANGUP_COMPLETE",
    "CHANNEL_DESTROY",
    "DTMF",
    "BACKGROUND_JOB",
    # CUSTOM last: mod_event_socket takes every word after it for a subclass.
    f"CUSTOM {MAINTENANCE}",
)
# Of the dialplan's applications, those that we never start: each one's completion costs FreeSWITCH a copy and
# 5 kB of JSON, and us a decoding. An event has to match one filter, and none that begins with a minus
# (event_handler in mod_event_socket.c).
FILTERED_EVENTS: Final = ("check_acl", "sched_hangup", "park")
FILTERS: Final = ("Event-Name /./", *(f"Application -{application}" for application in FILTERED_EVENTS))
AUTHENTICATION_RETRY_SECONDS: Final = 30.0
# Events from the time of a stall are read within moments, unless there is no end of them.
_CURRENT_SECONDS: Final = 5.0

_Said = TypeVar("_Said", SwitchError, str)


class Connection(greenswitch.InboundESL, Part):  # type: ignore[misc]  # greenswitch has no types
    """One FreeSWITCH over its event socket, reconnecting for as long as it is started.

    Kept of greenswitch: being its `InboundESL` (host, port, password, timeout, connected, `connect`, `send`,
    `stop`, `with`). Replaced, each fault with a test: decoding, sending, every wait without an end, what
    happens to those who wait when the socket ends, and reconnecting.

    Listeners are in five lists, each called in its order. `on_event`: on the reading greenlet, in
    FreeSWITCH's order; `on_log`: there, with a line of its log; `on_pause`: there, whenever it is about to
    let others have a turn, so before anything that was posted is sent; none of them may block. `on_up` and
    `on_down`: when the socket is ready and when it has ended; `on_up` in a greenlet of its own, so it may use
    `send`. Times are seconds.

    With `ownership` the socket comes up only where this process becomes the owner of FreeSWITCH, and ends
    when another does. `log_level`: of log lines that are wanted; empty: none. `before_sending` may block.

    `send`, `api` and `wait_current` block, so they are for any greenlet but the reader; `post` may be called
    anywhere and does not yield.
    """

    def __init__(
        self,
        host: str,
        port: int,
        password: str,
        *,
        node: str = "default",
        events: Sequence[str] = DEFAULT_EVENTS,
        connect_timeout: float = 5.0,
        command_timeout: float = 10.0,
        probe_after: float = 5.0,
        probe_timeout: float = 5.0,
        backoff: tuple[float, float] = (0.1, 5.0),
        ownership: Ownership | None = None,
        log_level: str = "",
    ) -> None:
        super().__init__(host, port, password, timeout=connect_timeout)
        commands.wire(f"auth {password}")
        self.node = node
        self.log = log.bind(node=node)
        self.core_uuid = ""
        """Of the FreeSWITCH process: another one after a reconnect means that every call and conference is
        gone."""
        self.protocol_errors = ProtocolErrors()
        self.last_error: SwitchError | None = None
        self.on_event: list[Callable[[Event], None]] = []
        self.on_pause: list[Callable[[], None]] = []
        self.on_up: list[Callable[[], None]] = []
        self.on_down: list[Callable[[SwitchError], None]] = []
        self.on_log: list[Callable[[str], None]] = []
        self.before_sending: Callable[[], None] = _nothing
        wanted = (f"log {log_level}",) if log_level else ()
        self._subscribe = ("event json " + " ".join(events), *(f"filter {each}" for each in FILTERS), *wanted)
        self._command_timeout = command_timeout
        self._probing = probe_after, probe_timeout
        self._backoff = backoff
        self._ownership = ownership
        self._heartbeat = (
            None if ownership is None else Heartbeat(ownership, node, self.api, self._on_another_socket)
        )
        self._jobs = BackgroundJobs(self.send)
        self.later = LaterCommands(self.post)
        self._session: EslSession | None = None
        self._poll_keepalive: PollKeepalive | None = None
        self._was_up = False
        self._up = gevent.event.Event()
        self._attempted = gevent.event.Event()
        self._stopping = gevent.event.Event()
        self._supervisor: gevent.Greenlet[[], None] | None = None

    # Life

    @property
    def stopping(self) -> bool:
        """Whether it ends because `stop` was asked for."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Connect, and connect again whenever the socket ends, in the background."""
        if self._supervisor is None:
            self._stopping.clear()
            self._supervisor = gevent.spawn(self._supervise)

    def connect(self) -> None:
        """`start`, and wait for the first attempt. Raises what kept it from coming up, and does not try
        again then."""
        self._attempted.clear()
        self.start()
        self._attempted.wait(self.timeout + 1.0)
        if not self.connected:
            error = self.last_error or NotConnected(f"{self.host}:{self.port}: stopped")
            self.stop()
            raise error

    def wait_up(self, timeout: float) -> bool:
        """Whether the socket is ready, within `timeout`."""
        return bool(self._up.wait(timeout))

    def stop(self, timeout: float = 2.0) -> None:
        """Say `exit`, close, and stop reconnecting. From inside a callback of ours it does not wait for
        itself."""
        self._stopping.set()
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return
        if self._session is not None and self.connected:
            release = self._ownership.release() if self._ownership is not None else None
            try:
                for command in filter(None, (release, "exit")):
                    self._session.post(commands.wire(command), _ignore, time.monotonic() + timeout)
            except SwitchError as error:
                self.log.debug("exit was not sent", problem=str(error))
        if supervisor is gevent.getcurrent():
            if self._session is not None:
                gevent.spawn_later(timeout, self._session.close, Disconnected("stopped"))
            return
        supervisor.join(timeout)
        if not supervisor.dead and self._session is not None:
            self._session.close(Disconnected("stopped"))
            supervisor.join(1.0)
        supervisor.kill(timeout=1.0)

    def _supervise(self) -> None:
        delay = self._backoff[0]
        while not self._stopping.is_set():
            try:
                session = self._open()
            except SwitchError as error:
                self._log_failure(error)
                self.last_error = error
                self._attempted.set()
                if isinstance(error, ProtocolError):
                    self.protocol_errors.protocol_errors += 1
                wait = AUTHENTICATION_RETRY_SECONDS if isinstance(error, AuthenticationFailed) else delay
                if isinstance(error, NotOwner):
                    wait = error.again_seconds
                else:
                    delay = min(delay * 2, self._backoff[1])
            else:
                self._serve(session)
                wait = delay = self._backoff[0]
            # Jitter: many orchestrators must not all return to a restarted FreeSWITCH in the same moment.
            self._stopping.wait(wait * random.uniform(0.5, 1.0))

    def _log_failure(self, error: SwitchError) -> None:
        if isinstance(error, NotOwner):
            # The ownership has said so, once.
            return
        address = f"{self.host}:{self.port}"
        if isinstance(error, AuthenticationFailed):
            self.log.error("no event socket", address=address, problem=str(error))
        elif self.last_error is None or str(self.last_error) != str(error):
            self.log.warning("no event socket", address=address, problem=str(error))

    def _open(self) -> EslSession:
        lease = None if self._heartbeat is None else self._heartbeat.lease()
        hears = (self.protocol_errors, self._event, self._pause, lease, self._log_line, self.before_sending)
        return self._dial(lambda sock: EslSession(sock, *hears), self._begin)

    def _dial(
        self, make_session: Callable[[socket.socket], EslSession], begin: Callable[[EslSession], object]
    ) -> EslSession:
        limit = NotConnected(f"{self.host}:{self.port} did not answer within {self.timeout} s")
        session: EslSession | None = None
        # A claim may have to wait for SETTLE_SECONDS, however short the answers' time is.
        claiming = 2 * SETTLE_SECONDS if self._ownership is not None else 0.0
        with gevent.Timeout(self.timeout + claiming, limit):
            try:
                sock = socket.create_connection((self.host, self.port))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                session = make_session(sock)
                begin(session)
            except OSError as error:
                raise NotConnected(f"{self.host}:{self.port}: {error}") from error
            finally:
                # Any interruption of the opening, the time limit and a kill included, closes the socket.
                if session is not None and not session.opened:
                    session.discard()
        return session

    def _begin(self, session: EslSession) -> None:
        claim = _nothing if self._heartbeat is None else self._heartbeat.claim
        self.core_uuid = session.open(self.password, self._subscribe, claim)

    def _on_another_socket(self, question: Callable[[EslSession], None]) -> None:
        """Put it on a socket that is opened for it and closed. Raises SwitchError, and what it raises."""
        self._dial(
            lambda sock: EslSession(sock, ProtocolErrors(), _nothing, _nothing),
            lambda session: session.open(self.password, (), question),
        ).discard()

    def _serve(self, session: EslSession) -> None:
        self._session, self.sock = session, session.sock
        self.protocol_errors.reconnects += self._was_up
        self._was_up = True
        self.connected = True
        self.last_error = None
        self._up.set()
        self._attempted.set()
        self.log.info("event socket up", core_uuid=self.core_uuid)
        watching: list[gevent.Greenlet[..., None]] = [gevent.spawn(watch, session, _ignore, *self._probing)]
        if self._heartbeat is not None:
            watching.append(gevent.spawn(self._heartbeat.run, session))
        keepalive = self._poll_keepalive = PollKeepalive(session.trigger_poll, lambda: session.received_at)
        hub_heartbeat = HubHeartbeat(session)
        gevent.spawn(self._came_up)
        error: SwitchError = Disconnected("stopped")
        try:
            error = session.run()
        finally:
            gevent.killall(watching, block=False)
            keepalive.stop()
            hub_heartbeat.stop()
            self.connected = False
            self._up.clear()
            self._session = None
            self.last_error = error
            level = "info" if self._stopping.is_set() else "warning"
            getattr(self.log, level)("event socket down", problem=str(error))
            self._jobs.fail_all(error)
            for listener in tuple(self.on_down):
                self._guarded(listener, error)

    # Events

    def _log_line(self, line: str) -> None:
        for listener in self.on_log:
            self._guarded(listener, line)

    def _event(self, raw: bytes) -> None:
        try:
            event = decode(raw)
        except ProtocolError as error:
            self.protocol_errors.decode_errors += 1
            self.log.warning("an event cannot be read", problem=str(error))
            return
        if event.name.startswith("CHANNEL_"):
            if self._poll_keepalive is not None:
                self._poll_keepalive.keep_awake()
        elif event.name == "BACKGROUND_JOB":
            self._jobs.on_event(event)
        for listener in self.on_event:
            try:
                listener(event)
            except Exception:
                self.protocol_errors.callback_errors += 1
                self.log.exception("handling an event failed", name=event.name, uuid=event.uuid)

    def _pause(self) -> None:
        for listener in self.on_pause:
            listener()

    def _came_up(self) -> None:
        for listener in tuple(self.on_up):
            listener()

    def _guarded(self, hook: Callable[[_Said], None], said: _Said) -> None:
        try:
            hook(said)
        except Exception:
            self.protocol_errors.callback_errors += 1
            self.log.exception("a listener failed", heard=type(said).__name__)

    # Commands

    def post(self, command: str, on_reply: OnReply | None = None) -> None:
        """Send without waiting. `on_reply` gets the `Reply` or the error, on the reading greenlet; at once
        where there is no socket. Raises `ValueError` for what is not one command."""
        data, session = commands.wire(command), self._session
        on_reply = on_reply or _ignore
        if session is None:
            on_reply(NotConnected(f"{self.node}: no event socket"))
            return
        try:
            session.post(data, on_reply, time.monotonic() + self._command_timeout)
        except SwitchError as error:
            on_reply(error)

    def ping(self, on_reply: OnReply) -> None:
        """Ask FreeSWITCH what costs it nothing: the answer comes behind all that it has said before."""
        self.post(PING, on_reply)

    def wait_current(self) -> None:
        """Where we have just stood still, until FreeSWITCH's messages of that time have been read; some
        seconds at most. Decisions by the clock come after that."""
        until = time.monotonic() + _CURRENT_SECONDS
        while (session := self._session) is not None and session.behind and time.monotonic() < until:
            gevent.sleep(0.01)

    def send(self, command: str, timeout: float | None = None) -> Reply:
        """Send and wait for the reply, an error reply too. Raises `NotConnected`, `Disconnected`,
        `CommandTimeout`."""
        data = commands.wire(command)
        session = self._session
        if session is None:
            raise NotConnected(f"{self.node}: no event socket")
        timeout = self._command_timeout if timeout is None else timeout
        result: gevent.event.AsyncResult[Reply] = gevent.event.AsyncResult()
        pending = session.post(data, settle(result), time.monotonic() + timeout)
        result.wait(timeout)
        if result.ready():
            return cast(Reply, result.get_nowait())
        # Its place in the row stays: the late reply must not answer the next command.
        pending.on_reply = None
        self.protocol_errors.command_timeouts += 1
        raise CommandTimeout(f"no reply within {timeout} s: {command[:80]!r}")

    def api(self, command: str, timeout: float | None = None) -> str:
        """Run an API command (without the word `api`) and return what it printed.

        Blocks every other command of this socket while it runs: `bgapi` is for what takes long. Raises as
        `send`, and `CommandFailed`, `LegGone`, `ConferenceGone` or `MemberGone` for an `-ERR` or `-USAGE`.
        """
        reply = self.send(command if command.startswith("api ") else f"api {command}", timeout)
        if reply.text == NO_REPLY:
            return ""
        reply.raise_for_error()
        return reply.body

    def bgapi(self, command: str, timeout: float) -> str:
        """Run an API command in a thread of FreeSWITCH's and return what it printed, within `timeout`.
        Raises as `api`."""
        return self._jobs.run(command, timeout)


def _nothing(*unheard: object) -> None:
    """On a socket that subscribes to no events, or that nobody has to own."""


def _ignore(outcome: Reply | SwitchError) -> None:
    if isinstance(outcome, SwitchError):
        log.debug("a command that nobody waits for", problem=str(outcome))
