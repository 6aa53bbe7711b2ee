"""What is known of a call follows from its events, in whatever order and however often they come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import gevent
import msgspec
import pytest

from orchestrator.calls.records import YOUNG_MICROSECONDS, CallBook, CallRecord
from orchestrator.clock import now
from orchestrator.esl.events import decode
from orchestrator.esl.snapshot import Snapshot
from orchestrator.store.outbox import Outbox, OutboxError
from orchestrator.store.records import Query
from tests.calls.left import SECOND, caller_of

ACCOUNT, OTHER = "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b", "6a9a7976-012e-45d2-9258-6f5dc68d861e"
COMPLETE, DESTROY, ANSWER = "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY", "CHANNEL_ANSWER"


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    outbox = Outbox(tmp_path / "orchestrator.sqlite")
    yield outbox
    outbox.close()


@pytest.fixture
def book(outbox: Outbox) -> Iterator[CallBook]:
    book = CallBook(outbox.of("default"))
    yield book
    book.stop()


def opened(book: CallBook, *, outbound: bool = False, status: str = "ringing") -> str:
    uuid = str(uuid4())
    book.open(caller_of(uuid), ACCOUNT, outbound=outbound, status=status)
    return uuid


def hear(
    book: CallBook, uuid: str, name: str, at: int = 0, cause: str = "NORMAL_CLEARING", **more: str
) -> None:
    headers = {"Event-Name": name, "Unique-ID": uuid, "Hangup-Cause": cause, **more}
    if at:
        headers["Event-Date-Timestamp"] = str(at)
    book.on_event(decode(msgspec.json.encode(headers)))


def known(book: CallBook, uuid: str) -> CallRecord:
    found = book.get(ACCOUNT, caller_of(uuid).call_sid)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("status", "name", "then"),
    [
        ("queued", "CHANNEL_CREATE", "ringing"),
        ("queued", "CHANNEL_PROGRESS", "ringing"),
        ("queued", "CHANNEL_PROGRESS_MEDIA", "ringing"),
        ("queued", "CHANNEL_PARK", "queued"),
        ("ringing", "CHANNEL_CREATE", "ringing"),
        ("queued", ANSWER, "in-progress"),
        ("ringing", ANSWER, "in-progress"),
    ],
)
def test_each_event_has_its_status(book: CallBook, status: str, name: str, then: str) -> None:
    uuid, at = opened(book, outbound=True, status=status), now() + SECOND
    hear(book, uuid, name, at)
    call = known(book, uuid)
    assert (call.status, call.ended_at) == (then, 0)
    assert call.answered_at == (at if name == ANSWER else 0)
    assert (call.updated_at == at) is (then != status)


def test_a_call_that_was_answered_is_not_ringing_again_nor_answered_twice(book: CallBook) -> None:
    uuid, at = opened(book, outbound=True, status="queued"), now()
    hear(book, uuid, ANSWER, at)
    hear(book, uuid, "CHANNEL_PROGRESS", at + SECOND)
    hear(book, uuid, ANSWER, at + 2 * SECOND)
    call = known(book, uuid)
    assert (call.status, call.answered_at) == ("in-progress", at)


def test_a_call_that_is_known_stays_as_it_is(book: CallBook) -> None:
    uuid = opened(book)
    hear(book, uuid, ANSWER)
    book.open(caller_of(uuid), OTHER)
    assert known(book, uuid).status == "in-progress"


@pytest.mark.parametrize(
    ("events", "cause", "status"),
    [
        ((ANSWER, COMPLETE, DESTROY), "USER_BUSY", "completed"),
        ((COMPLETE, DESTROY), "USER_BUSY", "busy"),
        ((COMPLETE,), "ORIGINATOR_CANCEL", "canceled"),
        ((COMPLETE,), "NO_ANSWER", "no-answer"),
        ((COMPLETE,), "NETWORK_OUT_OF_ORDER", "failed"),
        ((DESTROY,), "NORMAL_CLEARING", "failed"),
        ((ANSWER, DESTROY), "NORMAL_CLEARING", "completed"),
        ((DESTROY, COMPLETE), "USER_BUSY", "failed"),
    ],
)
def test_a_call_ends_once_by_the_first_that_says_so(
    book: CallBook, events: tuple[str, ...], cause: str, status: str
) -> None:
    uuid, at = opened(book), now()
    for number, name in enumerate(events):
        hear(book, uuid, name, at + number * 10 * SECOND, cause)
    call = known(book, uuid)
    first = next(number for number, name in enumerate(events) if name != ANSWER)
    assert (call.status, call.ended_at, call.updated_at) == (status, *[at + first * 10 * SECOND] * 2)
    assert call.seconds == (10 if events[0] == ANSWER else 0)
    book.flush()
    (listed,) = book.read(book._store.records.find(Query("call", ACCOUNT)))
    assert listed == call


def test_an_answer_that_nobody_heard_counts_at_the_end(book: CallBook) -> None:
    uuid, at = opened(book), now()
    more = {"Caller-Channel-Answered-Time": str(at)}
    hear(book, uuid, COMPLETE, at + 7 * SECOND, "USER_BUSY", **more)
    call = known(book, uuid)
    assert (call.status, call.answered_at, call.seconds) == ("completed", at, 7)


def test_no_call_ends_before_it_began(book: CallBook) -> None:
    """FreeSWITCH's clock may be behind ours."""
    uuid = opened(book)
    began_at = known(book, uuid).created_at
    hear(book, uuid, COMPLETE, began_at - 3 * SECOND)
    assert known(book, uuid).ended_at == began_at
    other = opened(book)
    book.close(other, "failed")
    assert began_at <= known(book, other).ended_at <= now()
    book.close(str(uuid4()), "failed")


