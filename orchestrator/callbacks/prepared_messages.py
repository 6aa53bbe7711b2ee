"""Messages in memory whose turn has come, or comes next: read once, and their requests made in time."""

from __future__ import annotations

from contextlib import suppress

from orchestrator.callbacks.sender import Prepared, Sender
from orchestrator.store.interface import CallbackStore

_HEADS = 2000
"""First messages kept while their queues are in line, some 2 kB each; others are read again."""


class PreparedMessages:
    def __init__(self, outbox: CallbackStore, sender: Sender) -> None:
        self._outbox = outbox
        self._sender = sender
        self._heads: dict[str, Prepared] = {}
        """As read when their queues were put into line."""
        self._seconds: dict[str, Prepared] = {}
        """The next ones of queues in flight."""

    def next(self, queue: str) -> Prepared | None:
        """The message whose turn it is; None: nothing waits. Raises OutboxError."""
        second = self._seconds.pop(queue, None)
        if second is not None and self._outbox.is_head(queue, second.message.id):
            return second
        message = self._outbox.next(queue)
        return Prepared(message) if message is not None else None

    def keep(self, queue: str, head: Prepared) -> None:
        """Until `take`, as far as there is room."""
        if len(self._heads) < _HEADS:
            self._heads[queue] = head

    def take(self, queue: str) -> Prepared | None:
        """The one that was kept, if it still has its queue's turn."""
        head = self._heads.pop(queue, None)
        return head if head is not None and self._outbox.is_head(queue, head.message.id) else None

    def prepare_second(self, queue: str) -> None:
        """While a receiver has the first of `queue`. A fault shows itself when the message has its turn."""
        with suppress(Exception):
            message = self._outbox.second(queue)
            if message is not None:
                self._seconds[queue] = self._sender.prepare(message)

    def forget(self, queue: str) -> None:
        """It may have changed in the outbox."""
        self._heads.pop(queue, None)
        self._seconds.pop(queue, None)

    def clear(self) -> None:
        self._heads.clear()
        self._seconds.clear()
