"""Notices that this process stood still: stopped, swapped out, or on a machine with other things to do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import gevent

if TYPE_CHECKING:
    from orchestrator.esl.session import Link

BEAT_SECONDS: Final = 0.25


class Stillness:
    """Has a link know when the hub was last at its timers."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._timer = gevent.get_hub().loop.timer(BEAT_SECONDS, BEAT_SECONDS)
        self._timer.start(self._beat)

    def stop(self) -> None:
        self._timer.close()

    def _beat(self) -> None:
        if self._link.stood_still:
            self._link.stood_still_until_now()
        self._link.beat_at = time.monotonic()
