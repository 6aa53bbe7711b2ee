"""Whether the store can be written, found out by writing."""

from __future__ import annotations

import time
from collections.abc import Sequence

from orchestrator.store.interface import OutboxError, StateStore
from orchestrator.store.write_behind import WriteBehindBuffer

_KIND = "probe"
_GOOD_SECONDS = 1.0
"""Anybody may ask, so not every question is a write."""


class WriteCheck:
    def __init__(self, store: StateStore, write_buffers: Sequence[WriteBehindBuffer]) -> None:
        self._store = store
        self._write_buffers = write_buffers
        self._writable = False
        self._asked_at = float("-inf")

    def writable(self) -> bool:
        """As it was a second ago at most."""
        if any(write_buffer.failing for write_buffer in self._write_buffers):
            # They ask by themselves, once a second.
            return False
        if time.monotonic() - self._asked_at >= _GOOD_SECONDS:
            self._writable = self._write()
            self._asked_at = time.monotonic()
        return self._writable

    def _write(self) -> bool:
        try:
            self._store.commit(put=[(_KIND, "", b"%d" % time.time())])
        except OutboxError:
            return False
        return True
