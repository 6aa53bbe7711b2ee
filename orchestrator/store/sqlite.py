"""The outbox's SQLite file: owned by one process, visited by others; its schema, its faults in words."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from pathlib import Path

from orchestrator.store import records

SCHEMA_VERSION = 3
_APPLICATION_ID = 0x54584F42  # "TXOB"
_BUSY_SECONDS = 0.1
"""How long somebody else's lock (a backup, a shell) is waited for; the whole process stands still for it."""
_CHECKPOINT_PAGES = 4000
"""16 MB of log, from which a page that changed a hundred times goes into the file once."""
_VISIT_SECONDS = 5.0
"""How long a visitor, who holds up nobody, waits for the owner's lock."""

_SCHEMA = """
CREATE TABLE pending (
    id INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    url TEXT NOT NULL,
    method TEXT NOT NULL,
    body BLOB NOT NULL,
    account_sid TEXT NOT NULL,
    event TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL DEFAULT 0,
    waits_since INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX pending_by_age ON pending (waits_since, id);
CREATE TABLE retries (id INTEGER PRIMARY KEY);
CREATE TABLE finished (
    id INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    url TEXT NOT NULL,
    method TEXT NOT NULL,
    body BLOB NOT NULL,
    account_sid TEXT NOT NULL,
    event TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    done_at INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    status INTEGER,
    error TEXT NOT NULL
);
CREATE INDEX finished_by_time ON finished (done_at);
CREATE INDEX finished_by_queue ON finished (queue);
CREATE INDEX finished_failed ON finished (delivered) WHERE delivered = 0;
CREATE TABLE state (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
"""

# Beside what earlier versions of the same schema know: they leave these at their defaults.
_SIGNED = (
    ("signatures", "TEXT NOT NULL DEFAULT 'telnyx'"),
    ("user_agent", "TEXT NOT NULL DEFAULT 'telnyx-webhooks'"),
)
_NODE = ("node", "TEXT NOT NULL DEFAULT ''")
_ADDED_COLUMNS = {
    "pending": (*_SIGNED, _NODE),
    "finished": (*_SIGNED, _NODE),
    "state": (_NODE,),
    "records": (_NODE,),
}


class OutboxError(Exception):
    """The outbox's file cannot be used. Says which file, what is wrong and what helps."""

    def __init__(self, path: Path, fault: str, remedy: str) -> None:
        super().__init__(f"outbox {path}: {fault}; {remedy}")
        self.path = path
        self.fault = fault
        self.remedy = remedy


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


def own(path: Path) -> int:
    """Take the file for this process alone, until the descriptor returned is closed or the process ends.

    Two orchestrators on one outbox would tell everything twice. SQLite's own locks do not prevent that, and
    its exclusive mode would shut out backups and shells that only read.
    """
    lock = path.with_name(path.name + "-lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise OutboxError(
            path, f"{lock.name}: {error.strerror}", "its directory must exist and be writable by this user"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise OutboxError(
            path,
            f"it is locked by another process (pid {holder})",
            "end that process, or give each its own file",
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, b"%d\n" % os.getpid())
    return descriptor


def connect(path: Path) -> sqlite3.Connection:
    """The file with its schema in place. OutboxError if it is not an outbox, or one of another version."""
    try:
        # It holds callers' numbers, and the key that recordings' addresses are signed with.
        # Where that fails, SQLite says why.
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        database = sqlite3.connect(str(path), isolation_level=None, timeout=_BUSY_SECONDS)
    except sqlite3.Error as error:
        raise explain(path, error) from error
    try:
        _prepare(path, database)
    except sqlite3.Error as error:
        database.close()
        raise explain(path, error) from error
    except OutboxError:
        database.close()
        raise
    return database


def visit(path: Path, *, write: bool = False) -> sqlite3.Connection:
    """The file of another, perhaps running, process: to read it, or to leave a request in it.

    OutboxError if there is none, or if it is of another version.
    """
    try:
        mode = "rw" if write else "ro"
        database = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=_VISIT_SECONDS
        )
    except sqlite3.Error as error:
        raise explain(path, error) from error
    try:
        if _recognise(path, database):
            raise OutboxError(
                path, "there is nothing in it", "start the orchestrator once: it makes its tables"
            )
    except sqlite3.Error as error:
        database.close()
        raise explain(path, error) from error
    except OutboxError:
        database.close()
        raise
    return database


def _recognise(path: Path, database: sqlite3.Connection) -> bool:
    """Whether it is still empty. OutboxError if it is not ours, or of another version."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != _APPLICATION_ID:
        raise OutboxError(
            path, "it is some other program's SQLite file", "point the outbox at a file of its own"
        )
    if version > SCHEMA_VERSION:
        raise OutboxError(
            path,
            f"it was written by a newer version (schema {version}, this program knows {SCHEMA_VERSION})",
            "run that version, or start with another file",
        )
    if tables and version < SCHEMA_VERSION:
        raise OutboxError(
            path,
            f"it was written by an earlier version (schema {version}, this program knows {SCHEMA_VERSION})",
            "let that version deliver what waits, then move the file away: a new one is made",
        )
    return not tables


def _prepare(path: Path, database: sqlite3.Connection) -> None:
    empty = _recognise(path, database)
    # A kill loses nothing committed; a power cut may lose the last commits, rooms and callbacks alike.
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA journal_size_limit = 67108864")
    database.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    if empty:
        database.executescript(
            f"BEGIN IMMEDIATE; PRAGMA application_id = {_APPLICATION_ID}; "
            f"PRAGMA user_version = {SCHEMA_VERSION}; {_SCHEMA} COMMIT;"
        )
    # Beside what earlier versions know, and in nobody's way there.
    database.executescript(records.SCHEMA)
    _add_columns(database)
    # An unwritable file shows itself here and not at the first callback.
    database.execute("BEGIN IMMEDIATE")
    database.execute("ROLLBACK")


def _add_columns(database: sqlite3.Connection) -> None:
    for table, columns in _ADDED_COLUMNS.items():
        present = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
        for name, kind in columns:
            if name not in present:
                database.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
