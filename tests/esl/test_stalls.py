"""A process that stood still decides nothing before it has read what FreeSWITCH said meanwhile."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable

import gevent

from orchestrator.clock import Alarm
from orchestrator.esl.connection import Connection
from orchestrator.esl.deadline import GRACE_SECONDS, Deadline
from orchestrator.esl.errors import CommandTimeout, Disconnected, SwitchError
from orchestrator.esl.reply import OnReply, Reply
from orchestrator.esl.session import PING
from tests.esl.conftest import Talk, eventually
from tests.esl.wire import api_frame

Up = Callable[..., tuple[Connection, Talk]]


def stall(seconds: float) -> None:
    """The whole process, with its hub: as a SIGSTOP does."""
    ctypes.CDLL(None).usleep(int(seconds * 1_000_000))


def test_events_that_came_during_a_stall_precede_every_timer(up: Up) -> None:
    """Symptom: a participant that FreeSWITCH had taken in was sent as refused, and one that had hung up as
    leaving a minute later. Cause: on waking, libev runs timers before it looks at sockets. Fix: the event
    socket's watcher comes first."""
    heard: list[str] = []
    _, talk = up(on_event=lambda event: heard.append(event.uuid))
    Alarm(0.3, heard.append, "alarm")
    gevent.spawn_later(0.3, heard.append, "greenlet")
    talk.event(Event_Name="CHANNEL_HANGUP", Unique_ID="a")
    stall(0.6)
    eventually(lambda: len(heard) == 3)
    assert heard[0] == "a"


def test_a_long_backlog_is_read_before_anybody_else_has_a_turn(up: Up) -> None:
    """Symptom: what happened while we stood still was dated later than what we decided on waking. Cause: the
    reader gave up its turn after 10 ms. Fix: after standing still, not before it has read what is there."""
    heard: list[str] = []

    def slow(event: object) -> None:
        stall(0.002)
        heard.append("event")

    _, talk = up(on_event=slow)
    Alarm(0.5, heard.append, "alarm")
    for _ in range(60):
        talk.event(Event_Name="CHANNEL_HANGUP", Unique_ID="a")
    stall(1.6)
    eventually(lambda: len(heard) == 61)
    assert heard.index("alarm") == 60


def test_a_stall_of_ours_times_out_no_command_and_ends_no_socket(up: Up) -> None:
    """Symptom: a stall of ours of ten seconds ended a socket with unread events. Cause: the commands' limits
    and FreeSWITCH's silence were measured while we stood still. Fix: that time does not count."""
    connection, talk = up(command_timeout=1.0, probe_timeout=0.5)
    replies: list[Reply | SwitchError] = []
    connection.post("api status", replies.append)
    talk.read()
    stall(2.0)
    gevent.sleep(0.4)
    assert connection.connected
    assert replies == []
    talk.send(api_frame("UP"))
    eventually(lambda: bool(replies))
    assert isinstance(replies[0], Reply)


def test_a_reader_of_the_state_waits_until_all_events_are_read(up: Up) -> None:
    connection, talk = up()
    connection.wait_current()
    stall(1.5)
    waiting = gevent.spawn(connection.wait_current)
    assert talk.read() == PING
    gevent.sleep(0.1)
    assert not waiting.ready()
    talk.event(Event_Name="CHANNEL_HANGUP", Unique_ID="a")
    talk.send(api_frame("core"))
    waiting.get(timeout=2)


class Switch:
    """Answers when a test says so."""

    def __init__(self) -> None:
        self.asked: list[OnReply] = []

    def ping(self, on_reply: OnReply) -> None:
        self.asked.append(on_reply)


def test_a_deadline_passes_only_once_freeswitch_has_answered_and_had_a_moment() -> None:
    switch, passed = Switch(), list[float]()
    Deadline(switch.ping, 0.05, lambda: passed.append(time.monotonic()))
    gevent.sleep(0.3)
    assert len(switch.asked) == 1
    assert passed == []
    answered = time.monotonic()
    switch.asked[0](Reply("core"))
    eventually(lambda: bool(passed))
    assert passed[0] - answered >= GRACE_SECONDS * 0.9
    gevent.sleep(0.2)
    assert len(passed) == 1


def test_a_deadline_that_is_cancelled_while_freeswitch_is_asked_does_not_pass() -> None:
    switch, passed = Switch(), list[str]()
    deadline = Deadline(switch.ping, 0.01, passed.append, "passed")
    eventually(lambda: bool(switch.asked))
    deadline.cancel()
    switch.asked[0](Reply("core"))
    gevent.sleep(GRACE_SECONDS + 0.2)
    assert passed == []


def test_a_freeswitch_that_does_not_answer_is_asked_again_and_a_lost_one_is_not() -> None:
    switch, passed = Switch(), list[str]()
    Deadline(switch.ping, 0.01, passed.append, "passed")
    eventually(lambda: bool(switch.asked))
    switch.asked.pop()(CommandTimeout("no reply in time"))
    assert len(switch.asked) == 1
    switch.asked.pop()(Disconnected("gone"))
    gevent.sleep(0.1)
    assert (switch.asked, passed) == ([], [])
