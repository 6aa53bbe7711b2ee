"""The durable outbox: waiting and finished callbacks, and the state of rooms and calls, in one database.

Used from the hub's thread only. Waiting callbacks are also indexed in memory, so that deliveries can be
written behind in batches: after a kill the last of them are repeated, unchanged. Ours, because queues of
tasks neither commit with a room's state nor keep an order for each room.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import Any

from gevent.lock import BoundedSemaphore
from msgspec.structs import replace

from orchestrator import clock
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger
from orchestrator.store import sql
from orchestrator.store.batch import Batch
from orchestrator.store.callback_list import CallbackList
from orchestrator.store.database import Database, Rows
from orchestrator.store.interface import OutboxError
from orchestrator.store.message import Counts, FinishedMessage, Message, Queued
from orchestrator.store.queues import Queues
from orchestrator.store.records import Query, Record, RecordKind
from orchestrator.store.sqlite import File
from orchestrator.store.state import CopiedState, StoredState
from orchestrator.store.timeline import TimelineRows

log = get_logger(__name__)

RECENT = 2000
"""Callbacks of which a copy is kept, some 2 kB each: most are sent at once."""


def _finished(rows: Iterable[tuple[Any, ...]]) -> list[FinishedMessage]:
    return [replace(FinishedMessage(*row), delivered=bool(row[10])) for row in rows]


def _row(id_: int, m: Message, now: int, node: str) -> tuple[object, ...]:
    head = (id_, m.queue, m.url, m.method, m.body(), m.account_sid, m.event, m.sequence, m.created_at)
    return (*head, now, m.signatures, m.user_agent, node)


class Records:
    """The rows of what can be listed. Every method may raise OutboxError."""

    def __init__(self, rows: Rows) -> None:
        self._read = rows.read
        self._write = rows.write

    def put(self, records: Sequence[Record]) -> None:
        self._write(((sql.PUT_RECORD, [record.row() for record in records]),))

    def delete(self, kind: RecordKind, sid: str) -> None:
        self._write(((sql.DELETE_RECORD, [(kind, sid)]),))

    def one(self, kind: RecordKind, account_sid: str, sid: str) -> Record | None:
        """None too where it is another account's."""
        rows = self._read(sql.ONE_RECORD, (kind, sid, account_sid))
        return Record(*rows[0]) if rows else None

    def alive(self, kind: RecordKind) -> list[Record]:
        """Those of all accounts that are not over."""
        return [Record(*row) for row in self._read(sql.LIVING_RECORDS, (kind,))]

    def find(self, query: Query) -> list[Record]:
        return [Record(*row) for row in self._read(*sql.records(query))]

    def prune(self, kind: RecordKind, before: int, limit: int = 200) -> int:
        """Forget up to `limit` that were over before `before`; how many it were."""
        return self._write(((sql.PRUNE_RECORDS, [(kind, kind, before, limit)]),))


class NodeView:
    """The outbox as one FreeSWITCH node has it."""

    def __init__(self, outbox: Outbox, node: str) -> None:
        self.node = node
        self.records = outbox.records
        self._outbox = outbox

    @property
    def remote(self) -> bool:
        """As StateStore.remote."""
        return self._outbox.remote

    def write(self, batch: Batch) -> None:
        """As Outbox.write."""
        self._outbox.write(batch, self.node)

    def commit(
        self,
        messages: Sequence[Message] = (),
        put: Sequence[tuple[str, str, bytes]] = (),
        delete: Sequence[tuple[str, str]] = (),
        records: Sequence[Record] = (),
    ) -> None:
        """As Outbox.commit."""
        self._outbox.commit(messages, put, delete, records, self.node)

    def load(self, kind: str) -> list[tuple[str, bytes]]:
        """As Outbox.load."""
        return self._outbox.load(kind, self.node)

    def get(self, kind: str, key: str) -> bytes | None:
        """As Outbox.get: keys of different nodes differ."""
        return self._outbox.get(kind, key, self.node)

    def alive(self, kind: RecordKind) -> list[Record]:
        """Those of this node, of all accounts, that are not over."""
        return [record for record in self.records.alive(kind) if record.node == self.node]


