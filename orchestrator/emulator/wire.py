"""The event-socket protocol over TCP (mod_event_socket.c): authentication, commands, replies, events."""

from __future__ import annotations

from collections import deque
from typing import Protocol
from uuid import uuid4

import gevent
from gevent import socket
from gevent.event import Event
from gevent.lock import Semaphore

from orchestrator.emulator.core import Core
from orchestrator.emulator.event_names import EVENT_NAMES
from orchestrator.emulator.events import Fired, Origin
from orchestrator.emulator.filters import Filters
from orchestrator.logs import get_logger

log = get_logger(__name__)

GOODBYE = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
MAX_QUEUE = 100_000  # events a listener may fall behind
MAX_MISSED = 500  # lost events after which FreeSWITCH drops the listener
JOB_ORIGIN = Origin("mod_event_socket.c", "api_exec", 1572)


class Commands(Protocol):
    """The interface of the switch behind the socket."""

    @property
    def core(self) -> Core: ...

    def api(self, command: str, argument: str) -> str | None:
        """The answer, or None for a command that does not exist."""

    def message(self, uuid: str, headers: dict[str, str]) -> bool:
        """Queue a `sendmsg`; False when there is no such leg."""


class Listener:
    """One connection. Replies are written at once, events by a greenlet of their own, as in FreeSWITCH.

    One greenlet reads and carries out commands, another writes events; a background job has one of its own.
    """

    def __init__(self, sock: socket.socket, commands: Commands, password: str) -> None:
        self.sock = sock
        self.commands = commands
        self.password = password
        self.core = commands.core
        self.authed = False
        self.running = True
        self.format = "plain"
        self.names: set[str] = set()
        self.subclasses: set[str] = set()
        self.all = False
        self.listening = False
        self.filters = Filters()
        self.lost = 0
        self._buffer = b""
        self._queue: deque[Fired] = deque()
        self._queued = Event()
        self._writing = Semaphore()
        self._sink = 0

    def serve(self) -> None:
        writer = gevent.spawn(self._write_events)
        self._sink = self.core.bus.attach(self._wants, self._take)
        try:
            self._send("Content-Type: auth/request\n\n")
            while self.running:
                packet = self._read_packet()
                if packet is None:
                    return
                self._obey(*packet)
            self._drain()
            self._send(f"Content-Type: text/disconnect-notice\nContent-Length: {len(GOODBYE)}\n\n{GOODBYE}")
        except OSError as error:
            log.debug("emulator: listener gone", problem=str(error))
        finally:
            self.core.bus.detach(self._sink)
            writer.kill(block=False)
            self.sock.close()

    def drop(self) -> None:
        """The connection breaks without a word."""
        self.running = False
        self.core.bus.detach(self._sink)
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            log.debug("emulator: was closed already", problem=str(error))
        self.sock.close()

    # reading

    def _read_packet(self) -> tuple[str, dict[str, str]] | None:
        while True:
            self._buffer = self._buffer.lstrip(b"\r\n")
            head, found, rest = self._buffer.replace(b"\r\n", b"\n").partition(b"\n\n")
            if found:
                self._buffer = rest
                break
            data = self.sock.recv(65536)
            if not data:
                return None
            self._buffer += data
        first, *lines = head.decode(errors="replace").split("\n")
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if colon:
                headers.setdefault(name.lower(), value.lstrip(" "))
        length = int(headers.get("content-length", "0") or 0)
        while len(self._buffer) < length:
            data = self.sock.recv(65536)
            if not data:
                return None
            self._buffer += data
        if length > 0:
            headers["_body"] = self._buffer[:length].decode(errors="replace")
            self._buffer = self._buffer[length:]
        return first, headers

    # writing

    def _send(self, text: str) -> None:
        self._send_all(text.encode())

    def _send_all(self, data: bytes) -> None:
        # A sendall that has to wait would else let another greenlet write into the middle of its frame.
        with self._writing:
            self.sock.sendall(data)

    def _reply(self, text: str) -> None:
        self._send(f"Content-Type: command/reply\nReply-Text: {text}\n\n")

    def _wants(self, name: str, subclass: str) -> bool:
        if not self.listening:
            return False
        if name == "CUSTOM":
            return self.all or subclass in self.subclasses
        return self.all or name in self.names

    def _take(self, event: Fired) -> None:
        if not self.filters.pass_(event.headers):
            return
        if len(self._queue) >= MAX_QUEUE:
            self.lost += 1
            if self.lost > MAX_MISSED:
                self.drop()
            return
        self._queue.append(event)
        self._queued.set()

    def _write_events(self) -> None:
        try:
            while True:
                self._queued.wait()
                self._queued.clear()
                # FreeSWITCH answers a command before it sends the events which that command caused
                gevent.sleep(0)
                self._drain()
        except OSError as error:
            log.debug("emulator: cannot write events", problem=str(error))

    def _drain(self) -> None:
        out = []
        while self._queue:
            event = self._queue.popleft()
            body = event.json() if self.format == "json" else event.plain()
            out.append(
                f"Content-Length: {len(body)}\nContent-Type: text/event-{self.format}\n\n".encode() + body
            )
        if out:
            self._send_all(b"".join(out))

    # commands

    def _obey(self, command: str, headers: dict[str, str]) -> None:
        verb, _, rest = command.partition(" ")
        verb = verb.lower()
        if verb.startswith("exit") or command.startswith("..."):
            self.running = False
            self._reply("+OK bye")
        elif not self.authed:
            self._authenticate(verb, rest)
        elif verb == "sendmsg":
            uuid = rest.strip() or headers.get("session-id", "")
            self._reply(
                "+OK" if self.commands.message(uuid, headers) else f"-ERR invalid session id [{uuid}]"
            )
        elif verb == "api" and rest:
            self._api(rest)
        elif verb == "bgapi" and rest:
            self._bgapi(rest, headers)
        elif verb == "event":
            self._subscribe(rest.split())
        elif verb == "nixevent":
            self._unsubscribe(rest.split())
        elif verb == "filter":
            self._reply(self.filters.obey(rest))
        elif verb == "noevents":
            self._no_events()
        elif verb == "nolog":
            self._reply("-ERR not loging")
        elif verb == "log":
            self._reply(f"+OK log level {rest} [7]")
        elif verb == "linger":
            self._reply("-ERR not controlling a session")
        else:
            self._reply("-ERR command not found")

    def _authenticate(self, verb: str, rest: str) -> None:
        if verb == "auth" and rest == self.password:
            self.authed = True
            self._reply("+OK accepted")
        elif verb == "auth":
            self.running = False
            self._reply("-ERR invalid")
        else:
            self._reply("-ERR command not found")

    def _api(self, line: str) -> None:
        command, _, argument = line.partition(" ")
        answer = self.commands.api(command, argument)
        if answer is None:
            answer = f"-ERR {command} Command not found!\n"
        body = (answer or "-ERR no reply\n").encode()
        self._send_all(f"Content-Type: api/response\nContent-Length: {len(body)}\n\n".encode() + body)

    def _bgapi(self, line: str, headers: dict[str, str]) -> None:
        job = headers.get("job-uuid") or str(uuid4())
        command, _, argument = line.partition(" ")
        self._send(f"Content-Type: command/reply\nReply-Text: +OK Job-UUID: {job}\nJob-UUID: {job}\n\n")
        self.core.spawn(self._job, job, command, argument)

    def _job(self, job: str, command: str, argument: str) -> None:
        answer = self.commands.api(command, argument)
        if answer is None:
            answer = f"-ERR {command} Command not found!\n"
        facts = [("Job-UUID", job), ("Job-Command", command)]
        if argument:
            facts.append(("Job-Command-Arg", argument))
        body = answer or "Command returned no output!"
        self.core.bus.fire("BACKGROUND_JOB", lambda: facts, JOB_ORIGIN, body=body)

    def _subscribe(self, words: list[str]) -> None:
        if words and words[0].lower() in ("json", "plain", "xml"):
            self.format = words.pop(0).lower()
        known = self._apply(words, add=True)
        if not known:
            self._reply("-ERR no keywords supplied")
            return
        self.listening = True
        self._reply(f"+OK event listener enabled {self.format}")

    def _unsubscribe(self, words: list[str]) -> None:
        if not self._apply(words, add=False):
            self._reply("-ERR no keywords supplied")
            return
        self.listening = True
        self._reply("+OK events nixed")

    def _apply(self, words: list[str], *, add: bool) -> bool:
        """Event names up to CUSTOM, subclasses after it. False when no event was named."""
        known = custom = False
        for word in words:
            if custom:
                (self.subclasses.add if add else self.subclasses.discard)(word)
            elif word.upper() == "ALL":
                known, self.all = True, add
                if not add:
                    self.names.clear()
            elif word.upper() == "CUSTOM":
                known = custom = True
            elif word.upper() in EVENT_NAMES:
                known = True
                (self.names.add if add else self.names.discard)(word.upper())
        return known

    def _no_events(self) -> None:
        self._queue.clear()
        if not self.listening:
            self._reply("-ERR not listening for events")
            return
        self.listening = self.all = False
        self.names.clear()
        self.subclasses.clear()
        self._reply("+OK no longer listening for events")
