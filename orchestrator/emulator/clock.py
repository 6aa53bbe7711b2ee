"""Time as the emulated switch sees it: real time, or compressed when a test wants an hour in a second."""

from __future__ import annotations

import time

import gevent


class Clock:
    """Emulated seconds. `scale`: how many real seconds one of them takes (0.01: a hundred times faster)."""

    def __init__(self, scale: float = 1.0) -> None:
        if scale <= 0:
            raise ValueError(f"time_scale must be above 0, got {scale}")
        self.scale = scale
        self._wall = time.time()
        self._start = time.monotonic()

    def now(self) -> float:
        """Seconds since 1970 by the emulated clock; runs 1/scale times as fast as the wall clock."""
        return self._wall + (time.monotonic() - self._start) / self.scale

    def micros(self) -> int:
        return int(self.now() * 1_000_000)

    def real(self, seconds: float) -> float:
        """Real seconds that `seconds` emulated ones take."""
        return seconds * self.scale

    def sleep(self, seconds: float) -> None:
        gevent.sleep(max(0.0, self.real(seconds)))
