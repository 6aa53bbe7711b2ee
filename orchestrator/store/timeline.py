"""The timeline's rows in SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from orchestrator.store import sql
from orchestrator.store.entries import Entry, Facts

Read = Callable[[str, Sequence[object]], list[Any]]
Write = Callable[[Iterable[tuple[str, Sequence[Sequence[object]]]]], int]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Facts).decode


class TimelineRows:
    """As TimelineStore. Every method may raise OutboxError, and none yields."""

    def __init__(self, read: Read, write: Write) -> None:
        self._read = read
        self._write = write
        self._last_id: int | None = None

    def add(self, entries: Sequence[Entry]) -> int:
        """All of them or none; the id of the first. The others' follow it."""
        if self._last_id is None:
            ((self._last_id,),) = self._read(sql.LAST_ENTRY, ())
        first = self._last_id + 1
        self._write(((sql.ADD_ENTRY, [_row(id_, entry) for id_, entry in enumerate(entries, first)]),))
        self._last_id += len(entries)
        return first

    def of_call(self, account_sid: str, call_sid: str, after: int = 0, limit: int = 1000) -> list[Entry]:
        """In the order in which they were stored, from the one after id `after` on."""
        return self._entries(sql.ENTRIES_OF_CALL, (call_sid, account_sid, after, limit))

    def of_conference(
        self, account_sid: str, conference_sid: str, after: int = 0, limit: int = 1000
    ) -> list[Entry]:
        """As `of_call`; those of its participants in it are among them."""
        return self._entries(sql.ENTRIES_OF_CONFERENCE, (conference_sid, account_sid, after, limit))

    def since(self, account_sid: str, after: int, limit: int = 1000) -> list[Entry]:
        """All of an account, from the one after id `after` on."""
        return self._entries(sql.ENTRIES_SINCE, (account_sid, after, limit))

    @property
    def last_id(self) -> int:
        """Of the newest entry; 0 where there is none."""
        return int(self._read(sql.LAST_ENTRY, ())[0][0])

    def rejected(self, limit: int = 100) -> list[Entry]:
        """Calls that never became one, of all accounts and of none, the newest first."""
        return self._entries(sql.REJECTED_CALLS, (limit,))

    def prune(self, before: int, limit: int = 200) -> int:
        """Forget up to `limit` from before `before` (microseconds); how many it were."""
        return self._write(((sql.PRUNE_ENTRIES, [(limit, before)]),))

    def _entries(self, query: str, values: Sequence[object]) -> list[Entry]:
        return [_entry(row) for row in self._read(query, values)]


def _row(id_: int, e: Entry) -> tuple[object, ...]:
    head = (id_, e.at, e.kind, e.account_sid, e.call_sid, e.conference_sid, e.level)
    return (*head, _encode(e.facts), e.body, e.node)


def _entry(row: tuple[Any, ...]) -> Entry:
    id_, at, kind, account, call, conference, level, facts, body, node = row
    return Entry(id_, at, kind, account, call, conference, level, _decode(facts), body, node)
