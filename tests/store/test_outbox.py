from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.store import sql
from orchestrator.store.access import outbox_admin
from orchestrator.store.interface import OutboxError
from orchestrator.store.message import Message
from orchestrator.store.outbox import Outbox
from tests.callbacks.conftest import make

URL = "http://127.0.0.1/callbacks"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    outbox = Outbox(path)
    yield outbox
    outbox.close()


def sequences(outbox: Outbox, queue: str) -> list[int]:
    """Takes everything out of a queue."""
    taken = []
    while message := outbox.next(queue):
        taken.append(message.sequence)
        outbox.finish(message, delivered=True, attempts=1, status=200)
    return taken


def test_a_queue_gives_its_messages_in_the_order_they_came(outbox: Outbox) -> None:
    outbox.commit([make("a", URL, 0), make("b", URL, 0), make("a", URL, 1)])
    outbox.commit([make("b", URL, 1), make("a", URL, 2)])
    assert sequences(outbox, "a") == [0, 1, 2]
    assert sequences(outbox, "b") == [0, 1]
    assert outbox.next("a") is None


def test_the_head_stays_until_it_is_finished(outbox: Outbox) -> None:
    outbox.commit([make("a", URL, 0), make("a", URL, 1)])
    first = outbox.next("a")
    assert first == outbox.next("a")
    assert first is not None
    outbox.postpone(first, 1, 99)
    postponed = outbox.next("a")
    assert postponed is not None
    assert (postponed.id, postponed.attempts, postponed.next_at) == (first.id, 1, 99)


@pytest.mark.parametrize("in_flight", [(), ("room",)], ids=["waits", "in flight"])
def test_a_retried_message_stands_before_later_ones_but_never_before_one_in_flight(
    outbox: Outbox, path: Path, in_flight: tuple[str, ...]
) -> None:
    outbox.commit([make("room", URL, number) for number in range(2)])
    first = outbox.next("room")
    assert first is not None
    outbox.finish(first, delivered=False, attempts=1, status=500)
    outbox.flush()
    outbox_admin.request_retry(path, None)
    assert outbox.requeue(10, in_flight) == (1, ["room"])
    assert sequences(outbox, "room") == ([1, 0] if in_flight else [0, 1])


def test_a_message_out_of_turn_cannot_be_finished(outbox: Outbox) -> None:
    outbox.commit([make("a", URL, 0), make("a", URL, 1)])
    first = outbox.next("a")
    assert first is not None
    outbox.finish(first, delivered=True, attempts=1, status=200)
    with pytest.raises(ValueError, match="turn"):
        outbox.finish(first, delivered=True, attempts=1, status=200)


def test_messages_and_state_survive_a_reopening(path: Path) -> None:
    outbox = Outbox(path)
    outbox.commit(
        [make("a", URL, 0, fields=(("Name", "Größe"),)), make("a", URL, 1), make("b", URL, 0)],
        [("room", "1", b"one"), ("room", "2", b"two"), ("call", "1", b"\x00\xff")],
    )
    first = outbox.next("a")
    assert first is not None
    assert first.body == b"Name=Gr%C3%B6%C3%9Fe&SequenceNumber=0"
    outbox.postpone(first, 2, 123)
    outbox.commit(put=[("room", "2", b"two again")], delete=[("room", "1"), ("room", "unknown")])
    outbox.close()

    again = Outbox(path)
    head = again.next("a")
    assert head is not None
    assert (head.body, head.attempts, head.next_at) == (first.body, 2, 123)
    assert again.queues() == ["a", "b"]
    assert again.load("room") == [("2", b"two again")]
    assert again.load("call") == [("1", b"\x00\xff")]
    assert again.load("nothing") == []
    assert sequences(again, "a") == [0, 1]
    again.close()


def test_a_waiting_message_that_an_operator_deleted_is_skipped(outbox: Outbox, path: Path) -> None:
    outbox.commit([make("a", URL, number) for number in range(3)])
    other = sqlite3.connect(path)
    other.execute("DELETE FROM pending WHERE sequence < 2")
    other.commit()
    other.close()
    assert outbox.retries_asked(), "which is asked once a second"
    assert sequences(outbox, "a") == [2]
    assert outbox.counts().pending == 0


