"""The one clock of calls and rooms, and what it wakes."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent


def now() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


class Alarm:
    """Calls `ring` once, in `seconds`, on the hub: it must not block. A tenth of what a greenlet costs that
    sleeps and is killed before its time."""

    __slots__ = ("_timer",)

    def __init__(self, seconds: float, ring: Callable[..., None], *args: object) -> None:
        self._timer = gevent.get_hub().loop.timer(seconds)
        self._timer.start(self._ring, ring, args)

    def cancel(self) -> None:
        """It does not ring any more; nothing happens where it has."""
        self._timer.close()

    def _ring(self, ring: Callable[..., None], args: tuple[object, ...]) -> None:
        self._timer.close()
        ring(*args)