def test_a_call_whose_answer_and_end_have_one_time_took_no_time(book: CallBook) -> None:
    uuid, at = opened(book), now()
    hear(book, uuid, ANSWER, at)
    hear(book, uuid, COMPLETE, at - SECOND)
    assert known(book, uuid).seconds == 0


def test_a_stranger_s_event_and_another_account_see_nothing(book: CallBook) -> None:
    uuid = opened(book)
    hear(book, str(uuid4()), COMPLETE)
    assert book.get(OTHER, caller_of(uuid).call_sid) is None
    book.flush()
    assert book.get(OTHER, caller_of(uuid).call_sid) is None
    assert book.get(ACCOUNT, "v3:nobody") is None
    assert known(book, uuid).status == "ringing"


def test_an_event_without_a_time_is_of_this_moment(book: CallBook) -> None:
    uuid, before = opened(book), now()
    hear(book, uuid, ANSWER)
    assert before <= known(book, uuid).answered_at <= now()


def seen(at: int, **legs: dict[str, str]) -> Snapshot:
    return Snapshot(at, {}, legs, {}, ())


@pytest.mark.parametrize(
    ("status", "age", "answered", "ended"),
    [
        ("ringing", 5, False, "failed"),
        ("ringing", 5, True, "completed"),
        ("queued", 5, False, ""),
        ("queued", 70, False, "failed"),
        ("ringing", -5, False, ""),
    ],
    ids=["rang", "was answered", "is about to be dialled", "was never dialled", "began since"],
)
def test_a_call_that_freeswitch_does_not_have_is_over(
    book: CallBook, status: str, age: int, answered: bool, ended: str
) -> None:
    uuid = opened(book, outbound=True, status=status)
    if answered:
        hear(book, uuid, ANSWER)
    book.compare(seen(known(book, uuid).created_at + age * SECOND))
    call = known(book, uuid)
    assert bool(call.ended_at) is bool(ended)
    assert call.status == (ended or status)
    assert YOUNG_MICROSECONDS == 60 * SECOND


@pytest.mark.parametrize("state", ["answered", "ringing"])
@pytest.mark.parametrize("before", [False, True])
def test_an_answer_during_a_restart_is_seen_in_freeswitch(book: CallBook, state: str, before: bool) -> None:
    uuid, at = opened(book), now() - 9 * SECOND
    if before:
        hear(book, uuid, ANSWER, at - SECOND)
    headers = {"Answer-State": state, "Caller-Channel-Answered-Time": str(at)}
    book.compare(seen(now() + SECOND, **{uuid: headers}))
    call = known(book, uuid)
    expected = at - SECOND if before else at if state == "answered" else 0
    assert (call.answered_at, call.ended_at) == (expected, 0)
    assert call.status == ("in-progress" if expected else "ringing")


def test_an_answer_whose_time_is_unknown_is_of_this_moment(book: CallBook) -> None:
    uuid, before = opened(book), now()
    book.compare(seen(now() + SECOND, **{uuid: {"Answer-State": "answered"}}))
    assert before <= known(book, uuid).answered_at <= now()


def test_what_becomes_of_a_call_is_on_disk_soon_and_after_a_restart(book: CallBook, outbox: Outbox) -> None:
    living, over = opened(book), opened(book)
    hear(book, over, COMPLETE)
    gevent.sleep(0.7)
    assert {one.sid for one in outbox.records.find(Query("call", ACCOUNT))} == {
        caller_of(uuid).call_sid for uuid in (living, over)
    }
    again = CallBook(outbox.of("default"))
    again.start()
    hear(again, living, ANSWER)
    hear(again, over, ANSWER)
    assert known(again, living).status == "in-progress"
    assert known(again, over).answered_at == 0
    again.stop()
    last = CallBook(outbox.of("default"))
    last.start()
    assert known(last, living).status == "in-progress"


def test_what_the_disk_refuses_is_written_when_it_takes_it_again(
    book: CallBook, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    uuid = opened(book)
    refused = [True]
    commit = outbox.commit

    def full(*args: object, **more: object) -> None:
        if refused[0]:
            raise OutboxError(outbox.path, "the disk is full", "make room")
        commit(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(outbox, "commit", full)
    monkeypatch.setattr("orchestrator.calls.records.WRITE_SECONDS", 0.02)
    with pytest.raises(OutboxError):
        book.flush()
    gevent.sleep(0.7)
    assert known(book, uuid).status == "ringing"
    refused[0] = False
    gevent.sleep(0.4)
    assert [one.sid for one in outbox.records.find(Query("call", ACCOUNT))] == [caller_of(uuid).call_sid]
