"""The owner of a database, as an orchestrator that stands by sees it."""

from __future__ import annotations

import os
import socket
from typing import Final

from orchestrator.store.postgresql import schema
from orchestrator.store.postgresql.connection import Connected, Connection
from orchestrator.store.postgresql.lease import Ended, Watch

ASK_SECONDS: Final = 2.0


class ServerWatch:
    """As database.OwnerWatch. Used on one greenlet."""

    def __init__(self, url: str) -> None:
        name = f"texml {os.getpid()} standby {socket.gethostname()[:20]}"
        self._connection = Connection(url, name, ASK_SECONDS)
        self.seen = Watch()
        self.owner = ""
        """As last seen."""

    @property
    def url(self) -> str:
        return self.seen.holders[0].url if self.seen.holders else ""

    def look(self) -> Ended:
        """As OwnerWatch.look."""
        ended = self._connection.run(self._look)
        if self.seen.holders:
            self.owner = self.seen.holders[0].described
        return ended

    def close(self) -> None:
        self._connection.close()

    def _look(self, connection: Connected) -> Ended:
        if not schema.version(connection, self._connection.place):
            return "handed over"
        return self.seen.look(connection)
