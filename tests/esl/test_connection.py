"""Writing in order, many commands at once, jobs, and coming back."""

from __future__ import annotations

from collections.abc import Callable

import gevent
import pytest
from gevent import socket

from orchestrator.esl import (
    CommandFailed,
    CommandTimeout,
    ConferenceGone,
    Connection,
    Disconnected,
    LegGone,
    MemberGone,
    NotConnected,
    Reply,
    SwitchError,
    WriteOverflow,
    session,
)
from orchestrator.esl.events import Event
from tests.esl.conftest import CORE_UUID, Peer, Talk, eventually
from tests.esl.wire import api_frame, event_frame, reply_frame, trace_frames, trace_names

Up = Callable[..., tuple[Connection, Talk]]


def test_commands_posted_in_one_turn_go_out_in_one_send(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    connection, talk = up()
    sends: list[bytes] = []
    sendall = socket.socket.sendall

    def counting(self: socket.socket, data: bytes) -> None:
        sends.append(data)
        sendall(self, data)

    monkeypatch.setattr(socket.socket, "sendall", counting)
    for number in range(20):
        connection.post(f"api {number}")
    gevent.spawn(connection.send, "api last")
    assert [talk.read() for _ in range(21)] == [*(f"api {number}" for number in range(20)), "api last"]
    assert len(sends) == 2, "twenty posted in one turn, and one from another greenlet's"


def test_replies_answer_their_commands_in_order_however_many_are_under_way(up: Up) -> None:
    connection, talk = up()
    outcomes: list[tuple[int, object]] = []

    def delivered(number: int) -> Callable[[object], None]:
        return lambda outcome: outcomes.append((number, outcome))

    for number in range(500):
        command = f"api {number}" if number % 2 else f"sendmsg {number}"
        connection.post(command, delivered(number))
    for number in range(500):
        assert talk.read().split()[1] == str(number)
        talk.send(api_frame(f"{number}\n") if number % 2 else reply_frame(f"+OK {number}"))
    eventually(lambda: len(outcomes) == 500)
    expected = [Reply(str(n), f"{n}\n") if n % 2 else Reply(f"+OK {n}") for n in range(500)]
    assert outcomes == list(enumerate(expected))


def test_nothing_is_cut_or_mixed_when_the_far_end_does_not_read_for_a_while(up: Up) -> None:
    """SYMPTOM half of one command, then another. CAUSE greenswitch's sock.send may take a part, and two
    greenlets may write at once. FIX one writer, which sends all of what it began."""
    connection, talk = up(probe_timeout=60.0)
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    commands = [f"api {number} " + "x" * 5000 for number in range(60)]
    posted: list[bool] = []

    def post(some: list[str]) -> None:
        for command in some:
            connection.post(command)
            gevent.sleep(0)
        posted.append(True)

    for part in range(4):
        gevent.spawn(post, commands[part::4])
    eventually(lambda: len(posted) == 4, "posting, which never blocks")
    read = [talk.read() for _ in commands]
    assert sorted(read) == sorted(commands)
    for part in range(4):
        assert [command for command in read if int(command.split()[1]) % 4 == part] == commands[part::4]


def test_too_much_unsent_is_an_error_and_the_end(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MAX_UNSENT_BYTES", 100_000)
    errors: list[SwitchError] = []
    connection, _ = up(on_down=errors.append)
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    outcomes: list[object] = []
    for _ in range(30):
        connection.post("api " + "x" * 5000, outcomes.append)
    eventually(lambda: errors)
    assert isinstance(errors[0], WriteOverflow)
    eventually(lambda: len(outcomes) == 30)
    assert all(isinstance(outcome, Disconnected) for outcome in outcomes)
    assert connection.protocol_errors.overflows >= 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("-ERR No such channel!\n", LegGone),
        ("-ERR invalid session id [x]", LegGone),
        ("-ERR No such session\n", LegGone),
        ("-ERR Invalid uuid\n", LegGone),
        ("-ERR Cannot locate session!\n", LegGone),
        ("-ERR Cannot find session\n", LegGone),
        ("-ERR Unable to find session for UUID\n", LegGone),
        ("-ERR Conference CF1 not found\n", ConferenceGone),
        ("-ERR Non-Existant ID 7\n", MemberGone),
        ("-ERR Member: 7 not found.\n", MemberGone),
        ("-ERR No member 7\n", MemberGone),
        ("-ERR (saymember) Unknown member\n", MemberGone),
        ("-ERR Conference CF1 is locked\n", CommandFailed),
        ("-ERR Conference command 'x' not found.\n", CommandFailed),
        ("-USAGE: <uuid>\n", CommandFailed),
        ("-ERR nonsense Command not found!\n", CommandFailed),
    ],
)
def test_an_error_has_a_type_for_each_missing_thing(up: Up, answer: str, error: type[CommandFailed]) -> None:
    connection, talk = up()
    waiting = gevent.spawn(connection.api, "x")
    talk.read()
    talk.send(api_frame(answer))
    with pytest.raises(CommandFailed) as raised:
        waiting.get(timeout=2)
    assert type(raised.value) is error
    assert raised.value.reply == answer.strip()


