"""`orchestrator store copy`: both ways, with everything, and only where nobody uses either."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.cli import command as cli
from orchestrator.store.access import copying
from orchestrator.store.access.copying import TABLES
from orchestrator.store.access.opening import Place, open_store
from orchestrator.store.entries import Entry
from orchestrator.store.outbox import Outbox
from orchestrator.store.records import Record
from tests.callbacks.conftest import make
from tests.lab.postgresql import PostgresServer

URL = "http://127.0.0.1:1/"


def fill(place: Place) -> None:
    """Something in each table, in some of them more than is copied together."""
    store = open_store(place, ["one"])
    node = store.of("one")
    many = [Record("call", f"call {number}", "account", number, number) for number in range(1200)]
    node.commit(
        [make("room", URL, number) for number in range(700)],
        [("room", "1", b'{"x": "\\u0000"}'), ("key", "", bytes(range(256)))],
        records=many,
    )
    for number in range(2):
        head = store.next("room")
        assert head is not None
        store.postpone(head, 1, 5)
        store.finish(head, delivered=bool(number), attempts=2, status=500, error="bad")
    store.flush()
    store.callbacks.request_replay([1])
    store.timeline.add([Entry(0, number, "kind", "account", f"call {number}") for number in range(300)])
    store.close()


def everything(place: Place) -> dict[str, list[tuple[object, ...]]]:
    store = open_store(place, ["one"])
    found = {}
    for table, (columns, key) in TABLES.items():
        rows = store.database.read(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {', '.join(key)}")
        found[table] = [tuple(row) for row in rows]
    store.close()
    return found


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = cli.main(["store", "copy", *words])
    said = capsys.readouterr()
    return code, said.out + said.err


def test_there_and_back(
    postgresql: PostgresServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, url, again = tmp_path / "first.sqlite", postgresql.empty(), tmp_path / "again.sqlite"
    fill(first)
    before = everything(first)
    code, said = run(capsys, str(first), url)
    assert code == 0, said
    assert re.search(
        r"^state: 2$.*^pending: 698$.*^finished: 2$.*^retries: 1$.*^records: 1200$", said, re.M | re.S
    )
    assert everything(url) == before
    assert run(capsys, url, str(again))[0] == 0
    assert everything(again) == before
    store = open_store(url, ["one"])
    assert store.depth == 698
    store.of("one").commit([make("room", URL, 700)])
    assert [message.id for message in store.waiting(1000)][-1] == 701, "ids go on"
    store.close()


def test_stores_in_use_not_empty_or_not_there_are_refused(
    postgresql: PostgresServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file, url = tmp_path / "one.sqlite", postgresql.empty()
    assert run(capsys, str(file), url) == (1, f"orchestrator: {file} is not there\n")
    running = Outbox(file)
    code, said = run(capsys, str(file), url)
    assert (code, "locked by another process" in said) == (1, True)
    running.close()
    owner = open_store(url, ["one"])
    code, said = run(capsys, str(file), url)
    assert (code, "another orchestrator has it" in said) == (1, True)
    owner.of("one").commit(put=[("room", "1", b"x")])
    owner.close()
    code, said = run(capsys, str(file), url)
    assert (code, "its table state is not empty" in said) == (1, True)


def test_a_copy_with_too_few_rows_is_found_out(
    postgresql: PostgresServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file, url = tmp_path / "one.sqlite", postgresql.empty()
    fill(file)
    pages = copying._pages
    monkeypatch.setattr(copying, "_pages", lambda *asked: (rows[1:] for rows in pages(*asked)))
    code, said = run(capsys, str(file), url)
    assert (code, "state has 2 rows, and its copy 1" in said) == (1, True)
