"""State of calls and rooms, by kind, node and key: read where it is stored, or from a copy in memory."""

from __future__ import annotations

from orchestrator.store import sql
from orchestrator.store.batch import Batch
from orchestrator.store.database import Rows


class StoredState:
    """Read each time."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def load(self, kind: str, node: str | None) -> list[tuple[str, bytes]]:
        """By node and key; of one `node`, or of all."""
        rows = self._rows.read(sql.LOAD_STATE, (kind,))
        return [(key, value) for key, value, its_node in rows if node is None or its_node == node]

    def get(self, kind: str, key: str, node: str) -> bytes | None:
        for (value,) in self._rows.read(sql.GET_STATE, (kind, key, node)):
            return bytes(value)
        return None

    def committed(self, batch: Batch, node: str) -> None:
        """It is in the database now."""

    def read_again(self) -> None:
        """All of it may have changed."""


class CopiedState:
    """Read once, and followed from then on: its owner alone writes it. So no reader waits for a server, or
    needs it."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._kinds: dict[str, dict[tuple[str, str], bytes]] | None = None
        """Kind -> (node, key) -> value."""

    def load(self, kind: str, node: str | None) -> list[tuple[str, bytes]]:
        """By node and key; of one `node`, or of all."""
        values = self._copy.get(kind, {})
        return [(key, values[its, key]) for its, key in sorted(values) if node is None or its == node]

    def get(self, kind: str, key: str, node: str) -> bytes | None:
        return self._copy.get(kind, {}).get((node, key))

    def committed(self, batch: Batch, node: str) -> None:
        """It is in the database now."""
        copy = self._copy
        for (kind, key), value in batch.state.items():
            if value is None:
                copy.get(kind, {}).pop((node, key), None)
            else:
                copy.setdefault(kind, {})[node, key] = value

    def read_again(self) -> None:
        """All of it may have changed."""
        self._kinds = None

    @property
    def _copy(self) -> dict[str, dict[tuple[str, str], bytes]]:
        if self._kinds is None:
            self._kinds = {}
            for kind, node, key, value in self._rows.read(sql.ALL_STATE):
                self._kinds.setdefault(kind, {})[node, key] = bytes(value)
        return self._kinds
