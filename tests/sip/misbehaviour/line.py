"""How a phone's SIP messages travel: UDP or TCP, IPv4 or IPv6, and what goes wrong on the way."""

from __future__ import annotations

import contextlib
import random
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import gevent
import gevent.queue
from gevent import socket

LARGEST = 65536


@dataclass
class LineFaults:
    """The faults of each message's way: none by default."""

    copies: int = 1
    loss: float = 0.0
    """The share that is lost, in either direction."""
    delay: float = 0.0
    """Up to so many seconds, each another, so that one overtakes the other."""
    chance: random.Random = field(default_factory=random.Random)

    def lost(self) -> bool:
        return self.loss > 0 and self.chance.random() < self.loss


class Line(ABC):
    """One address that sends and receives SIP messages."""

    protocol: str

    def __init__(self, host: str) -> None:
        self.host = host
        self.faults = LineFaults()
        self.port = 0
        self._came: gevent.queue.Queue[bytes] = gevent.queue.Queue()
        self._greenlets: list[gevent.Greenlet] = []

    @property
    def shown_host(self) -> str:
        """As it stands in a URI."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def address(self) -> str:
        """As it stands in a URI, with what follows the port there."""
        return f"{self.shown_host}:{self.port}" + (";transport=tcp" if self.protocol == "TCP" else "")

    @property
    def family(self) -> int:
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    def send(self, message: bytes) -> None:
        for _ in range(self.faults.copies):
            if self.faults.lost():
                continue
            if self.faults.delay:
                seconds = self.faults.chance.uniform(0.0, self.faults.delay)
                self._greenlets.append(gevent.spawn_later(seconds, self._send, message))
            else:
                self._send(message)

    def receive(self) -> bytes:
        """The next message; waits without a limit."""
        while self.faults.lost():
            self._came.get()
        return self._came.get()

    def close(self) -> None:
        gevent.killall(self._greenlets)

    @abstractmethod
    def _send(self, message: bytes) -> None: ...


class Datagrams(Line):
    """UDP, to `peer`, or to where the last message came from."""

    protocol = "UDP"

    def __init__(self, host: str, peer_port: int = 0) -> None:
        super().__init__(host)
        self._peer = (host, peer_port)
        self._socket = socket.socket(self.family, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self.port = self._socket.getsockname()[1]
        self._greenlets.append(gevent.spawn(self._read))

    def close(self) -> None:
        super().close()
        self._socket.close()

    def _send(self, message: bytes) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendto(message, self._peer)

    def _read(self) -> None:
        while True:
            # An earlier message that nobody took shows as ECONNREFUSED here.
            with contextlib.suppress(ConnectionError):
                message, sender = self._socket.recvfrom(LARGEST)
                self._peer = sender[:2]
                self._came.put(message)


class Stream(Line):
    """TCP: one connection to `peer_port`, or whichever connection came last."""

    protocol = "TCP"

    def __init__(self, host: str, peer_port: int = 0) -> None:
        super().__init__(host)
        self._connection: socket.socket | None = None
        self._listening = socket.socket(self.family, socket.SOCK_STREAM)
        if peer_port:
            self._listening.connect((host, peer_port))
            self.port = self._listening.getsockname()[1]
            self._take(self._listening)
        else:
            self._listening.bind((host, 0))
            self._listening.listen(8)
            self.port = self._listening.getsockname()[1]
            self._greenlets.append(gevent.spawn(self._accept))

    def close(self) -> None:
        super().close()
        for one in (self._listening, self._connection):
            if one is not None:
                one.close()

    def _send(self, message: bytes) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.sendall(message)

    def _accept(self) -> None:
        while True:
            self._take(self._listening.accept()[0])

    def _take(self, connection: socket.socket) -> None:
        self._connection = connection
        self._greenlets.append(gevent.spawn(self._read, connection))

    def _read(self, connection: socket.socket) -> None:
        buffer = b""
        with contextlib.suppress(OSError):
            while data := connection.recv(LARGEST):
                buffer += data
                while (cut := _whole(buffer)) > 0:
                    message, buffer = buffer[:cut].lstrip(b"\r\n"), buffer[cut:]
                    if message:
                        self._came.put(message)


def _whole(buffer: bytes) -> int:
    """How many bytes the first message in it has; 0 while it is incomplete."""
    lead = len(buffer) - len(buffer.lstrip(b"\r\n"))
    head = buffer.find(b"\r\n\r\n", lead)
    if head < 0:
        return 0
    found = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", buffer[lead:head])
    size = head + 4 + (int(found[1]) if found else 0)
    return size if size <= len(buffer) else 0
