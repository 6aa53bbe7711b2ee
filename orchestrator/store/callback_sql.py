"""The SQL of lists of callbacks, beside sql.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote_plus

from orchestrator.store import sql
from orchestrator.store.message import CallbackQuery

WAITING_BY_URL: Final = (
    "SELECT url, count(*) FROM "
    "(SELECT url FROM pending WHERE account_sid = ? ORDER BY id DESC LIMIT ?) AS newest GROUP BY url"
)
FAILED_BY_URL: Final = (
    "SELECT url, count(*), error, max(done_at) FROM (SELECT url, error, done_at FROM finished "
    "WHERE delivered = 0 AND account_sid = ? ORDER BY id DESC LIMIT ?) AS newest GROUP BY url, error"
)
FAILED_AFTER: Final = (
    "SELECT id, url FROM finished WHERE delivered = 0 AND account_sid = ? AND id > ? ORDER BY id LIMIT ?"
)


def failing(queues: Sequence[str]) -> sql.Prepared:
    """How many of each of these queues have failed, or wait after an attempt that failed."""
    marks = sql.marks(queues)
    return (
        f"SELECT queue, count(*) FROM (SELECT queue FROM finished WHERE delivered = 0 AND queue IN ({marks}) "
        f"UNION ALL SELECT queue FROM pending WHERE attempts > 0 AND queue IN ({marks})) AS found "
        "GROUP BY queue",
        (*queues, *queues),
    )


def callbacks(query: CallbackQuery, searched: int) -> sql.Prepared:
    """The newest first; of each table the newest `searched` are looked at where there are words."""
    clauses, values = ["account_sid = ?"], list[object]([query.account_sid])
    for clause, value in (
        ("id < ?", query.before),
        ("created_at >= ?", query.since),
        ("created_at < ?", query.until),
    ):
        if value:
            clauses.append(clause)
            values.append(value)
    if query.queues:
        clauses.append(f"queue IN ({sql.marks(query.queues)})")
        values += query.queues
    if query.receiver:
        clauses.append("receiver_of(url) = ?")
        values.append(query.receiver)
    parts: list[str] = []
    if query.waiting:
        parts.append(f"{sql.SHOW_WAITING} WHERE {' AND '.join(clauses)}")
    if query.delivered or query.failed:
        only = "" if query.delivered and query.failed else f" AND delivered = {int(query.delivered)}"
        parts.append(f"{sql.SHOW_FINISHED} WHERE {' AND '.join(clauses)}{only}")
    newest = [f"SELECT * FROM ({part} ORDER BY id DESC LIMIT ?) AS newest" for part in parts]
    all_values: list[object] = []
    for _ in parts:
        all_values += [*values, searched if query.words else query.limit]
    where = ""
    if query.words:
        # A body is stored as it is sent: quoted.
        plain, quoted = sql.like(query.words), sql.like(quote_plus(query.words))
        where = " WHERE url LIKE ? ESCAPE '!' OR event LIKE ? ESCAPE '!' OR queue LIKE ? ESCAPE '!' "
        where += "OR CAST(body AS TEXT) LIKE ? ESCAPE '!'"
        all_values += [plain, plain, plain, quoted]
    return f"SELECT * FROM ({' UNION ALL '.join(newest)}) AS found{where} ORDER BY id DESC LIMIT ?", (
        *all_values,
        query.limit,
    )
