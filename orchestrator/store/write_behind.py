"""Commits to the outbox that never fail for who makes them: what the store refuses is kept and written later.

A full, locked or read-only disk, or a database server that is away, must neither stop a call nor lose what
happened in it. Until the store takes things again they are kept in memory, in their order, and tried again by
themselves, so that no further change has to come by. No callback of it is sent before it is written.

The changes of events that came together from FreeSWITCH are one commit: the dispatcher calls `begin_batch`
before and `commit_batch` after them, and lets no other greenlet run between the two.

A store in this process (SQLite) has taken a commit when `commit_batch` returns. One over a network
(PostgreSQL) is written by a greenlet of its own, one commit under way at a time, in which everything is that
came together while the one before it was. Commands to FreeSWITCH and answers of the REST API call
`wait_committed` before they leave, which holds them back until their cause is in the store, for
DEGRADED_SECONDS at most: then calls go on without the store, and only callbacks wait. Requests for documents
do not wait: one that is asked for twice after a crash is so with each store.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import gevent
from gevent.event import Event

from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger
from orchestrator.recurring_error import RecurringError
from orchestrator.store.batch import Batch
from orchestrator.store.interface import OutboxError, StateStore
from orchestrator.store.message import Message
from orchestrator.store.records import Record

log = get_logger(__name__)

_AGAIN_SECONDS = 1.0
_AGAIN_REMOTE_SECONDS = 0.25
"""A server that is away holds up nobody but the greenlet that asks it."""
DEGRADED_SECONDS = 0.25
_LINE_SECONDS = 60.0
MAX_UNWRITTEN = 10_000
"""Callbacks kept in memory, some 2 kB each; more would be lost to a full memory instead of to a full disk."""


class WriteBehindBuffer(Part):
    """The writes of calls and rooms. `on_messages` is called with callbacks that are in the store now."""

    def __init__(
        self,
        store: StateStore,
        on_messages: Callable[[Sequence[Message]], None],
        max_unwritten: int = MAX_UNWRITTEN,
    ) -> None:
        self._store = store
        self._on_messages = on_messages
        self._max_unwritten = max_unwritten
        self._batch = Batch()
        """All that is not written yet."""
        self._write_error = RecurringError(
            log, "changes of calls and rooms are kept in memory and reported later"
        )
        self._again: gevent.Greenlet[..., None] | None = None
        self._in_batch = False
        self._stopped = False
        self.lost = 0
        """Callbacks that neither the store nor the memory could take."""
        # Of a store over a network
        self._remote = store.remote
        self._under_way: Batch | None = None
        self._handed_over = Event()
        self._waiting: list[Event] = []
        self._waiting_under_way: list[Event] = []
        self._degraded = False
        self.late = 0
        """Times that a commit was waited for in vain."""
        self._next_line = 0.0
        self._writer: gevent.Greenlet[..., None] | None = None

    def load(self, kind: str) -> list[tuple[str, bytes]]:
        """As StateStore.load."""
        return self._store.load(kind)

    def get(self, kind: str, key: str) -> bytes | None:
        """As StateStore.get, with what is not written yet."""
        for batch in (self._batch, self._under_way):
            if batch is not None and (kind, key) in batch.state:
                return batch.state[kind, key]
        return self._store.get(kind, key)

    @property
    def unwritten(self) -> int:
        """Callbacks that are only in memory."""
        under_way = self._under_way
        return len(self._batch.messages) + (len(under_way.messages) if under_way is not None else 0)

    @property
    def failing(self) -> bool:
        """Whether the store has refused what was last written, or takes too long for it."""
        return bool(self._write_error) or self._degraded

    def commit(
        self,
        messages: Sequence[Message] = (),
        put: Sequence[tuple[str, str, bytes]] = (),
        delete: Sequence[tuple[str, str]] = (),
        records: Sequence[Record] = (),
    ) -> None:
        """As StateStore.commit, with everything that is not written yet. Never raises OutboxError."""
        self._batch.add(messages, put, delete, records)
        if not self._in_batch:
            self.commit_batch()

    # The rows of the next commit, or `commit_batch`, bit by bit

    def add_message(self, message: Message) -> None:
        self._batch.messages.append(message)

    def put(self, kind: str, key: str, value: bytes) -> None:
        self._batch.state[kind, key] = value

    def delete(self, kind: str, key: str) -> None:
        self._batch.state[kind, key] = None

    def record(self, record: Record) -> None:
        self._batch.records[record.kind, record.sid] = record

    def begin_batch(self) -> None:
        """From now on commits wait for `commit_batch`."""
        self._in_batch = True

    def commit_batch(self) -> None:
        """Write the batch, or have it written."""
        self._in_batch = False
        if not self._batch:
            return
        if self._remote:
            self._handed_over.set()
            if self.failing:
                self._drop_oldest(self._batch)
        # In trouble the disk is asked once a second only: each asking may hold up everybody for a moment.
        elif self._write_error:
            self._drop_oldest(self._batch)
        else:
            self._write()

    def wait_committed(self) -> None:
        """Until what was committed until now is in the store: at once with one that is not over a network.

        For DEGRADED_SECONDS at most, and not at all once somebody has waited in vain for so long, until the
        store answers again.
        """
        if not self._remote or self._degraded or not (self._batch or self._under_way):
            return
        answered = Event()
        (self._waiting if self._batch else self._waiting_under_way).append(answered)
        if not answered.wait(DEGRADED_SECONDS):
            self._degrade()

    def start(self) -> None:
        if self._remote:
            self._writer = gevent.spawn(self._write_behind)

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Write what is left, if that is possible at all."""
        self._stopped = True
        if self._again is not None:
            self._again.kill()
        if self._remote:
            self._stop_writing_behind(timeout)
        elif self._batch:
            self._write()
        if self._batch:
            log.critical("lost with the end of this process", callbacks=self.unwritten)

    def _drop_oldest(self, batch: Batch) -> None:
        beyond = min(self.unwritten - self._max_unwritten, len(batch.messages))
        if beyond > 0:
            batch.drop_oldest(beyond)
            self.lost += beyond

    # A store in this process

    def _write(self) -> None:
        batch = self._batch
        try:
            self._store.write(batch)
        except OutboxError as error:
            self._write_error.on_error(error)
            self._drop_oldest(batch)
            # After the end of the store nothing is tried again: a greenlet of a call may be a moment late.
            if not self._again and not self._stopped:
                self._again = gevent.spawn(self._write_again)
            return
        self._batch = Batch()
        self._write_error.on_success()
        if batch.messages:
            self._on_messages(batch.messages)

    def _write_again(self) -> None:
        while self._write_error:
            gevent.sleep(_AGAIN_SECONDS)
            self._write()

    # A store over a network

    def _write_behind(self) -> None:
        while True:
            self._handed_over.wait()
            self._handed_over.clear()
            while self._batch:
                if not self._write_remote_guarded():
                    if self._stopped:
                        return
                    gevent.sleep(_AGAIN_REMOTE_SECONDS)
            if self._stopped:
                return

    def _write_remote_guarded(self) -> bool:
        try:
            return self._write_remote()
        except Exception:
            # A fault of ours must not leave everything unwritten that comes after it.
            log.exception("a commit failed, and is tried again")
            return False

    def _write_remote(self) -> bool:
        """Whether the store has taken what there is, up to now."""
        batch, self._batch, self._under_way = self._batch, Batch(), self._batch
        self._waiting_under_way, self._waiting = self._waiting, []
        try:
            self._store.write(batch)
        except BaseException as error:
            batch.follow(self._batch)
            self._batch, self._under_way = batch, None
            self._waiting = self._waiting_under_way + self._waiting
            if not isinstance(error, OutboxError):
                raise
            self._write_error.on_error(error)
            self._drop_oldest(batch)
            return False
        self._under_way = None
        self._write_error.on_success()
        self._degraded = False
        _wake(self._waiting_under_way)
        if batch.messages:
            self._on_messages(batch.messages)
        return True

    def _degrade(self) -> None:
        """Nobody waits any more."""
        self.late += not self._degraded
        self._degraded = True
        if time.monotonic() > self._next_line:
            self._next_line = time.monotonic() + _LINE_SECONDS
            log.warning("a commit takes long: calls go on without it, callbacks wait", times=self.late)
        _wake(self._waiting_under_way)
        _wake(self._waiting)

    def _stop_writing_behind(self, timeout: float) -> None:
        if self._writer is None:
            return
        self._handed_over.set()
        self._writer.join(timeout)
        if not self._writer.dead:
            self._writer.kill()


class OutputGate:
    """Holds back what leaves this process until what caused it is in the store, of whichever node it is."""

    def __init__(self) -> None:
        self._write_buffers: list[WriteBehindBuffer] = []

    def add(self, write_buffer: WriteBehindBuffer) -> None:
        self._write_buffers.append(write_buffer)

    def wait(self) -> None:
        """As WriteBehindBuffer.wait_committed, for all of them."""
        for write_buffer in self._write_buffers:
            write_buffer.wait_committed()


def _wake(waiting: list[Event]) -> None:
    for answered in waiting:
        answered.set()
    waiting.clear()