class Outbox(Part):
    """All of a database that this process alone owns. Every method may raise OutboxError.

    Called on any greenlet of the hub's thread. With a file no method yields, so each is one step for
    everybody else. With a database over a network those yield that read or write; what is decided then (whose
    turn it is, what is finished) is decided in one step all the same, on the index in memory.
    """

    def __init__(self, database: Database | str | Path) -> None:
        """Raises OutboxError."""
        if isinstance(database, (str, Path)):
            database = File(Path(database))
        self.database = database
        self.remote = database.remote
        """As StateStore.remote."""
        self._write, self._read = database.write, database.of("delivery").read
        lists = database.of("lists")
        self.records = Records(lists)
        """Finished and living rooms, calls and recordings."""
        self.callbacks = CallbackList(lists)
        """As people list and replay them."""
        self.timeline = TimelineRows(lists, database.of("timeline"))
        self._state = CopiedState(database) if database.remote else StoredState(database)
        self._queues = Queues()
        self._recent: OrderedDict[int, tuple[Any, ...]] = OrderedDict()
        """Rows of the newest messages."""
        self._flushing = BoundedSemaphore()
        self._unwritten_failures: dict[int, tuple[int, int]] = {}
        """Attempts and next_at of waiting messages."""
        self._unwritten_ends: list[tuple[int, int, int | None, int | None, str, int]] = []
        try:
            for id_, queue in database.rows(sql.INDEX):
                self._queues.append(queue, id_)
            ((self._last_id,),) = self._read(sql.LAST_ID)
        except BaseException:
            database.close()
            raise

    @property
    def depth(self) -> int:
        """Messages that wait."""
        return self._queues.depth

    def commit(
        self,
        messages: Sequence[Message] = (),
        put: Sequence[tuple[str, str, bytes]] = (),
        delete: Sequence[tuple[str, str]] = (),
        records: Sequence[Record] = (),
        node: str = "",
    ) -> None:
        """All of it or nothing: new messages, state to put (kind, key, value) and to delete (kind, key), and
        records; all that of a FreeSWITCH `node`, or of none."""
        batch = Batch()
        batch.add(messages, put, delete, records)
        if batch:
            self.write(batch, node)

    def write(self, batch: Batch, node: str = "") -> None:
        """All of it or nothing, as `commit`."""
        new = len(batch.messages) - len(batch.ids)
        batch.ids += range(self._last_id + 1, self._last_id + 1 + new)
        self._last_id += new
        now = clock.now()
        rows = [_row(*each, now, node) for each in zip(batch.ids, batch.messages, strict=True)]
        recorded = [record.row(node) for record in batch.records.values()]
        put, deleted = list[tuple[object, ...]](), list[tuple[object, ...]]()
        for (kind, key), value in batch.state.items():
            if value is None:
                deleted.append((kind, key, node))
            else:
                put.append((kind, key, value, node))
        self._write(
            ((sql.ADD, rows), (sql.DELETE_STATE, deleted), (sql.PUT_STATE, put), (sql.PUT_RECORD, recorded)),
            node,
        )
        self._state.committed(batch, node)
        self._keep(rows)
        for id_, message in zip(batch.ids, batch.messages, strict=True):
            self._queues.append(message.queue, id_)

    def _keep(self, rows: Sequence[tuple[Any, ...]]) -> None:
        for row in rows:
            *head, now, signatures, user_agent, node = row
            self._recent[row[0]] = (*head, 0, 0, now, signatures, user_agent, node)
        while len(self._recent) > RECENT:
            self._recent.popitem(last=False)

    def load(self, kind: str, node: str | None = None) -> list[tuple[str, bytes]]:
        """Key and value of all state of one kind, by key; of one FreeSWITCH `node`, or of all."""
        return self._state.load(kind, node)

    def get(self, kind: str, key: str, node: str = "") -> bytes | None:
        """One value, of a FreeSWITCH `node` or of none."""
        return self._state.get(kind, key, node)

    def of(self, node: str) -> NodeView:
        """The view of one FreeSWITCH node."""
        return NodeView(self, node)

    def claim(self, node: str) -> None:
        """Everything unfinished in the file is this node's, which is the only one: its name may have been
        changed in the settings. State of no node stays."""
        self._write([(statement, [(node,) * statement.count("?")]) for statement in sql.CLAIM])
        self._state.read_again()
        self._recent.clear()

    def queues(self) -> list[str]:
        """Queues in which something waits, the longest waiting first."""
        return self._queues.names()

    def next(self, queue: str) -> Queued | None:
        """The message whose turn it is in this queue; the same one until `finish`."""
        while (id_ := self._queues.head(queue)) is not None:
            recent = self._recent.get(id_)
            rows = [recent] if recent is not None else self._read(sql.NEXT, (id_,))
            if self._queues.head(queue) != id_:
                continue  # it has failed while it was read
            if rows:
                return self._queued(rows[0])
            log.warning("a callback was deleted by somebody else", queue=queue, id=id_)
            self._queues.remove(queue, id_)
            self._unwritten_failures.pop(id_, None)
        return None

    def second(self, queue: str) -> Queued | None:
        """The message after the one whose turn it is, where a copy of it is in memory."""
        row = self._recent.get(self._queues.second(queue))
        return self._queued(row) if row is not None else None

    def postpone(self, message: Queued, attempts: int, next_at: int) -> None:
        """It failed, and is to be tried again at `next_at`. On disk with the next `flush`."""
        self._unwritten_failures[message.id] = (attempts, next_at)
        self._queues.landed(message.queue)

    def finish(
        self, message: Queued, *, delivered: bool, attempts: int, status: int | None, error: str = ""
    ) -> None:
        """It is finished, and the next of its queue has its turn. On disk with the next `flush`."""
        if self._queues.head(message.queue) != message.id:
            raise ValueError(f"message {message.id} does not have its turn in queue {message.queue}")
        self._end(message.queue, message.id, delivered, attempts, status, error)

    def fail(self, queue: str, id_: int, error: str) -> bool:
        """It is not to be delivered any more, anywhere in its queue. Not for one in flight. Whether it
        waited."""
        return self._end(queue, id_, False, None, None, error)

    def _end(
        self, queue: str, id_: int, delivered: bool, attempts: int | None, status: int | None, error: str
    ) -> bool:
        if not self._queues.remove(queue, id_):
            return False
        self._recent.pop(id_, None)
        failed = self._unwritten_failures.pop(id_, None)
        if attempts is None and failed is not None:
            attempts = failed[0]
        self._unwritten_ends.append((clock.now(), int(delivered), attempts, status, error, id_))
        return True

    def is_head(self, queue: str, id_: int) -> bool:
        """Whether this message has its queue's turn."""
        return self._queues.head(queue) == id_

    def oldest_of_the_longest(self, number: int, in_flight: Container[str]) -> Sequence[tuple[str, int]]:
        """Queue and id of `number` messages to drop where too many wait."""
        return self._queues.oldest_of_the_longest(number, in_flight)

    def waiting_since(self, before: int, after: tuple[int, int], limit: int) -> list[tuple[int, int, str]]:
        """(since, id, queue) of messages that wait since before `before`; a page after `after`."""
        return self._read(sql.WAITING_SINCE, (before, *after, limit))

    def flush(self) -> None:
        """Write down what `finish` and `postpone` said. After an OutboxError nothing is lost: flush again."""
        with self._flushing:
            ends, failures = list(self._unwritten_ends), dict(self._unwritten_failures)
            if not (ends or failures):
                return
            postponed = [(*failure, id_) for id_, failure in failures.items()]
            self._write(
                ((sql.POSTPONE, postponed), (sql.FINISH, ends), (sql.REMOVE, [(end[-1],) for end in ends]))
            )
            # More may have come meanwhile.
            del self._unwritten_ends[: len(ends)]
            for id_, failure in failures.items():
                if self._unwritten_failures.get(id_) is failure:
                    del self._unwritten_failures[id_]
                    self._recent.pop(id_, None)

    def retries_asked(self) -> bool:
        """Whether another process may have asked for retries since the last call; costs next to nothing."""
        changed = self.database.retries_asked()
        if changed:
            self._recent.clear()  # an operator may have deleted some of them
        return changed

    def requeue(self, limit: int, in_flight: Container[str]) -> tuple[int, list[str]]:
        """Retry up to `limit` finished messages that somebody has asked for.

        Returns how many requests that were, and the queue of each message that could be retried.

        They keep their id, and so stand before what was made after them; but never before one in flight.
        """
        asked = self._read(sql.ASKED, (limit,))
        if not asked:
            return 0, []
        self.flush()
        rows = self._read(*sql.over([id_ for (id_,) in asked]))
        now = clock.now()
        self._write(
            (
                (sql.REQUEUE, [(now, id_) for id_, _ in rows]),
                (sql.FORGET_FINISHED, [(id_,) for id_, _ in rows]),
                (sql.FORGET_ASKED, asked),
            )
        )
        for id_, queue in rows:
            self._queues.insert(queue, id_, in_flight=queue in in_flight)
        return len(asked), [queue for _, queue in rows]

    def prune(self, before: int, limit: int = 200) -> int:
        """Forget up to `limit` messages that were over before `before`; how many it were."""
        return self._write(((sql.PRUNE_FINISHED, [(before, limit)]),))

    def counts(self) -> Counts:
        """Cheap enough for every scrape: no query grows with what waits or what was delivered."""
        oldest = self._read(sql.OLDEST) if self.depth else []
        ((failed,),) = self._read(sql.COUNT_FAILED)
        return Counts(self.depth, len(self._queues), oldest[0][0] if oldest else 0, failed)

    def finished(
        self, limit: int = 100, *, before: int | None = None, queue: str | None = None, failed: bool = False
    ) -> list[FinishedMessage]:
        """Finished messages, the newest first; `before` is the last id of the page before."""
        return _finished(self._read(*sql.finished(limit, before, queue, failed)))

    def finished_of(self, ids: Sequence[int]) -> list[FinishedMessage]:
        """Those of these that are finished and flushed."""
        return _finished(self._read(*sql.finished_of(ids))) if ids else []

    def waiting(self, limit: int = 100, *, queue: str | None = None) -> list[Queued]:
        """Messages that wait, the oldest first: of all queues or of one."""
        if queue is not None:
            rows = self._read(*sql.waiting(self._queues.first(queue, limit)))
            return [self._queued(row) for row in rows]
        ended = {end[-1] for end in self._unwritten_ends}
        rows = self._read(sql.WAITING, (limit + len(ended),))
        kept = [row for row in rows if row[0] not in ended][:limit]
        return [self._queued(row) for row in kept]

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """As `close`; what could not be written down is in the log."""
        try:
            self.close()
        except OutboxError as error:
            log.error("the last deliveries will be repeated", problem=str(error))

    def close(self) -> None:
        """Write down what is not written yet and let go of the database."""
        try:
            self.flush()
        finally:
            self.database.close()

    def _queued(self, row: tuple[Any, ...]) -> Queued:
        message, failed = Queued(*row), self._unwritten_failures.get(row[0])
        return replace(message, attempts=failed[0], next_at=failed[1]) if failed else message
