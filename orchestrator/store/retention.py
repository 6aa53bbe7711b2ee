"""How long what is over can be listed: conferences, calls, recordings, answers to repeated requests."""

from __future__ import annotations

import time

import gevent

from orchestrator.clock import now
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger
from orchestrator.store.interface import CallbackStore, RecordStore
from orchestrator.store.records import RecordKind
from orchestrator.store.sqlite import OutboxError

log = get_logger(__name__)

DAY_MICROSECONDS = 86_400_000_000
SWEEP_SECONDS = 600.0
BATCH = 200
PAUSE_SECONDS = 0.02
REQUEST_DAYS = 1.0


class RecordRetention(Part):
    """Forgets in batches. A recording is forgotten when its file is, and never before the history ends."""

    def __init__(self, records: RecordStore, history_days: float, recording_days: float | None) -> None:
        self._records = records
        self._days: dict[RecordKind, float] = {
            "conference": history_days,
            "call": history_days,
            "request": REQUEST_DAYS,
        }
        if recording_days is not None:
            self._days["recording"] = max(history_days, recording_days)
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        self._greenlet = gevent.spawn(self._run)

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        if self._greenlet is not None:
            self._greenlet.kill(block=False)

    def _run(self) -> None:
        while True:
            try:
                self.sweep()
            except OutboxError as error:
                log.warning("old records cannot be pruned", problem=str(error))
            gevent.sleep(SWEEP_SECONDS)

    def sweep(self) -> None:
        """Blocks this greenlet only. Raises OutboxError."""
        for kind, days in self._days.items():
            before = now() - int(days * DAY_MICROSECONDS)
            while self._records.prune(kind, before, BATCH) == BATCH:
                gevent.sleep(PAUSE_SECONDS)


def forget_history(outbox: CallbackStore, retention: float) -> None:
    """Callbacks that were over more than `retention` seconds ago; the rest is RecordRetention's."""
    before = int((time.time() - retention) * 1e6)
    while outbox.prune(before, BATCH) == BATCH:
        gevent.sleep(PAUSE_SECONDS)
