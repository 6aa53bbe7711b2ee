"""The outbox as an operator sees it from another process: waiting, delivered and failed callbacks.

The database belongs to the orchestrator, which may be running. Listing only reads. A retry only writes the
ids of each retry into a table of its own; the orchestrator notices that within a second or so, or when it
starts, and takes them up itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from sqlite3 import DatabaseError, OperationalError
from typing import TYPE_CHECKING

from orchestrator.store import sql, sqlite
from orchestrator.store.access.opening import Place, extra, visit
from orchestrator.store.callback_list import ListedCallback, listed
from orchestrator.store.message import receiver_of
from orchestrator.store.sql import State

if TYPE_CHECKING:
    from orchestrator.store.postgresql.examination import Examined

_EXAMINE_SECONDS = 10.0


def entries(
    place: Place, states: Iterable[State], rooms: Sequence[str] = (), limit: int = 0
) -> list[ListedCallback]:
    """The newest `limit` (0: all), the oldest of them first. Raises OutboxError."""
    with visit(place) as rows:
        found = rows.read(*sql.entries(states, rooms, limit))
    return [listed(row) for row in reversed(found)]


def rooms_of(place: Place, given: str) -> list[str]:
    """`given`, and the sids of conferences and calls with that name, number or label. Raises OutboxError."""
    found = {given}
    with visit(place) as rows:
        for kind, sid, conference_sid, call_sid in rows.read(sql.NAMED_RECORDS, (given,)):
            found |= {conference_sid, call_sid} if kind == "participant" else {sid}
    return sorted(found - {""})


def request_retry(place: Place, ids: Sequence[int] | None, receiver: str = "") -> list[int]:
    """Have failed callbacks retried: these, or all, or all of one receiver. Returns those asked for. Raises
    OutboxError."""
    with visit(place, write=True) as rows:
        if ids is None:
            failed = rows.read(sql.FAILED)
            found = [id_ for id_, url in failed if receiver in ("", receiver_of(url))]
        else:
            found = [id_ for each in ids for id_, _ in rows.read(*sql.failed([each]))]
        rows.write(((sql.ASK_AGAIN, [(id_,) for id_ in found]),))
        return found


def all_retried(place: Place, within: float) -> bool:
    """Whether the orchestrator begins all requested retries within so many seconds. Raises OutboxError."""
    deadline = time.monotonic() + within
    with visit(place) as rows:
        while True:
            ((left,),) = rows.read(sql.COUNT_ASKED)
            if not left or time.monotonic() > deadline:
                return not left
            time.sleep(0.05)


def examine(path: Path) -> None:
    """Look for damage in a file, for up to _EXAMINE_SECONDS. An empty one has none.

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


def state(place: Place, kind: str, key: str = "") -> bytes | None:
    """One value of the orchestrator's state, of no FreeSWITCH node. Raises OutboxError."""
    with visit(place) as rows:
        found = rows.read(sql.GET_STATE, (kind, key, ""))
    return bytes(found[0][0]) if found else None


def examine_server(url: str) -> Examined:
    """A database of PostgreSQL. Raises OutboxError where the orchestrator could not use it."""
    with extra(url):
        from orchestrator.store.postgresql.examination import examine
    return examine(url)
