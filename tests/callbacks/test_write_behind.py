"""A disk that refuses: full, locked by somebody else, read-only. Nothing is lost, nobody waits for it."""

from __future__ import annotations

import sqlite3
import time
import tracemalloc
from collections.abc import Callable, Iterator

import gevent
import pytest

from orchestrator.store import message
from orchestrator.store import write_behind as journal_module
from orchestrator.store.outbox import Outbox
from orchestrator.store.write_behind import Journal
from tests.callbacks.conftest import Office, make, wait_until
from tests.callbacks.receiver import Receiver


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "_AGAIN_SECONDS", 0.05)


@pytest.fixture
def journal(office: Office) -> Iterator[Journal]:
    journal = Journal(office.outbox, lambda messages: [office.delivery.poke(m.queue) for m in messages])
    yield journal
    journal.stop()


def lock(outbox: Outbox) -> Callable[[], None]:
    other = sqlite3.connect(outbox.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other.close


def fill(outbox: Outbox) -> Callable[[], None]:
    """As far as SQLite sees: it may not take another page."""
    (pages,) = outbox._db.execute("PRAGMA page_count").fetchone()
    outbox._db.execute(f"PRAGMA max_page_count = {pages}")
    return lambda: outbox._db.execute("PRAGMA max_page_count = 1000000") and None


def forbid(outbox: Outbox) -> Callable[[], None]:
    outbox._db.execute("PRAGMA query_only = 1")
    return lambda: outbox._db.execute("PRAGMA query_only = 0") and None


def test_what_is_gathered_is_one_commit_and_is_seen_before_it_is_written(
    office: Office, journal: Journal, receiver: Receiver
) -> None:
    journal.commit(put=[("room", "old", b"0"), ("room", "gone", b"0")])
    journal.gather()
    for number in range(3):
        journal.commit([make("room", receiver.url(), number)], [("room", "old", b"%d" % number)])
    journal.commit(delete=[("room", "gone")])
    gevent.sleep(0.1)
    assert (office.outbox.depth, receiver.requests) == (0, []), "nothing is sent before it is written"
    assert (journal.get("room", "old"), journal.get("room", "gone")) == (b"2", None)
    commits: list[str] = []
    office.outbox._db.set_trace_callback(lambda words: words == "COMMIT" and commits.append(words))
    journal.flush()
    journal.flush()
    assert commits == ["COMMIT"]
    assert office.outbox.load("room") == [("old", b"2")]
    wait_until(lambda: len(receiver.requests) == 3, "all are told")
    journal.commit(put=[("room", "old", b"3")])
    assert office.outbox.get("room", "old") == b"3", "outside of a read each is a commit of its own"


@pytest.mark.parametrize("refuse", [lock, fill, forbid])
def test_what_is_gathered_while_the_disk_refuses_waits_with_the_rest(
    office: Office,
    journal: Journal,
    receiver: Receiver,
    refuse: Callable[[Outbox], Callable[[], None]],
) -> None:
    heal = refuse(office.outbox)
    for number in range(4):
        journal.gather()
        # Large enough for a page of its own.
        journal.commit([make("room", receiver.url(), number, fields=(("FriendlyName", "x" * 5000),))])
        journal.flush()
    assert journal.unwritten > 0
    heal()
    wait_until(lambda: len(receiver.requests) == 4, "all are told")
    assert [request.sequence for request in receiver.requests] == [0, 1, 2, 3]


@pytest.mark.parametrize("refuse", [lock, fill, forbid])
def test_what_the_disk_refuses_is_told_once_it_takes_it_again_though_nothing_more_happens(
    office: Office,
    journal: Journal,
    receiver: Receiver,
    refuse: Callable[[Outbox], Callable[[], None]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Symptom: after a full disk the last callbacks of a room came with its next change, or never.
    # Cause: only a change wrote what an earlier one could not. Fix: the journal tries again by itself.
    heal = refuse(office.outbox)
    begin = time.monotonic()
    for number in range(50):
        # Large enough for a page of its own.
        fields = (("FriendlyName", "x" * 5000),)
        journal.commit([make("room", receiver.url(), number, fields=fields)], [("room", "1", b"%d" % number)])
    assert time.monotonic() - begin < 2, "the first waits for the lock, the others do not"
    assert journal.unwritten > 0
    gevent.sleep(0.2)
    assert not [request for request in receiver.requests if request.sequence >= 50 - journal.unwritten]
    heal()
    wait_until(lambda: len(receiver.requests) == 50, "all are told")
    assert [request.sequence for request in receiver.requests] == list(range(50))
    assert office.outbox.load("room") == [("1", b"49")]
    assert (journal.unwritten, journal.lost) == (0, 0)
    complaints = [line for line in caplog.text.splitlines() if " CRITICAL " in line]
    assert len([each for each in complaints if "kept in memory" in each]) == 1
    assert str(office.path) in complaints[0]


def test_of_state_that_changed_meanwhile_the_last_is_written(office: Office, journal: Journal) -> None:
    journal.commit(put=[("room", "1", b"one"), ("room", "2", b"two")])
    heal = lock(office.outbox)
    journal.commit(put=[("room", "1", b"later")], delete=[("room", "2")])
    journal.commit(put=[("room", "3", b"three"), ("room", "4", b"four")])
    journal.commit(put=[("room", "2", b"again")], delete=[("room", "3")])
    heal()
    wait_until(lambda: len(office.outbox.load("room")) == 3, "it is written")
    assert office.outbox.load("room") == [("1", b"later"), ("2", b"again"), ("4", b"four")]


def test_a_disk_that_stays_full_does_not_fill_the_memory(office: Office, receiver: Receiver) -> None:
    journal = Journal(office.outbox, lambda messages: None, max_unwritten=1000)
    heal = lock(office.outbox)
    tracemalloc.start()
    journal.commit([make("room", receiver.url(), 0)])
    for number in range(1, 1000):
        journal.commit([make("room", receiver.url(), number)])
    message._encoded.cache_clear()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(1000, 20_000):
        journal.commit([make("room", receiver.url(), number)], [("room", "1", b"%d" % number)])
        if number % 2000 == 0:
            gevent.sleep(0.06)
    message._encoded.cache_clear()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert journal.unwritten == 1000
    assert journal.lost + journal.unwritten == 20_000
    assert after - before < 200_000
    heal()
    journal.stop()
    assert office.outbox.waiting(1)[0].sequence == journal.lost, "the oldest were lost"
    assert office.outbox.depth + journal.lost == 20_000


def test_what_cannot_be_written_at_the_end_is_said(
    office: Office, journal: Journal, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    heal = lock(office.outbox)
    journal.commit([make("room", receiver.url(), number) for number in range(3)])
    journal.stop()
    heal()
    assert "callbacks=3" in caplog.text


def test_ends_that_could_not_be_written_are_not_told_again_while_the_process_lives(
    office: Office, receiver: Receiver
) -> None:
    office.tell(*(make("room", receiver.url(), number) for number in range(5)))
    heal = lock(office.outbox)
    wait_until(lambda: len(receiver.requests) == 5, "all are told although no end can be written")
    gevent.sleep(0.3)
    heal()
    wait_until(lambda: len(office.outbox.told()) == 5, "the ends are written after all")
    assert [request.sequence for request in receiver.requests] == [0, 1, 2, 3, 4]
