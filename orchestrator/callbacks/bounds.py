"""Bounds of the outbox: callbacks that are too old or too many fail."""

from __future__ import annotations

import time
from collections.abc import Container

import gevent

from orchestrator.callbacks.counters import DeliveryCounters
from orchestrator.callbacks.retry import DeliverySettings
from orchestrator.logs import get_logger
from orchestrator.store.interface import CallbackStore
from orchestrator.store.message import FinishedMessage

log = get_logger(__name__)

_BATCH = 200
_BREATH_SECONDS = 0.01
"""Between two batches, for everybody else."""
_LOG_SECONDS = 60.0
_DROPPED_PART = 100
"""One part in so many is dropped at once: to look for the longest queue costs a look at each."""
_REPORTED = 1000
"""Callbacks that `take_dropped` has at once; a burst beyond is listed and counted only."""


class QueueLimits:
    """Fails callbacks that wait too long or are too many. All of them stay listed."""

    def __init__(self, outbox: CallbackStore, settings: DeliverySettings, counters: DeliveryCounters) -> None:
        self._outbox = outbox
        self._settings = settings
        self._counters = counters
        self._too_many = _Burst("more callbacks wait than callbacks.max_waiting=%d", settings.max_waiting)
        self._too_old = _Burst("callbacks waited longer than callbacks.max_age_secs=%g", settings.max_age)
        self._dropped: list[int] = []
        """Ids."""

    def is_too_old(self, waits_since: int) -> bool:
        return waits_since < self._oldest()

    @property
    def too_old(self) -> str:
        """The error of one that is."""
        return f"too old: waited longer than {self._settings.max_age:g} s (callbacks.max_age_secs)"

    def take_dropped(self) -> list[FinishedMessage]:
        """Those that failed without another attempt since the last call; the outbox has been flushed. May
        raise OutboxError."""
        found = self._outbox.finished_of(self._dropped)
        self._dropped = []
        return found

    def fail(self, queue: str, id_: int, error: str) -> bool:
        """Without another attempt. Whether it waited."""
        failed = self._outbox.fail(queue, id_, error)
        if failed and len(self._dropped) < _REPORTED:
            self._dropped.append(id_)
        return failed

    def fail_old(self, queue: str, id_: int) -> bool:
        """One that is too old. Whether it waited."""
        if not self.fail(queue, id_, self.too_old):
            return False
        self._counters.failed["too old"] += 1
        self._too_old.count(1)
        return True

    def drop_oldest(self, in_flight: Container[str]) -> bool:
        """Keep the depth within its bound: the oldest of the longest queue goes first. Whether any went.

        A receiver that is down has the longest queues, so it loses what it would have got late anyway, and
        a room whose callbacks get through loses none. The oldest, because an old event of a room is
        worth less than its present state.
        """
        beyond = self._outbox.depth - self._settings.max_waiting
        if beyond <= 0:
            return False
        number = beyond + self._settings.max_waiting // _DROPPED_PART
        gone = self._outbox.oldest_of_the_longest(number, in_flight)
        error = f"too many: {self._settings.max_waiting} were waiting (callbacks.max_waiting)"
        for queue, id_ in gone:
            self.fail(queue, id_, error)
        self._counters.failed["too many"] += len(gone)
        self._too_many.count(len(gone))
        return bool(gone)

    def sweep(self, in_flight: Container[str]) -> bool:
        """Fail callbacks that have become too old, anywhere in their queues. Whether any was."""
        last, any_ = (0, 0), False
        while True:
            found = self._outbox.waiting_since(self._oldest(), last, _BATCH)
            for since, id_, queue in found:
                last = since, id_
                if queue in in_flight and self._outbox.is_head(queue, id_):
                    continue
                any_ = self.fail_old(queue, id_) or any_
            if len(found) < _BATCH:
                return any_
            gevent.sleep(_BREATH_SECONDS)

    def _oldest(self) -> int:
        return int((time.time() - self._settings.max_age) * 1e6)


class _Burst:
    """One line in the log for a burst, and one for each minute that it lasts."""

    def __init__(self, text: str, bound: float) -> None:
        self._text = text
        self._bound = bound
        self._counted = 0
        self._next_line = 0.0

    def count(self, number: int) -> None:
        self._counted += number
        if time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _LOG_SECONDS
            log.error(
                self._text % self._bound,
                failed=self._counted,
                remedy="`orchestrator callbacks list --failed` shows these and those of the next minute",
            )
            self._counted = 0
