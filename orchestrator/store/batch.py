"""A commit: callbacks, state and records, each row of them as it was left last."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.store.message import Message
from orchestrator.store.records import Record


class Batch:
    """All of it is stored, or nothing."""

    __slots__ = ("ids", "messages", "records", "state")

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.ids: list[int] = []
        """Of the first messages, from the store that has tried to take them: they keep them, so that a commit
        whose answer was lost can be repeated."""
        self.state: dict[tuple[str, str], bytes | None] = {}
        """By kind and key; None: to be deleted."""
        self.records: dict[tuple[str, str], Record] = {}

    def __bool__(self) -> bool:
        return bool(self.messages or self.state or self.records)

    def add(
        self,
        messages: Sequence[Message] = (),
        put: Sequence[tuple[str, str, bytes]] = (),
        delete: Sequence[tuple[str, str]] = (),
        records: Sequence[Record] = (),
    ) -> None:
        """State to put (kind, key, value), to delete (kind, key), and the rest."""
        self.messages.extend(messages)
        for kind, key, value in put:
            self.state[kind, key] = value
        for each in delete:
            self.state[each] = None
        for record in records:
            self.records[record.kind, record.sid] = record

    def follow(self, later: Batch) -> None:
        """Make `later`, which has been stored nowhere yet, a part of this one."""
        self.messages += later.messages
        self.state |= later.state
        self.records |= later.records

    def drop_oldest(self, number: int) -> None:
        """Forget the first messages."""
        del self.messages[:number]
        del self.ids[:number]
