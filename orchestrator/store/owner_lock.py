"""The lock of the process that owns a database, on this machine."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from orchestrator.store.interface import OutboxError


def lock_of(path: Path) -> Path:
    """The file that is locked, beside the database."""
    return path.with_name(path.name + "-lock")


def own(path: Path) -> int:
    """Take the file for this process alone, until the descriptor returned is closed or the process ends.

    Two orchestrators on one outbox would send everything twice. SQLite's own locks do not prevent that, and
    its exclusive mode would shut out backups and shells that only read.
    """
    lock = lock_of(path)
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise OutboxError(
            path, f"{lock.name}: {error.strerror}", "its directory must exist and be writable by this user"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise OutboxError(
            path,
            f"it is locked by another process (pid {holder})",
            "end that process, or give each its own file",
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, b"%d\n" % os.getpid())
    return descriptor