def test_an_empty_output_is_no_error(up: Up) -> None:
    connection, talk = up()
    waiting = gevent.spawn(connection.api, "global_getvar x")
    talk.read()
    talk.send(api_frame("-ERR no reply\n"))
    assert waiting.get(timeout=2) == ""


def test_without_a_socket_every_command_says_so_at_once(peer: Peer) -> None:
    connection = Connection("127.0.0.1", peer.port, "ClueCon")
    outcomes: list[object] = []
    connection.post("api status", outcomes.append)
    assert isinstance(outcomes[0], NotConnected)
    with pytest.raises(NotConnected):
        connection.send("api status")
    with pytest.raises(NotConnected):
        connection.bgapi("status", 1)


def test_a_job_is_over_when_its_event_comes(up: Up) -> None:
    connection, talk = up()
    waiting = gevent.spawn(connection.bgapi, "originate user/1 &park()", 2)
    command, _, job = talk.read().partition("\nJob-UUID: ")
    assert command == "bgapi originate user/1 &park()"
    talk.send(reply_frame(f"+OK Job-UUID: {job}", Job_UUID=job))
    talk.send(event_frame({"Event-Name": "BACKGROUND_JOB", "Job-UUID": job, "_body": "-ERR USER_BUSY\n"}))
    with pytest.raises(CommandFailed, match="USER_BUSY"):
        waiting.get(timeout=2)


def test_a_job_that_never_ends_is_a_time_out_and_is_forgotten(up: Up) -> None:
    connection, talk = up()
    waiting = gevent.spawn(connection.bgapi, "sleep", 0.05)
    talk.read()
    talk.send(reply_frame("+OK Job-UUID: x"))
    with pytest.raises(CommandTimeout):
        waiting.get(timeout=2)
    assert not connection._jobs


def test_a_job_under_way_fails_when_the_socket_ends(up: Up) -> None:
    connection, talk = up()
    waiting = gevent.spawn(connection.bgapi, "sleep", 10)
    talk.read()
    talk.send(reply_frame("+OK Job-UUID: x"))
    talk.close()
    with pytest.raises(Disconnected):
        waiting.get(timeout=2)


def test_it_comes_back_subscribes_again_and_says_which_freeswitch_it_is(peer: Peer, up: Up) -> None:
    ups: list[str] = []

    def note() -> None:
        ups.append(connection.core_uuid)

    connection, talk = up(on_up=note)
    eventually(lambda: ups)
    talk.close()
    eventually(lambda: not connection.connected)
    peer.accept().close()  # and once more in vain
    peer.accept().greet()
    eventually(lambda: len(ups) == 2)
    assert ups == [CORE_UUID, CORE_UUID]


def test_while_things_happen_freeswitch_is_woken_to_report_them(up: Up) -> None:
    """SYMPTOM a caller waited up to 20 ms longer. CAUSE mod_event_socket looks for events every 20 ms,
    or when it has read something. FIX an empty line every few milliseconds, while things happen."""
    connection, talk = up()
    talk.event(Event_Name="CHANNEL_PARK")
    talk.sock.settimeout(5)
    woken = b""
    while len(woken) < 5:
        woken += talk.sock.recv(100)
    assert woken.strip(b"\n") == b""
    connection.post("api status")
    assert talk.read() == "api status"


