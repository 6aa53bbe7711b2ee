"""The log lines of a conference, and the facts that they leave out."""

from __future__ import annotations

import logging

import pytest

from orchestrator.conference.live.transition_log import log_transition
from orchestrator.conference.machine.events import Added, End, JoinRequest, Left, RoomEvent
from orchestrator.conference.machine.state import Caller, ConferenceOptions, ParticipantOptions, Room
from orchestrator.conference.machine.table import step
from tests.scenarios.conftest import NUMBER, House, house
from tests.web.site import wait_until

__all__ = ["house"]

LOG = "orchestrator.conference.live.transition_log"
CALLER = Caller(call_sid="v3:anna", leg="anna", from_="+13125550002", to="+13125550100")
EVENTS: tuple[RoomEvent, ...] = (
    JoinRequest(1, CALLER, ParticipantOptions(wait_url="http://me:s3cret@example.com/?token=h1dden")),
    Added(2, "v3:anna", "7"),
    End(3),
    Left(4, "v3:anna", gone=True),
)


def logged(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    room = Room(sid="r-1", account_sid="a", name="Room 1234", options=ConferenceOptions(), created_at=1)
    with caplog.at_level(level, LOG):
        for event in EVENTS:
            after, _, changed = step(room, event)
            log_transition(room, event, after, changed)
            room = after
    return [line.split(" ", 1)[1] for line in caplog.text.splitlines()]


def test_start_join_leave_and_end_are_lines(caplog: pytest.LogCaptureFixture) -> None:
    assert logged(caplog, logging.INFO) == [
        'INFO conference started room=r-1 name="Room 1234"',
        "INFO joined room=r-1 call=v3:anna participants=1",
        "INFO left room=r-1 call=v3:anna participants=0",
        'INFO conference ended room=r-1 name="Room 1234" reason=conference-ended-via-api',
    ]


def test_each_transition_is_a_line_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    lines = [line for line in logged(caplog, logging.DEBUG) if line.startswith("DEBUG")]
    assert lines == [
        "DEBUG init -> JoinRequest(caller=v3:anna) -> init room=r-1",
        "DEBUG init -> Added(call_sid=v3:anna, member_id=7, renewed=False) -> in-progress room=r-1",
        "DEBUG in-progress -> End(reason=conference-ended-via-api) -> ending room=r-1",
        "DEBUG ending -> Left(call_sid=v3:anna, gone=True) -> completed room=r-1",
    ]
    assert "s3cret" not in caplog.text
    assert "h1dden" not in caplog.text


def test_nothing_is_written_or_made_where_the_level_is_off(caplog: pytest.LogCaptureFixture) -> None:
    assert logged(caplog, logging.WARNING) == []


def test_the_running_orchestrator_logs_them(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, LOG):
        house.voice(house.joins())
        phone = house.switch.call(NUMBER)
        house.delivered(2, 10)
        phone.hang_up()
        wait_until(lambda: "INFO conference ended" in caplog.text, "the end is in the log")
    for part in ("DEBUG init -> Added(", "INFO conference started", "INFO joined", "INFO left"):
        assert part in caplog.text
