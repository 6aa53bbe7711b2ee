"""A disk that refuses: full, locked by somebody else, read-only. Nothing is lost, nobody waits for it."""

from __future__ import annotations

import gc
import sqlite3
import time
import tracemalloc
from collections.abc import Callable, Iterator

import gevent
import pytest

from orchestrator.net import form
from orchestrator.store import write_behind
from orchestrator.store.outbox import Outbox
from orchestrator.store.write_behind import WriteBehindBuffer
from tests.callbacks.conftest import Office, make, wait_until
from tests.callbacks.receiver import Receiver
from tests.docs.markdown import DOCS


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_behind, "_AGAIN_SECONDS", 0.05)


@pytest.fixture
def write_buffer(office: Office) -> Iterator[WriteBehindBuffer]:
    write_buffer = WriteBehindBuffer(
        office.outbox, lambda messages: [office.delivery.wake(m.queue) for m in messages]
    )
    yield write_buffer
    write_buffer.stop()


def lock(outbox: Outbox) -> Callable[[], None]:
    other = sqlite3.connect(outbox.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other.close


def fill(outbox: Outbox) -> Callable[[], None]:
    """As far as SQLite sees: it may not take another page."""
    (pages,) = outbox.database.connection.execute("PRAGMA page_count").fetchone()
    outbox.database.connection.execute(f"PRAGMA max_page_count = {pages}")
    return lambda: outbox.database.connection.execute("PRAGMA max_page_count = 1000000") and None


def forbid(outbox: Outbox) -> Callable[[], None]:
    outbox.database.connection.execute("PRAGMA query_only = 1")
    return lambda: outbox.database.connection.execute("PRAGMA query_only = 0") and None


def test_a_batch_is_one_commit_and_is_seen_before_it_is_written(
    office: Office, write_buffer: WriteBehindBuffer, destination: Receiver
) -> None:
    write_buffer.commit(put=[("room", "old", b"0"), ("room", "gone", b"0")])
    write_buffer.begin_batch()
    for number in range(3):
        write_buffer.commit([make("room", destination.url(), number)], [("room", "old", b"%d" % number)])
    write_buffer.commit(delete=[("room", "gone")])
    gevent.sleep(0.1)
    assert (office.outbox.depth, destination.requests) == (0, []), "nothing is sent before it is written"
    assert (write_buffer.get("room", "old"), write_buffer.get("room", "gone")) == (b"2", None)
    commits: list[str] = []
    office.outbox.database.connection.set_trace_callback(
        lambda words: words == "COMMIT" and commits.append(words)
    )
    write_buffer.commit_batch()
    write_buffer.commit_batch()
    assert commits == ["COMMIT"]
    assert office.outbox.load("room") == [("old", b"2")]
    wait_until(lambda: len(destination.requests) == 3, "all are delivered")
    write_buffer.commit(put=[("room", "old", b"3")])
    assert office.outbox.get("room", "old") == b"3", "outside of a read each is a commit of its own"


@pytest.mark.parametrize("refuse", [lock, fill, forbid])
def test_a_batch_made_while_the_disk_refuses_waits_with_the_rest(
    office: Office,
    write_buffer: WriteBehindBuffer,
    destination: Receiver,
    refuse: Callable[[Outbox], Callable[[], None]],
) -> None:
    heal = refuse(office.outbox)
    for number in range(4):
        write_buffer.begin_batch()
        # Large enough for a page of its own.
        write_buffer.commit([make("room", destination.url(), number, fields=(("FriendlyName", "x" * 5000),))])
        write_buffer.commit_batch()
    assert write_buffer.unwritten > 0
    heal()
    wait_until(lambda: len(destination.requests) == 4, "all are delivered")
    assert [request.sequence for request in destination.requests] == [0, 1, 2, 3]


@pytest.mark.parametrize("refuse", [lock, fill, forbid])
def test_callbacks_that_the_disk_refused_are_sent_once_it_accepts_them_though_nothing_more_happens(
    office: Office,
    write_buffer: WriteBehindBuffer,
    destination: Receiver,
    refuse: Callable[[Outbox], Callable[[], None]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Symptom: after a full disk the last callbacks of a room came with its next change, or never.
    # Cause: only a change wrote what an earlier one could not. Fix: the buffer tries again by itself.
    heal = refuse(office.outbox)
    begin = time.monotonic()
    for number in range(50):
        # Large enough for a page of its own.
        fields = (("FriendlyName", "x" * 5000),)
        write_buffer.commit(
            [make("room", destination.url(), number, fields=fields)], [("room", "1", b"%d" % number)]
        )
    assert time.monotonic() - begin < 2, "the first waits for the lock, the others do not"
    assert write_buffer.unwritten > 0
    gevent.sleep(0.2)
    assert not [
        request for request in destination.requests if request.sequence >= 50 - write_buffer.unwritten
    ]
    heal()
    wait_until(lambda: len(destination.requests) == 50, "all are delivered")
    assert [request.sequence for request in destination.requests] == list(range(50))
    assert office.outbox.load("room") == [("1", b"49")]
    assert (write_buffer.unwritten, write_buffer.lost) == (0, 0)
    complaints = [line for line in caplog.text.splitlines() if " CRITICAL " in line]
    assert len([each for each in complaints if "kept in memory" in each]) == 1
    assert str(office.path) in complaints[0]


def test_of_state_that_changed_meanwhile_the_last_is_written(
    office: Office, write_buffer: WriteBehindBuffer
) -> None:
    write_buffer.commit(put=[("room", "1", b"one"), ("room", "2", b"two")])
    heal = lock(office.outbox)
    write_buffer.commit(put=[("room", "1", b"later")], delete=[("room", "2")])
    write_buffer.commit(put=[("room", "3", b"three"), ("room", "4", b"four")])
    write_buffer.commit(put=[("room", "2", b"again")], delete=[("room", "3")])
    heal()
    wait_until(lambda: len(office.outbox.load("room")) == 3, "it is written")
    assert office.outbox.load("room") == [("1", b"later"), ("2", b"again"), ("4", b"four")]


def test_a_disk_that_stays_full_does_not_fill_the_memory(office: Office, destination: Receiver) -> None:
    write_buffer = WriteBehindBuffer(office.outbox, lambda messages: None, max_unwritten=1000)
    heal = lock(office.outbox)
    tracemalloc.start()
    write_buffer.commit([make("room", destination.url(), 0)])
    for number in range(1, 1000):
        write_buffer.commit([make("room", destination.url(), number)])
    form._encoded.cache_clear()
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(1000, 20_000):
        write_buffer.commit([make("room", destination.url(), number)], [("room", "1", b"%d" % number)])
        gevent.sleep(0.06 if number % 2000 == 0 else 0)
    form._encoded.cache_clear()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert write_buffer.unwritten == 1000
    assert write_buffer.lost + write_buffer.unwritten == 20_000
    assert after - before < 200_000
    heal()
    write_buffer.stop()
    assert office.outbox.waiting(1)[0].sequence == write_buffer.lost, "the oldest were lost"
    assert office.outbox.depth + write_buffer.lost == 20_000


def test_callbacks_that_cannot_be_written_at_the_end_are_logged(
    office: Office, write_buffer: WriteBehindBuffer, destination: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    heal = lock(office.outbox)
    write_buffer.commit([make("room", destination.url(), number) for number in range(3)])
    write_buffer.stop()
    heal()
    assert "callbacks=3" in caplog.text


def test_after_the_end_nothing_is_tried_again(office: Office) -> None:
    """The store is closed by then."""
    write_buffer = WriteBehindBuffer(office.outbox, lambda messages: None)
    allow = forbid(office.outbox)
    write_buffer.commit(put=[("room", "a", b"1")])
    write_buffer.stop()
    allow()
    gevent.sleep(0.15)
    assert office.outbox.get("room", "a") is None


def test_ends_that_could_not_be_written_are_not_sent_again_while_the_process_lives(
    office: Office, destination: Receiver
) -> None:
    office.send(*(make("room", destination.url(), number) for number in range(5)))
    heal = lock(office.outbox)
    wait_until(lambda: len(destination.requests) == 5, "all are delivered although no end can be written")
    gevent.sleep(0.3)
    heal()
    wait_until(lambda: len(office.outbox.finished()) == 5, "the ends are written after all")
    assert [request.sequence for request in destination.requests] == [0, 1, 2, 3, 4]


def test_so_many_callbacks_are_kept_in_memory_as_the_documentation_says() -> None:
    text = (DOCS / "production.md").read_text()
    assert f"{write_behind.MAX_UNWRITTEN:,} callbacks in memory" in text
