"""Whether the outbox can be written, found out by writing."""

from __future__ import annotations

import time

from orchestrator.callbacks.journal import Journal
from orchestrator.callbacks.outbox import Outbox, OutboxError

_KIND = "probe"
_GOOD_SECONDS = 1.0
"""Anybody may ask, so not every question is a write."""


class Probe:
    def __init__(self, outbox: Outbox, journal: Journal) -> None:
        self._outbox = outbox
        self._journal = journal
        self._writable = False
        self._asked_at = float("-inf")

    def writable(self) -> bool:
        """As it was a second ago at most."""
        if self._journal.troubled:
            # It asks by itself, once a second.
            return False
        if time.monotonic() - self._asked_at >= _GOOD_SECONDS:
            self._writable = self._write()
            self._asked_at = time.monotonic()
        return self._writable

    def _write(self) -> bool:
        try:
            self._outbox.commit(put=[(_KIND, "", b"%d" % time.time())])
        except OutboxError:
            return False
        return True
