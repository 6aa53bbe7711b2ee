"""The database as the doctor finds it: missing, garbage, damaged, of another program or version."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.config import Settings, loads
from orchestrator.doctor import CheckResult
from orchestrator.doctor.files import database
from orchestrator.store.message import Message
from orchestrator.store.outbox import Outbox

SETTINGS = (
    "accounts: [{{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}}]\n"
    "freeswitch: {{nodes: [{{recordings_dir: {recordings}, media_dir: {media}}}]}}\n"
    "callbacks: {{database: {database}}}\n"
)


@pytest.fixture
def examined(tmp_path: Path) -> Callable[..., CheckResult]:
    def examine(path: Path, recordings: Path = tmp_path) -> CheckResult:
        text = SETTINGS.format(recordings=recordings, media=tmp_path / "media", database=path)
        settings: Settings = loads(text)
        return database(settings)

    return examine


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """One of ours with two thousand callbacks in it."""
    path = tmp_path / "orchestrator.sqlite"
    outbox = Outbox(path)
    outbox.commit(
        [
            Message("room", "http://a.example/", "POST", (("A", "x" * 200),), "a", "e", n, 1)
            for n in range(2000)
        ]
    )
    outbox.close()
    return path


def test_a_directory_that_is_missing(examined: Callable[..., CheckResult], tmp_path: Path) -> None:
    path = tmp_path / "not-mounted" / "orchestrator.sqlite"
    found = examined(path)
    assert (found.state, found.text) == ("wrong", f"the directory {path.parent} does not exist")
    assert found.remedy.startswith(f"mkdir -p {path.parent}")
    assert not path.parent.exists(), "nothing is made by looking"


def test_a_directory_that_the_orchestrator_makes(
    examined: Callable[..., CheckResult], tmp_path: Path
) -> None:
    found = examined(tmp_path / "data" / "orchestrator.sqlite", recordings=tmp_path / "data" / "recordings")
    assert (found.state, found.remedy) == ("note", "")
    assert "the orchestrator makes it" in found.text


def test_a_file_that_is_not_there_yet_and_an_empty_one(
    examined: Callable[..., CheckResult], tmp_path: Path
) -> None:
    path = tmp_path / "orchestrator.sqlite"
    assert examined(path).state == "ok"
    path.touch()
    assert examined(path).state == "ok"


def test_a_good_one_also_while_an_orchestrator_has_it(
    examined: Callable[..., CheckResult], filled: Path
) -> None:
    assert examined(filled).text == f"{filled} is whole, and can be written"
    outbox = Outbox(filled)
    try:
        assert examined(filled).state == "ok"
    finally:
        outbox.close()


def test_garbage(examined: Callable[..., CheckResult], tmp_path: Path) -> None:
    path = tmp_path / "orchestrator.sqlite"
    path.write_bytes(os.urandom(20_000))
    found = examined(path)
    assert (found.state, found.text) == ("wrong", f"{path}: file is not a database")
    assert found.remedy.startswith("restore it, or move it away with its -wal and -shm files")


def test_damage_in_the_middle(examined: Callable[..., CheckResult], filled: Path) -> None:
    size = filled.stat().st_size
    with filled.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(size // 4))
    found = examined(filled)
    assert found.state == "wrong"
    assert "malformed" in found.text
    assert found.remedy.startswith("restore it")


def test_another_programs_and_another_versions(
    examined: Callable[..., CheckResult], filled: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    assert "some other program's SQLite file" in examined(other).text
    with sqlite3.connect(filled) as connection:
        connection.execute("PRAGMA user_version = 9999")
    connection.close()
    found = examined(filled)
    assert (found.state, "newer version" in found.text) == ("wrong", True)


def test_a_file_that_we_may_not_write(examined: Callable[..., CheckResult], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = examined(tmp_path / "file" / "orchestrator.sqlite")
    assert found.state == "wrong"
    assert "cannot be written" in found.text
