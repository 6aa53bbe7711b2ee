"""The database that callbacks, rooms and history are kept in."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.config import Settings
from orchestrator.doctor.result import CheckResult, note, ok, wrong
from orchestrator.store.access import outbox_admin
from orchestrator.store.interface import OutboxError

_SLOW_MILLISECONDS = 20.0
_WRITABLE = "the orchestrator's user has to be allowed to write the file and into its directory"


def database(settings: Settings) -> CheckResult:
    """Its directory, its file, and what is in it; or its server."""
    if settings.callbacks.postgresql is not None:
        return _on_a_server(settings.callbacks.postgresql.get_secret_value())
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


def _on_a_server(url: str) -> CheckResult:
    try:
        found = outbox_admin.examine_server(url)
    except OutboxError as error:
        return wrong("database", f"{error.place}: {error.fault}", error.remedy)
    text = f"{found.place}, PostgreSQL {found.server}, answers in {found.milliseconds:.1f} ms"
    if not found.has_tables:
        text += "; the orchestrator makes its tables at the start"
    if not found.synchronous:
        return note("database", f"{text}; synchronous_commit is off: its crash may lose the last callbacks")
    if found.milliseconds > _SLOW_MILLISECONDS:
        return note("database", f"{text}: callbacks and REST answers wait that long for each commit")
    return ok("database", text)
