"""The time for which the owner of an event socket may act without asking again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from gevent.lock import BoundedSemaphore


class Lease:
    """Until when the owner of this socket may act without asking."""

    def __init__(self, renew: Callable[[], float] | None = None) -> None:
        """`renew` asks, and answers until when (monotonic seconds); it raises SwitchError where this socket
        may act no more. For ever until somebody sets `until`."""
        self.until = math.inf
        self._renew = renew
        self._asking = BoundedSemaphore(1)

    def check(self) -> None:
        """Whether it has ended; before anything is done. Raises SwitchError."""
        if time.monotonic() <= self.until or self._renew is None:
            return
        with self._asking:
            if time.monotonic() > self.until:
                self.until = self._renew()
