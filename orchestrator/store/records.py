"""What can be listed and fetched after the fact: rooms, calls and recordings, in the outbox's file.

One row for each, written where its state changes; so a list is one query, over what lives and what is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import astuple, fields

RecordKind = Literal["conference", "call", "recording", "request"]

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL,
    sid TEXT NOT NULL,
    account_sid TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    name TEXT NOT NULL,
    from_ TEXT NOT NULL,
    to_ TEXT NOT NULL,
    conference_sid TEXT NOT NULL,
    call_sid TEXT NOT NULL,
    value BLOB NOT NULL,
    node TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (kind, sid)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_by_time ON records (kind, account_sid, created_at, sid);
CREATE INDEX IF NOT EXISTS records_by_name ON records (kind, account_sid, name) WHERE name <> '';
CREATE INDEX IF NOT EXISTS records_by_conference ON records (conference_sid) WHERE conference_sid <> '';
CREATE INDEX IF NOT EXISTS records_by_call ON records (call_sid) WHERE call_sid <> '';
CREATE INDEX IF NOT EXISTS records_by_end ON records (kind, ended_at);
"""


class Record(Struct, frozen=True):
    """One row. Times in microseconds since the epoch; empty where a column means nothing for its kind."""

    kind: RecordKind
    sid: str
    account_sid: str
    created_at: int
    updated_at: int
    ended_at: int = 0
    """0 as long as it is not over."""
    status: str = ""
    name: str = ""
    from_: str = ""
    to_: str = ""
    conference_sid: str = ""
    call_sid: str = ""
    value: bytes = b""
    node: str = ""
    """The FreeSWITCH node that has it, or had it."""

    def row(self, node: str = "") -> tuple[object, ...]:
        """With the `node` that it is written for, where it says none."""
        return (*astuple(self)[:-1], self.node or node)


COLUMNS: Final = tuple(column.name for column in fields(Record))
_CHANGING: Final = ("updated_at", "ended_at", "status", "value")
"""What becomes of one changes these; to write another column is to write its indexes again."""
PUT: Final = (
    f"INSERT INTO records ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "
    f"ON CONFLICT DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in _CHANGING)}"
)
CLAIM: Final = "UPDATE records SET node = ? WHERE kind <> 'request' AND ended_at = 0 AND node <> ?"
"""Of those that are not over."""
_SELECT: Final = f"SELECT {', '.join(COLUMNS)} FROM records"
_DELETE: Final = "DELETE FROM records WHERE kind = ? AND sid = ?"
_PRUNE: Final = (
    "DELETE FROM records WHERE kind = ? AND sid IN (SELECT sid FROM records "
    "WHERE kind = ? AND ended_at > 0 AND ended_at < ? ORDER BY ended_at LIMIT ?)"
)

Read = Callable[[str, Sequence[object]], list[Any]]
Write = Callable[[Iterable[tuple[str, Sequence[Sequence[object]]]]], int]


class Span(NamedTuple):
    """From `low` on, and before `high`; None is no bound. Microseconds since the epoch."""

    low: int | None
    high: int | None


class Query(NamedTuple):
    """Which rows of one account, the newest first."""

    kind: RecordKind
    account_sid: str
    equal: Mapping[str, str] = {}
    """Column -> value."""
    unequal: Mapping[str, str] = {}
    spans: Mapping[str, Sequence[Span]] = {}
    """Column -> times."""
    after: tuple[int, str] | None = None
    """created_at and sid of the row before the first one wanted."""
    offset: int = 0
    limit: int = 20


class Records:
    """Every method may raise OutboxError."""

    def __init__(self, read: Read, write: Write) -> None:
        self._read = read
        self._write = write

    def put(self, records: Sequence[Record]) -> None:
        self._write(((PUT, [record.row() for record in records]),))

    def delete(self, kind: RecordKind, sid: str) -> None:
        self._write(((_DELETE, [(kind, sid)]),))

    def one(self, kind: RecordKind, account_sid: str, sid: str) -> Record | None:
        """None too where it is another account's."""
        clause = f"{_SELECT} WHERE kind = ? AND sid = ? AND account_sid = ?"
        rows = self._read(clause, (kind, sid, account_sid))
        return Record(*rows[0]) if rows else None

    def alive(self, kind: RecordKind) -> list[Record]:
        """Those of all accounts that are not over."""
        rows = self._read(f"{_SELECT} WHERE kind = ? AND ended_at = 0 ORDER BY created_at", (kind,))
        return [Record(*row) for row in rows]

    def find(self, query: Query) -> list[Record]:
        clauses, values = ["kind = ?", "account_sid = ?"], list[object]([query.kind, query.account_sid])
        for column, value in query.equal.items():
            clauses.append(f"{_known(column)} = ?")
            values.append(value)
        for column, value in query.unequal.items():
            clauses.append(f"{_known(column)} <> ?")
            values.append(value)
        for column, spans in query.spans.items():
            for span in spans:
                for bound, sign in ((span.low, ">="), (span.high, "<")):
                    if bound is not None:
                        clauses.append(f"{_known(column)} {sign} ?")
                        values.append(bound)
                if span.low is None:
                    clauses.append(f"{_known(column)} > 0")
        if query.after is not None:
            clauses.append("(created_at, sid) < (?, ?)")
            values += query.after
        order = "ORDER BY created_at DESC, sid DESC LIMIT ? OFFSET ?"
        rows = self._read(
            f"{_SELECT} WHERE {' AND '.join(clauses)} {order}", (*values, query.limit, query.offset)
        )
        return [Record(*row) for row in rows]

    def prune(self, kind: RecordKind, before: int, limit: int = 200) -> int:
        """Forget up to `limit` that were over before `before`; how many it were."""
        return self._write(((_PRUNE, [(kind, kind, before, limit)]),))


def _known(column: str) -> str:
    if column not in COLUMNS:
        raise ValueError(f"not a column of records: {column!r}")
    return column
