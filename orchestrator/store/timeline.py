"""The timeline in SQLite: pages of entries that were written together, found by their calls and conferences.

A row for each entry took three times as long to write: most of that went into its columns and indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from orchestrator.store import sql
from orchestrator.store.database import Rows
from orchestrator.store.entries import Entry

PAGE_ENTRIES: Final = 100
"""At most, of one account: a reader of one call decodes whole pages."""
PAGE_BYTES: Final = 200_000
"""Of copies of documents: a page has no further entry then."""
REJECTED: Final = "rejected"
"""Stands for calls that never became one among the sids of a page."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Entry]).decode


class TimelineRows:
    """As TimelineStore. Every method may raise OutboxError. One `add` at a time."""

    def __init__(self, lists: Rows, own: Rows) -> None:
        """`lists` is read from, `own` written to."""
        self._read = lists.read
        self._rows = lists.rows
        self._write = own.write
        self._last_id: int | None = None
        self._unsure = False
        """Whether something of the last attempt may be stored."""

    def add(self, entries: Sequence[Entry]) -> None:
        """All of them or none. Each gets its id."""
        if self._last_id is None:
            self._last_id = self.last_id
        first = self._last_id + 1
        if self._unsure:
            self._write(((sql.FORGET_PAGES_OF, [(first,)]), (sql.FORGET_PAGES, [(first,)])))
        self._unsure = True
        for id_, entry in enumerate(entries, first):
            entry.id = id_
        pages = list(_pages(entries))
        self._write(
            (
                (
                    sql.ADD_PAGE,
                    [(page[-1].id, page[-1].at, page[0].account_sid, _encode(page)) for page in pages],
                ),
                (sql.ADD_TO_PAGE, [(sid, page[-1].id) for page in pages for sid in _sids(page)]),
            )
        )
        self._unsure = False
        self._last_id += len(entries)

    def of_call(self, account_sid: str, call_sid: str, after: int = 0, limit: int = 1000) -> list[Entry]:
        """In the order in which they were stored, from the one after id `after` on."""
        found = self._rows(sql.PAGES_OF, (call_sid, after, account_sid))
        return _entries(found, lambda entry: entry.call_sid == call_sid, after, limit)

    def of_conference(
        self, account_sid: str, conference_sid: str, after: int = 0, limit: int = 1000
    ) -> list[Entry]:
        """As `of_call`; those of its participants in it are among them."""
        found = self._rows(sql.PAGES_OF, (conference_sid, after, account_sid))
        return _entries(found, lambda entry: entry.conference_sid == conference_sid, after, limit)

    def since(self, account_sid: str, after: int, limit: int = 1000) -> list[Entry]:
        """All of an account, from the one after id `after` on."""
        if not account_sid:
            return []
        return _entries(self._rows(sql.PAGES_SINCE, (account_sid, after)), lambda entry: True, after, limit)

    @property
    def last_id(self) -> int:
        """Of the newest entry; 0 where there is none."""
        return int(self._read(sql.LAST_ENTRY, ())[0][0])

    def rejected(self, limit: int = 100) -> list[Entry]:
        """Calls that never became one, of all accounts and of none, the newest first."""
        found = self._read(sql.NEWEST_PAGES_OF, (REJECTED, limit))
        entries = [entry for (page,) in found for entry in _decode(page) if entry.kind == "call.rejected"]
        return sorted(entries, key=lambda entry: entry.id, reverse=True)[:limit]

    def prune(self, before: int, limit: int = 200) -> int:
        """Forget up to `limit` pages from before `before` (microseconds); how many it were."""
        old = self._read(sql.OLD_PAGES, (limit, before))
        of = [(sid, id_) for id_, page in old for sid in _sids(_decode(page))]
        self._write(((sql.PRUNE_PAGES_OF, of), (sql.PRUNE_PAGES, [(id_,) for id_, _ in old])))
        return len(old)


def _pages(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Each of one account, in the order of their ids."""
    of_account: dict[str, list[Entry]] = {}
    for entry in entries:
        of_account.setdefault(entry.account_sid, []).append(entry)
    for of_one in of_account.values():
        begin, size = 0, 0
        for number, entry in enumerate(of_one):
            if number - begin == PAGE_ENTRIES or size > PAGE_BYTES:
                yield of_one[begin:number]
                begin, size = number, 0
            size += len(entry.body)
        yield of_one[begin:]


def _sids(page: Sequence[Entry]) -> set[str]:
    """Of all calls and conferences in it."""
    found = {entry.call_sid for entry in page} | {entry.conference_sid for entry in page}
    found.discard("")
    if any(entry.kind == "call.rejected" for entry in page):
        found.add(REJECTED)
    return found


def _entries(
    pages: Iterable[tuple[bytes]], belongs: Callable[[Entry], bool], after: int, limit: int
) -> list[Entry]:
    found: list[Entry] = []
    for (page,) in pages:
        found += (entry for entry in _decode(page) if entry.id > after and belongs(entry))
        if len(found) >= limit:
            break
    return found[:limit]
