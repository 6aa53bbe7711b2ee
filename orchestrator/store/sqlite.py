"""The store's SQLite file: owned by one process, visited by others; its errors in words."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from orchestrator.store import sql
from orchestrator.store.database import Statements, Work
from orchestrator.store.interface import OutboxError
from orchestrator.store.message import receiver_of
from orchestrator.store.owner_lock import own

_BUSY_SECONDS = 0.1
"""How long somebody else's lock (a backup, a shell) is waited for; the whole process stands still for it."""
_VISIT_SECONDS = 5.0
"""How long a visitor, who holds up nobody, waits for the owner's lock."""


def explain(path: Path, error: sqlite3.Error) -> OutboxError:
    """SQLite's error with a remedy. By its text: Python 3.10 has no error codes on the exception."""
    text = str(error)
    if "locked" in text or "busy" in text:
        remedy = "another process holds it: end that process, or give each its own file"
    elif "full" in text:
        remedy = "free space on its disk"
    elif "not a database" in text or "malformed" in text or "file is encrypted" in text:
        remedy = "restore it, or move it away with its -wal and -shm files, which loses the callbacks in it"
    elif "readonly" in text or "unable to open" in text or "disk I/O" in text:
        remedy = "its directory must exist, and this user must be able to write in it"
    else:
        remedy = "this is a fault of the program: please report it"
    return OutboxError(path, text, remedy)


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """SQLite's errors become OutboxError."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(path, error) from error


def connect(path: Path) -> sqlite3.Connection:
    """The file with its schema in place. OutboxError if it is not an outbox, or one of another version."""
    # It holds callers' numbers, and the key that recordings' URLs are signed with.
    # Where that fails, SQLite says why.
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    return _open(path, path.absolute().as_uri(), _BUSY_SECONDS, _prepare)


def visit(path: Path, *, write: bool = False) -> sqlite3.Connection:
    """The file of another, perhaps running, process: to read it, or to leave a request in it.

    OutboxError if there is none, or if it is of another version.
    """
    return _open(path, f"{path.resolve().as_uri()}?mode={'rw' if write else 'ro'}", _VISIT_SECONDS, _visited)


def _open(
    path: Path, uri: str, timeout: float, prepare: Callable[[Path, sqlite3.Connection], None]
) -> sqlite3.Connection:
    with explained(path):
        database = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=timeout)
        database.create_function("receiver_of", 1, receiver_of, deterministic=True)
        try:
            prepare(path, database)
        except BaseException:
            database.close()
            raise
        return database


def _visited(path: Path, database: sqlite3.Connection) -> None:
    if _recognise(path, database):
        raise OutboxError(path, "there is nothing in it", "start the orchestrator once: it makes its tables")


def _recognise(path: Path, database: sqlite3.Connection) -> bool:
    """Whether it is still empty. OutboxError if it is not ours, or of another version."""
    version, application, tables = database.execute(sql.RECOGNISE).fetchone()
    if tables and application != sql.APPLICATION_ID:
        raise OutboxError(
            path, "it is some other program's SQLite file", "point the outbox at a file of its own"
        )
    versions = f"(schema {version}, this program knows {sql.SCHEMA_VERSION})"
    if version > sql.SCHEMA_VERSION:
        raise OutboxError(
            path,
            f"it was written by a newer version {versions}",
            "run that version, or start with another file",
        )
    if tables and version < sql.SCHEMA_VERSION:
        raise OutboxError(
            path,
            f"it was written by an earlier version {versions}",
            "let that version deliver what waits, then move the file away: a new one is made",
        )
    return not tables


def _prepare(path: Path, database: sqlite3.Connection) -> None:
    empty = _recognise(path, database)
    database.executescript(sql.PREPARE)
    if empty:
        database.executescript(sql.CREATE)
    # An unwritable file shows itself here and not at the first callback.
    database.execute("BEGIN IMMEDIATE")
    database.execute("ROLLBACK")


class FileRows:
    """Rows of a file that somebody has opened. No method lets another greenlet run."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection

    def read(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        try:
            return self.connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise explain(self.path, error) from error

    def rows(self, query: str, values: Sequence[object] = ()) -> Iterator[Any]:
        """As Rows.rows."""
        try:
            yield from self.connection.execute(query, values)
        except sqlite3.Error as error:
            raise explain(self.path, error) from error

    def write(self, statements: Statements, node: str | None = None) -> int:
        """As Rows.write."""
        database, changed = self.connection, 0
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
            raise explain(self.path, error) from error
        return changed

    def close(self) -> None:
        self.connection.close()


class File(FileRows):
    """The file of this process alone."""

    remote = False
    predecessor_may_run = False

    def __init__(self, path: Path) -> None:
        """Raises OutboxError."""
        self.place = str(path)
        self.on_lost: list[Callable[[Exception], None]] = []
        """Never called: the lock is never lost."""
        self._lock = own(path)
        try:
            super().__init__(path, connect(path))
            ((self._data_version,),) = self.read(sql.DATA_VERSION)
        except BaseException:
            os.close(self._lock)
            raise

    def of(self, work: Work) -> File:
        """One connection does it all."""
        return self

    def retries_asked(self) -> bool:
        """Whether another process has written into the file since the last call; costs no query."""
        ((version,),) = self.read(sql.DATA_VERSION)
        changed, self._data_version = version != self._data_version, version
        return bool(changed)

    def close(self) -> None:
        super().close()
        os.close(self._lock)
