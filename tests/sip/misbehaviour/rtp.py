"""A phone's sound: RTP of one codec, on a path that loses, delays and reorders packets."""

from __future__ import annotations

import contextlib
import random
import struct
from dataclasses import dataclass

import gevent
from gevent import socket

FRAME_SECONDS = 0.02
NOISES = 32
DIGIT_FRAMES = 5


@dataclass(frozen=True)
class Path:
    loss: float = 0.0
    """The share of packets that never arrive."""
    jitter: float = 0.0
    """Up to so many seconds late, each another."""
    reordered: float = 0.0
    """The share that arrives after the two that follow it."""


@dataclass(frozen=True)
class Stream:
    """The media that a call's two sides agreed upon."""

    where: tuple[str, int]
    codec: str
    payload_type: int
    digits_type: int = 101


class Sound:
    """Sends until it is stopped; nobody reads what comes back."""

    def __init__(self, host: str, path: Path, chance: random.Random) -> None:
        self._host, self._path, self._chance = host, path, chance
        self._socket = self._bound()
        self._stream: Stream | None = None
        self._sender: gevent.Greenlet | None = None
        self._number, self._source = chance.randrange(30000), chance.getrandbits(32)
        self._old: list[socket.socket] = []

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def start(self, stream: Stream) -> None:
        """Or goes on in another way."""
        self._stream = stream
        if self._sender is None:
            self._sender = gevent.spawn(self._send)

    def stop(self) -> None:
        if self._sender is not None:
            self._sender.kill()
            self._sender = None

    def move(self) -> None:
        """To another port; packets come from there at once."""
        self._old.append(self._socket)
        self._socket = self._bound()

    def digit(self, digit: str) -> None:
        """As telephone-event (RFC 4733), while the sound goes on."""
        if self._stream is None:
            return
        event, begin = "0123456789*#".index(digit), self._number
        for frame in range(2 * DIGIT_FRAMES):
            end = frame >= DIGIT_FRAMES
            duration = 160 * (min(frame, DIGIT_FRAMES - 1) + 1)
            payload = struct.pack("!BBH", event, 0x80 * end | 10, duration)
            self._packet(self._stream.digits_type | (0x80 if frame == 0 else 0), payload, begin)
            gevent.sleep(FRAME_SECONDS)

    def close(self) -> None:
        self.stop()
        for one in (*self._old, self._socket):
            one.close()

    def _bound(self) -> socket.socket:
        media = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET, socket.SOCK_DGRAM)
        media.bind((self._host, 0))
        return media

    def _send(self) -> None:
        noises = {name: [_noise(name, self._chance) for _ in range(NOISES)] for name in ("PCMU", "OPUS")}
        while True:
            assert self._stream is not None
            frames = noises["OPUS" if self._stream.codec == "OPUS" else "PCMU"]
            self._packet(self._stream.payload_type, frames[self._number % NOISES], self._number)
            gevent.sleep(FRAME_SECONDS)

    def _packet(self, kind: int, payload: bytes, at: int) -> None:
        assert self._stream is not None
        self._number += 1
        step = 960 if self._stream.codec == "OPUS" else 160
        head = struct.pack(
            "!BBHII", 0x80, kind, self._number & 0xFFFF, (at * step) & 0xFFFFFFFF, self._source
        )
        if self._chance.random() < self._path.loss:
            return
        late = self._chance.uniform(0.0, self._path.jitter) if self._path.jitter else 0.0
        late += 2.5 * FRAME_SECONDS if self._chance.random() < self._path.reordered else 0.0
        if late:
            gevent.spawn_later(late, self._sent, head + payload)
        else:
            self._sent(head + payload)

    def _sent(self, packet: bytes) -> None:
        if self._stream is not None and self._socket.fileno() >= 0:
            with contextlib.suppress(OSError):
                self._socket.sendto(packet, self._stream.where)


def _noise(codec: str, chance: random.Random) -> bytes:
    """One frame: quiet noise of G.711 and G.722; for Opus its silence, as random bytes are no frame of it."""
    return b"\xf8\xff\xfe" if codec == "OPUS" else bytes(chance.randrange(0x60, 0x80) for _ in range(160))
