"""The interface of a database below the store, with SQLite or PostgreSQL behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

Statements = Iterable[tuple[str, Sequence[Sequence[object]]]]
"""Each with all its rows."""
Work = Literal["delivery", "lists", "timeline"]
"""Work beside the commits of calls and rooms, which must not wait behind them."""


class Lease(NamedTuple):
    """Facts by which one orchestrator has the database of PostgreSQL after another."""

    database: Path | None = None
    """callbacks.database, beside which a file is locked as long as this process lives."""
    url: str = ""
    """Of this process's web server, as other orchestrators reach it."""
    seen: object = None
    """As OwnerWatch.seen, where the owner was watched before."""


class OwnerWatch(Protocol):
    """The owner of a database, as an orchestrator that stands by sees it."""

    @property
    def owner(self) -> str:
        """Its host and process; empty where none was seen."""

    @property
    def url(self) -> str:
        """Of its web server; empty where there is no owner now."""

    @property
    def seen(self) -> object:
        """For `Lease`."""

    def look(self) -> str:
        """How it is known that there is no owner any more; empty: there is one. Raises OutboxError."""

    def close(self) -> None: ...


class Rows(Protocol):
    """Queries and changes, one after the other. SQL and its names are those of sql.py, with `?` for values.

    Every method may raise OutboxError.
    """

    def read(self, query: str, values: Sequence[object] = ()) -> list[Any]: ...

    def rows(self, query: str, values: Sequence[object] = ()) -> Iterator[Any]:
        """One by one, for a reader that may have enough before the last one."""

    def write(self, statements: Statements, node: str | None = None) -> int:
        """All of them in one transaction, of a FreeSWITCH `node` where they are about one; how many rows the
        last one changed."""


class Database(Rows, Protocol):
    """Owned by this process alone."""

    @property
    def place(self) -> str:
        """Its file, or its URL without a password."""

    @property
    def remote(self) -> bool:
        """As StateStore.remote."""

    @property
    def predecessor_may_run(self) -> bool:
        """The process that owned it before was silent for long, but is not known to have ended."""

    @property
    def on_lost(self) -> list[Callable[[Exception], None]]:
        """Each called when another process owns what was ours; none may block."""

    def of(self, work: Work) -> Rows:
        """For that work."""

    def retries_asked(self) -> bool:
        """Whether another process may have asked for retries since the last call; costs next to nothing."""

    def close(self) -> None: ...
