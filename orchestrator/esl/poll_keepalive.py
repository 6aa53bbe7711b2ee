"""Makes FreeSWITCH send events without delay, while calls come and go."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import gevent

POLL_SECONDS: Final = 0.01
"""Half of a frame of sound: what comes so late can still be answered within the frame of 20 ms."""
AWAKE_SECONDS: Final = 0.5


class PollKeepalive:
    """mod_event_socket looks for a listener's events every 20 ms, or when it has read something from it
    (read_packet). A call that has just parked, and every callback, would wait for half of that on average.
    So it is sent an empty line where it has not looked for POLL_SECONDS; but no more once nobody has come or
    gone for a while, as both sides would be busy with nothing: each of these lines takes some 0.1 ms of CPU.
    """

    def __init__(self, trigger_poll: Callable[[], None], looked_at: Callable[[], float]) -> None:
        """`trigger_poll` is called on the hub: it must not block. `looked_at`: when FreeSWITCH last looked,
        as far as is known (monotonic seconds)."""
        self._trigger_poll = trigger_poll
        self._looked_at = looked_at
        self._loop = gevent.get_hub().loop
        self._timer = self._loop.timer(0)
        self._asleep_at = 0.0
        self._awake = False
        self._stopped = False

    def keep_awake(self) -> None:
        """Somebody comes or goes."""
        self._asleep_at = time.monotonic() + AWAKE_SECONDS
        if not (self._awake or self._stopped):
            self._awake = True
            self._wait(POLL_SECONDS)

    def stop(self) -> None:
        self._stopped = True
        self._timer.close()

    def _wait(self, seconds: float) -> None:
        self._timer.close()
        self._timer = self._loop.timer(seconds)
        self._timer.start(self._beat)

    def _beat(self) -> None:
        now = time.monotonic()
        if now > self._asleep_at:
            self._awake = False
            return
        left = self._looked_at() + POLL_SECONDS - now
        if left <= 0.001:
            self._trigger_poll()
            left = POLL_SECONDS
        self._wait(left)
