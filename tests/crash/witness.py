"""The true events, seen over an event-socket connection of our own, which no kill of ours ends."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from typing import NamedTuple

import gevent
import msgspec

from tests.lab.eventsocket import EventSocket

EVENTS = "CHANNEL_PARK CHANNEL_ANSWER CHANNEL_EXECUTE CHANNEL_HANGUP CUSTOM conference::maintenance"
ACTIONS = {"add-member", "del-member", "conference-create", "conference-destroy", "start-recording"}

APPLICATIONS = {"playback"}
"""That a channel's listing shows for as long as they run."""
ORDER = (
    "CHANNEL_PARK",
    "CHANNEL_EXECUTE",
    "conference-create",
    "add-member",
    "CHANNEL_HANGUP",
    "del-member",
    "conference-destroy",
)
AGAIN_SECONDS = 3.0
SETTLED_SECONDS = 0.4


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

    def __init__(
        self,
        host: str,
        port: int,
        password: str,
        seen: list[Seen],
        node: str,
        on_end: Callable[[], object] = lambda: None,
    ) -> None:
        self._seen = seen
        self._node = node
        self._on_end = on_end
        super().__init__(host, port, password, timeout=20)
        self.send(f"event json {EVENTS}")

    def _read(self) -> None:
        super()._read()
        self._on_end()

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
        self._connection = self._connected()

    def _connected(self) -> _Connection:
        return _Connection(*self._address, self.seen, self._node, self._on_end)

    def _on_end(self) -> None:
        """The socket has ended, and not by us: an orchestrator had FreeSWITCH close all, or it has died."""
        gevent.spawn(self._look_again, time.time_ns() // 1000, self._connection)

    def _look_again(self, ended: int, before: _Connection | None) -> None:
        until = time.monotonic() + AGAIN_SECONDS
        while before is not None and self._connection is before and time.monotonic() < until:
            with contextlib.suppress(OSError, TimeoutError, gevent.Timeout):
                connection = self._connected()
                if self._connection is not before:
                    connection.close()
                    return
                self._connection = connection
                self._find_missed((ended + time.time_ns() // 1000) // 2)
                return
            gevent.sleep(0.005)

    def _find_missed(self, at: int) -> None:
        """Events between the two sockets are added, as if they had been seen then."""
        gevent.sleep(SETTLED_SECONDS)
        first = self._missed(at)
        gevent.sleep(SETTLED_SECONDS)
        # An event may still have been on its way.
        self.seen.extend(sorted(first & self._missed(at), key=lambda one: ORDER.index(one.name)))

    def _missed(self, at: int) -> set[Seen]:
        rooms: set[str] = set()
        members: dict[str, str] = {}
        legs: dict[str, Seen] = {}
        for one in self.seen:
            if one.node != self._node:
                continue
            match one.name:
                case "conference-create":
                    rooms.add(one.room)
                case "conference-destroy":
                    rooms.discard(one.room)
                case "add-member":
                    members[one.leg] = one.room
                case "del-member":
                    members.pop(one.leg, None)
                case "CHANNEL_HANGUP":
                    legs.pop(one.leg, None)
                case "CHANNEL_EXECUTE" | "CHANNEL_PARK":
                    legs[one.leg] = one
        listing = self.api("conference json_list").strip()
        found = json.loads(listing) if listing.startswith("[") else []
        now_in = {
            one["uuid"]: conference["conference_name"]
            for conference in found
            for one in conference.get("members", ())
            if one.get("type") == "caller"
        }
        now_rooms = {conference["conference_name"] for conference in found}
        rows = {row["uuid"]: row for row in json.loads(self.api("show channels as json")).get("rows", [])}
        gone = {leg for leg in legs if self.api(f"uuid_exists {leg}").strip() != "true"}

        def seen(name: str, leg: str = "", room: str = "", detail: str = "", caller: str = "") -> Seen:
            return Seen(at, at, name, leg, room, detail, caller, self._node)

        return {
            *(
                seen("CHANNEL_PARK", leg, caller=row["cid_num"])
                for leg, row in rows.items()
                if leg not in legs
            ),
            *(
                seen("CHANNEL_EXECUTE", leg, detail=row["application"])
                for leg, row in rows.items()
                if row["application"] in APPLICATIONS
                and (leg not in legs or legs[leg].detail != row["application"])
            ),
            *(seen("conference-create", room=room) for room in now_rooms - rooms),
            *(seen("add-member", leg, room) for leg, room in now_in.items() if members.get(leg) != room),
            *(seen("CHANNEL_HANGUP", leg) for leg in gone),
            *(seen("del-member", leg, room) for leg, room in members.items() if leg not in now_in),
            *(seen("conference-destroy", room=room) for room in rooms - now_rooms),
        }

    def api(self, command: str) -> str:
        assert self._connection is not None
        return self._connection.api(command)

    def catch_up(self) -> None:
        """Until what FreeSWITCH has said so far has been read: an answer comes after it."""
        with contextlib.suppress(OSError, gevent.Timeout, ConnectionError, TimeoutError):
            self.api("status")

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
