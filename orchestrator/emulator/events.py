"""Events: built in FreeSWITCH's header order, numbered, and handed to everyone who subscribed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote
from uuid import uuid4

import msgspec

from orchestrator.emulator.clock import Clock

Headers = list[tuple[str, str]]

ARRAY = "ARRAY::"  # how switch_event.c writes a header with several values, with |: between them
MAINTENANCE = "conference::maintenance"


class Origin(NamedTuple):
    """Where FreeSWITCH 1.10.12 fires an event: part of every event's headers."""

    file: str
    function: str
    line: int


class Fired:
    """One event on its way to the listeners; each format is made at most once."""

    def __init__(self, name: str, subclass: str, headers: Headers) -> None:
        self.name = name
        self.subclass = subclass
        self.headers = headers
        self._json: bytes | None = None
        self._plain: bytes | None = None

    def json(self) -> bytes:
        if self._json is None:
            # FreeSWITCH writes a header that it has set twice (CHANNEL_HANGUP_COMPLETE's Hangup-Cause) twice
            encode = msgspec.json.encode
            pairs = [encode(key) + b":" + encode(_listed(value)) for key, value in self.headers]
            self._json = b"{" + b",".join(pairs) + b"}"
        return self._json

    def plain(self) -> bytes:
        if self._plain is None:
            lines = [f"{key}: {quote(value, safe=SAFE)}\n" for key, value in self.headers if key != "_body"]
            body = dict(self.headers).get("_body", "")
            self._plain = ("".join(lines) + "\n" + body).encode()
        return self._plain


def _listed(value: str) -> str | list[str]:
    return value.removeprefix(ARRAY).split("|:") if value.startswith(ARRAY) else value


# switch_url_encode leaves everything but these alone: "\r\n \"#%&+:;<=>?@[\\]^`{|}" (switch_utils.h)
SAFE = "!$'()*,-./_~"


@dataclass
class Identity:
    """The headers of every event that identify one instance of FreeSWITCH; a new core UUID after each
    start."""

    core_uuid: str
    hostname: str = "switch"
    ipv4: str = "192.0.2.2"
    ipv6: str = "fd00::2"

    @classmethod
    def fresh(cls) -> Identity:
        return cls(core_uuid=str(uuid4()))


Sink = Callable[[Fired], None]
Wants = Callable[[str, str], bool]


class Bus:
    """Numbers events and passes them to the listeners in one order."""

    def __init__(self, clock: Clock, identity: Identity) -> None:
        self.clock = clock
        self.identity = identity
        self.sequence = 0
        self._sinks: dict[int, tuple[Wants, Sink]] = {}
        self._next_sink = 0

    def attach(self, wants: Wants, sink: Sink) -> int:
        self._next_sink += 1
        self._sinks[self._next_sink] = (wants, sink)
        return self._next_sink

    def detach(self, key: int) -> None:
        self._sinks.pop(key, None)

    def fire(
        self,
        name: str,
        headers: Callable[[], Headers],
        origin: Origin,
        *,
        subclass: str = "",
        body: str | None = None,
    ) -> None:
        """Number the event and give it to who wants it; `headers` is only called when somebody does."""
        self.sequence += 1
        sinks = [sink for wants, sink in self._sinks.values() if wants(name, subclass)]
        if not sinks:
            return
        everything = self.prefix(name, origin, subclass) + headers()
        if body is not None:
            everything += [("Content-Length", str(len(body.encode()))), ("_body", body)]
        fired = Fired(name, subclass, everything)
        for sink in sinks:
            sink(fired)

    def prefix(self, name: str, origin: Origin, subclass: str = "") -> Headers:
        now = self.clock.now()
        me = self.identity
        head: Headers = [("Event-Subclass", subclass)] if subclass else []
        head += [
            ("Event-Name", name),
            ("Core-UUID", me.core_uuid),
            ("FreeSWITCH-Hostname", me.hostname),
            ("FreeSWITCH-Switchname", me.hostname),
            ("FreeSWITCH-IPv4", me.ipv4),
            ("FreeSWITCH-IPv6", me.ipv6),
            ("Event-Date-Local", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))),
            ("Event-Date-GMT", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now))),
            ("Event-Date-Timestamp", str(int(now * 1_000_000))),
            ("Event-Calling-File", origin.file),
            ("Event-Calling-Function", origin.function),
            ("Event-Calling-Line-Number", str(origin.line)),
            ("Event-Sequence", str(self.sequence)),
        ]
        return head
