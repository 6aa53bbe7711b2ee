"""All SQL of the store: its tables, its statements by name, and the queries that are put together.

As SQLite has it, and as PostgreSQL does with a few words replaced (postgresql/dialect.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from msgspec.structs import fields

from orchestrator.store.records import SEARCHED, Query, Record

State = Literal["waiting", "delivered", "failed"]
INDEXED: Final = " INDEXED BY "
"""SQLite's word before the name of the index that a query has to use."""
_ALL: Final = 2**62
"""As a limit."""
Prepared = tuple[str, Sequence[object]]
"""A query and its values."""

SCHEMA_VERSION: Final = 7
APPLICATION_ID: Final = 0x54584F42  # "TXOB"
_CHECKPOINT_PAGES: Final = 4000
"""16 MB of log, from which a page that changed a hundred times goes into the file once."""

_MESSAGE: Final = """
    id INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    url TEXT NOT NULL,
    method TEXT NOT NULL,
    body BLOB NOT NULL,
    account_sid TEXT NOT NULL,
    event TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    signatures TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    node TEXT NOT NULL,
"""
TABLES: Final = f"""
CREATE TABLE pending ({_MESSAGE}
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL DEFAULT 0,
    waits_since INTEGER NOT NULL
);
CREATE INDEX pending_by_age ON pending (waits_since, id);
CREATE INDEX pending_failing ON pending (queue) WHERE attempts > 0;
CREATE TABLE retries (id INTEGER PRIMARY KEY);
CREATE TABLE finished ({_MESSAGE}
    done_at INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    status INTEGER,
    error TEXT NOT NULL
);
CREATE INDEX finished_by_time ON finished (done_at);
CREATE INDEX finished_by_queue ON finished (queue);
CREATE INDEX finished_failed ON finished (delivered) WHERE delivered = 0;
CREATE INDEX finished_failed_by_queue ON finished (queue) WHERE delivered = 0;
CREATE TABLE state (
    kind TEXT NOT NULL,
    node TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (kind, node, key)
) WITHOUT ROWID;
CREATE TABLE records (
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
    node TEXT NOT NULL,
    UNIQUE (kind, sid)
);
CREATE INDEX records_by_time ON records (kind, account_sid, created_at, sid);
CREATE INDEX records_by_name ON records (kind, account_sid, name) WHERE name <> '';
CREATE INDEX records_by_conference ON records (conference_sid) WHERE conference_sid <> '';
CREATE INDEX records_by_call ON records (call_sid) WHERE call_sid <> '';
CREATE INDEX records_by_end ON records (kind, ended_at);
CREATE TABLE timeline (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    account_sid TEXT NOT NULL,
    entries BLOB NOT NULL
);
CREATE INDEX timeline_by_account ON timeline (account_sid);
CREATE TABLE timeline_of (sid TEXT NOT NULL, page INTEGER NOT NULL, PRIMARY KEY (sid, page)) WITHOUT ROWID;
"""
CREATE: Final = f"""
BEGIN IMMEDIATE;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
{TABLES}
COMMIT;
"""
# A kill loses nothing committed; a power cut may lose the last commits, rooms and callbacks alike.
PREPARE: Final = f"""
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA journal_size_limit = 67108864;
PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES};
"""
RECOGNISE: Final = (
    "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master) "
    "FROM pragma_user_version, pragma_application_id"
)
DATA_VERSION: Final = "PRAGMA data_version"
EXAMINE: Final = "PRAGMA quick_check(1)"


def insert(table: str, columns: Sequence[str], conflict: str = "") -> str:
    """A row of values; `conflict`: what becomes of one that is there already."""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks(columns)}) {conflict}".rstrip()


def marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def replacing(key: str, columns: Sequence[str]) -> str:
    """These columns are those of the new row."""
    return f"ON CONFLICT ({key}) DO UPDATE SET {', '.join(f'{each} = excluded.{each}' for each in columns)}"


