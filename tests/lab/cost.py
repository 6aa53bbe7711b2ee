"""The cost of something, independent of all else that this process or this machine does meanwhile.

Neither the most memory that the process ever had nor the time by the clock: on a busy machine both are
somebody else's.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent


@contextmanager
def at_most(megabytes: float) -> Iterator[None]:
    """The memory that Python and numpy hold may not grow by more in the meantime."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < megabytes * 1e6, f"{peak / 1e6:.1f} MB"


class Turns:
    """How long the others had the event loop between two turns of this one, in this thread's CPU seconds."""

    def __init__(self, pause: float = 0.001) -> None:
        self.pause = pause
        self.seconds: list[float] = []

    def wait_while(self, goes_on: Callable[[], bool]) -> None:
        while goes_on():
            self._turn()

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Turns beside what runs in the meantime."""
        counting = gevent.spawn(self.wait_while, lambda: True)
        try:
            gevent.sleep(0)
            yield
        finally:
            counting.kill()

    @property
    def longest(self) -> float:
        return max(self.seconds, default=0.0)

    def _turn(self) -> None:
        before = time.thread_time()
        gevent.sleep(self.pause)
        self.seconds.append(time.thread_time() - before)
