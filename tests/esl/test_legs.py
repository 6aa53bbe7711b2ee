"""Legs: what is started is matched to its end, whatever comes first."""

from __future__ import annotations

import sys
from collections.abc import Callable

import gevent
import gevent.event
import pytest

from orchestrator.esl import CommandTimeout, Connection, Disconnected, Event, Leg, LegGone, Legs, leg
from orchestrator.esl.session import PING
from tests.esl.conftest import Peer, Talk, eventually
from tests.esl.wire import api_frame, reply_frame

UUID = "8403fb83-fef9-4c6a-8f50-7b6e2b09f977"


class Call:
    """One adopted leg and the far end's side of it."""

    def __init__(self, connection: Connection, talk: Talk, legs: Legs) -> None:
        self.connection, self.talk, self.legs = connection, talk, legs
        self.leg = legs.adopt(UUID, {"Answer-State": "ringing"})

    def taken(self, reply: str = "+OK") -> dict[str, str]:
        """Read a sendmsg and reply to it; its headers."""
        first, *rest = self.talk.read().split("\n")
        assert first == f"sendmsg {UUID}"
        self.talk.send(reply_frame(reply))
        return dict(line.split(": ", 1) for line in rest)

    def event(self, name: str, **headers: object) -> None:
        self.talk.event(Event_Name=name, Unique_ID=UUID, **headers)

    def complete(self, headers: dict[str, str], response: str = "_none_") -> None:
        self.event(
            "CHANNEL_EXECUTE_COMPLETE",
            Application=headers["execute-app-name"],
            Application_UUID=headers["Event-UUID"],
            Application_Response=response,
        )


@pytest.fixture
def call(up: Callable[..., tuple[Connection, Talk]]) -> Call:
    routed: list[Legs] = []
    connection, talk = up(on_event=lambda event: routed[0].dispatch(event) if routed else None)
    routed.append(Legs(connection))
    return Call(connection, talk, routed[0])


def test_an_execution_ends_with_its_own_completion_and_not_with_another_of_the_same_name(call: Call) -> None:
    first, second = call.leg.start("playback", "a.wav"), call.leg.start("playback", "b.wav")
    taken = [call.taken(), call.taken()]
    assert [headers["execute-app-arg"] for headers in taken] == ["a.wav", "b.wav"]
    call.complete(taken[1], "second")
    assert second.wait(2).header("Application-Response") == "second"
    assert not first.done
    call.complete(taken[0], "first")
    assert first.wait(2).header("Application-Response") == "first"


def test_a_completion_that_comes_before_the_wait_is_kept(call: Call) -> None:
    execution = call.leg.start("answer")
    call.complete(call.taken())
    eventually(lambda: execution.done)
    assert execution.wait(0).application == "answer"
    assert execution.wait(0).application == "answer"


def test_a_completion_that_comes_before_the_reply_counts(call: Call) -> None:
    execution = call.leg.start("answer")
    headers = dict(line.split(": ", 1) for line in call.talk.read().split("\n")[1:])
    call.complete(headers)
    assert execution.wait(2).application == "answer"
    call.talk.send(reply_frame("+OK"))
    call.event("CHANNEL_ANSWER")
    eventually(lambda: call.leg.answered)


def test_a_hangup_ends_every_wait(call: Call) -> None:
    waiting = [gevent.spawn(call.leg.execute, "playback", "x.wav", None) for _ in range(3)]
    for _ in waiting:
        call.taken()
    call.event("CHANNEL_HANGUP", Hangup_Cause="USER_BUSY")
    for greenlet in waiting:
        with pytest.raises(LegGone, match="USER_BUSY"):
            greenlet.get(timeout=2)
    assert call.leg.gone
    assert call.leg.hangup_cause == "USER_BUSY"


