"""The database of PostgreSQL that one orchestrator owns: its connections, and the proof that it is the owner.

While it runs it keeps the lease of its nodes (lease.py). The fence makes it safe: each commit says for which
epoch of its node it is, and another process that takes the node over begins another epoch. So does a new
connection of our own: of a commit whose answer was lost nothing is written once it has been repeated.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

import gevent

from orchestrator.store import sql
from orchestrator.store.database import Lease, Rows, Statements, Work
from orchestrator.store.interface import OutboxError, OwnedByAnother
from orchestrator.store.owner_lock import lock_of, own
from orchestrator.store.postgresql import schema
from orchestrator.store.postgresql.connection import Connected, Connection
from orchestrator.store.postgresql.lease import (
    BEAT_SECONDS,
    LOOK_SECONDS,
    Watch,
    beat,
    lock_name,
    release,
)
from orchestrator.store.postgresql.stall_guard import StallGuard
from orchestrator.store.postgresql.statements import PARTS, combined, encode, encode_epochs, given

COMMIT_SECONDS: Final = 5.0
LIST_SECONDS: Final = 15.0
"""A list may search through much; nobody steers a call by it."""
FIRST_SECONDS: Final = 300.0
"""For the first connection, which may have to convert the tables."""
BEAT_TIMEOUT_SECONDS: Final = 2.0
_CLAIM_AGAIN: Final = "UPDATE nodes SET epoch = epoch + 1 WHERE owner = %s RETURNING name, epoch"
# All that an earlier connection of ours has sent is through, or stopped, before anything is sent again.
_END_EARLIER: Final = (
    "SELECT pg_terminate_backend(pid, 3000) FROM pg_stat_activity "
    "WHERE application_name = %s AND pid <> pg_backend_pid()"
)


class OwnerLost(OutboxError):
    """Another process owns a node of ours: nothing is written any more."""


class Server:
    """As database.Database. Every method may raise OutboxError."""

    remote = True

    def __init__(self, url: str, nodes: Sequence[str], lease: Lease | None = None) -> None:
        """Makes the tables where there are none, and takes these FreeSWITCH `nodes`, once no other process
        has any. Raises OutboxError, OwnedByAnother where one lives."""
        # Longer names are cut by the server, and connections differ by their process.
        self._process = f"texml {os.getpid()} {uuid4().hex[:8]} {socket.gethostname()[:20]}"
        self._nodes = list(nodes)
        self._lease = lease or Lease()
        self._lock = own(self._lease.database) if self._lease.database is not None else None
        self._epochs: dict[str, int] = {}
        self.predecessor_may_run = False
        """It was silent for a while, and may wake up."""
        self.on_lost: list[Callable[[Exception], None]] = []
        """Each called when another process has taken a node over; none may block."""
        self._beating: gevent.Greenlet[..., None] | None = None
        self._guard: StallGuard | None = None
        self._beats = self._connection(url, "lease", BEAT_TIMEOUT_SECONDS)
        self._work = {
            "timeline": self._connection(url, "timeline", COMMIT_SECONDS, self._end_earlier),
            "delivery": self._connection(url, "delivery", COMMIT_SECONDS),
            "lists": self._connection(url, "lists", LIST_SECONDS),
        }
        self._writer = self._connection(url, "writer", COMMIT_SECONDS, self._claim)
        self.place = self._writer.place
        usual, self._writer.open_seconds = self._writer.open_seconds, FIRST_SECONDS
        try:
            self._writer.read("SELECT 1")
        except BaseException:
            self.close()
            raise
        self._writer.open_seconds = usual
        self._guard = StallGuard(url, self._process, len(self._epochs) - 1)
        self._beating = gevent.spawn(self._beat)

    def _connection(
        self,
        url: str,
        work: str,
        seconds: float,
        on_open: Callable[[Connected], None] = lambda connection: None,
    ) -> Connection:
        return Connection(url, f"{self._process} {work}", seconds, on_open)

    def of(self, work: Work) -> Rows:
        """Each on a connection of its own."""
        return _Combining(self._work[work]) if work == "timeline" else self._work[work]

    def read(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        """As Rows.read."""
        return self._writer.read(query, values)

    def rows(self, query: str, values: Sequence[object] = ()) -> Iterator[Any]:
        """As Rows.rows."""
        return self._writer.rows(query, values)

    def write(self, statements: Statements, node: str | None = None) -> int:
        """As Rows.write. Fenced are commits of a node, and what became of callbacks of any."""
        listed = list(statements)
        if any(text not in PARTS for text, _ in listed) or (node is None and _is_of_a_node(listed)):
            return self._writer.write(listed)
        return self._writer.run(lambda connection: self._write(connection, listed, node))

    def _write(
        self,
        connection: Connected,
        statements: Sequence[tuple[str, Sequence[Sequence[object]]]],
        node: str | None,
    ) -> int:
        epochs = self._epochs if node is None else {node: self._epochs.get(node, -1)}
        if _execute(connection, statements, encode_epochs(epochs)) not in (None, len(epochs)):
            self._lose()
        return 0

    def retries_asked(self) -> bool:
        """As Database.retries_asked: one query of an empty table."""
        return bool(self._work["delivery"].read(sql.COUNT_ASKED)[0][0])

    def close(self) -> None:
        """The nodes are handed over: another process may have them at once."""
        if self._beating is not None:
            self._beating.kill()
        if self._guard is not None:
            self._guard.close()
        if self._epochs:
            with suppress(OutboxError):
                self._beats.run(lambda connection: release(connection, self._process))
        for connection in (*self._work.values(), self._beats, self._writer):
            connection.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # The owner

    def _claim(self, connection: Connected) -> None:
        self._end_earlier(connection)
        if self._epochs:
            rows = connection.execute(_CLAIM_AGAIN, (self._process,)).fetchall()
            self._epochs = {"": 0, **dict(rows)}
            if len(rows) < len(self._nodes):
                self._lose()
            return
        if not schema.version(connection, self.place):
            schema.migrate(connection, self.place)
        self._epochs = {"": 0, **self._taken(connection)}
        schema.migrate(connection, self.place)

    def _taken(self, connection: Connected) -> dict[str, int]:
        """The nodes' epochs, once they are free. Raises OwnedByAnother where a living process has them."""
        watch = self._lease.seen if isinstance(self._lease.seen, Watch) else Watch()
        if self._lock is not None and self._lease.database is not None:
            watch.lock = lock_name(self._lock, lock_of(self._lease.database))
        while True:
            ended = watch.ended or watch.look(connection)
            if ended:
                epochs = watch.take(connection, self._nodes, self._process, self._lease.url)
                if epochs is not None:
                    self.predecessor_may_run = ended == "silent"
                    return epochs
            if watch.is_alive:
                raise OwnedByAnother(
                    self.place,
                    f"another orchestrator has it ({watch.holders[0].described})",
                    "end that process, give each its own database, or set cluster.standby",
                )
            time.sleep(LOOK_SECONDS)

    def _beat(self) -> None:
        while True:
            gevent.sleep(BEAT_SECONDS)
            # Without the server nobody else can take the nodes over.
            with suppress(OutboxError):
                if self._beats.run(self._beaten) < len(self._epochs) - 1:
                    self._lose()

    def _beaten(self, connection: Connected) -> int:
        return beat(connection, self._process)

    def _end_earlier(self, connection: Connected) -> None:
        connection.execute(_END_EARLIER, (connection.info.parameter_status("application_name"),))

    def _lose(self) -> None:
        error = OwnerLost(self.place, "another process has taken a node of ours over", "end one of the two")
        for listener in self.on_lost:
            listener(error)
        raise error


