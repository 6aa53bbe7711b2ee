"""Each fault of greenswitch 0.0.19 that `Connection` replaces: shown on greenswitch where that is cheap, then
on ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
from greenswitch import InboundESL
from greenswitch.esl import ESLEvent

from orchestrator.esl import (
    AuthenticationFailed,
    CommandTimeout,
    Connection,
    Disconnected,
    Event,
    NotConnected,
    ProtocolError,
    SwitchError,
)
from tests.esl.conftest import CORE_UUID, Peer, Talk, eventually
from tests.esl.wire import api_frame, event_frame, notice_frame, reply_frame

Up = Callable[..., tuple[Connection, Talk]]
Connect = Callable[..., Connection]


def greenswitch_up(peer: Peer) -> tuple[Any, Talk]:
    """greenswitch's own client, connected to the scripted far end."""
    client = InboundESL("127.0.0.1", peer.port, "ClueCon")
    connecting = gevent.spawn(client.connect)
    talk = peer.accept()
    talk.send(b"Content-Type: auth/request\n\n")
    talk.read()
    talk.send(reply_frame("+OK accepted"))
    connecting.get(timeout=2)
    return client, talk


def greenswitch_gone(client: Any) -> None:
    client._run = False
    gevent.killall([client._receive_events_greenlet, client._process_events_greenlet])
    client.sock.close()


@pytest.mark.parametrize("separator", ["%0A", "\u2028", "\u0085"])
def test_a_callers_name_forges_no_header(up: Up, separator: str) -> None:
    """SYMPTOM a caller's display name replaced Event-Name and Unique-ID. CAUSE greenswitch URL-decodes a
    whole plain event before it splits it, with splitlines(), which also splits at U+2028 and U+0085. FIX
    events are JSON."""
    name = f"Eve{separator}Unique-ID: forged{separator}Event-Name: CHANNEL_HANGUP"
    theirs = ESLEvent(f"Event-Name: CHANNEL_PARK\nUnique-ID: real\nCaller-Caller-ID-Name: {name}\n")
    assert theirs.headers["Unique-ID"] == "forged"
    assert theirs.headers["Event-Name"] == "CHANNEL_HANGUP"

    events: list[Event] = []
    _, talk = up(on_event=events.append)
    talk.event(Event_Name="CHANNEL_PARK", Unique_ID="real", Caller_Caller_ID_Name=name)
    eventually(lambda: events)
    assert (events[0].name, events[0].uuid) == ("CHANNEL_PARK", "real")
    assert events[0].header("Caller-Caller-ID-Name") == name


def test_one_byte_of_invalid_utf_8_in_an_answer_is_replaced(peer: Peer, up: Up) -> None:
    """SYMPTOM send() never returned, `connected` stayed true. CAUSE greenswitch's reader decodes strictly and
    dies silently.
    FIX such bytes are replaced."""
    client, talk = greenswitch_up(peer)
    client._receive_events_greenlet.link_exception(lambda greenlet: None)
    waiting = gevent.spawn(client.send, "api status")
    talk.read()
    talk.send(api_frame(b"Jos\xe9\n"))
    eventually(lambda: client._receive_events_greenlet.dead)
    assert client.connected
    assert not waiting.ready()
    waiting.kill()
    greenswitch_gone(client)

    connection, talk = up()
    answer = gevent.spawn(connection.api, "status")
    talk.read()
    talk.send(api_frame(b"Jos\xe9\n"))
    assert answer.get(timeout=2) == "Jos\ufffd\n"
    assert connection.connected


def test_a_reply_that_never_comes_is_a_time_out_and_does_not_answer_the_next_command_later(up: Up) -> None:
    """SYMPTOM a greenlet waited for ever. CAUSE nothing in greenswitch has a time limit. FIX every command
    has one; the
    command keeps its place, so that its late reply goes nowhere."""
    connection, talk = up()
    with pytest.raises(CommandTimeout):
        connection.send("api slow", timeout=0.02)
    second = gevent.spawn(connection.api, "quick")
    assert [talk.read(), talk.read()] == ["api slow", "api quick"]
    talk.send(api_frame("the slow one's") + api_frame("the quick one's"))
    assert second.get(timeout=2) == "the quick one's"
    assert connection.protocol_errors.late_replies == 1


def test_a_posted_command_without_a_reply_times_out_too(up: Up) -> None:
    """The same for commands that nobody blocks on: their callback is called."""
    connection, _ = up(command_timeout=0.05, probe_timeout=60.0)
    outcomes: list[object] = []
    connection.post("api slow", outcomes.append)
    eventually(lambda: outcomes)
    assert isinstance(outcomes[0], CommandTimeout)


def test_a_socket_closed_before_the_banner_is_an_error(peer: Peer, connect: Connect) -> None:
    """SYMPTOM connect() never returned. CAUSE greenswitch waits for auth/request without looking at the
    socket's end.
    FIX the end is an error, within the time limit."""
    client = InboundESL("127.0.0.1", peer.port, "ClueCon")
    connecting = gevent.spawn(client.connect)
    peer.accept().close()
    eventually(lambda: client._receive_events_greenlet is not None and client._receive_events_greenlet.dead)
    assert not connecting.ready()
    connecting.kill()
    greenswitch_gone(client)

    connection = connect()
    connecting = gevent.spawn(connection.connect)
    peer.accept().close()
    with pytest.raises(Disconnected):
        connecting.get(timeout=3)


