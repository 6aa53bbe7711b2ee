"""One socket's life: commands go out in order, replies come back in order, and its end fails whatever is
unanswered."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import gevent
import gevent.event
from gevent import socket

from orchestrator.esl.commands import wire
from orchestrator.esl.errors import (
    AuthenticationFailed,
    CommandTimeout,
    Disconnected,
    ProtocolError,
    SwitchError,
    WriteOverflow,
)
from orchestrator.esl.frames import Frame, FrameDecoder
from orchestrator.esl.lease import Lease
from orchestrator.esl.protocol_errors import ProtocolErrors
from orchestrator.esl.reply import NO_REPLY, OnReply, Pending, Reply
from orchestrator.logs import get_logger

log = get_logger(__name__)

RECEIVE_BYTES: Final = 64 * 1024
# A thousand queued sendmsg are 0.3 MB; this much unread means that FreeSWITCH has stopped reading.
MAX_UNSENT_BYTES: Final = 8 * 1024 * 1024
# A socket that always has data never makes the reader wait, and a greenlet that never waits starves all
# others.
MAX_READING_SECONDS: Final = 0.01
BLOCKED_SECONDS: Final = 1.0
"""The hub was away from its timers for so long: this process stood still."""
# Until what came while we stood still is read, no other greenlet has a turn: it would decide without it.
MAX_CATCHING_UP_SECONDS: Final = 1.0
# libev's EV_MAXPRI; gevent's own is in no type stub.
HIGHEST_PRIORITY: Final = 2
PING: Final = "api global_getvar core_uuid"
PING_SECONDS: Final = 10.0


class EslSession:
    """One connected, not yet authenticated socket. `run` is its reader; everything may be called from any
    greenlet.

    `run` hands events to its listeners between two reads: these must not block, and a command posted by them
    is written by another greenlet, which calls `before_sending` first: that may block.
    """

    def __init__(
        self,
        sock: socket.socket,
        protocol_errors: ProtocolErrors,
        on_event: Callable[[bytes], None],
        on_pause: Callable[[], None],
        lease: Lease | None = None,
        on_log: Callable[[str], None] = lambda line: None,
        before_sending: Callable[[], None] = lambda: None,
    ) -> None:
        self.sock = self._sock = sock
        self.opened = False
        self.lease = lease or Lease()
        self.protocol_errors = protocol_errors
        self._on_event = on_event
        self._on_pause = on_pause
        self._on_log = on_log
        self._before_sending = before_sending
        self._decoder = FrameDecoder()
        self._early: deque[Frame | bytes] = deque()
        self._pending: deque[Pending] = deque()
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._wake = gevent.event.Event()
        self._writer: gevent.Greenlet[[], None] | None = None
        self._error: SwitchError | None = None
        self.received_at = time.monotonic()
        """When bytes last came (monotonic seconds)."""
        self._yielded_at = self.received_at
        """When others last had a turn."""
        self.beat_at = self.received_at
        """When the hub was last at its timers (monotonic seconds)."""
        self.catching_up = False
        """Messages from the time of a stall are being read."""
        self._catching_up_until = 0.0
        # On waking, what FreeSWITCH has said comes before any timer of ours: else libev runs those first.
        watcher = getattr(sock, "_read_event", None)
        if watcher is not None:
            watcher.priority = HIGHEST_PRIORITY

    @property
    def hub_blocked_for(self) -> bool:
        """Whether no timer has run for longer than on any machine that is well."""
        return time.monotonic() - self.beat_at > BLOCKED_SECONDS

    @property
    def behind(self) -> bool:
        """Whether something may lie unread that FreeSWITCH said while we stood still."""
        return self.catching_up or (self.opened and self.hub_blocked_for)

    def hub_was_blocked(self) -> None:
        """Messages of that time are read before any decision by the clock."""
        self.beat_at = time.monotonic()
        self._catching_up_until = self.beat_at + MAX_CATCHING_UP_SECONDS
        if self.catching_up or not self.opened:
            return
        self.catching_up = True
        # The answer comes behind all that had been said by then.
        try:
            self.post(wire(PING), self._caught_up, self.beat_at + PING_SECONDS)
        except SwitchError:
            self.catching_up = False

    def _caught_up(self, outcome: Reply | SwitchError) -> None:
        self.catching_up = False

    # Opening

    def open(
        self,
        password: str,
        subscribe: Sequence[str],
        claim: Callable[[EslSession], None] = lambda session: None,
    ) -> str:
        """Greet, authenticate, `claim` by what it may `ask`, subscribe by these commands; return the
        Core-UUID. The caller limits the time.

        Raises `AuthenticationFailed`, `ProtocolError` or `Disconnected`, and what `claim` raises. No command
        may be posted before it returns.
        """
        frames = self._frames()
        banner = next(frames)
        if isinstance(banner, bytes) or banner.content_type != "auth/request":
            raise ProtocolError(f"{_kind(banner)} where auth/request should be")
        self._sock.sendall(f"auth {password}\n\n".encode())
        answer = next(frames)
        if isinstance(answer, bytes) or answer.headers.get("Reply-Text") != "+OK accepted":
            raise AuthenticationFailed("FreeSWITCH refuses the event socket's password")
        claim(self)
        commands = (*subscribe, "api global_getvar core_uuid")
        self._sock.sendall("".join(f"{command}\n\n" for command in commands).encode())
        # Events may already come between the replies: they wait until there is a listener.
        events, body = list[bytes](), b""
        for _ in commands:
            while isinstance(frame := next(frames), bytes):
                events.append(frame)
            Reply(frame.headers.get("Reply-Text", "")).raise_for_error()
            body = frame.body
        self._early.extendleft(reversed(events))
        self._writer = gevent.spawn(self._write)
        self.opened = True
        return _text(body).strip()

    def ask(self, command: str) -> str:
        """The output of an API command. Only in `open`, before events are subscribed to."""
        self._sock.sendall(wire(command))
        frame = next(self._frames())
        if isinstance(frame, bytes) or frame.content_type != "api/response":
            raise ProtocolError(f"{_kind(frame)} where api/response should be")
        body = _text(frame.body)
        reply = Reply(body.partition("\n")[0], body)
        if reply.text == NO_REPLY:
            return ""
        reply.raise_for_error()
        return body

    def _frames(self) -> Iterator[Frame | bytes]:
        while True:
            while self._early:
                frame = self._early.popleft()
                if isinstance(frame, Frame):
                    self._end_at_disconnect_notice(frame)
                yield frame
            self._early.extend(self._receive())

    def _end_at_disconnect_notice(self, frame: Frame) -> None:
        if frame.content_type == "text/disconnect-notice":
            raise self._error or Disconnected(f"FreeSWITCH says: {_first_line(frame.body)}")
        if frame.content_type == "text/rude-rejection":
            raise AuthenticationFailed(f"FreeSWITCH rejects our address: {_first_line(frame.body)}")

    def _receive(self) -> list[Frame | bytes]:
        """The next frames. Raises `Disconnected` at the end of the stream."""
        try:
            data = self._what_came()
            waited = data is None
            if data is None:
                self._on_pause()
                data = self._sock.recv(RECEIVE_BYTES)
        except OSError as error:
            raise self._error or Disconnected(f"the event socket failed: {error}") from error
        if not data:
            inside = " inside a frame" if self._decoder.inside_frame else ""
            raise (
                self._error
                or self._decoder.error
                or Disconnected(f"FreeSWITCH closed the event socket{inside}")
            )
        self.received_at = time.monotonic()
        if waited:
            self._yielded_at = self.received_at
        if self.hub_blocked_for:
            self.hub_was_blocked()
        if self.received_at > self.lease.until:
            self.lease.check()
        return self._decoder.feed(data)

    def _what_came(self) -> bytes | None:
        """None: nothing yet."""
        try:
            return os.read(self._sock.fileno(), RECEIVE_BYTES)
        except BlockingIOError:
            return None

    # Reading

    def run(self) -> SwitchError:
        """Read until the end; return why it ended. Pending commands have failed by then."""
        try:
            self._read()
        except SwitchError as error:
            self._error = self._error or error
        reason = self._error or Disconnected("the event socket ended")
        if isinstance(reason, ProtocolError):
            self.protocol_errors.protocol_errors += 1
        self.close(reason)
        self.discard()
        ended = _as_disconnected(reason)
        while self._pending:
            self._deliver(self._pending.popleft(), ended)
        return reason

    def _read(self) -> None:
        frames: deque[Frame | bytes] | list[Frame | bytes] = self._early
        on_event = self._on_event
        try:
            while True:
                for frame in frames:
                    if isinstance(frame, bytes):
                        on_event(frame)
                    else:
                        self._on_control_frame(frame)
                if self._decoder.error is not None:
                    raise self._decoder.error
                reading = self.received_at - self._yielded_at
                if reading > MAX_READING_SECONDS and self.received_at > self._catching_up_until:
                    self._on_pause()
                    gevent.sleep(0)
                    self._yielded_at = time.monotonic()
                frames = self._receive()
        finally:
            self._on_pause()

    def _on_control_frame(self, frame: Frame) -> None:
        kind = frame.content_type
        if kind == "command/reply":
            self._answer(kind, Reply(frame.headers.get("Reply-Text", "")))
        elif kind == "api/response":
            body = _text(frame.body)
            self._answer(kind, Reply(body.partition("\n")[0], body))
        elif kind == "log/data":
            self._on_log(_text(frame.body))
        else:
            self._end_at_disconnect_notice(frame)
            self.protocol_errors.unexpected_frames += 1

    def _answer(self, kind: str, reply: Reply) -> None:
        pending = self._pending.popleft() if self._pending else None
        if pending is None or pending.expects != kind:
            # One reply too many or too few: every later one would answer the wrong command.
            self.protocol_errors.unexpected_replies += 1
            if pending is not None:
                self._pending.appendleft(pending)
            raise ProtocolError(f"{kind} where {pending.expects if pending else 'no reply'} should be")
        self._deliver(pending, reply)

    def _deliver(self, pending: Pending, outcome: Reply | SwitchError) -> None:
        on_reply, pending.on_reply = pending.on_reply, None
        if on_reply is None:
            self.protocol_errors.late_replies += isinstance(outcome, Reply)
            return
        try:
            on_reply(outcome)
        except Exception:
            self.protocol_errors.callback_errors += 1
            log.exception("a reply's callback failed")

    # Writing

    def post(self, data: bytes, on_reply: OnReply, deadline: float) -> Pending:
        """Queue a command (from `commands.wire`); all that is queued in one turn of the hub goes out in one
        send.

        Raises `Disconnected` when the socket has ended, `WriteOverflow` (and ends it) when too much is
        unsent.
        """
        if self._error is not None:
            raise _as_disconnected(self._error)
        if self._unsent_bytes + len(data) > MAX_UNSENT_BYTES:
            self.protocol_errors.overflows += 1
            overflow = WriteOverflow(f"FreeSWITCH reads nothing: {self._unsent_bytes} bytes are unsent")
            self.close(overflow)
            raise overflow
        pending = Pending("api/response" if data.startswith(b"api ") else "command/reply", on_reply, deadline)
        self._pending.append(pending)
        self._unsent.append(data)
        self._unsent_bytes += len(data)
        if len(self._unsent) == 1:
            self._wake.set()
        return pending

    def _write(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._unsent:
                data = b"".join(self._unsent)
                self._unsent.clear()
                self._before_sending()
                try:
                    self.lease.check()
                except SwitchError as error:
                    self.close(error)
                    return
                try:
                    self._sock.sendall(data)
                except OSError as error:
                    self.close(Disconnected(f"the event socket failed: {error}"))
                    return
                self._unsent_bytes -= len(data)

    def trigger_poll(self) -> None:
        """Send an empty line, which is no command. Never blocks."""
        # A command under way wakes FreeSWITCH too, and nothing may come between its bytes.
        if not self._unsent_bytes and self._error is None:
            with contextlib.suppress(OSError):
                os.write(self._sock.fileno(), b"\n")

    # Ending

    @property
    def never_polled(self) -> bool:
        """Whether no reply is awaited."""
        return not self._pending

    def expire(self, now: float) -> float:
        """Time out what is due; return for how long the command next in line has been overdue (0.0: it is
        not)."""
        due = [
            pending for pending in self._pending if pending.on_reply is not None and pending.deadline <= now
        ]
        for pending in due:
            self.protocol_errors.command_timeouts += 1
            self._deliver(pending, CommandTimeout("no reply in time"))
        return max(0.0, now - self._pending[0].deadline) if self._pending else 0.0

    def extend_deadlines(self, seconds: float) -> None:
        """Nobody's time counts while this process stood still for so long."""
        for pending in self._pending:
            pending.deadline += seconds
        self.received_at = min(time.monotonic(), self.received_at + seconds)

    def close(self, error: SwitchError) -> None:
        """End the socket with `error` as the reason; `run` notices and does the rest."""
        if self._error is None:
            self._error = error
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            log.debug("the event socket was gone already")

    def discard(self) -> None:
        """Close the socket without a word."""
        if self._writer is not None:
            self._writer.kill(block=False)
        self._sock.close()


def _as_disconnected(error: SwitchError) -> Disconnected:
    return error if isinstance(error, Disconnected) else Disconnected(str(error))


def _kind(frame: Frame | bytes) -> str:
    return "an event" if isinstance(frame, bytes) else frame.content_type


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _first_line(body: bytes) -> str:
    return _text(body).strip().partition("\n")[0][:120]
