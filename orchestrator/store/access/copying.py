"""A copy of all of a store in another one, of the same kind or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Final

from orchestrator.store import sql
from orchestrator.store.access.opening import Place, open_database
from orchestrator.store.database import Database
from orchestrator.store.interface import OutboxError

TABLES: Final[dict[str, tuple[Sequence[str], Sequence[str]]]] = {
    "state": (sql.STATE_COLUMNS, ("kind", "node", "key")),
    "pending": (sql.WAITING_COLUMNS, ("id",)),
    "finished": (sql.FINISH_COLUMNS.split(", "), ("id",)),
    "retries": (("id",), ("id",)),
    "records": (sql.RECORD_COLUMNS, ("kind", "sid")),
    "timeline": (sql.PAGE_COLUMNS, ("id",)),
    "timeline_of": (sql.PAGE_OF_COLUMNS, ("sid", "page")),
}
"""Each with its columns, and those of its key."""
_ROWS: Final = 500
"""Copied together."""


def copy(source: Place, target: Place, on_table: Callable[[str, int], None]) -> None:
    """All rows, table by table; `on_table` is called with the number of each. The source stays as it is.

    Raises OutboxError: where an orchestrator has one of them, the target is not empty, or a copy of a table
    has not as many rows as the table. All that was copied until then stays in the target.
    """
    with closing(open_database(source)) as of, closing(open_database(target)) as into:
        for table in TABLES:
            if count(into, table):
                raise OutboxError(into.place, f"its table {table} is not empty", "copy into an empty one")
        for table in TABLES:
            wanted = count(of, table)
            for rows in _pages(of, table):
                into.write(((sql.insert(table, TABLES[table][0]), rows),))
            found = count(into, table)
            if found != wanted:
                fault = f"{table} has {wanted} rows, and its copy {found}"
                raise OutboxError(into.place, fault, "empty the copy, and try again")
            on_table(table, found)


def count(database: Database, table: str) -> int:
    return int(database.read(f"SELECT count(*) FROM {table}")[0][0])


def _pages(database: Database, table: str) -> Iterator[list[Sequence[object]]]:
    """In the order of its key."""
    columns, key = TABLES[table]
    keys, order = ", ".join(key), [columns.index(each) for each in key]
    select, last = f"SELECT {', '.join(columns)} FROM {table}", list[object]()
    while True:
        where = f" WHERE ({keys}) > ({sql.marks(key)})" if last else ""
        rows = database.read(f"{select}{where} ORDER BY {keys} LIMIT ?", (*last, _ROWS))
        if not rows:
            return
        yield rows
        last = [rows[-1][number] for number in order]
