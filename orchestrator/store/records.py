"""Records for lists: rooms, participants that have left, calls and recordings, in the outbox's file.

One row for each, written where its state changes; so a list is one query, over live and ended ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import astuple

RecordKind = Literal["conference", "participant", "call", "recording", "request"]


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


SEARCHED = 20_000


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
    words: Sequence[str] = ()
    """Any of these is a part of its sid, name, numbers, conference or call. Of the newest SEARCHED rows
    alone, as a search through all would hold up everybody."""
