"""Where the store is: a file of SQLite, or a database of PostgreSQL, imported only where it is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from orchestrator.store import sqlite
from orchestrator.store.database import Database, Lease, OwnerWatch, Rows
from orchestrator.store.interface import OutboxError
from orchestrator.store.outbox import Outbox

Place = Path | str
"""A file, or a URL of PostgreSQL."""


def open_store(place: Place, nodes: Sequence[str], lease: Lease | None = None) -> Outbox:
    """For this process alone, which has these FreeSWITCH nodes. Raises OutboxError."""
    return Outbox(open_database(place, nodes, lease))


def open_database(place: Place, nodes: Sequence[str] = (), lease: Lease | None = None) -> Database:
    """As `open_store`, without reading anything. `lease`: of a database of PostgreSQL."""
    if isinstance(place, Path):
        return sqlite.File(place)
    with extra(place):
        from orchestrator.store.postgresql.database import Server
    return Server(place, nodes, lease)


def watch_owner(place: str) -> OwnerWatch:
    """For an orchestrator that stands by. Raises OutboxError."""
    with extra(place):
        from orchestrator.store.postgresql.owner_watch import ServerWatch
    return ServerWatch(place)


@contextmanager
def visit(place: Place, *, write: bool = False) -> Iterator[Rows]:
    """The database of another, perhaps running, process: to read it, or to leave a request in it. Raises
    OutboxError, also where there is none, or one of another version."""
    if isinstance(place, Path):
        with closing(sqlite.FileRows(place, sqlite.visit(place, write=write))) as file:
            yield file
        return
    with extra(place):
        from orchestrator.store.postgresql.database import visiting
    with closing(visiting(place)) as connection:
        yield connection


@contextmanager
def extra(place: str) -> Iterator[None]:
    """Raises OutboxError where what the import needs is not installed."""
    try:
        yield
    except ImportError as error:
        shown = place.rpartition("@")[2]
        raise OutboxError(shown, f"{error}", "pip install 'texml-orchestrator[postgres]'") from None
