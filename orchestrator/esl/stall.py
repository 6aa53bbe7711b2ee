"""Notices that this process stood still: stopped, swapped out, or on a machine with other things to do."""

from __future__ import annotations

import time
from typing import Final

import gevent

from orchestrator.esl.session import EslSession

BEAT_SECONDS: Final = 0.25


class HubHeartbeat:
    """Has a session know when the hub was last at its timers."""

    def __init__(self, session: EslSession) -> None:
        self._session = session
        self._timer = gevent.get_hub().loop.timer(BEAT_SECONDS, BEAT_SECONDS)
        self._timer.start(self._beat)

    def stop(self) -> None:
        self._timer.close()

    def _beat(self) -> None:
        if self._session.hub_blocked_for:
            self._session.hub_was_blocked()
        self._session.beat_at = time.monotonic()
