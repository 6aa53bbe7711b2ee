"""Makes FreeSWITCH send events without delay, while calls come and go."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import gevent

WAKE_SECONDS: Final = 0.008
AWAKE_SECONDS: Final = 2.0


class PollKeepalive:
    """mod_event_socket looks for a listener's events every 20 ms, or when it has read something from it
    (read_packet). A call that has just parked, and every callback, would wait for half of that on average.
    So it is sent an empty line every WAKE_SECONDS; but no more once nobody has come or gone for a while, as
    both sides would be busy with nothing.
    """

    def __init__(self, trigger_poll: Callable[[], None]) -> None:
        """`trigger_poll` is called on the hub: it must not block."""
        self._trigger_poll = trigger_poll
        self._timer = gevent.get_hub().loop.timer(WAKE_SECONDS, WAKE_SECONDS)
        self._asleep_at = 0.0
        self._awake = False
        self._stopped = False

    def keep_awake(self) -> None:
        """Somebody comes or goes."""
        self._asleep_at = time.monotonic() + AWAKE_SECONDS
        if not (self._awake or self._stopped):
            self._awake = True
            self._timer.start(self._beat)

    def stop(self) -> None:
        self._stopped = True
        self._timer.close()

    def _beat(self) -> None:
        if time.monotonic() > self._asleep_at:
            self._awake = False
            self._timer.stop()
        else:
            self._trigger_poll()
