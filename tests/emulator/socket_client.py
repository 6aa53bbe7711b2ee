"""A bare event-socket client: every frame as it came, in order."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.event import Event


@dataclass(frozen=True)
class Frame:
    headers: dict[str, str]
    body: str
    event: dict[str, Any]

    @property
    def kind(self) -> str:
        return self.headers.get("Content-Type", "")


class SocketClient:
    def __init__(self, port: int, password: str = "ClueCon", events: str = "") -> None:
        self.frames: list[Frame] = []
        self.closed = False
        self._came = Event()
        self.socket = socket.create_connection(("127.0.0.1", port))
        self._file = self.socket.makefile("rb")
        self._reader = gevent.spawn(self._read)
        if password:
            self.send(f"auth {password}")
        if events:
            self.send(f"event json {events}")

    def close(self) -> None:
        self._reader.kill()
        self.socket.close()

    def write(self, command: str) -> None:
        self.socket.sendall(command.encode() + b"\n\n")

    def send(self, command: str, timeout: float = 15.0) -> str:
        """The answer's text."""
        before = len(self.answers)
        self.write(command)
        self.until(lambda: len(self.answers) > before, timeout, f"an answer to {command!r}")
        return self.answers[before]

    def api(self, command: str) -> str:
        return self.send(f"api {command}")

    def execute(self, uuid: str, app: str, argument: str = "", event_uuid: str = "", **more: str) -> str:
        lines = [f"sendmsg {uuid}", "call-command: execute", f"execute-app-name: {app}"]
        lines += [f"execute-app-arg: {argument}", *(f"{key}: {value}" for key, value in more.items())]
        return self.send("\n".join([*lines, f"Event-UUID: {event_uuid or app}"]))

    @property
    def answers(self) -> list[str]:
        return [
            frame.body or frame.headers.get("Reply-Text", "")
            for frame in self.frames
            if frame.kind in ("command/reply", "api/response")
        ]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [frame.event for frame in self.frames if frame.event]

    def all(self, name: str, **headers: str) -> list[dict[str, Any]]:
        """Events by Event-Name or Action; `Unique_ID` means Unique-ID."""
        wanted = {key.replace("_", "-"): value for key, value in headers.items()}
        return [
            event
            for event in self.events
            if name in (event.get("Event-Name"), event.get("Action"))
            and all(event.get(key) == value for key, value in wanted.items())
        ]

    def wait(self, name: str, timeout: float = 15.0, count: int = 1, **headers: str) -> dict[str, Any]:
        self.until(lambda: len(self.all(name, **headers)) >= count, timeout, f"{count} {name} {headers}")
        return self.all(name, **headers)[count - 1]

    def until(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        limit = time.monotonic() + timeout
        while not condition():
            self._came.clear()
            if time.monotonic() > limit or not self._came.wait(max(0.001, limit - time.monotonic())):
                if condition():
                    return
                events = [event.get("Action") or event["Event-Name"] for event in self.events]
                raise AssertionError(f"no {what} within {timeout} s; events: {events}")

    def _read(self) -> None:
        while True:
            headers: dict[str, str] = {}
            while (line := self._file.readline().decode().rstrip("\n")) or not headers:
                if not line:
                    break
                name, _, value = line.partition(": ")
                headers[name] = value
            if not headers:
                break
            body = self._file.read(int(headers.get("Content-Length", "0"))).decode()
            event = json.loads(body) if headers["Content-Type"] == "text/event-json" else {}
            self.frames.append(Frame(headers, body, event))
            self._came.set()
        self.closed = True
        self._came.set()
