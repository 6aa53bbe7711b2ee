"""Port ranges that two test runs on one machine do not share."""

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

    def take(self) -> int:
        """One port of the range, TCP and UDP: nobody else's, as the ephemeral ones may be at any moment."""
        self.start += 2
        return self.start - 2

    def release(self) -> None:
        self._lock.close()