# State
STATE_COLUMNS: Final = ("kind", "key", "value", "node")
REPLACE_STATE: Final = replacing("kind, node, key", ("value",))
PUT_STATE: Final = insert("state", STATE_COLUMNS, REPLACE_STATE)
DELETE_STATE: Final = "DELETE FROM state WHERE kind = ? AND key = ? AND node = ?"
ALL_STATE: Final = "SELECT kind, node, key, value FROM state"
LOAD_STATE: Final = "SELECT key, value, node FROM state WHERE kind = ? ORDER BY node, key"
GET_STATE: Final = "SELECT value FROM state WHERE kind = ? AND key = ? AND node = ?"

# Callbacks
_HEAD: Final = "id, queue, url, method, body, account_sid, event, sequence, created_at"
_SIGNED: Final = "signatures, user_agent, node"
_QUEUED: Final = f"{_HEAD}, attempts, next_at, waits_since, {_SIGNED}"
WAITING_COLUMNS: Final = tuple(_QUEUED.split(", "))
NEW_COLUMNS: Final = tuple(f"{_HEAD}, waits_since, {_SIGNED}".split(", "))
ADD: Final = insert("pending", NEW_COLUMNS)
INDEX: Final = "SELECT id, queue FROM pending ORDER BY id"
LAST_ID: Final = (
    "SELECT coalesce(max(id), 0) FROM "
    "(SELECT max(id) AS id FROM pending UNION ALL SELECT max(id) FROM finished) AS last"
)
NEXT: Final = f"SELECT {_QUEUED} FROM pending WHERE id = ?"
WAITING: Final = f"SELECT {_QUEUED} FROM pending ORDER BY id LIMIT ?"
WAITING_SINCE: Final = (
    "SELECT waits_since, id, queue FROM pending "
    "WHERE waits_since < ? AND (waits_since, id) > (?, ?) ORDER BY waits_since, id LIMIT ?"
)
OLDEST: Final = "SELECT created_at FROM pending ORDER BY id LIMIT 1"
POSTPONE: Final = "UPDATE pending SET attempts = ?, next_at = ? WHERE id = ?"
_ENDED: Final = ("done_at", "delivered", "attempts", "status", "error")
FINISH_COLUMNS: Final = f"{_HEAD}, {_SIGNED}, {', '.join(_ENDED)}"
MESSAGE_COLUMNS: Final = f"{_HEAD}, {_SIGNED}"
REPLACE_FINISHED: Final = replacing("id", _ENDED)
FINISH: Final = (
    f"INSERT INTO finished ({FINISH_COLUMNS}) "
    f"SELECT {MESSAGE_COLUMNS}, ?, ?, coalesce(?, attempts), ?, ? FROM pending WHERE id = ? "
    f"{REPLACE_FINISHED}"
)
REMOVE: Final = "DELETE FROM pending WHERE id = ?"
COUNT_FAILED: Final = "SELECT count(*) FROM finished WHERE delivered = 0"
PRUNE_FINISHED: Final = (
    "DELETE FROM finished WHERE id IN (SELECT id FROM finished WHERE done_at < ? ORDER BY done_at LIMIT ?)"
)

# Retries
FAILED: Final = "SELECT id, url FROM finished WHERE delivered = 0"
ASK_AGAIN: Final = "INSERT INTO retries (id) VALUES (?) ON CONFLICT DO NOTHING"
ASKED: Final = "SELECT id FROM retries ORDER BY id LIMIT ?"
COUNT_ASKED: Final = "SELECT count(*) FROM retries"
REQUEUE: Final = (
    f"INSERT INTO pending ({MESSAGE_COLUMNS}, waits_since) "
    f"SELECT {MESSAGE_COLUMNS}, ? FROM finished WHERE id = ? ON CONFLICT DO NOTHING"
)
FORGET_FINISHED: Final = "DELETE FROM finished WHERE id = ?"
FORGET_ASKED: Final = "DELETE FROM retries WHERE id = ?"

