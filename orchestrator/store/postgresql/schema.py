"""The tables, and how those of an earlier version become today's."""

from __future__ import annotations

from typing import Any, Final

import psycopg

from orchestrator.store import sql
from orchestrator.store.interface import OutboxError
from orchestrator.store.postgresql.dialect import tables

_VERSION: Final = "texml_schema"
"""The table of versions, which shows that the others are ours."""

FIRST: Final = f"""
{tables(sql.TABLES)}
ALTER TABLE state SET (fillfactor = 70);
CREATE FUNCTION receiver_of(url text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT lower(coalesce(substring(url FROM '^([^:/?#]+://)[^/?#]*'), '')
        || coalesce(substring(url FROM '^[^:/?#]+://(?:[^/?#]*@)?([^/?#]*)'), ''))
$$;
-- Each FreeSWITCH node with its owner. Each commit names the node and the epoch that it believes in.
CREATE TABLE nodes (
    name text COLLATE "C" PRIMARY KEY,
    owner text NOT NULL,
    epoch bigint NOT NULL,
    beat bigint NOT NULL DEFAULT 0,
    url text NOT NULL DEFAULT '',
    lock text NOT NULL DEFAULT ''
);
-- What is of no node has no owner.
INSERT INTO nodes (name, owner, epoch) VALUES ('', '', 0);
"""
MIGRATIONS: Final[tuple[str, ...]] = (FIRST,)
"""Each makes its version, from 1 on, of the one before it. One that was published is never changed."""


def migrate(connection: psycopg.Connection[Any], place: str) -> None:
    """Bring the tables to the newest version, all at once. Raises OutboxError where they are of a later one,
    or not ours; psycopg.Error."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('texml_schema'))")
        found = version(connection, place)
        if found == len(MIGRATIONS):
            return
        if not found:
            connection.execute(
                f"CREATE TABLE {_VERSION} (version bigint PRIMARY KEY, at timestamptz DEFAULT now())"
            )
        for number, statements in enumerate(MIGRATIONS[found:], found + 1):
            connection.execute(statements.encode())
            connection.execute(f"INSERT INTO {_VERSION} (version) VALUES ({number:d})".encode())


def check(connection: psycopg.Connection[Any], place: str) -> None:
    """Raises OutboxError where they are not of this version; psycopg.Error."""
    found = version(connection, place)
    if not found:
        remedy = "start the orchestrator once: it makes its tables"
        raise OutboxError(place, "there are no tables of the orchestrator in it", remedy)
    if found < len(MIGRATIONS):
        raise OutboxError(place, _versions("an earlier", found), "start the orchestrator: it converts them")


def version(connection: psycopg.Connection[Any], place: str) -> int:
    """Of the tables; 0: there are none yet. Raises OutboxError where they are of a later version, or not
    ours; psycopg.Error."""
    names = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename = ANY(%s)",
        ([_VERSION, "pending", "records", "nodes"],),
    ).fetchall()
    if not names:
        return 0
    if (_VERSION,) not in names:
        raise OutboxError(
            place,
            f"some other program's table is in it: {names[0][0]}",
            "give the orchestrator its own database",
        )
    row = connection.execute(f"SELECT coalesce(max(version), 0) FROM {_VERSION}").fetchone()
    found = int(row[0]) if row else 0
    if found > len(MIGRATIONS):
        raise OutboxError(place, _versions("a newer", found), "run that version, or use another database")
    return found


def _versions(which: str, found: int) -> str:
    known = len(MIGRATIONS)
    return f"its tables were made by {which} version (schema {found}, this program knows {known})"
