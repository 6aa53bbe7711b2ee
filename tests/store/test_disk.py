"""A disk that refuses: asked for seldom, noticed soon, and each error with what helps."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from orchestrator.store import write_check
from orchestrator.store.outbox import Outbox
from orchestrator.store.sqlite import explain
from orchestrator.store.write_behind import WriteBehindBuffer
from orchestrator.store.write_check import WriteCheck


def test_whether_it_can_be_written_is_found_out_by_writing_and_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(write_check.time, "monotonic", lambda: clock[0])
    outbox = Outbox(tmp_path / "outbox.sqlite")
    check = WriteCheck(outbox, [])
    before = outbox.database.connection.total_changes
    assert check.writable()
    assert outbox.database.connection.total_changes == before + 1
    outbox.database.connection.execute("PRAGMA query_only = ON")
    for clock[0], is_known in ((1000.5, False), (1000.99, False), (1001.0, True), (1001.5, True)):
        assert check.writable() is not is_known
    outbox.database.connection.execute("PRAGMA query_only = OFF")
    for clock[0], is_known in ((1001.9, False), (1002.0, True)):
        assert check.writable() is is_known
    assert outbox.database.connection.total_changes == before + 2
    monkeypatch.undo()
    outbox.close()


def test_it_cannot_be_written_while_something_waits_to_be(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    write_buffer = WriteBehindBuffer(outbox, lambda messages: None)
    check = WriteCheck(outbox, [write_buffer])
    assert check.writable()
    outbox.database.connection.execute("PRAGMA query_only = ON")
    write_buffer.commit([], [("call", "a", b"state")])
    outbox.database.connection.execute("PRAGMA query_only = OFF")
    assert not check.writable(), "what is in memory is not on the disk yet"
    write_buffer.stop()
    outbox.close()


REMEDIES = {
    "database is locked": "another process holds it",
    "database table is busy": "another process holds it",
    "database or disk is full": "free space on its disk",
    "file is not a database": "restore it, or move it away",
    "database disk image is malformed": "restore it, or move it away",
    "file is encrypted or is not a database": "restore it, or move it away",
    "attempt to write a readonly database": "its directory must exist, and this user must be able to write",
    "unable to open database file": "its directory must exist, and this user must be able to write",
    "disk I/O error": "its directory must exist, and this user must be able to write",
    "no such column: x": "this is a fault of the program: please report it",
}


@pytest.mark.parametrize("text", REMEDIES)
def test_each_error_of_the_disk_has_its_remedy(text: str) -> None:
    error = explain(Path("/var/lib/outbox.sqlite"), sqlite3.OperationalError(text))
    assert str(error).startswith(f"outbox /var/lib/outbox.sqlite: {text}; {REMEDIES[text]}")
