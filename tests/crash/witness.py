"""The true events, seen over an event-socket connection of our own, which no kill of ours ends."""

from __future__ import annotations

import contextlib
import time
from typing import NamedTuple

import gevent
import msgspec

from tests.lab.eventsocket import EventSocket

EVENTS = "CHANNEL_PARK CHANNEL_ANSWER CHANNEL_EXECUTE CHANNEL_HANGUP CUSTOM conference::maintenance"
ACTIONS = {"add-member", "del-member", "conference-create", "conference-destroy", "start-recording"}


class Seen(NamedTuple):
    """One event."""

    at: int
    """By FreeSWITCH's clock, microseconds since the epoch."""
    came: int
    """By ours."""
    name: str
    """Event-Name, of conference events their Action."""
    leg: str
    """Unique-ID."""
    room: str
    """Conference-Name, which is the ConferenceSid."""
    detail: str
    """The application that is executed, or the path of a recording."""
    caller: str
    node: str = ""


class _Event(msgspec.Struct):
    name: str = msgspec.field(name="Event-Name")
    stamp: str = msgspec.field(name="Event-Date-Timestamp")
    action: str = msgspec.field(name="Action", default="")
    leg: str = msgspec.field(name="Unique-ID", default="")
    room: str = msgspec.field(name="Conference-Name", default="")
    application: str = msgspec.field(name="Application", default="")
    path: str = msgspec.field(name="Path", default="")
    caller: str = msgspec.field(name="Caller-Caller-ID-Number", default="")


_decode = msgspec.json.Decoder(_Event).decode


class _Connection(EventSocket):
    """Keeps of each event only what is asked of it: there are hundreds of thousands."""

    def __init__(self, host: str, port: int, password: str, seen: list[Seen], node: str) -> None:
        self._seen = seen
        self._node = node
        super().__init__(host, port, password, timeout=20)
        self.send(f"event json {EVENTS}")

    def _take(self, headers: dict[str, str], body: bytes) -> None:
        if headers.get("Content-Type") != "text/event-json":
            super()._take(headers, body)
            return
        event = _decode(body)
        if event.name == "CUSTOM" and event.action not in ACTIONS:
            return
        self._seen.append(
            Seen(
                int(event.stamp),
                time.time_ns() // 1000,
                event.action or event.name,
                event.leg,
                event.room,
                event.application or event.path,
                event.caller,
                self._node,
            )
        )


class Witness:
    """`seen` is everything since the beginning, over all instances of the switch; those of several nodes
    share one list."""

    def __init__(
        self, host: str, port: int, password: str, seen: list[Seen] | None = None, node: str = ""
    ) -> None:
        self.seen: list[Seen] = seen if seen is not None else []
        self._node = node
        self._address = (host, port, password)
        self._connection: _Connection | None = None

    def look(self) -> None:
        """At the switch that has just been started."""
        self.close()
        self._connection = _Connection(*self._address, self.seen, self._node)

    def api(self, command: str) -> str:
        assert self._connection is not None
        return self._connection.api(command)

    def catch_up(self) -> None:
        """Until what FreeSWITCH has said so far has been read: an answer comes after it."""
        with contextlib.suppress(OSError, gevent.Timeout, ConnectionError, TimeoutError):
            self.api("status")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
