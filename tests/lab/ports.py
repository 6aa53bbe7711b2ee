"""UDP port ranges for media that two test runs on one machine do not share."""

from __future__ import annotations

import random
import socket

FIRST, LAST, SIZE = 20000, 32000, 600  # below Linux's ephemeral ports


class PortRange:
    """A range of UDP ports, ours while its first port is held open. `start` is the first that may be used."""

    def __init__(self) -> None:
        slots = list(range(FIRST, LAST, SIZE))
        random.shuffle(slots)
        for slot in slots:
            lock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                lock.bind(("127.0.0.1", slot))
            except OSError:
                lock.close()
                continue
            self._lock, self.start, self.end = lock, slot + 2, slot + SIZE - 2
            return
        raise RuntimeError(f"no free range of {SIZE} UDP ports between {FIRST} and {LAST}")

    def release(self) -> None:
        self._lock.close()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that was free a moment ago, for programs that cannot be told to choose."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
