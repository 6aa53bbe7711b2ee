"""The outbox as an operator sees it from another process: what waits, what was told, what was given up.

The file belongs to the orchestrator, which may be running. Listing only reads. A retry only writes the ids
of what is to be told again into a table of its own; the orchestrator notices that within a second or so, or
when it starts, and takes them up itself.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from orchestrator.net.logged_url import for_log
from orchestrator.store import sql, sqlite
from orchestrator.store.sql import State

_T = TypeVar("_T")


class Entry(Struct, frozen=True):
    """One callback. Times in microseconds since the epoch."""

    id: int
    room: str
    """ConferenceSid, CallSid or `recording` and RecordingSid: what it is told in the order of."""
    url: str
    """Without user, password and query, which may be secret."""
    method: str
    body: str
    account_sid: str
    event: str
    sequence: int
    created_at: int
    attempts: int
    at: int
    """When it was over; of a waiting one the time before which it is not tried again, 0: at once."""
    status: int | None
    error: str
    state: State
    asked_again: bool
    """Somebody has asked for a retry that the orchestrator has not taken up yet."""


def entries(path: Path, states: Iterable[State], room: str = "", limit: int = 0) -> list[Entry]:
    """The newest `limit` (0: all), the oldest of them first. Raises OutboxError."""
    query = sql.entries(states, room, limit)
    with closing(sqlite.visit(path)) as database:
        rows = _tried(path, lambda: database.execute(*query).fetchall())
    return [_entry(row) for row in reversed(rows)]


def request_retry(path: Path, ids: Sequence[int] | None) -> list[int]:
    """Have given-up callbacks told again: these, or all. Returns those asked for. Raises OutboxError."""
    with closing(sqlite.visit(path, write=True)) as database:

        def ask() -> list[int]:
            if ids is None:
                found = [id_ for (id_,) in database.execute(sql.FAILED)]
            else:
                found = [id_ for each in ids for id_, _ in database.execute(*sql.failed([each]))]
            database.execute("BEGIN IMMEDIATE")
            database.executemany(sql.ASK_AGAIN, [(id_,) for id_ in found])
            database.execute("COMMIT")
            return found

        return _tried(path, ask)


def all_retried(path: Path, within: float) -> bool:
    """Whether the orchestrator takes up all that was asked for within so many seconds. Raises OutboxError."""
    deadline = time.monotonic() + within
    with closing(sqlite.visit(path)) as database:
        while True:
            ((left,),) = _tried(path, lambda: database.execute(sql.COUNT_ASKED).fetchall())
            if not left or time.monotonic() > deadline:
                return not left
            time.sleep(0.05)


def _entry(row: Sequence[Any]) -> Entry:
    id_, room, url, method, body, *middle, asked_again = row
    return Entry(
        id_, room, for_log(url), method, body.decode("ascii", "replace"), *[*middle, bool(asked_again)]
    )


def _tried(path: Path, act: Callable[[], _T]) -> _T:
    try:
        return act()
    except sqlite3.Error as error:
        raise sqlite.explain(path, error) from error