def test_a_commit_is_all_or_nothing(outbox: Outbox) -> None:
    outbox.commit(put=[("room", "1", b"before")])
    with pytest.raises((OutboxError, sqlite3.Error)):
        outbox.commit([make("a", URL)], [("room", "1", b"after"), ("room", "2", object())])  # type: ignore[list-item]
    assert outbox.load("room") == [("1", b"before")]
    assert outbox.next("a") is None
    assert outbox.counts().pending == 0
    outbox.commit([make("a", URL, 5)])
    assert sequences(outbox, "a") == [5]


def test_a_lone_surrogate_stops_nobody(outbox: Outbox) -> None:
    outbox.commit([make("a", URL, fields=(("From", "caller\udcff"),))])
    head = outbox.next("a")
    assert head is not None
    assert head.body == b"From=caller%3F&SequenceNumber=0"


def test_a_finished_callback_stays_listed_until_it_is_pruned(outbox: Outbox) -> None:
    begin = time.time_ns() // 1000
    outbox.commit([make("a", URL, number) for number in range(10)])
    for number in range(10):
        head = outbox.next("a")
        assert head is not None
        delivered = number != 3
        outbox.finish(
            head,
            delivered=delivered,
            attempts=1 if delivered else 3,
            status=200 if delivered else None,
            error="" if delivered else "no answer within 5 s",
        )
    outbox.flush()
    assert [reported.sequence for reported in outbox.finished(4)] == [9, 8, 7, 6]
    page = outbox.finished(4, before=outbox.finished(4)[-1].id, queue="a")
    assert [reported.sequence for reported in page] == [5, 4, 3, 2]
    assert outbox.finished(queue="b") == []
    (lost,) = outbox.finished(failed=True)
    assert (lost.sequence, lost.url, lost.body) == (3, URL, b"SequenceNumber=3")
    assert (lost.delivered, lost.attempts, lost.status, lost.error) == (
        False,
        3,
        None,
        "no answer within 5 s",
    )
    assert lost.done_at >= begin
    assert outbox.counts().failed == 1

    assert outbox.prune(begin) == 0
    now = time.time_ns() // 1000 + 1
    assert [outbox.prune(now, 4) for _ in range(4)] == [4, 4, 2, 0]
    assert outbox.finished() == []


def test_depth_and_age_are_known(outbox: Outbox) -> None:
    assert (outbox.counts().pending, outbox.counts().oldest_at) == (0, 0)
    one, two, three = (make(queue, URL, number) for number, queue in enumerate("aab"))
    outbox.commit([one, two, three])
    counts = outbox.counts()
    assert (counts.pending, counts.queues, counts.oldest_at) == (3, 2, one.created_at)
    head = outbox.next("a")
    assert head is not None
    outbox.finish(head, delivered=True, attempts=1, status=200)
    outbox.flush()
    counts = outbox.counts()
    assert (counts.pending, counts.queues, counts.oldest_at) == (2, 2, two.created_at)


def test_the_queries_that_run_often_use_an_index(outbox: Outbox) -> None:
    for query in (
        "SELECT created_at FROM pending ORDER BY id LIMIT 1",
        "SELECT id FROM finished WHERE done_at < 5 ORDER BY done_at LIMIT 9",
        "SELECT count(*) FROM finished WHERE delivered = 0",
        "SELECT * FROM finished WHERE queue = 'a' ORDER BY id DESC LIMIT 9",
        "SELECT * FROM finished WHERE delivered = 0 ORDER BY id DESC LIMIT 9",
        sql.LOAD_STATE.replace("?", "'room'"),
    ):
        plan = " ".join(
            str(row) for row in outbox.database.connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
        )
        assert "TEMP B-TREE" not in plan
        assert "SEARCH" in plan or "USING" in plan or "ORDER BY id LIMIT 1" in query, (query, plan)


def test_unfinished_business_that_was_not_flushed_is_sent_again_with_the_same_bytes(path: Path) -> None:
    outbox = Outbox(path)
    outbox.commit([make("a", URL, 0), make("a", URL, 1)])
    head = outbox.next("a")
    assert head is not None
    outbox.finish(head, delivered=True, attempts=1, status=200)
    # A kill: neither flushed nor closed properly.
    outbox.database.close()

    again = Outbox(path)
    assert again.next("a") == head
    again.close()


# --- files that cannot be used ---


def test_a_second_process_on_the_same_file_is_refused(outbox: Outbox, path: Path) -> None:
    with pytest.raises(OutboxError, match=rf"{path}.*pid {os.getpid()}.*end that process"):
        Outbox(path)


