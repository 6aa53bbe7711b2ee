"""The database that callbacks, rooms and history are kept in."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.config import Settings
from orchestrator.doctor.result import CheckResult, note, ok, wrong
from orchestrator.store import outbox_admin
from orchestrator.store.interface import OutboxError

_WRITABLE = "the orchestrator's user has to be allowed to write the file and into its directory"


def database(settings: Settings) -> CheckResult:
    """Its directory, its file, and what is in it."""
    path = settings.callbacks.database
    existing = next(parent for parent in path.parents if parent.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        return wrong("database", f"{path} cannot be written", _WRITABLE)
    if existing != path.parent:
        made = any(path.parent in (one, *one.parents) for one in _made_at_start(settings))
        if made:
            return note("database", f"{path.parent} is not there yet: the orchestrator makes it")
        remedy = f"mkdir -p {path.parent}, or mount what belongs there"
        return wrong("database", f"the directory {path.parent} does not exist", remedy)
    if not path.exists():
        return ok("database", f"{path} is not there yet: the orchestrator makes it")
    if not os.access(path, os.W_OK):
        return wrong("database", f"{path} cannot be written", _WRITABLE)
    try:
        outbox_admin.examine(path)
    except OutboxError as error:
        return wrong("database", f"{path}: {error.fault}", error.remedy)
    return ok("database", f"{path} is whole, and can be written")


def _made_at_start(settings: Settings) -> list[Path]:
    return [one for node in settings.freeswitch.nodes for one in (node.recordings_dir, node.media_dir)]