# Records
RECORD_COLUMNS: Final = tuple(column.name for column in fields(Record))
_CHANGING: Final = ("updated_at", "ended_at", "status", "value")
"""The columns that change during its life; to write another column is to write its indexes again."""
_PARTIAL: Final = {
    "call_sid": "records_by_call",
    "conference_sid": "records_by_conference",
    "name": "records_by_name",
}
"""Columns whose index leaves out empty values, the most selective first."""
REPLACE_RECORD: Final = replacing("kind, sid", _CHANGING)
PUT_RECORD: Final = insert("records", RECORD_COLUMNS, REPLACE_RECORD)
_SEARCHED: Final = ("sid", "name", "from_", "to_", "conference_sid", "call_sid")
_RECORDS: Final = f"SELECT {', '.join(RECORD_COLUMNS)} FROM records"
NAMED_RECORDS: Final = (
    "SELECT kind, sid, conference_sid, call_sid FROM records "
    "WHERE ? IN (name, from_, to_) AND kind <> 'request'"
)
ONE_RECORD: Final = f"{_RECORDS} WHERE kind = ? AND sid = ? AND account_sid = ?"
LIVING_RECORDS: Final = f"{_RECORDS} WHERE kind = ? AND ended_at = 0 ORDER BY created_at"
DELETE_RECORD: Final = "DELETE FROM records WHERE kind = ? AND sid = ?"
PRUNE_RECORDS: Final = (
    "DELETE FROM records WHERE kind = ? AND sid IN (SELECT sid FROM records "
    "WHERE kind = ? AND ended_at > 0 AND ended_at < ? ORDER BY ended_at LIMIT ?)"
)

# Timeline: pages of entries that were written together, and the calls and conferences in each
PAGE_COLUMNS: Final = ("id", "at", "account_sid", "entries")
ADD_PAGE: Final = insert("timeline", PAGE_COLUMNS)
PAGE_OF_COLUMNS: Final = ("sid", "page")
ADD_TO_PAGE: Final = insert("timeline_of", PAGE_OF_COLUMNS)
LAST_ENTRY: Final = "SELECT coalesce(max(id), 0) FROM timeline"
PAGES_OF: Final = (
    "SELECT entries FROM timeline_of JOIN timeline ON id = page "
    "WHERE sid = ? AND page > ? AND account_sid = ? ORDER BY page"
)
PAGES_SINCE: Final = "SELECT entries FROM timeline WHERE account_sid = ? AND id > ? ORDER BY id"
NEWEST_PAGES_OF: Final = (
    "SELECT entries FROM timeline_of JOIN timeline ON id = page WHERE sid = ? ORDER BY page DESC LIMIT ?"
)
# Pages are written in the order of their times: the oldest are the first.
OLD_PAGES: Final = (
    "SELECT id, entries FROM (SELECT id, at, entries FROM timeline ORDER BY id LIMIT ?) AS oldest "
    "WHERE at < ?"
)
PRUNE_PAGES_OF: Final = "DELETE FROM timeline_of WHERE sid = ? AND page = ?"
PRUNE_PAGES: Final = "DELETE FROM timeline WHERE id = ?"
FORGET_PAGES_OF: Final = "DELETE FROM timeline_of WHERE page >= ?"
FORGET_PAGES: Final = "DELETE FROM timeline WHERE id >= ?"

# All that is unfinished becomes one node's: each value is its name. Of state of one key one stays.
CLAIM: Final = (
    "INSERT INTO state (kind, node, key, value) SELECT kind, ?, key, value FROM state AS other "
    "WHERE node NOT IN (?, '') AND node = (SELECT max(node) FROM state AS same "
    "WHERE same.kind = other.kind AND same.key = other.key AND node <> ?) "
    f"{REPLACE_STATE}",
    "DELETE FROM state WHERE node NOT IN (?, '')",
    "UPDATE pending SET node = ? WHERE node <> ?",
    "UPDATE records SET node = ? WHERE kind <> 'request' AND ended_at = 0 AND node <> ?",
)