def test_a_file_locked_by_somebody_else_gives_a_typed_error_and_loses_nothing(
    outbox: Outbox, path: Path
) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OutboxError, match=rf"{path}.*locked.*another process"):
        outbox.commit([make("a", URL, 0)])
    other.execute("ROLLBACK")
    outbox.commit([make("a", URL, 1)])
    assert sequences(outbox, "a") == [1]
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OutboxError, match="locked"):
        outbox.flush()
    other.execute("ROLLBACK")
    other.close()
    outbox.flush()
    assert [reported.sequence for reported in outbox.finished()] == [1]


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutboxError, match=r"nowhere/outbox.sqlite.*directory must exist"):
        Outbox(tmp_path / "nowhere" / "outbox.sqlite")


def test_a_directory_in_the_file_s_place_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(OutboxError, match=r"unable to open.*must be able to write"):
        Outbox(path)


def test_a_file_that_is_no_database_is_named_and_left_alone(path: Path) -> None:
    path.write_bytes(b"this is not SQLite\n" * 100)
    with pytest.raises(OutboxError, match=rf"{path}.*not a database.*move it away"):
        Outbox(path)
    assert path.read_bytes().startswith(b"this is not SQLite")


def test_a_damaged_database_is_named(path: Path) -> None:
    outbox = Outbox(path)
    outbox.commit([make("a", URL, number, fields=(("Name", "x" * 900),)) for number in range(100)])
    outbox.close()
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(random.Random(1).randbytes(len(content) - 4096))
    path.write_bytes(content)
    with pytest.raises(OutboxError, match=rf"{path}.*malformed.*move it away"):
        Outbox(path)


def test_another_program_s_database_is_left_alone(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    with pytest.raises(OutboxError, match="some other program's"):
        Outbox(path)


def test_a_newer_version_s_file_is_refused(path: Path) -> None:
    Outbox(path).close()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(OutboxError, match=r"newer version \(schema 99.*run that version"):
        Outbox(path)


def test_a_full_disk_is_named_and_nothing_is_half_written(outbox: Outbox) -> None:
    (pages,) = outbox.database.connection.execute("PRAGMA page_count").fetchone()
    outbox.database.connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OutboxError, match=r"full.*free space"):
        outbox.commit([make("a", URL, 0, fields=(("Name", "x" * 100_000),))], [("room", "1", b"x")])
    assert outbox.load("room") == []
    outbox.database.connection.execute("PRAGMA max_page_count = 1000000")
    outbox.commit([make("a", URL, 1)])
    assert sequences(outbox, "a") == [1]


# --- kill -9 ---

WRITER = """
    import sys, time
    from orchestrator.store.message import Message
    from orchestrator.store.outbox import Outbox

    outbox = Outbox(sys.argv[1])
    number = int((outbox.load("room") or [("", b"0")])[0][1])
    print("writing", flush=True)
    while True:
        number += 1
        fields = (("SequenceNumber", str(number)), ("Name", "x" * (number % 1500)))
        parts = ("one", "two")
        messages = [Message("a", "http://h/", "POST", fields, "acc", part, number, 0) for part in parts]
        outbox.commit(messages, [("room", "1", b"%d" % number), ("call", "1", b"%d" % number)])
        if number % 3 == 0:
            for _ in range(5):
                head = outbox.next("a")
                outbox.finish(head, delivered=True, attempts=1, status=200)
            outbox.flush()
"""


def test_a_kill_at_any_instant_leaves_nothing_half_written(path: Path) -> None:
    chance = random.Random(7)
    reported = 0
    for _ in range(12):
        writer = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER), str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        time.sleep(chance.uniform(0.0, 0.08))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()

        outbox = Outbox(path)
        assert outbox.database.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        state = {*outbox.load("room"), *outbox.load("call")}
        assert len(state) <= 1, "room and call were written together"
        number = int(next(iter(state))[1]) if state else 0
        waiting = [(message.sequence, message.event) for message in outbox.waiting(10**6)]
        over = [(message.sequence, message.event) for message in reversed(outbox.finished(10**6))]
        expected = [(each, part) for each in range(1, number + 1) for part in ("one", "two")]
        assert over + waiting == expected, "every message once, in order, and none without its state"
        assert len(over) >= reported
        reported = len(over)
        outbox.close()
    assert reported > 0


def test_a_message_s_fields_keep_their_order() -> None:
    message = Message("q", URL, "POST", (("B", "2"), ("A", "1 ö"), ("C", "")), "acc", "x", 0, 0)
    assert message.body() == b"B=2&A=1+%C3%B6&C="
