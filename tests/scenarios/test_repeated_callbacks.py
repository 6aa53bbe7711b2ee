"""The suite's invariants about a callback that came twice: a retry is allowed, a duplicate is found."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestrator.callbacks.retry import Answer as Attempt
from orchestrator.store.message import Message, Queued
from tests.lab import invariants
from tests.lab.web import Answer
from tests.scenarios.conftest import NUMBER, House
from tests.sound.common import until

pytestmark = pytest.mark.only("emulator")


def attempts(house: House, count: int) -> list[tuple[Queued, Attempt]]:
    until(lambda: len(house.attempts) == count, 10, f"{count} attempts")
    return house.attempts


def first_attempt(house: House) -> tuple[Queued, Attempt]:
    (first,) = attempts(house, 1)
    return first


def test_a_callback_whose_answer_came_too_late_is_retried_and_is_no_duplicate(house: House) -> None:
    """Symptom: on a busy machine "canceled at /status was delivered 2 times". Cause: the orchestrator had
    waited for the answer of the first for longer than its time limit. Fix: its attempts are looked at."""
    house.stop()
    house.start("  timeout_secs: 2")
    house.application.route("/status", Answer(status=204, delay=2.5), 204)
    house.voice("<Response><Reject/></Response>")
    house.switch.call(NUMBER).wait_ended(10)
    first, second = house.application.wait_for("/status", 2)
    assert first.fields == second.fields
    assert len(house.callbacks("/status", 1)) == 1


def test_a_callback_committed_twice_is_a_duplicate(house: House) -> None:
    house.voice("<Response><Reject/></Response>")
    house.switch.call(NUMBER).wait_ended(10)
    (fields,) = house.callbacks("/status", 1)
    message, _ = first_attempt(house)
    again = Message(
        "another",
        message.url,
        message.method,
        tuple(fields.items()),
        message.account_sid,
        message.event,
        0,
        message.created_at,
    )
    assert house.orchestrator is not None
    house.orchestrator.node.write_buffer.commit([again])
    (fault,) = invariants.broken_by_callbacks(house.application, attempts(house, 2), {}, True)
    assert len(house.callbacks("/status")) == 2
    assert "was delivered 2 times" in fault
    # The faults that the fixture is not to find.
    house.forget_callbacks()


def test_a_recording_with_two_ends_is_found(house: House) -> None:
    house.voice("<Response><Reject/></Response>")
    house.switch.call(NUMBER).wait_ended(10)
    message, answer = first_attempt(house)
    ends = [
        (replace(message, body=f"RecordingSid=1&RecordingStatus={status}".encode()), answer)
        for status in ("completed", "absent")
    ]
    assert invariants.broken_by_callbacks(house.application, ends, {}, True) == [
        "recording 1 ended as ['absent', 'completed']"
    ]
