"""The record of a call follows from its events, in whatever order and however often they come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import gevent
import msgspec
import pytest

from orchestrator.calls.records import YOUNG_MICROSECONDS, CallRecord, CallRecords
from orchestrator.clock import now
from orchestrator.esl.events import decode
from orchestrator.esl.snapshot import Snapshot
from orchestrator.store.interface import OutboxError
from orchestrator.store.outbox import Outbox
from orchestrator.store.records import Query
from tests.recovery.left import SECOND, caller_of

ACCOUNT, OTHER = "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b", "6a9a7976-012e-45d2-9258-6f5dc68d861e"
COMPLETE, DESTROY, ANSWER = "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY", "CHANNEL_ANSWER"


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    outbox = Outbox(tmp_path / "orchestrator.sqlite")
    yield outbox
    outbox.close()


@pytest.fixture
def call_records(outbox: Outbox) -> Iterator[CallRecords]:
    call_records = CallRecords(outbox.of("default"))
    yield call_records
    call_records.stop()


def opened(call_records: CallRecords, *, outbound: bool = False, status: str = "ringing") -> str:
    uuid = str(uuid4())
    call_records.open(caller_of(uuid), ACCOUNT, outbound=outbound, status=status)
    return uuid


def hear(
    call_records: CallRecords, uuid: str, name: str, at: int = 0, cause: str = "NORMAL_CLEARING", **more: str
) -> None:
    headers = {"Event-Name": name, "Unique-ID": uuid, "Hangup-Cause": cause, **more}
    if at:
        headers["Event-Date-Timestamp"] = str(at)
    call_records.on_event(decode(msgspec.json.encode(headers)))


def known(call_records: CallRecords, uuid: str) -> CallRecord:
    found = call_records.get(ACCOUNT, caller_of(uuid).call_sid)
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
def test_each_event_has_its_status(call_records: CallRecords, status: str, name: str, then: str) -> None:
    uuid, at = opened(call_records, outbound=True, status=status), now() + SECOND
    hear(call_records, uuid, name, at)
    call = known(call_records, uuid)
    assert (call.status, call.ended_at) == (then, 0)
    assert call.answered_at == (at if name == ANSWER else 0)
    assert (call.updated_at == at) is (then != status)


def test_a_call_that_was_answered_is_not_ringing_again_nor_answered_twice(call_records: CallRecords) -> None:
    uuid, at = opened(call_records, outbound=True, status="queued"), now()
    hear(call_records, uuid, ANSWER, at)
    hear(call_records, uuid, "CHANNEL_PROGRESS", at + SECOND)
    hear(call_records, uuid, ANSWER, at + 2 * SECOND)
    call = known(call_records, uuid)
    assert (call.status, call.answered_at) == ("in-progress", at)


def test_a_call_that_is_known_stays_as_it_is(call_records: CallRecords) -> None:
    uuid = opened(call_records)
    hear(call_records, uuid, ANSWER)
    call_records.open(caller_of(uuid), OTHER)
    assert known(call_records, uuid).status == "in-progress"


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
    call_records: CallRecords, events: tuple[str, ...], cause: str, status: str
) -> None:
    uuid, at = opened(call_records), now()
    for number, name in enumerate(events):
        hear(call_records, uuid, name, at + number * 10 * SECOND, cause)
    call = known(call_records, uuid)
    first = next(number for number, name in enumerate(events) if name != ANSWER)
    assert (call.status, call.ended_at, call.updated_at) == (status, *[at + first * 10 * SECOND] * 2)
    assert call.seconds == (10 if events[0] == ANSWER else 0)
    call_records.flush()
    (listed,) = call_records.read(call_records._store.records.find(Query("call", ACCOUNT)))
    assert listed == call


def test_an_answer_that_nobody_heard_counts_at_the_end(call_records: CallRecords) -> None:
    uuid, at = opened(call_records), now()
    more = {"Caller-Channel-Answered-Time": str(at)}
    hear(call_records, uuid, COMPLETE, at + 7 * SECOND, "USER_BUSY", **more)
    call = known(call_records, uuid)
    assert (call.status, call.answered_at, call.seconds) == ("completed", at, 7)


def test_no_call_ends_before_it_began(call_records: CallRecords) -> None:
    """FreeSWITCH's clock may be behind ours."""
    uuid = opened(call_records)
    began_at = known(call_records, uuid).created_at
    hear(call_records, uuid, COMPLETE, began_at - 3 * SECOND)
    assert known(call_records, uuid).ended_at == began_at
    other = opened(call_records)
    call_records.close(other, "failed")
    assert began_at <= known(call_records, other).ended_at <= now()
    call_records.close(str(uuid4()), "failed")


