"""A database as an operator asks about it: whether the orchestrator can use it, and how fast it is."""

from __future__ import annotations

import time
from contextlib import closing
from statistics import median
from typing import Final, NamedTuple

from orchestrator.store.interface import OutboxError
from orchestrator.store.postgresql import schema
from orchestrator.store.postgresql.connection import Connected, Connection

_SECONDS: Final = 10.0
_ASKED: Final = 5


class Examined(NamedTuple):
    place: str
    server: str
    """Its version."""
    has_tables: bool
    milliseconds: float
    """From a question to its answer."""
    synchronous: bool
    """A commit is on the server's disk before it is acknowledged."""


def examine(url: str) -> Examined:
    """Raises OutboxError where the orchestrator could not use it."""
    with closing(Connection(url, "texml doctor", _SECONDS)) as connection:
        return connection.run(lambda opened: _examine(opened, connection.place))


def _examine(connection: Connected, place: str) -> Examined:
    row = connection.execute(
        "SELECT pg_is_in_recovery(), current_schema() IS NOT NULL "
        "AND has_schema_privilege(current_schema(), 'CREATE'), current_setting('synchronous_commit')"
    ).fetchone()
    assert row is not None
    standby, may_create, synchronous = row
    if standby:
        raise OutboxError(place, "it is a standby", "give all hosts, and target_session_attrs=read-write")
    has_tables = schema.version(connection, place) > 0
    if not has_tables and not may_create:
        raise OutboxError(
            place, "the user may not create tables in it", "make it the owner: ALTER DATABASE … OWNER TO …"
        )
    server = connection.info.parameter_status("server_version") or ""
    return Examined(place, server, has_tables, _milliseconds(connection), synchronous != "off")


def _milliseconds(connection: Connected) -> float:
    taken = []
    for _ in range(_ASKED):
        began = time.monotonic()
        connection.execute("SELECT 1").fetchall()
        taken.append(time.monotonic() - began)
    return median(taken) * 1000
