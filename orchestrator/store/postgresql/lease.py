"""The lease of the nodes: which orchestrator they belong to, and how it is seen that one is dead.

The owner counts `beat` up every BEAT_SECONDS. Another takes the nodes over where they were handed over, where
its machine proves that the owner's process has ended, or where it has itself seen the same beat for
STALE_SECONDS. So the clocks of two machines are never compared, and a server that was away restarts the
count.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from orchestrator.store.postgresql.connection import Connected

BEAT_SECONDS: Final = 0.5
STALE_SECONDS: Final = 3.0
LOOK_SECONDS: Final = 0.25
GAP_SECONDS: Final = 1.0
"""In more time between two looks the server may have been away, or this process have stood still."""
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_LOOK: Final = "SELECT name, owner, epoch, beat, url, lock FROM nodes WHERE owner <> '' ORDER BY name"
_CREATE: Final = (
    "INSERT INTO nodes (name, owner, epoch) SELECT unnest(%s::text[]), '', 0 ON CONFLICT (name) DO NOTHING"
)
_TAKE: Final = (
    "UPDATE nodes SET owner = %s, epoch = epoch + 1, beat = 0, url = %s, lock = %s WHERE name <> '' "
    "RETURNING name, epoch"
)
_BEAT: Final = "UPDATE nodes SET beat = beat + 1 WHERE owner = %s"
OWNED: Final = b"SELECT count(*) FROM nodes WHERE owner = $1"
"""As libpq has it: how many nodes a process has."""
_RELEASE: Final = "UPDATE nodes SET owner = '', lock = '' WHERE owner = %s"
_END: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE starts_with(application_name, %s)"

Ended = Literal["", "handed over", "proven", "silent"]
"""How it is known that the owner is no more; empty: it is not. Of a silent one the machine may have stood
still, or lie behind a cut network: it may wake up."""


class Holder(Struct, frozen=True):
    """One node's row."""

    node: str
    owner: str
    """Process, as it names itself to the server: `texml PID ID HOST`."""
    epoch: int
    beat: int
    url: str
    """Of its web server, as other orchestrators reach it."""
    lock: str
    """As `lock_name`."""

    @property
    def described(self) -> str:
        words = self.owner.split(" ", 3)
        return f"host {words[3]}, pid {words[1]}" if len(words) > 3 else "unknown"


class Watch:
    """Looks at the owner of the database's nodes, until it is no more. All of them have one owner."""

    def __init__(self) -> None:
        self.lock = ""
        """This process's own, which it holds."""
        self.holders: tuple[Holder, ...] = ()
        """As last seen."""
        self.ended: Ended = ""
        """As last seen."""
        self.is_alive = False
        """One of them has made a beat since the look before."""
        self._since = self._at = 0.0

    def look(self, connection: Connected) -> Ended:
        """Raises psycopg.Error."""
        rows = connection.execute(_LOOK).fetchall()
        now, before = time.monotonic(), self.holders
        self.holders = tuple(Holder(*row) for row in rows)
        if self.holders != before or now - self._at > GAP_SECONDS:
            self._since = now
        self._at = now
        self.is_alive = any(
            one.owner == other.owner and one.beat != other.beat
            for one in self.holders
            for other in before
            if one.node == other.node
        )
        self.ended = self._judge(now - self._since)
        return self.ended

    def _judge(self, unchanged: float) -> Ended:
        if not self.holders:
            return "handed over"
        if all(one.lock and (one.lock == self.lock or is_lock_free(one.lock)) for one in self.holders):
            return "proven"
        return "silent" if unchanged >= STALE_SECONDS else ""

    def take(
        self, connection: Connected, nodes: Sequence[str], process: str, url: str
    ) -> dict[str, int] | None:
        """The epochs of all nodes, these among them, which are this process's now; None where somebody else
        was faster, or an owner has made a beat after all. Raises psycopg.Error."""
        with connection.transaction():
            connection.execute("LOCK TABLE nodes IN SHARE ROW EXCLUSIVE MODE")
            rows = connection.execute(_LOOK).fetchall()
            if tuple(Holder(*row) for row in rows) != self.holders:
                self.ended = ""
                return None
            connection.execute(_CREATE, (list(nodes),))
            rows = connection.execute(_TAKE, (process, url, self.lock)).fetchall()
        for owner in {one.owner for one in self.holders}:
            connection.execute(_END, (owner,))
        return {str(name): int(epoch) for name, epoch in rows}


def beat(connection: Connected, process: str) -> int:
    """How many nodes this process still has. Raises psycopg.Error."""
    return connection.execute(_BEAT, (process,)).rowcount


def release(connection: Connected, process: str) -> None:
    """Others may have them at once. Raises psycopg.Error."""
    connection.execute(_RELEASE, (process,))


def lock_name(descriptor: int, path: Path) -> str:
    """Names a lock (flock) that this process holds, on this machine and since it was started."""
    found = os.fstat(descriptor)
    return f"{_boot_id()} {found.st_dev} {found.st_ino} {path.absolute()}"


def is_lock_free(name: str) -> bool:
    """Whether it is a lock of this machine, and the process that had it has ended."""
    boot_id, device, inode, path = name.split(" ", 3)
    if boot_id != _boot_id():
        return False
    with suppress(OSError), closing(open(path, "rb")) as file:
        found = os.fstat(file.fileno())
        if (found.st_dev, found.st_ino) == (int(device), int(inode)):
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return "unknown"