def test_a_call_whose_answer_and_end_have_one_time_took_no_time(call_records: CallRecords) -> None:
    uuid, at = opened(call_records), now()
    hear(call_records, uuid, ANSWER, at)
    hear(call_records, uuid, COMPLETE, at - SECOND)
    assert known(call_records, uuid).seconds == 0


def test_an_event_of_another_leg_and_another_account_see_nothing(call_records: CallRecords) -> None:
    uuid = opened(call_records)
    hear(call_records, str(uuid4()), COMPLETE)
    assert call_records.get(OTHER, caller_of(uuid).call_sid) is None
    call_records.flush()
    assert call_records.get(OTHER, caller_of(uuid).call_sid) is None
    assert call_records.get(ACCOUNT, "v3:nobody") is None
    assert known(call_records, uuid).status == "ringing"


def test_an_event_without_a_time_is_of_this_moment(call_records: CallRecords) -> None:
    uuid, before = opened(call_records), now()
    hear(call_records, uuid, ANSWER)
    assert before <= known(call_records, uuid).answered_at <= now()


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
    call_records: CallRecords, status: str, age: int, answered: bool, ended: str
) -> None:
    uuid = opened(call_records, outbound=True, status=status)
    if answered:
        hear(call_records, uuid, ANSWER)
    call_records.compare(seen(known(call_records, uuid).created_at + age * SECOND))
    call = known(call_records, uuid)
    assert bool(call.ended_at) is bool(ended)
    assert call.status == (ended or status)
    assert YOUNG_MICROSECONDS == 60 * SECOND


@pytest.mark.parametrize("state", ["answered", "ringing"])
@pytest.mark.parametrize("before", [False, True])
def test_an_answer_during_a_restart_is_seen_in_freeswitch(
    call_records: CallRecords, state: str, before: bool
) -> None:
    uuid, at = opened(call_records), now() - 9 * SECOND
    if before:
        hear(call_records, uuid, ANSWER, at - SECOND)
    headers = {"Answer-State": state, "Caller-Channel-Answered-Time": str(at)}
    call_records.compare(seen(now() + SECOND, **{uuid: headers}))
    call = known(call_records, uuid)
    expected = at - SECOND if before else at if state == "answered" else 0
    assert (call.answered_at, call.ended_at) == (expected, 0)
    assert call.status == ("in-progress" if expected else "ringing")


def test_an_answer_whose_time_is_unknown_is_of_this_moment(call_records: CallRecords) -> None:
    uuid, before = opened(call_records), now()
    call_records.compare(seen(now() + SECOND, **{uuid: {"Answer-State": "answered"}}))
    assert before <= known(call_records, uuid).answered_at <= now()


def test_the_outcome_of_a_call_is_on_disk_soon_and_after_a_restart(
    call_records: CallRecords, outbox: Outbox
) -> None:
    living, over = opened(call_records), opened(call_records)
    hear(call_records, over, COMPLETE)
    gevent.sleep(0.7)
    assert {one.sid for one in outbox.records.find(Query("call", ACCOUNT))} == {
        caller_of(uuid).call_sid for uuid in (living, over)
    }
    again = CallRecords(outbox.of("default"))
    again.start()
    hear(again, living, ANSWER)
    hear(again, over, ANSWER)
    assert known(again, living).status == "in-progress"
    assert known(again, over).answered_at == 0
    again.stop()
    last = CallRecords(outbox.of("default"))
    last.start()
    assert known(last, living).status == "in-progress"


def test_records_that_the_disk_refused_are_written_when_it_accepts_them_again(
    call_records: CallRecords, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    uuid = opened(call_records)
    refused = [True]
    commit = outbox.commit

    def full(*args: object, **more: object) -> None:
        if refused[0]:
            raise OutboxError(outbox.database.path, "the disk is full", "make room")
        commit(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(outbox, "commit", full)
    monkeypatch.setattr("orchestrator.calls.records.WRITE_SECONDS", 0.02)
    with pytest.raises(OutboxError):
        call_records.flush()
    gevent.sleep(0.7)
    assert known(call_records, uuid).status == "ringing"
    refused[0] = False
    gevent.sleep(0.4)
    assert [one.sid for one in outbox.records.find(Query("call", ACCOUNT))] == [caller_of(uuid).call_sid]
