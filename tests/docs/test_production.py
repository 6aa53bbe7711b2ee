"""The log lines that docs/production.md names exist, and its backup is one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.store.message import Message
from orchestrator.store.outbox import Outbox
from tests.docs.markdown import DOCS, ROOT, blocks, code, section

PRODUCTION = DOCS / "production.md"
SOURCE = "\n".join(path.read_text() for path in (ROOT / "orchestrator").rglob("*.py"))
LINES = [code(row["line"]) for row in section(PRODUCTION, "Watching it").table("line")]


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_log_is_written_somewhere(line: str) -> None:
    assert line in SOURCE


def test_the_copy_of_a_database_in_use_is_whole_and_for_its_user_alone(tmp_path: Path) -> None:
    (tmp_path / "orchestrator-data").mkdir()
    outbox = Outbox(tmp_path / "orchestrator-data" / "orchestrator.sqlite")
    outbox.commit([Message("room", "http://127.0.0.1/", "POST", (("A", "1"),), "a", "e", 0, 1)])
    umask, command = blocks(PRODUCTION, "sh")[:2]
    script = umask.splitlines()[0] + "\n" + command.replace("python3", sys.executable)
    subprocess.run(["/bin/sh", "-euc", script], cwd=tmp_path, check=True, timeout=30)
    outbox.commit([Message("room", "http://127.0.0.1/", "POST", (("A", "2"),), "a", "e", 1, 2)])
    outbox.close()
    copy = tmp_path / "backup.sqlite"
    assert copy.stat().st_mode & 0o077 == 0
    restored = Outbox(copy)
    first = restored.next("room")
    assert first is not None
    assert (first.body, restored.depth) == (b"A=1", 1)
    restored.close()
