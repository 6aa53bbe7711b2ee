"""The durable outbox: callbacks that wait, callbacks told, and the state of rooms and calls, in one file.

Used from the hub's thread only; no method lets another greenlet run. What waits is also indexed in memory,
so that what is told can be written behind in batches: after a kill the last of it is told again, the same.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.callbacks import records as record_table
from orchestrator.callbacks import store
from orchestrator.callbacks.message import Message, Queued, Told
from orchestrator.callbacks.records import Record, Records
from orchestrator.callbacks.store import OutboxError

__all__ = ["Counts", "Message", "Outbox", "OutboxError", "Queued", "Told"]

log = logging.getLogger(__name__)

_INSERT = (
    "INSERT INTO pending (id, queue, url, method, body, account_sid, event, sequence, created_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_PUT = (
    "INSERT INTO state (kind, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
)
_DELETE = "DELETE FROM state WHERE kind = ? AND key = ?"
_HEAD = "id, queue, url, method, body, account_sid, event, sequence, created_at"
_NEXT = f"SELECT {_HEAD} FROM pending WHERE id = ?"
_FINISH = (
    f"INSERT OR REPLACE INTO told ({_HEAD}, done_at, delivered, attempts, status, error) "
    f"SELECT {_HEAD}, ?, ?, ?, ?, ? FROM pending WHERE id = ?"
)
_TOLD = f"SELECT {_HEAD}, done_at, delivered, attempts, status, error FROM told"


class Counts(Struct, frozen=True):
    pending: int
    """Messages that wait."""
    queues: int
    """Queues they wait in."""
    oldest_at: int
    """When the oldest of them was made, in microseconds since the epoch; 0 if none waits."""
    given_up: int
    """Kept messages that could not be delivered."""


class Outbox:
    """Opening takes the file for this process alone. Every method may raise OutboxError."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.records = Records(self._read, self._write)
        """Finished and living rooms, calls and recordings."""
        self._lock = store.own(self.path)
        try:
            self._db = store.connect(self.path)
            self._read_index()
        except BaseException:
            os.close(self._lock)
            raise

    def _read_index(self) -> None:
        self._waiting: dict[str, deque[int]] = {}
        self._failed: dict[int, tuple[int, int]] = {}
        """Attempts and next_at of waiting messages that have failed before."""
        self._unwritten_failures: set[int] = set()
        self._unwritten_ends: list[tuple[int, bool, int, int | None, str, int]] = []
        self._depth = 0
        try:
            for id_, queue, attempts, next_at in self._db.execute(
                "SELECT id, queue, attempts, next_at FROM pending ORDER BY id"
            ):
                self._waiting.setdefault(queue, deque()).append(id_)
                self._depth += 1
                if attempts:
                    self._failed[id_] = (attempts, next_at)
            (self._last_id,) = self._db.execute(
                "SELECT max(ifnull((SELECT max(id) FROM pending), 0), ifnull((SELECT max(id) FROM told), 0))"
            ).fetchone()
        except sqlite3.Error as error:
            self._db.close()
            raise store.explain(self.path, error) from error

    def commit(
        self,
        messages: Sequence[Message] = (),
        put: Sequence[tuple[str, str, bytes]] = (),
        delete: Sequence[tuple[str, str]] = (),
        records: Sequence[Record] = (),
    ) -> None:
        """All of it or nothing: new messages, state to put (kind, key, value) and to delete (kind, key), and
        records."""
        if not (messages or put or delete or records):
            return
        first = self._last_id + 1
        rows = [
            (id_, m.queue, m.url, m.method, m.body(), m.account_sid, m.event, m.sequence, m.created_at)
            for id_, m in enumerate(messages, first)
        ]
        recorded = [record.row() for record in records]
        self._write(((_INSERT, rows), (_DELETE, delete), (_PUT, put), (record_table.PUT, recorded)))
        self._last_id += len(rows)
        self._depth += len(rows)
        for id_, message in enumerate(messages, first):
            waiting = self._waiting.get(message.queue)
            if waiting is None:
                waiting = self._waiting[message.queue] = deque()
            waiting.append(id_)

    def __len__(self) -> int:
        """Messages that wait."""
        return self._depth

    def load(self, kind: str) -> list[tuple[str, bytes]]:
        """Key and value of all state of one kind, by key."""
        return [
            (key, value)
            for key, value in self._read("SELECT key, value FROM state WHERE kind = ? ORDER BY key", (kind,))
        ]

    def queues(self) -> list[str]:
        """Queues in which something waits, the longest waiting first."""
        return sorted(self._waiting, key=lambda queue: self._waiting[queue][0])

    def next(self, queue: str) -> Queued | None:
        """The message whose turn it is in this queue; the same one until `finish`."""
        while waiting := self._waiting.get(queue):
            for row in self._read(_NEXT, (waiting[0],)):
                return self._queued(row)
            log.warning("queue=%s message=%d was deleted by somebody else", queue, waiting[0])
            self._pop(queue)
        return None

    def postpone(self, message: Queued, attempts: int, next_at: int) -> None:
        """It failed, and is to be tried again at `next_at`. On disk with the next `flush`."""
        self._failed[message.id] = (attempts, next_at)
        self._unwritten_failures.add(message.id)

    def finish(
        self, message: Queued, *, delivered: bool, attempts: int, status: int | None, error: str = ""
    ) -> None:
        """It is over, and the next of its queue has its turn. On disk with the next `flush`."""
        if self._waiting.get(message.queue, (0,))[0] != message.id:
            raise ValueError(f"message {message.id} does not have its turn in queue {message.queue}")
        self._pop(message.queue)
        now = time.time_ns() // 1000
        self._unwritten_ends.append((now, delivered, attempts, status, error, message.id))

    def _pop(self, queue: str) -> None:
        waiting = self._waiting[queue]
        id_ = waiting.popleft()
        if not waiting:
            del self._waiting[queue]
        self._depth -= 1
        self._failed.pop(id_, None)
        self._unwritten_failures.discard(id_)

    def flush(self) -> None:
        """Write down what `finish` and `postpone` said. After an OutboxError nothing is lost: flush again."""
        ends = self._unwritten_ends
        failures = [(*self._failed[id_], id_) for id_ in self._unwritten_failures]
        if not (ends or failures):
            return
        self._write(
            (
                ("UPDATE pending SET attempts = ?, next_at = ? WHERE id = ?", failures),
                (_FINISH, ends),
                ("DELETE FROM pending WHERE id = ?", [(end[-1],) for end in ends]),
            )
        )
        self._unwritten_ends = []
        self._unwritten_failures = set()

    def prune(self, before: int, limit: int = 200) -> int:
        """Forget up to `limit` messages that were over before `before`; how many it were."""
        return self._write(
            (
                (
                    "DELETE FROM told WHERE id IN "
                    "(SELECT id FROM told WHERE done_at < ? ORDER BY done_at LIMIT ?)",
                    [(before, limit)],
                ),
            )
        )

    def counts(self) -> Counts:
        """Cheap enough for every scrape: no query grows with what waits or what was delivered."""
        oldest = list(self._read("SELECT created_at FROM pending ORDER BY id LIMIT 1")) if self._depth else []
        ((given_up,),) = self._read("SELECT count(*) FROM told WHERE delivered = 0")
        return Counts(self._depth, len(self._waiting), oldest[0][0] if oldest else 0, given_up)

    def told(
        self, limit: int = 100, *, before: int | None = None, queue: str | None = None, given_up: bool = False
    ) -> list[Told]:
        """Messages that are over, the newest first; `before` is the last id of the page before."""
        clauses, values = ["1"], list[object]()
        if before is not None:
            clauses.append("id < ?")
            values.append(before)
        if queue is not None:
            clauses.append("queue = ?")
            values.append(queue)
        if given_up:
            clauses.append("delivered = 0")
        rows = self._read(f"{_TOLD} WHERE {' AND '.join(clauses)} ORDER BY id DESC LIMIT ?", (*values, limit))
        return [replace(Told(*row), delivered=bool(row[10])) for row in rows]

    def waiting(self, limit: int = 100) -> list[Queued]:
        """Messages that wait, the oldest first."""
        ended = {end[-1] for end in self._unwritten_ends}
        rows = self._read(f"SELECT {_HEAD} FROM pending ORDER BY id LIMIT ?", (limit + len(ended),))
        kept = [row for row in rows if row[0] not in ended][:limit]
        return [self._queued(row) for row in kept]

    def close(self) -> None:
        """Write down what is not written yet and let go of the file."""
        try:
            self.flush()
        finally:
            self._db.close()
            os.close(self._lock)

    def _queued(self, row: tuple[Any, ...]) -> Queued:
        message, failed = Queued(*row), self._failed.get(row[0])
        return replace(message, attempts=failed[0], next_at=failed[1]) if failed else message

    def _read(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise store.explain(self.path, error) from error

    def _write(self, statements: Iterable[tuple[str, Sequence[Sequence[object]]]]) -> int:
        """All statements, each with all its rows, in one transaction; how many rows the last one changed."""
        database, changed = self._db, 0
        try:
            database.execute("BEGIN IMMEDIATE")
            try:
                for statement, rows in statements:
                    if len(rows) == 1:
                        changed = database.execute(statement, rows[0]).rowcount
                    elif rows:
                        changed = database.executemany(statement, rows).rowcount
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise store.explain(self.path, error) from error
        return changed
