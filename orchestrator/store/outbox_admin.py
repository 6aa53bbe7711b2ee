"""The outbox as an operator sees it from another process: waiting, delivered and failed callbacks.

The file belongs to the orchestrator, which may be running. Listing only reads. A retry only writes the ids
of each retry into a table of its own; the orchestrator notices that within a second or so, or
when it starts, and takes them up itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from sqlite3 import DatabaseError, OperationalError

from orchestrator.store import sql, sqlite
from orchestrator.store.callback_list import ListedCallback, listed
from orchestrator.store.message import receiver_of
from orchestrator.store.sql import State

_EXAMINE_SECONDS = 10.0


def entries(
    path: Path, states: Iterable[State], rooms: Sequence[str] = (), limit: int = 0
) -> list[ListedCallback]:
    """The newest `limit` (0: all), the oldest of them first. Raises OutboxError."""
    with closing(sqlite.visit(path)) as database, sqlite.explained(path):
        rows = database.execute(*sql.entries(states, rooms, limit)).fetchall()
    return [listed(row) for row in reversed(rows)]


def rooms_of(path: Path, given: str) -> list[str]:
    """`given`, and the sids of conferences and calls with that name, number or label. Raises OutboxError."""
    found = {given}
    with closing(sqlite.visit(path)) as database, sqlite.explained(path):
        for kind, sid, conference_sid, call_sid in database.execute(sql.NAMED_RECORDS, (given,)):
            found |= {conference_sid, call_sid} if kind == "participant" else {sid}
    return sorted(found - {""})


def request_retry(path: Path, ids: Sequence[int] | None, receiver: str = "") -> list[int]:
    """Have failed callbacks retried: these, or all, or all of one receiver. Returns those asked for. Raises
    OutboxError."""
    with closing(sqlite.visit(path, write=True)) as database, sqlite.explained(path):
        if ids is None:
            failed = database.execute(sql.FAILED)
            found = [id_ for id_, url in failed if receiver in ("", receiver_of(url))]
        else:
            found = [id_ for each in ids for id_, _ in database.execute(*sql.failed([each]))]
        database.execute("BEGIN IMMEDIATE")
        database.executemany(sql.ASK_AGAIN, [(id_,) for id_ in found])
        database.execute("COMMIT")
        return found


def all_retried(path: Path, within: float) -> bool:
    """Whether the orchestrator begins all requested retries within so many seconds. Raises OutboxError."""
    deadline = time.monotonic() + within
    with closing(sqlite.visit(path)) as database, sqlite.explained(path):
        while True:
            ((left,),) = database.execute(sql.COUNT_ASKED).fetchall()
            if not left or time.monotonic() > deadline:
                return not left
            time.sleep(0.05)


def examine(path: Path) -> None:
    """Look for damage, for up to _EXAMINE_SECONDS. An empty file has none.

    Raises OutboxError where it is damaged, of another version or not ours.
    """
    if not path.stat().st_size:
        return
    until = time.monotonic() + _EXAMINE_SECONDS
    with closing(sqlite.visit(path)) as database, sqlite.explained(path):
        # Called between steps; ends the statement where it answers so.
        database.set_progress_handler(lambda: time.monotonic() > until, 10_000)
        try:
            ((found,),) = database.execute(sql.EXAMINE).fetchall()
        except OperationalError as error:
            if "interrupted" not in str(error):
                raise
            return
        if found != "ok":
            raise sqlite.explain(path, DatabaseError(f"the database is malformed: {found}"))


def state(path: Path, kind: str, key: str = "") -> bytes | None:
    """One value of the orchestrator's state, of no FreeSWITCH node. Raises OutboxError."""
    with closing(sqlite.visit(path)) as database, sqlite.explained(path):
        row = database.execute(sql.GET_STATE, (kind, key, "")).fetchone()
    return bytes(row[0]) if row else None