def test_a_silent_far_end_is_an_error_within_the_time_limit(peer: Peer, connect: Connect) -> None:
    """The same where the far end accepts and says nothing."""
    connection = connect(connect_timeout=0.05)
    with pytest.raises(NotConnected, match="did not answer"):
        connection.connect()


def test_a_socket_that_ends_with_a_command_pending_fails_it(peer: Peer, up: Up) -> None:
    """SYMPTOM send() never returned when FreeSWITCH went away. CAUSE greenswitch leaves its waiters alone.
    FIX each gets
    `Disconnected`, in order, before `on_down`."""
    client, talk = greenswitch_up(peer)
    waiting = gevent.spawn(client.send, "api status")
    talk.read()
    talk.close()
    eventually(lambda: client._receive_events_greenlet.dead)
    assert not waiting.ready()
    waiting.kill()
    greenswitch_gone(client)

    delivered: list[object] = []
    connection, talk = up(on_down=delivered.append)
    for number in range(3):
        connection.post(f"api {number}", lambda outcome: delivered.append(type(outcome)))
    waiting = gevent.spawn(connection.send, "api status")
    talk.read()
    talk.close()
    with pytest.raises(Disconnected):
        waiting.get(timeout=2)
    eventually(lambda: len(delivered) == 4)
    assert delivered[:3] == [Disconnected] * 3


def test_a_socket_that_ends_inside_a_body_ends_the_reader(up: Up) -> None:
    """SYMPTOM the whole process stood still. CAUSE greenswitch's _read_socket loops on read(), which returns
    nothing at the
    end, without yielding. FIX the end of the stream ends the reader wherever it comes."""
    errors: list[SwitchError] = []
    connection, talk = up(on_down=errors.append)
    answer = gevent.spawn(connection.api, "status")
    talk.read()
    talk.send(api_frame("x" * 1000)[:-1])
    talk.close()
    with pytest.raises(Disconnected, match="inside a frame"):
        answer.get(timeout=2)
    eventually(lambda: errors)


def test_a_wrong_password_is_its_own_error_and_not_tried_again_at_once(peer: Peer, connect: Connect) -> None:
    """SYMPTOM a bare ValueError, a reader left behind. FIX `AuthenticationFailed`, loud, slow retries."""
    connection = connect()
    connecting = gevent.spawn(connection.connect)
    talk = peer.accept()
    talk.send(b"Content-Type: auth/request\n\n")
    talk.read()
    talk.send(reply_frame("-ERR invalid"))
    talk.send(notice_frame("text/disconnect-notice", "Disconnected, goodbye.\n"))
    talk.close()
    with pytest.raises(AuthenticationFailed):
        connecting.get(timeout=2)


def test_a_rude_rejection_says_that_the_address_is_not_allowed(peer: Peer, connect: Connect) -> None:
    """SYMPTOM 'Server closed connection, check FreeSWITCH config.' FIX what FreeSWITCH said, as
    `AuthenticationFailed`."""
    connection = connect()
    connecting = gevent.spawn(connection.connect)
    peer.accept().send(notice_frame("text/rude-rejection", "Access Denied, go away.\n"))
    with pytest.raises(AuthenticationFailed, match="go away"):
        connecting.get(timeout=2)


def test_a_disconnect_notice_ends_the_connection_and_it_comes_back(peer: Peer, up: Up) -> None:
    """SYMPTOM `connected` went false and no waiting greenlet was woken. FIX the same end as any other, then a
    reconnect."""
    errors: list[SwitchError] = []
    connection, talk = up(on_down=errors.append)
    waiting = gevent.spawn(connection.send, "api status")
    talk.read()
    talk.send(notice_frame("text/disconnect-notice", "The system is being shut down.\n"))
    with pytest.raises(Disconnected, match="shut down"):
        waiting.get(timeout=2)
    peer.accept().greet()
    assert connection.wait_up(2)
    assert len(errors) == 1
    assert connection.protocol_errors.reconnects == 1


@pytest.mark.parametrize(
    "length", ["", "Content-Length: -1\n", "Content-Length: many\n", "Content-Length: 99999999999\n"]
)
def test_a_body_with_an_absurd_length_ends_the_connection(up: Up, length: str) -> None:
    """SYMPTOM KeyError or ValueError in greenswitch's reader, which is then dead while `connected` is true;
    or a wait for gigabytes. FIX `ProtocolError`, every command fails, a new connection."""
    errors: list[SwitchError] = []
    connection, talk = up(on_down=errors.append)
    waiting = gevent.spawn(connection.send, "api status")
    talk.read()
    talk.send(f"Content-Type: api/response\n{length}\nabc".encode())
    with pytest.raises(Disconnected):
        waiting.get(timeout=2)
    eventually(lambda: errors)
    assert isinstance(errors[0], ProtocolError)
    assert connection.protocol_errors.protocol_errors == 1


