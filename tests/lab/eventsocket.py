"""A small event-socket client for tests, independent of the project's own: a second opinion."""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections import deque
from collections.abc import Callable
from urllib.parse import unquote

import gevent
import gevent.event


def named(name: str, **fields: str) -> Callable[[dict[str, str]], bool]:
    """Fits events of that name with these headers, `Unique_ID` meaning Unique-ID."""
    wanted = {"Event-Name": name} | {key.replace("_", "-"): value for key, value in fields.items()}
    return lambda event: all(event.get(key) == value for key, value in wanted.items())


class EventSocket:
    """One connection. Every command waits for its answer; the `events` asked for collect in `.events`."""

    def __init__(
        self, host: str, port: int, password: str, *, events: str = "", timeout: float = 15.0
    ) -> None:
        self.timeout = timeout
        self.events: list[dict[str, str]] = []
        self._came = gevent.event.Event()
        self._answers: deque[gevent.event.AsyncResult] = deque()
        self._socket = socket.create_connection((host, port), timeout)
        self._socket.settimeout(None)
        self._file = self._socket.makefile("rb")
        self._greeted = gevent.event.Event()
        self._reader = gevent.spawn(self._read)
        if not self._greeted.wait(timeout):
            raise TimeoutError("no auth/request from the event socket")
        if not self.send(f"auth {password}").startswith("+OK"):
            raise PermissionError("the event socket refused the password")
        if events:
            self.send(f"event json {events}")

    def __enter__(self) -> EventSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._reader.kill()
        self._file.close()
        self._socket.close()

    def send(self, command: str) -> str:
        """The reply's text, or the body of an api's answer."""
        answer: gevent.event.AsyncResult = gevent.event.AsyncResult()
        self._answers.append(answer)
        self._socket.sendall(command.encode() + b"\n\n")
        return str(answer.get(timeout=self.timeout))

    def api(self, command: str) -> str:
        return self.send(f"api {command}")

    def execute(self, leg: str, application: str, argument: str = "", **headers: str) -> str:
        """Starts an application on a parked leg; its CHANNEL_EXECUTE_COMPLETE will carry the id returned."""
        ident = str(uuid.uuid4())
        lines = [
            f"sendmsg {leg}",
            "call-command: execute",
            f"execute-app-name: {application}",
            f"Event-UUID: {ident}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        if argument:
            lines += [f"execute-app-arg: {argument}"]
        reply = self.send("\n".join(lines))
        if not reply.startswith("+OK"):
            raise AssertionError(f"{application} on {leg}: {reply}")
        return ident

    def wait_event(self, fits: Callable[[dict[str, str]], bool], timeout: float = 15.0) -> dict[str, str]:
        """The first event that fits, come already or coming."""
        return self.wait_events(fits, 1, timeout)[0]

    def wait_events(
        self, fits: Callable[[dict[str, str]], bool], count: int, timeout: float = 15.0
    ) -> list[dict[str, str]]:
        """All events that fit, once there are `count`. Their "at" is the monotonic time of arrival."""
        deadline = time.monotonic() + timeout
        while True:
            self._came.clear()
            found = [event for event in self.events if fits(event)]
            if len(found) >= count:
                return found
            if not self._came.wait(max(0.0, deadline - time.monotonic())):
                names = [event.get("Event-Name", "") for event in self.events[-12:]]
                raise AssertionError(
                    f"{len(found)} of {count} such events within {timeout:g} s; the last ones were {names}"
                )

    def _read(self) -> None:
        try:
            while (frame := self._frame()) is not None:
                self._take(*frame)
        except (OSError, ValueError):
            pass
        for answer in self._answers:
            answer.set_exception(ConnectionError("the event socket was closed"))

    def _frame(self) -> tuple[dict[str, str], bytes] | None:
        headers: dict[str, str] = {}
        while line := self._file.readline():
            if line == b"\n":
                if headers:
                    break
                continue
            name, _, value = line.decode(errors="replace").rstrip("\n").partition(": ")
            headers[name] = unquote(value)
        else:
            return None
        return headers, self._file.read(int(headers.get("Content-Length", 0)))

    def _take(self, headers: dict[str, str], body: bytes) -> None:
        kind = headers.get("Content-Type")
        if kind == "auth/request":
            self._greeted.set()
        elif kind == "command/reply" and self._answers:
            self._answers.popleft().set(headers.get("Reply-Text", ""))
        elif kind == "api/response" and self._answers:
            self._answers.popleft().set(body.decode(errors="replace"))
        elif kind == "text/event-json":
            self.events.append(json.loads(body.decode(errors="replace")) | {"at": str(time.monotonic())})
            self._came.set()


def left_on(host: str, port: int, password: str) -> list[str]:
    """The channels and conferences that live on a switch, one text each."""
    with EventSocket(host, port, password) as switch:
        left = []
        for row in json.loads(switch.api("show channels as json")).get("rows", []):
            # The listing is a database that lags behind: only what the core still knows counts.
            if switch.api(f"uuid_exists {row['uuid']}").strip() == "true":
                left.append(
                    f"channel {row['uuid']} {row.get('name', '')} {row.get('application', '')}".strip()
                )
        listing = switch.api("conference json_list").strip()
        if listing.startswith("["):
            left += [
                f"conference {row['conference_name']} with {row.get('member_count', '?')} members"
                for row in json.loads(listing)
            ]
        return left