class _Combining:
    """Rows whose statements of PARTS are one statement, without a fence."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.read, self.rows = connection.read, connection.rows

    def write(self, statements: Statements, node: str | None = None) -> int:
        """As Rows.write."""
        listed = list(statements)
        if any(text not in PARTS for text, _ in listed):
            return self._connection.write(listed)
        return self._connection.run(lambda connection: _execute(connection, listed, "{}") or 0)


def visiting(url: str) -> Connection:
    """For a visitor. Raises OutboxError where there are no tables of this version."""
    connection = Connection(url, f"texml {os.getpid()} visitor {socket.gethostname()[:20]}", LIST_SECONDS)
    try:
        connection.run(lambda opened: schema.check(opened, connection.place))
    except BaseException:
        connection.close()
        raise
    return connection


def _is_of_a_node(statements: Sequence[tuple[str, Sequence[Sequence[object]]]]) -> bool:
    return any(text in (sql.ADD, sql.PUT_STATE, sql.DELETE_STATE, sql.PUT_RECORD) for text, _ in statements)


def _execute(
    connection: Connected, statements: Sequence[tuple[str, Sequence[Sequence[object]]]], epochs: str
) -> int | None:
    """The number of nodes that are of these epochs; None: there was nothing to do."""
    rows = given(statements)
    if not rows:
        return None
    text = combined(tuple(rows)).encode()
    found = connection.execute(text, (epochs, encode(rows)), prepare=True).fetchone()
    return int(found[0]) if found else 0
