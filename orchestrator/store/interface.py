"""The interface of a store: state, waiting callbacks, records for lists. SQLite or PostgreSQL is behind it.

Several roles, and `Store` for all of them at once. A part asks for the role that it needs, so that it can be
seen what it touches. A store has to promise:

- `commit` and `write` are all or nothing, in the order of the calls, and return when it holds after a kill
  of this process. One that is not `remote` never lets another greenlet run meanwhile. One that is does: calls
  and rooms, which are steered on the reader of an event socket, write to it through a WriteBehindBuffer
  alone, which keeps what is not committed yet, and holds back what leaves this process.
- `load` and `get` never let another greenlet run, and answer while a server is away.
- A batch whose `write` raised may be written again, with more in it: nothing of it is stored twice.
- Each row knows its FreeSWITCH node. `of` gives the view of one node: what it commits bears the node's name,
  and what it loads is the node's alone.
- Every method may raise OutboxError.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from orchestrator.store.batch import Batch
from orchestrator.store.entries import Entry
from orchestrator.store.message import CallbackQuery, Counts, FinishedMessage, Message, Queued, Receiver
from orchestrator.store.records import Query, Record, RecordKind

if TYPE_CHECKING:
    from orchestrator.store.callback_list import ListedCallback


class OutboxError(Exception):
    """The outbox's database cannot be used. Says which one, what is wrong and what helps."""

    def __init__(self, place: Path | str, fault: str, remedy: str) -> None:
        """`place`: its file, or its URL without a password."""
        super().__init__(f"outbox {place}: {fault}; {remedy}")
        self.place = place
        self.fault = fault
        self.remedy = remedy


class OwnedByAnother(OutboxError):
    """A living process has it."""


class StateStore(Protocol):
    """State by kind and key, and what is committed with it."""

    @property
    def remote(self) -> bool:
        """Whether a commit waits for a server, and lets other greenlets run meanwhile."""

    def write(self, batch: Batch) -> None:
        """All of it or nothing."""

    def commit(
        self,
        messages: Sequence[Message] = (),
        put: Sequence[tuple[str, str, bytes]] = (),
        delete: Sequence[tuple[str, str]] = (),
        records: Sequence[Record] = (),
    ) -> None:
        """All of it or nothing: new messages, state to put (kind, key, value) and to delete (kind, key), and
        records."""

    def load(self, kind: str) -> list[tuple[str, bytes]]:
        """Key and value of all state of one kind, by key."""

    def get(self, kind: str, key: str) -> bytes | None:
        """One value."""


class RecordStore(Protocol):
    """Rooms, calls and recordings, living and over, of all nodes and accounts."""

    def put(self, records: Sequence[Record]) -> None: ...

    def delete(self, kind: RecordKind, sid: str) -> None: ...

    def one(self, kind: RecordKind, account_sid: str, sid: str) -> Record | None:
        """None too where it is another account's."""

    def find(self, query: Query) -> list[Record]: ...

    def prune(self, kind: RecordKind, before: int, limit: int = 200) -> int:
        """Forget up to `limit` that were over before `before`; how many it were."""


class NodeStore(StateStore, Protocol):
    """One FreeSWITCH node's view."""

    @property
    def node(self) -> str:
        """Its name."""

    @property
    def records(self) -> RecordStore:
        """Those of all nodes."""

    def alive(self, kind: RecordKind) -> list[Record]:
        """Those of this node, of all accounts, that are not over."""


class CallbackStore(Protocol):
    """Waiting callbacks, each in its queue, and finished ones."""

    @property
    def depth(self) -> int:
        """Messages that wait."""

    def queues(self) -> list[str]: ...

    def next(self, queue: str) -> Queued | None: ...

    def second(self, queue: str) -> Queued | None: ...

    def is_head(self, queue: str, id_: int) -> bool: ...

    def postpone(self, message: Queued, attempts: int, next_at: int) -> None: ...

    def finish(
        self, message: Queued, *, delivered: bool, attempts: int, status: int | None, error: str = ""
    ) -> None: ...

    def fail(self, queue: str, id_: int, error: str) -> bool: ...

    def flush(self) -> None:
        """Write down what `postpone`, `finish` and `fail` said."""

    def oldest_of_the_longest(self, number: int, in_flight: Container[str]) -> Sequence[tuple[str, int]]: ...

    def waiting_since(
        self, before: int, after: tuple[int, int], limit: int
    ) -> list[tuple[int, int, str]]: ...

    def retries_asked(self) -> bool: ...

    def requeue(self, limit: int, in_flight: Container[str]) -> tuple[int, list[str]]: ...

    def prune(self, before: int, limit: int = 200) -> int: ...

    def counts(self) -> Counts: ...

    def finished(
        self, limit: int = 100, *, before: int | None = None, queue: str | None = None, failed: bool = False
    ) -> list[FinishedMessage]: ...

    def finished_of(self, ids: Sequence[int]) -> list[FinishedMessage]:
        """Those of these that are finished and flushed."""

    def waiting(self, limit: int = 100, *, queue: str | None = None) -> list[Queued]: ...


class CallbackHistory(Protocol):
    """Callbacks as people list and replay them. `CallbackStore.flush` first: they are written behind."""

    def find(self, query: CallbackQuery) -> list[ListedCallback]:
        """The newest first."""

    def receivers(self, account_sid: str) -> list[Receiver]:
        """Servers that something waits for or has failed at, the most failures first."""

    def failing(self, queues: Sequence[str]) -> dict[str, int]:
        """How many of each of these queues have failed, or wait after an attempt that failed."""

    def failed_at(self, account_sid: str, receiver: str) -> Iterator[list[int]]:
        """Ids of those that failed there, or anywhere where `receiver` is empty, some at a time."""

    def request_replay(self, ids: Sequence[int]) -> None:
        """Have these finished ones delivered again; delivery has to hear of it."""


class TimelineStore(Protocol):
    """The history of calls and conferences, entry by entry, of all nodes and accounts."""

    def add(self, entries: Sequence[Entry]) -> None:
        """All of them or none. Each gets its id."""

    def of_call(self, account_sid: str, call_sid: str, after: int = 0, limit: int = 1000) -> list[Entry]:
        """In the order in which they were stored, from the one after id `after` on."""

    def of_conference(
        self, account_sid: str, conference_sid: str, after: int = 0, limit: int = 1000
    ) -> list[Entry]:
        """As `of_call`; those of its participants in it are among them."""

    def since(self, account_sid: str, after: int, limit: int = 1000) -> list[Entry]:
        """All of an account, from the one after id `after` on: to follow what happens, from `last_id` on."""

    @property
    def last_id(self) -> int:
        """Of the newest entry; 0 where there is none."""

    def rejected(self, limit: int = 100) -> list[Entry]:
        """Calls that never became one, of all accounts and of none, the newest first."""

    def prune(self, before: int, limit: int = 200) -> int:
        """Forget up to `limit` pages of them from before `before` (microseconds); how many it were."""


class Store(StateStore, CallbackStore, Protocol):
    """All of it."""

    @property
    def callbacks(self) -> CallbackHistory:
        """As people list and replay them."""

    @property
    def timeline(self) -> TimelineStore:
        """Of all nodes."""

    @property
    def records(self) -> RecordStore:
        """Of all nodes."""

    def of(self, node: str) -> NodeStore:
        """The view of one FreeSWITCH node."""

    def claim(self, node: str) -> None:
        """Give rows of before nodes had names to this one."""