def test_on_up_may_use_the_socket(peer: Peer, up: Up) -> None:
    answers: list[str] = []

    def ask() -> None:
        answers.append(connection.api("status"))

    connection, talk = up(on_up=ask)
    assert talk.read() == "api status"
    talk.send(api_frame("UP\n"))
    eventually(lambda: answers == ["UP\n"])


def test_a_callback_may_post_and_one_that_fails_disturbs_nobody(up: Up) -> None:
    connection, talk = up()
    outcomes: list[object] = []

    def first(outcome: Reply | SwitchError) -> None:
        connection.post("api second", outcomes.append)
        raise RuntimeError("a bug")

    connection.post("api first", first)
    assert talk.read() == "api first"
    talk.send(api_frame("1"))
    assert talk.read() == "api second"
    talk.send(api_frame("2"))
    eventually(lambda: outcomes == [Reply("2", "2")])
    assert connection.protocol_errors.callback_errors == 1


def test_events_that_came_together_can_be_stored_before_commands_posted_for_them_are_sent(up: Up) -> None:
    order: list[str] = []

    def on_event(event: Event) -> None:
        order.append(event.name)
        connection.post(f"api {event.name}", lambda outcome: order.append("answered"))

    connection, talk = up(on_event=on_event, on_pause=lambda: order.append("pause"))
    talk.send(event_frame({"Event-Name": "A"}) + event_frame({"Event-Name": "B"}))
    assert [talk.read(), talk.read()] == ["api A", "api B"]
    assert order[-3:] == ["A", "B", "pause"]
    order.clear()
    talk.send(api_frame("ok\n") * 2)
    eventually(lambda: order == ["answered", "answered", "pause"])


def test_a_flood_is_written_down_as_often_as_others_have_a_turn(up: Up) -> None:
    count = pauses = 0

    def on_event(event: Event) -> None:
        nonlocal count
        count += 1

    def on_pause() -> None:
        nonlocal pauses
        pauses += 1

    _, talk = up(on_event=on_event, on_pause=on_pause)
    talk.send(event_frame({"Event-Name": "A", "Padding": "x" * 2000}) * 20_000)
    eventually(lambda: count == 20_000)
    # 40 MB are 600 reads and more.
    assert pauses < 300


def test_a_flood_of_events_leaves_the_others_their_turn(up: Up) -> None:
    """The reader never waits while there is something to read: it has to yield by itself."""
    turns: list[int] = []
    count = 0

    def on_event(event: object) -> None:
        nonlocal count
        count += 1

    def other() -> None:
        while count < 20_000:
            turns.append(count)
            gevent.sleep(0)

    _, talk = up(on_event=on_event)
    ticking = gevent.spawn(other)
    body = event_frame({"Event-Name": "A", "Padding": "x" * 2000})
    for _ in range(20):
        talk.send(body * 1000)
    ticking.join(timeout=10)
    assert count == 20_000
    # One each 10 ms.
    assert len(set(turns)) > 3


def test_the_recorded_events_arrive_whole_and_in_order(up: Up) -> None:
    raws: list[bytes] = []
    _, talk = up(on_event=lambda event: raws.append(event.raw))
    expected: list[bytes] = []
    for name in trace_names():
        for kind, data, body in trace_frames(name):
            if kind == "text/event-json":
                talk.send(data)
                expected.append(body)
    eventually(lambda: len(raws) == len(expected))
    assert raws == expected


def test_it_still_is_greenswitchs_client(peer: Peer) -> None:
    connection = Connection("127.0.0.1", peer.port, "ClueCon")
    entering = gevent.spawn(connection.__enter__)
    talk = peer.accept()
    talk.greet()
    entering.get(timeout=2)
    assert connection.connected
    leaving = gevent.spawn(connection.__exit__, None, None, None)
    assert talk.read() == "exit"
    talk.close()
    leaving.get(timeout=2)
    assert not connection.connected


def test_a_password_that_is_no_single_line_is_refused() -> None:
    with pytest.raises(ValueError, match="one command"):
        Connection("127.0.0.1", 1, "a\n\napi shutdown")