def test_the_output_of_a_background_job_cannot_name_another_job(up: Up) -> None:
    """SYMPTOM a job's output with a line 'Job-UUID: x' answered job x. CAUSE greenswitch merges the body into
    the headers. FIX the body stays a body."""
    theirs = ESLEvent("Content-Length: 1\nContent-Type: text/event-plain")
    theirs.parse_data("Event-Name: BACKGROUND_JOB\nJob-UUID: real\nContent-Length: 20\n\nJob-UUID: forged\n")
    assert theirs.headers["Job-UUID"] == "forged"

    connection, talk = up()
    one, other = gevent.spawn(connection.bgapi, "one", 2), gevent.spawn(connection.bgapi, "other", 2)
    jobs = [talk.read().partition("Job-UUID: ")[2] for _ in range(2)]
    talk.send(reply_frame("+OK Job-UUID: " + jobs[0]) + reply_frame("+OK Job-UUID: " + jobs[1]))
    forged = f"+OK\nJob-UUID: {jobs[1]}\n"
    for job, body in ((jobs[0], forged), (jobs[1], "+OK other\n")):
        talk.send(event_frame({"Event-Name": "BACKGROUND_JOB", "Job-UUID": job, "_body": body}))
    assert one.get(timeout=2) == forged
    assert other.get(timeout=2) == "+OK other\n"


def test_dropped_packets_are_noticed(peer: Peer, up: Up) -> None:
    """SYMPTOM after a cable was pulled, nothing happened for hours. CAUSE nobody ever asks whether the far
    end is there. FIX a silent connection is asked something cheap, with a time limit."""
    errors: list[SwitchError] = []
    connection, talk = up(on_down=errors.append, probe_after=0.05, probe_timeout=0.1)
    assert talk.read() == "api global_getvar core_uuid"
    talk.send(api_frame(CORE_UUID))
    talk.read()
    eventually(lambda: errors, "the half-open connection")
    assert "silent" in str(errors[0])
    assert connection.protocol_errors.half_open == 1
    peer.accept().greet()
    assert connection.wait_up(2)


def test_a_slow_command_within_its_limit_is_not_taken_for_dropped_packets(up: Up) -> None:
    """`api` blocks FreeSWITCH's side of the socket, rightly: no probe, no verdict, while it is within its
    time."""
    connection, talk = up(probe_after=0.05, probe_timeout=0.05)
    answer = gevent.spawn(connection.api, "originate", 5)
    eventually(lambda: talk.read() == "api originate")
    gevent.sleep(0.8)
    talk.send(api_frame("+OK\n"))
    assert answer.get(timeout=2) == "+OK\n"
    assert connection.protocol_errors.half_open == 0


def test_stop_inside_a_handler_does_not_wait_for_itself(up: Up) -> None:
    """SYMPTOM deadlock. CAUSE greenswitch's stop() joins the greenlet that calls it. FIX it asks, and
    returns."""
    stopped: list[bool] = []

    def on_event(event: Event) -> None:
        connection.stop(timeout=0.1)
        stopped.append(True)

    connection, talk = up(on_event=on_event)
    talk.event(Event_Name="CHANNEL_PARK")
    eventually(lambda: stopped)
    assert talk.read() == "exit"
    eventually(lambda: not connection.connected)


def test_an_exception_in_a_handler_is_counted_and_reading_goes_on(up: Up) -> None:
    """The reading greenlet serves every call: one event's bug must not end it."""
    events: list[str] = []

    def on_event(event: Event) -> None:
        events.append(event.uuid)
        raise RuntimeError("a bug")

    connection, talk = up(on_event=on_event)
    talk.event(Event_Name="A", Unique_ID="1")
    talk.event(Event_Name="A", Unique_ID="2")
    eventually(lambda: events == ["1", "2"])
    assert connection.protocol_errors.callback_errors == 2


def test_an_event_that_is_no_json_is_counted_and_reading_goes_on(up: Up) -> None:
    """Its frame was whole, so the stream is in step."""
    events: list[str] = []
    connection, talk = up(on_event=lambda event: events.append(event.uuid))
    talk.send(event_frame(b"{nonsense") + event_frame({"Event-Name": "A", "Unique-ID": "2"}))
    eventually(lambda: events == ["2"])
    assert connection.protocol_errors.decode_errors == 1


@pytest.mark.parametrize("frame", [reply_frame("+OK"), api_frame("x") + api_frame("x")])
def test_a_reply_out_of_step_ends_the_connection(up: Up, frame: bytes) -> None:
    """A reply too many would answer every later command wrongly."""
    errors: list[SwitchError] = []
    connection, talk = up(on_down=errors.append)
    connection.post("api status")
    talk.read()
    talk.send(frame)
    eventually(lambda: errors)
    assert isinstance(errors[0], ProtocolError)
    assert connection.protocol_errors.unexpected_replies == 1
