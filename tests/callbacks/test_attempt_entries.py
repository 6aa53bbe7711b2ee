"""Attempts at callbacks in the timelines of their call and their conference, and by receiver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.callbacks.attempt_entries import AttemptEntries
from orchestrator.callbacks.retry import Answer
from orchestrator.store.message import Queued
from orchestrator.store.outbox import Outbox
from orchestrator.timeline.entry import Entry
from orchestrator.timeline.recorder import Timeline


class Book:
    def __init__(self, outbox: Outbox) -> None:
        self.timeline, self._store = Timeline(outbox.timeline), outbox.timeline
        self.attempts = AttemptEntries(self.timeline)

    def entries(self) -> list[Entry]:
        self.timeline.flush()
        return self._store.since("account", 0)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    book = Book(outbox)
    yield book
    book.timeline.stop()
    outbox.close()


def message(url: str = "http://h/c", body: bytes = b"CallSid=v3%3Aa&ConferenceSid=room") -> Queued:
    return Queued(9, "room", url, "POST", body, "account", "participant-join", 3, 0)


FACTS: dict[str, Any] = {
    "event": "participant-join",
    "sequence": 3,
    "url": "http://h/c",
    "method": "POST",
    "attempt": 2,
    "ms": 40,
    "queue": "room",
    "callback": 9,
}
ANSWERS: list[tuple[Answer, float | None, dict[str, Any], str, bool]] = [
    # The answer, when it is tried again; its facts and level, and whether it has failed for good.
    (Answer("delivered", 200), None, {"status": 200, "verdict": "delivered", "again_in": 0.0}, "info", False),
    (
        Answer("retry", 503, "answered 503", begins=b"Busy \xff"),
        1.26,
        {
            "status": 503,
            "verdict": "retry",
            "error": "answered 503",
            "answer": "Busy \ufffd",
            "again_in": 1.3,
        },
        "warning",
        False,
    ),
    (
        Answer("retry", None, "timed out"),
        None,
        {"verdict": "retry", "error": "timed out", "again_in": 0.0},
        "warning",
        True,
    ),
    (
        Answer("final", 410, "answered 410"),
        None,
        {"status": 410, "verdict": "final", "error": "answered 410", "again_in": 0.0},
        "warning",
        True,
    ),
]


@pytest.mark.parametrize(("answer", "again_in", "facts", "level", "has_failed"), ANSWERS)
def test_an_attempt_has_an_entry_and_the_last_one_that_fails_another(
    book: Book, answer: Answer, again_in: float | None, facts: dict[str, Any], level: str, has_failed: bool
) -> None:
    book.attempts.on_attempt(message(), answer, 2, 40, again_in)
    attempt, *failed = book.entries()
    assert (attempt.kind, attempt.level, attempt.facts) == ("callback.attempt", level, FACTS | facts)
    assert (attempt.call_sid, attempt.conference_sid) == ("v3:a", "room")
    assert bool(failed) is has_failed
    for entry in failed:
        assert (entry.kind, entry.level) == ("callback.failed", "error")
        assert (entry.call_sid, entry.conference_sid) == ("v3:a", "room")
        assert entry.facts == {
            "event": "participant-join",
            "url": "http://h/c",
            "attempts": 2,
            "error": answer.error,
            "callback": 9,
        }


@pytest.mark.parametrize(
    ("body", "sids"),
    [
        (b"CallSid=v3%3Aa", ("v3:a", "")),
        (b"A=1&ConferenceSid=r", ("", "r")),
        (b"A=1&CallSid=c&B=2&ConferenceSid=r&C=3", ("c", "r")),
        (b"ParentCallSid=p", ("", "")),
        (b"A=CallSid=c", ("", "")),
        (b"", ("", "")),
    ],
)
def test_it_belongs_to_the_call_and_the_conference_that_it_names(
    book: Book, body: bytes, sids: tuple[str, str]
) -> None:
    book.attempts.on_attempt(message(body=body), Answer("delivered", 200), 1, 1, None)
    (entry,) = book.entries()
    assert (entry.call_sid, entry.conference_sid) == sids


def test_fifty_receivers_are_counted_by_name_and_all_others_together(book: Book) -> None:
    for number in range(52):
        for verdict in ("delivered", "retry"):
            answer = Answer(verdict, 200)  # type: ignore[arg-type]
            book.attempts.on_attempt(message(f"http://h{number}:80/x"), answer, 1, 1, 1.0)
    book.attempts.on_attempt(message("http://[broken"), Answer("final"), 1, 1, None)
    book.attempts.on_attempt(message("http://h7/y"), Answer("final"), 1, 1, None)
    found = book.attempts.by_receiver
    assert found["h0", "delivered"] == found["h0", "failed"] == found["h49", "failed"] == 1
    assert (found["h7", "failed"], found["other", "delivered"], found["other", "failed"]) == (2, 2, 3)
    assert len({host for host, _ in found}) == 51
