"""Turns of gevent's hub. A greenlet whose sockets always have something ready never waits, and without this
no other would run, and no time limit strike."""

from __future__ import annotations

import time
from typing import Final

import gevent

TURN_SECONDS: Final = 0.005
# With 0 gevent lets others run fifty times before it looks at timers and sockets.
_REST_SECONDS: Final = 0.0001


def yield_after_long_turn() -> None:
    """Let all others run if none has waited in the hub for TURN_SECONDS."""
    # The loop looks at the clock once each time it polls.
    if abs(time.time() - gevent.get_hub().loop.now()) > TURN_SECONDS:
        gevent.sleep(_REST_SECONDS)
