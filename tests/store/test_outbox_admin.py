"""`orchestrator callbacks` beside a running orchestrator: lists, and retries."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gevent
import pytest
from gevent import subprocess as cooperative
from gevent.event import Event

from orchestrator import cli
from orchestrator.store.access import outbox_admin
from orchestrator.store.interface import OutboxError
from orchestrator.store.outbox import Outbox
from tests.callbacks.conftest import QUICK, Office, make, wait_until
from tests.callbacks.receiver import Receiver, answers, hangs


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Runs `orchestrator callbacks …` for an office, in a process of its own while this one goes on."""

    def run(office: Office, *arguments: str) -> tuple[int, str, str]:
        settings = tmp_path / "orchestrator.yaml"
        settings.write_text(
            cli.example().replace("orchestrator-data/orchestrator.sqlite", str(office.path), 1)
        )
        process = cooperative.Popen(
            [sys.executable, "-m", "orchestrator", "callbacks", *arguments, "-c", str(settings)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A narrow terminal: what is listed is not folded, or no id could be copied.
            env={**os.environ, "COLUMNS": "40"},
        )
        out, err = process.communicate()
        return process.returncode, out.decode(), err.decode()

    return run


def fail(office: Office, destination: Receiver, *sequences: int, queue: str = "room") -> None:
    before = len(office.results)
    destination.behave(answers(410))
    office.send(*(make(queue, destination.url("/c?token=h1dden"), number) for number in sequences))
    office.wait_results(before + len(sequences))
    office.outbox.flush()
    destination.behave(answers(200))
    destination.requests.clear()


def test_what_waits_and_what_failed_is_listed_while_the_orchestrator_runs(
    open_office: Callable[..., Office], destination: Receiver, command: Callable[..., tuple[int, str, str]]
) -> None:
    office = open_office(replace(QUICK, timeout=300))
    fail(office, destination, 0, 1)
    office.send(make("other", destination.url(), 5))
    office.wait_results(3)
    destination.behave(hangs)
    office.send(make("recording third", destination.url(), 7))
    office.outbox.flush()
    code, out, _ = command(office, "list")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["ID", "STATE", "ROOM", "NO", "EVENT", "MADE", "TRIES", "RESULT", "URL"]
    assert [line[:3] for line in lines[1:]] == [
        ["1", "failed", "room"],
        ["2", "failed", "room"],
        ["4", "waiting", "recording"],
    ]
    assert "answered 410" in out
    assert "h1dden" not in out
    _, out, _ = command(office, "list", "--delivered", "--json")
    (one,) = (json.loads(line) for line in out.splitlines())
    assert (one["room"], one["sequence"], one["state"], one["status"]) == (
        "other",
        5,
        "delivered",
        200,
    )
    assert one["body"] == "SequenceNumber=5"
    _, out, _ = command(office, "list", "--room", "third", "--json")
    assert [json.loads(line)["sequence"] for line in out.splitlines()] == [7]
    _, out, err = command(office, "list", "--failed", "--limit", "1", "--json")
    assert [json.loads(line)["sequence"] for line in out.splitlines()] == [1]
    assert "newest 1" in err


def test_a_failed_callback_is_sent_again_with_its_old_number_and_body(
    office: Office, destination: Receiver, command: Callable[..., tuple[int, str, str]]
) -> None:
    fail(office, destination, 0, 1, 2)
    office.send(make("room", destination.url(), 3))
    wait_until(lambda: [each.sequence for each in destination.requests] == [3], "the next is delivered")
    code, out, err = command(office, "retry", "1", "2", "99")
    assert (code, out) == (1, "2 callbacks are being retried\n")
    assert "not failed, so not retried: 99" in err
    wait_until(lambda: len(destination.requests) == 3, "they are delivered")
    assert [request.sequence for request in destination.requests] == [3, 0, 1]
    assert destination.requests[1].body == b"SequenceNumber=0"
    office.outbox.flush()
    assert [message.sequence for message in office.outbox.finished(failed=True)] == [2]
    assert office.delivery.counters.retried == 2
    code, out, _ = command(office, "retry", "--all")
    assert (code, out) == (0, "1 callbacks are being retried\n")
    wait_until(lambda: destination.requests[-1].sequence == 2, "the last is delivered, too")
    assert command(office, "retry", "--all")[:2] == (0, "no callback has failed\n")
    assert command(office, "retry")[0] == 2
    assert command(office, "retry", "--all", "1")[0] == 2


def test_a_retry_asked_for_while_nothing_runs_is_done_at_the_next_start(
    office: Office, destination: Receiver
) -> None:
    fail(office, destination, 0, 1)
    office.close()
    assert outbox_admin.request_retry(office.path, None) == [1, 2]
    assert not outbox_admin.all_retried(office.path, 0)
    assert [each.asked_again for each in outbox_admin.entries(office.path, ("failed",))] == [True, True]
    office._open()
    wait_until(lambda: len(destination.requests) == 2, "both are delivered")
    assert [request.sequence for request in destination.requests] == [0, 1]
    assert outbox_admin.all_retried(office.path, 5)


def test_a_retry_never_reverses_what_still_waits(
    open_office: Callable[..., Office], destination: Receiver
) -> None:
    office = open_office(replace(QUICK, timeout=20))
    fail(office, destination, 0, 1, 2)
    answer = Event()
    destination.behave(lambda request, client: bool(answer.wait()) and answers(500)(request, client))
    office.send(*(make("room", destination.url(), number) for number in (3, 4)))
    wait_until(lambda: len(destination.requests) == 1, "the third is in flight")
    outbox_admin.request_retry(office.path, [3, 1])
    wait_until(lambda: outbox_admin.all_retried(office.path, 0), "the request is resumed")
    assert office.outbox.depth == 4
    destination.behave(answers(200))
    answer.set()
    wait_until(lambda: office.outbox.depth == 0, "all are delivered")
    # The one that was in flight has failed and stands in its old place now, behind the smaller ones.
    assert [request.sequence for request in destination.requests] == [3, 0, 2, 3, 4]


def test_more_retries_than_may_wait_are_queued_bit_by_bit(
    open_office: Callable[..., Office], destination: Receiver
) -> None:
    office = open_office(replace(QUICK, max_waiting=20))
    for begin in range(0, 60, 20):
        fail(office, destination, *range(begin, begin + 20))
    outbox_admin.request_retry(office.path, None)
    wait_until(lambda: len(destination.requests) == 60, "all are delivered", timeout=30)
    assert [request.sequence for request in destination.requests] == list(range(60))
    assert office.delivery.counters.failed["too many"] == 0


def test_the_desk_is_no_hindrance_to_the_owner(office: Office, destination: Receiver) -> None:
    fail(office, destination, *range(20))
    for _ in range(20):
        outbox_admin.request_retry(office.path, None)
        gevent.sleep(0)
        office.send(make("other", destination.url(), 1))
        outbox_admin.entries(office.path, ("waiting", "delivered", "failed"))
    wait_until(lambda: len(destination.requests) >= 40, "all are delivered")


def test_a_file_that_is_not_there_or_not_ours_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutboxError, match=r"none.sqlite.*unable to open"):
        outbox_admin.entries(tmp_path / "none.sqlite", ("waiting",))
    other = sqlite3.connect(tmp_path / "other.sqlite")
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    with pytest.raises(OutboxError, match="some other program's"):
        outbox_admin.request_retry(tmp_path / "other.sqlite", None)


def test_a_file_of_an_earlier_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    """It lacks columns, as before there were two ways to sign: what it holds could not be read."""
    path = tmp_path / "old.sqlite"
    Outbox(path).close()
    with sqlite3.connect(path) as old:
        old.execute("PRAGMA user_version = 3")
        old.execute("ALTER TABLE pending DROP COLUMN signatures")
    refused = (
        r"earlier version \(schema 3, this program knows 7\); let that version deliver.*move the file away"
    )
    with pytest.raises(OutboxError, match=refused):
        Outbox(path)
    with pytest.raises(OutboxError, match=refused):
        outbox_admin.entries(path, ("waiting",))
    with sqlite3.connect(path) as old:
        assert "signatures" not in [row[1] for row in old.execute("PRAGMA table_info(pending)")]


def test_what_a_receiver_chose_does_not_steer_the_terminal(
    office: Office, destination: Receiver, command: Callable[..., tuple[int, str, str]]
) -> None:
    destination.behave(answers(404))
    office.send(make("room", destination.url("/[bold]\x1b[2J"), 0, event="[red]"))
    office.wait_results(1)
    office.outbox.flush()
    _, out, _ = command(office, "list")
    assert "\x1b" not in out
    assert "[red]" in out
