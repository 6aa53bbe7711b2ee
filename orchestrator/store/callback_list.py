"""Callbacks as people list and replay them: waiting, delivered and failed ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from orchestrator.net.logged_url import for_log
from orchestrator.store import callback_sql, sql
from orchestrator.store.database import Rows
from orchestrator.store.message import CallbackQuery, Receiver, receiver_of
from orchestrator.store.sql import State

SEARCHED = 20_000
"""Of each state: a search through all of a week's callbacks would hold up everybody."""
_CHUNK = 1000


class ListedCallback(Struct, frozen=True):
    """One callback. Times in microseconds since the epoch."""

    id: int
    room: str
    """ConferenceSid, CallSid or `recording` and RecordingSid: the order of its delivery."""
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
    """When it was finished; of a waiting one the time before which it is not tried again, 0: at once."""
    status: int | None
    error: str
    state: State
    asked_again: bool
    """Somebody has asked for a retry that the orchestrator has not begun yet."""


def listed(row: Sequence[Any]) -> ListedCallback:
    """Of a query that sql.py makes for lists."""
    id_, room, url, method, body, *middle, asked_again = row
    return ListedCallback(
        id_, room, for_log(url), method, body.decode("ascii", "replace"), *[*middle, bool(asked_again)]
    )


class CallbackList:
    """Every method may raise OutboxError. Flush before: deliveries are written behind."""

    def __init__(self, rows: Rows) -> None:
        self._read = rows.read
        self._write = rows.write

    def find(self, query: CallbackQuery) -> list[ListedCallback]:
        return [listed(row) for row in self._read(*callback_sql.callbacks(query, SEARCHED))]

    def receivers(self, account_sid: str) -> list[Receiver]:
        """Those that something waits for or has failed at, the most failures first; of more than SEARCHED
        callbacks the newest are counted."""
        waiting: dict[str, int] = {}
        failed: dict[str, tuple[int, str, int]] = {}
        for url, number in self._read(callback_sql.WAITING_BY_URL, (account_sid, SEARCHED)):
            name = receiver_of(url)
            waiting[name] = waiting.get(name, 0) + number
        for url, number, error, at in self._read(callback_sql.FAILED_BY_URL, (account_sid, SEARCHED)):
            name = receiver_of(url)
            before, last_error, last_at = failed.get(name, (0, "", 0))
            newest = (error, at) if at >= last_at else (last_error, last_at)
            failed[name] = (before + number, *newest)
        found = [
            Receiver(name, waiting.get(name, 0), *failed.get(name, (0, "", 0)))
            for name in {*waiting, *failed}
        ]
        return sorted(found, key=lambda one: (-one.failed, -one.waiting, one.name))

    def failing(self, queues: Sequence[str]) -> dict[str, int]:
        """How many of each of these queues have failed, or wait after an attempt that failed."""
        return dict(self._read(*callback_sql.failing(queues))) if queues else {}

    def failed_at(self, account_sid: str, receiver: str) -> Iterator[list[int]]:
        """Ids of those that failed there, or anywhere where `receiver` is empty: some at a time, so that
        others have their turn in between."""
        last = 0
        while rows := self._read(callback_sql.FAILED_AFTER, (account_sid, last, _CHUNK)):
            last = rows[-1][0]
            yield [id_ for id_, url in rows if receiver in ("", receiver_of(url))]

    def request_replay(self, ids: Sequence[int]) -> None:
        """Have these finished ones delivered again, in their queues' order; delivery has to hear of it."""
        self._write(((sql.ASK_AGAIN, [(id_,) for id_ in ids]),))
