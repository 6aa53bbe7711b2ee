"""Commits to the outbox that never fail for who makes them: what the disk refuses is kept and written later.

A full, locked or read-only disk must neither stop a call nor lose what happened in it. Until the disk takes
things again they are kept in memory, in their order, and tried again each second, so that no further change
has to come by. Nothing of it is sent before it is written.

The changes of events that came together from FreeSWITCH are one commit: the dispatcher calls `begin_batch`
before and `commit_batch` after them, and lets no other greenlet run between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gevent

from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger
from orchestrator.recurring_error import RecurringError
from orchestrator.store.interface import OutboxError, StateStore
from orchestrator.store.message import Message
from orchestrator.store.records import Record

log = get_logger(__name__)

_AGAIN_SECONDS = 1.0
MAX_UNWRITTEN = 10_000
"""Callbacks kept in memory, some 2 kB each; more would be lost to a full memory instead of to a full disk."""


class WriteBehindBuffer(Part):
    """The writes of calls and rooms. `on_messages` is called with callbacks that are on disk now."""

    def __init__(
        self,
        store: StateStore,
        on_messages: Callable[[Sequence[Message]], None],
        max_unwritten: int = MAX_UNWRITTEN,
    ) -> None:
        self._store = store
        self._on_messages = on_messages
        self._max_unwritten = max_unwritten
        self._messages: list[Message] = []
        self._state: dict[tuple[str, str], bytes | None] = {}
        """By kind and key; None: to be deleted."""
        self._records: dict[tuple[str, str], Record] = {}
        self._write_error = RecurringError(
            log, "changes of calls and rooms are kept in memory and reported later"
        )
        self._again: gevent.Greenlet[..., None] | None = None
        self._in_batch = False
        self._stopped = False
        self.lost = 0
        """Callbacks that neither the disk nor the memory could take."""

    def load(self, kind: str) -> list[tuple[str, bytes]]:
        """As StateStore.load."""
        return self._store.load(kind)

    def get(self, kind: str, key: str) -> bytes | None:
        """As StateStore.get, with what is not written yet."""
        if (kind, key) in self._state:
            return self._state[kind, key]
        return self._store.get(kind, key)

    @property
    def unwritten(self) -> int:
        """Callbacks that are only in memory."""
        return len(self._messages)

    @property
    def failing(self) -> bool:
        """Whether the disk has refused what was last written."""
        return bool(self._write_error)

    def commit(
        self,
        messages: Sequence[Message] = (),
        put: Sequence[tuple[str, str, bytes]] = (),
        delete: Sequence[tuple[str, str]] = (),
        records: Sequence[Record] = (),
    ) -> None:
        """As StateStore.commit, with everything that is not written yet. Never raises OutboxError."""
        self._messages.extend(messages)
        for kind, key, value in put:
            self._state[kind, key] = value
        for each in delete:
            self._state[each] = None
        for record in records:
            self.record(record)
        if not self._in_batch:
            self.commit_batch()

    # The rows of the next commit, or `commit_batch`, bit by bit

    def add_message(self, message: Message) -> None:
        self._messages.append(message)

    def put(self, kind: str, key: str, value: bytes) -> None:
        self._state[kind, key] = value

    def delete(self, kind: str, key: str) -> None:
        self._state[kind, key] = None

    def record(self, record: Record) -> None:
        self._records[record.kind, record.sid] = record

    def begin_batch(self) -> None:
        """From now on commits wait for `commit_batch`."""
        self._in_batch = True

    def commit_batch(self) -> None:
        """Write the batch."""
        self._in_batch = False
        # In trouble the disk is asked once a second only: each asking may hold up everybody for a moment.
        if self._write_error:
            self._drop_oldest()
        elif self._messages or self._state or self._records:
            self._write()

    def when_committed(self, act: Callable[[], None]) -> None:
        """Does `act` once what was committed until now is in the store.

        At once, with a store that has taken it when `commit` returns, as SQLite has: the batch is written by
        `commit_batch`, before anything that `act` posts or wakes leaves this process. While the disk fails,
        too: a call does not wait for it. A store over a network keeps `act` until it has answered.
        """
        act()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Write what is left, if that is possible at all."""
        self._stopped = True
        if self._again is not None:
            self._again.kill()
        self._write()
        if self._write_error:
            log.critical("lost with the end of this process", callbacks=len(self._messages))

    def _write(self) -> None:
        messages = self._messages
        try:
            self._store.commit(
                messages,
                [(*key, value) for key, value in self._state.items() if value is not None],
                [key for key, value in self._state.items() if value is None],
                list(self._records.values()),
            )
        except OutboxError as error:
            self._write_error.on_error(error)
            self._drop_oldest()
            # After the end of the store nothing is tried again: a greenlet of a call may be a moment late.
            if not self._again and not self._stopped:
                self._again = gevent.spawn(self._write_again)
            return
        self._messages, self._state, self._records = [], {}, {}
        self._write_error.on_success()
        if messages:
            self._on_messages(messages)

    def _write_again(self) -> None:
        while self._write_error:
            gevent.sleep(_AGAIN_SECONDS)
            self._write()

    def _drop_oldest(self) -> None:
        beyond = len(self._messages) - self._max_unwritten
        if beyond > 0:
            del self._messages[:beyond]
            self.lost += beyond
