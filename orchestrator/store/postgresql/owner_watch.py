"""The owner of a database, as an orchestrator that stands by sees it."""

from __future__ import annotations

import os
import socket
from typing import Final

from orchestrator.store.postgresql import schema
from orchestrator.store.postgresql.connection import Connected, Connection
from orchestrator.store.postgresql.lease import Ended, Holder, Watch

ASK_SECONDS: Final = 2.0


class OwnerWatch:
    """Used on one greenlet."""

    def __init__(self, url: str) -> None:
        name = f"texml {os.getpid()} standby {socket.gethostname()[:20]}"
        self._connection = Connection(url, name, ASK_SECONDS)
        self.watch = Watch()

    @property
    def holder(self) -> Holder | None:
        """As last seen."""
        return self.watch.holders[0] if self.watch.holders else None

    def look(self) -> Ended:
        """Raises OutboxError."""
        return self._connection.run(self._look)

    def close(self) -> None:
        self._connection.close()

    def _look(self, connection: Connected) -> Ended:
        if not schema.version(connection, self._connection.place):
            return "handed over"
        return self.watch.look(connection)