# Columns of an operator's list, from both tables
_SHARED: Final = f"{_HEAD}, attempts"
SHOW_WAITING: Final = f"SELECT {_SHARED}, next_at, CAST(NULL AS INTEGER), '', 'waiting', 0 FROM pending"
SHOW_FINISHED: Final = (
    f"SELECT {_SHARED}, done_at, status, error, CASE WHEN delivered = 1 THEN 'delivered' ELSE 'failed' END, "
    "CASE WHEN EXISTS (SELECT 1 FROM retries WHERE retries.id = finished.id) THEN 1 ELSE 0 END FROM finished"
)
_SHOW: Final[dict[State, str]] = {
    "waiting": f"{SHOW_WAITING} WHERE true",
    "delivered": f"{SHOW_FINISHED} WHERE delivered = 1",
    "failed": f"{SHOW_FINISHED} WHERE delivered = 0",
}


def entries(states: Iterable[State], rooms: Sequence[str], limit: int) -> Prepared:
    """Callbacks in these states, of these rooms or of all, the newest first; `limit` 0: all."""
    values = [*rooms, *(f"recording {room}" for room in rooms)]
    clause = f"AND queue IN ({marks(values)})" if rooms else ""
    parts = [f"{_SHOW[state]} {clause}" for state in states]
    return f"{' UNION ALL '.join(parts)} ORDER BY id DESC LIMIT ?", (*values * len(parts), limit or _ALL)


def like(words: str) -> str:
    """A pattern for `LIKE ? ESCAPE '!'`: whatever contains these words."""
    for special in "!%_":
        words = words.replace(special, f"!{special}")
    return f"%{words}%"


def waiting(ids: Sequence[int]) -> Prepared:
    return f"SELECT {_QUEUED} FROM pending WHERE id IN ({marks(ids)}) ORDER BY id", ids


def failed(ids: Sequence[int]) -> Prepared:
    """Id and queue of those of these that failed."""
    return f"SELECT id, queue FROM finished WHERE delivered = 0 AND id IN ({marks(ids)})", ids


def over(ids: Sequence[int]) -> Prepared:
    """Id and queue of those of these that are finished, delivered or not."""
    return f"SELECT id, queue FROM finished WHERE id IN ({marks(ids)})", ids


_FINISHED: Final = f"SELECT {_HEAD}, done_at, delivered, attempts, status, error FROM finished"


def finished(limit: int, before: int | None, queue: str | None, only_failed: bool) -> Prepared:
    """The newest first; `before` is the last id of the page before."""
    clauses, values = ["true"], list[object]()
    if before is not None:
        clauses.append("id < ?")
        values.append(before)
    if queue is not None:
        clauses.append("queue = ?")
        values.append(queue)
    if only_failed:
        clauses.append("delivered = 0")
    where = " AND ".join(clauses)
    return f"{_FINISHED} WHERE {where} ORDER BY id DESC LIMIT ?", (*values, limit)


def finished_of(ids: Sequence[int]) -> Prepared:
    """As `finished`, the oldest first."""
    return f"{_FINISHED} WHERE id IN ({marks(ids)}) ORDER BY id", ids


def records(query: Query) -> Prepared:
    """The newest first. Raises ValueError where a column is none of theirs."""
    clauses, values = ["kind = ?", "account_sid = ?"], list[object]([query.kind, query.account_sid])
    for column, value in query.equal.items():
        clauses.append(f"{_known(column)} = ?")
        values.append(value)
        if column in _PARTIAL and value:
            # Else SQLite does not see that its index may be used, and reads all rows of the account.
            clauses.append(f"{column} <> ''")
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
    # It would rather have the rows in their order than those of this name or conference alone.
    indexed = next((_PARTIAL[column] for column in _PARTIAL if query.equal.get(column)), "")
    index = f"{INDEXED}{indexed}" if indexed else ""
    found = f"{_RECORDS}{index} WHERE {' AND '.join(clauses)} {order}"
    if not query.words:
        return found, (*values, query.limit, query.offset)
    fits = " OR ".join(f"{column} LIKE ? ESCAPE '!'" for column in _SEARCHED for _ in query.words)
    patterns = [like(words) for _ in _SEARCHED for words in query.words]
    return (
        f"SELECT * FROM ({found}) AS newest WHERE {fits} {order}",
        (*values, SEARCHED, 0, *patterns, query.limit, query.offset),
    )


def _known(column: str) -> str:
    if column not in RECORD_COLUMNS:
        raise ValueError(f"not a column of records: {column!r}")
    return column