def test_a_command_to_a_leg_that_is_gone_fails_and_the_leg_is_declared_gone_even_without_its_hangup(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The leg hung up between uuid_dump and its adoption: its CHANNEL_HANGUP was another leg's and will not
    come again."""
    monkeypatch.setattr(leg, "_HANGUP_GRACE_SECONDS", 0.05)
    execution = call.leg.start("answer")
    call.taken(f"-ERR invalid session id [{UUID}]")
    with pytest.raises(LegGone, match="invalid session id"):
        execution.wait(2)
    # FreeSWITCH is asked whether its hangup is on its way.
    assert call.talk.read() == PING
    assert not call.leg.gone
    call.talk.send(api_frame("core"))
    eventually(lambda: call.leg.gone)
    assert call.legs.get(UUID) is None


def test_the_cause_of_a_hangup_that_comes_after_the_refusal_is_kept(call: Call) -> None:
    call.leg.start("answer")
    call.taken(f"-ERR invalid session id [{UUID}]")
    call.event("CHANNEL_HANGUP", Hangup_Cause="ORIGINATOR_CANCEL")
    assert call.leg.ended.wait(2)
    assert call.leg.hangup_cause == "ORIGINATOR_CANCEL"


def test_a_lost_reply_does_not_end_an_execution_whose_completion_comes(
    up: Callable[..., tuple[Connection, Talk]],
) -> None:
    routed: list[Legs] = []
    connection, talk = up(
        on_event=lambda event: routed[0].dispatch(event), command_timeout=0.05, probe_timeout=60.0
    )
    routed.append(Legs(connection))
    call = Call(connection, talk, routed[0])
    execution = call.leg.start("answer")
    headers = dict(line.split(": ", 1) for line in talk.read().split("\n")[1:])
    eventually(lambda: connection.protocol_errors.command_timeouts == 1)
    call.complete(headers)
    assert execution.wait(2).application == "answer"


def test_the_socket_lost_while_executing_is_disconnected_and_the_leg_lives_on(peer: Peer, call: Call) -> None:
    waiting = gevent.spawn(call.leg.execute, "conference", "CF1@default", None)
    call.taken()
    call.talk.close()
    with pytest.raises(Disconnected):
        waiting.get(timeout=2)
    assert not call.leg.gone
    call.talk = peer.accept()
    call.talk.greet()
    assert call.connection.wait_up(2)
    after = call.leg.start("playback", "x.wav")
    call.complete(call.taken())
    assert after.wait(2).application == "playback"


def test_a_completion_from_before_a_reconnect_is_nobodys(peer: Peer, call: Call) -> None:
    execution = call.leg.start("playback", "x.wav")
    headers = call.taken()
    call.talk.close()
    with pytest.raises(Disconnected):
        execution.wait(2)
    call.talk = peer.accept()
    call.talk.greet()
    call.complete(headers)
    call.event("CHANNEL_ANSWER")
    eventually(lambda: call.leg.answered)


def test_an_execution_past_its_limit_is_a_time_out_and_may_be_waited_for_again(call: Call) -> None:
    execution = call.leg.start("playback", "x.wav")
    headers = call.taken()
    with pytest.raises(CommandTimeout):
        execution.wait(0.02)
    call.complete(headers)
    assert execution.wait(2).application == "playback"


def test_hooks_hear_of_the_hangup_once_however_often_it_comes(call: Call) -> None:
    heard: list[str] = []

    def fails(leg: Leg) -> None:
        raise RuntimeError("a bug")

    call.leg.on_hangup += [
        lambda leg: heard.append(leg.hangup_cause),
        fails,
        lambda leg: heard.append("last"),
    ]
    call.event("CHANNEL_HANGUP", Hangup_Cause="NORMAL_CLEARING")
    call.event("CHANNEL_HANGUP", Hangup_Cause="AGAIN")
    call.event("CHANNEL_HANGUP_COMPLETE", Hangup_Cause="AGAIN")
    call.event("CHANNEL_DESTROY", Hangup_Cause="AGAIN")
    eventually(lambda: call.legs.get(UUID) is None)
    assert heard == ["NORMAL_CLEARING", "last"]
    assert len(call.legs) == 0


def test_after_the_hangup_nothing_is_sent(call: Call) -> None:
    call.legs.lost(UUID, "LOSE_RACE")
    with pytest.raises(LegGone, match="LOSE_RACE"):
        call.leg.execute("answer")
    call.leg.hangup()
    call.leg.break_()
    with pytest.raises(LegGone):
        call.leg.answer().wait(0)
    assert call.leg.ended.is_set()
    call.connection.post("api status")
    assert call.talk.read() == "api status"


def test_a_hangup_asked_for_twice_is_two_harmless_commands(call: Call) -> None:
    call.leg.hangup()
    call.leg.hangup("USER_BUSY")
    assert call.talk.read() == f"api uuid_kill {UUID} NORMAL_CLEARING"
    assert call.talk.read() == f"api uuid_kill {UUID} USER_BUSY"
    call.talk.send(api_frame("+OK\n") + api_frame("-ERR No such channel!\n"))
    call.event("CHANNEL_HANGUP", Hangup_Cause="NORMAL_CLEARING")
    assert call.leg.ended.wait(2)


def test_answering_twice_answers_once(call: Call) -> None:
    assert call.leg.answer() is call.leg.answer()
    call.complete(call.taken())
    call.leg.answer().wait(2)
    call.event("CHANNEL_ANSWER")
    eventually(lambda: call.leg.answered)
    assert call.legs.adopt(UUID, {}) is call.leg


def test_an_answered_leg_is_not_answered_again(call: Call) -> None:
    leg = call.legs.adopt("other", {"Answer-State": "answered"})
    assert leg.answer().wait(0).application == "answer"


def test_variables_are_set_in_order_with_what_follows(call: Call) -> None:
    call.leg.set(hangup_after_conference="false", a="x;y")
    call.leg.start("conference", "CF1@default")
    headers = call.taken()
    assert headers["execute-app-name"] == "multiset"
    assert headers["execute-app-arg"] == "^^|hangup_after_conference=false|a=x;y"
    assert call.taken()["execute-app-name"] == "conference"


def test_a_break_that_came_before_the_application_began_is_said_again(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SYMPTOM wait music went on for ever. CAUSE FreeSWITCH clears a break when an application starts, so one
    that comes while the application is queued (up to 20 ms) is lost. FIX it is said again until that
    execution is over."""
    monkeypatch.setattr(leg, "_BREAK_AGAIN_SECONDS", 0.01)
    execution = call.leg.start("playback", "tone_stream://%(200,200,700);loops=-1")
    headers = call.taken()
    call.leg.break_()
    for _ in range(3):
        assert call.talk.read() == f"api uuid_break {UUID}"
        call.talk.send(api_frame("+OK\n"))
    call.complete(headers, "FILE PLAYED")
    assert execution.wait(2).header("Application-Response") == "FILE PLAYED"


def test_a_playback_started_after_a_break_is_not_broken(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leg, "_BREAK_AGAIN_SECONDS", 0.01)
    call.leg.start("playback", "a.wav")
    call.leg.break_()
    call.leg.start("playback", "b.wav")
    call.taken()
    assert call.talk.read() == f"api uuid_break {UUID}"
    call.talk.send(api_frame("+OK\n"))
    call.taken()
    gevent.sleep(0.05)
    call.connection.post("api status")
    assert call.talk.read() == "api status"


def test_digits_are_queued_and_reported(call: Call) -> None:
    delivered: list[str] = []
    call.leg.on_digit.append(delivered.append)
    for digit in "12#":
        call.event("DTMF", DTMF_Digit=digit)
    assert [call.leg.digits.get(timeout=2) for _ in range(3)] == list("12#")
    assert delivered == list("12#")


def test_digits_that_nobody_takes_do_not_pile_up(call: Call) -> None:
    for number in range(leg.MAX_DIGITS + 10):
        call.legs.dispatch(Event(name="DTMF", uuid=UUID, raw=b'{"DTMF-Digit":"%d"}' % (number % 10)))
    assert call.leg.digits.qsize() == leg.MAX_DIGITS


def test_events_of_other_legs_are_ignored_cheaply(call: Call) -> None:
    assert call.legs.dispatch(Event(name="CHANNEL_HANGUP", uuid="unknown")) is None
    assert call.legs.dispatch(Event(name="CUSTOM", subclass="conference::maintenance", uuid=UUID)) is call.leg
    assert not call.leg.gone


def test_a_leg_costs_little_memory(call: Call) -> None:
    assert not hasattr(call.leg, "__dict__")
    assert sys.getsizeof(call.leg) < 200
    assert isinstance(call.leg, Leg)


def test_a_greenlet_that_is_shut_out_orders_nothing_more(call: Call) -> None:
    """It may have a turn before it dies: what it waited for came first."""
    go, orders = gevent.event.Event(), list[str]()

    def plays() -> None:
        go.wait()
        call.leg.start("playback", "late.wav")
        orders.append("given")

    shut_out, other = gevent.spawn(plays), gevent.spawn(plays)
    gevent.sleep(0)
    call.leg.block_greenlet(shut_out)
    go.set()
    gevent.joinall([shut_out, other], timeout=5)
    assert orders == ["given"], "the other one's"
    assert call.taken()["execute-app-arg"] == "late.wav"
    assert isinstance(shut_out.value, gevent.GreenletExit)
    # An ended leg is not remembered.
    call.leg.block_greenlet(gevent.spawn(gevent.sleep, 5))
    assert len(call.leg._blocked) == 1


DUMPED: list[tuple[dict[str, str], tuple[str, str], bool]] = [
    # uuid_dump; the application that runs on the leg; whether a start of that is another one.
    ({}, ("", ""), True),
    ({"current_application": "playback", "current_application_data": "a.wav"}, ("playback", "a.wav"), False),
    ({"current_application": "park"}, ("park", ""), False),
    (
        {
            "current_application": "playback",
            "current_application_data": "a.wav",
            "current_application_response": "FILE PLAYED",
        },
        ("", ""),
        True,
    ),
    (
        {"current_application": "park", "signal_bridge_to": "x", "current_application_data": "sofia/a"},
        ("bridge", "sofia/a"),
        False,
    ),
]


@pytest.mark.parametrize(("variables", "running", "is_new"), DUMPED)
@pytest.mark.parametrize("state", ["answered", "ringing"])
def test_a_resumed_leg_stands_as_freeswitch_says(
    call: Call, variables: dict[str, str], running: tuple[str, str], is_new: bool, state: str
) -> None:
    headers = {f"variable_{name}": value for name, value in variables.items()} | {"Answer-State": state}
    call.leg.resume(headers)
    assert call.leg.current_application == running
    assert call.leg.answered is (state == "answered")
    assert call.leg.headers == headers
    app, argument = running if running[0] else ("playback", "a.wav")
    execution = call.leg.start(app, argument)
    assert call.leg.current_application == ("", "")
    assert call.leg.runs(app)
    assert not call.leg.runs("conference")
    assert call.leg.started(app, argument) is execution
    assert call.leg.started(app, argument + "x") is None
    if is_new:
        assert call.taken()["execute-app-name"] == app
    call.leg.set(a="1")
    assert call.taken()["execute-app-name"] == "multiset", "nothing else was ordered before"


PLAYS = ("playback", "speak", "say", "phrase", "sleep", "gentones", "record", "read")


@pytest.mark.parametrize("app", [*PLAYS, "conference", "bridge", "park", "answer"])
def test_a_break_ends_sounds_and_nothing_else(call: Call, app: str) -> None:
    call.leg.start(app, "x")
    started = call.taken()
    assert call.leg.playing is (app in PLAYS)
    stopping = gevent.spawn(call.leg.stop_playback_and_wait, 5)
    if app in PLAYS:
        assert call.talk.read().startswith(f"api uuid_break {UUID}")
        call.talk.send(api_frame("+OK\n"))
    call.complete(started)
    assert stopping.get(timeout=5) is True
    assert not call.leg.playing


def test_a_leg_is_watched_by_each_who_asked_until_it_is_destroyed_or_they_stop(call: Call) -> None:
    legs = call.legs
    seen: list[tuple[str, str]] = []

    def first(event: Event) -> None:
        seen.append(("first", event.name))

    def second(event: Event) -> None:
        seen.append(("second", event.name))

    def hear(name: str, uuid: str = UUID) -> list[tuple[str, str]]:
        seen.clear()
        legs.notify_watchers(Event(name=name, uuid=uuid))
        return list(seen)

    legs.unwatch(UUID, first)
    assert not legs.is_watched(UUID)
    legs.watch(UUID, first)
    legs.watch(UUID, second)
    assert hear("CHANNEL_ANSWER") == [("first", "CHANNEL_ANSWER"), ("second", "CHANNEL_ANSWER")]
    assert hear("CHANNEL_ANSWER", "another") == []
    legs.unwatch(UUID, first)
    assert legs.is_watched(UUID)
    assert hear("CHANNEL_HANGUP") == [("second", "CHANNEL_HANGUP")]
    legs.unwatch(UUID, second)
    assert not legs.is_watched(UUID)
    legs.watch(UUID, first)
    assert hear("CHANNEL_DESTROY") == [("first", "CHANNEL_DESTROY")]
    assert not legs.is_watched(UUID)
    assert hear("CHANNEL_DESTROY") == []
