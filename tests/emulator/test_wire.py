"""The event socket itself: who may speak, who hears what, how it ends."""

from __future__ import annotations

import json

import gevent
import pytest

from orchestrator.emulator import EmulatedSwitch
from tests.emulator.conftest import Parked
from tests.emulator.socket_client import SocketClient


def test_a_wrong_password_is_refused_and_the_connection_ended(emulator: EmulatedSwitch) -> None:
    client = SocketClient(emulator.port, password="")
    client.write("auth wrong")
    client.until(lambda: client.closed, 2, "end of the connection")
    kinds = [frame.kind for frame in client.frames]
    assert kinds == ["auth/request", "command/reply", "text/disconnect-notice"]
    assert client.frames[1].headers["Reply-Text"] == "-ERR invalid"


def test_nothing_is_obeyed_before_authentication(emulator: EmulatedSwitch) -> None:
    client = SocketClient(emulator.port, password="")
    assert client.send("api status") == "-ERR command not found"
    assert client.send("auth ClueCon") == "+OK accepted"
    assert "is ready" in client.api("status")


def test_exit_says_goodbye(client: SocketClient) -> None:
    assert client.send("exit") == "+OK bye"
    client.until(lambda: client.closed, 2, "end of the connection")
    assert client.frames[-1].kind == "text/disconnect-notice"
    assert client.frames[-1].body.startswith("Disconnected, goodbye.\n")


def test_two_connections_both_get_every_event(
    emulator: EmulatedSwitch, client: SocketClient, parked: Parked
) -> None:
    other = SocketClient(emulator.port, events="CHANNEL_PARK CHANNEL_HANGUP")
    phone, _uuid = parked()
    phone.hang_up()
    other.wait("CHANNEL_HANGUP")
    assert [event["Event-Name"] for event in other.events] == ["CHANNEL_PARK", "CHANNEL_HANGUP"]
    sequences = [event["Event-Sequence"] for event in other.events]
    assert sequences == [client.wait(name)["Event-Sequence"] for name in ("CHANNEL_PARK", "CHANNEL_HANGUP")]


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("event json", "-ERR no keywords supplied"),
        ("event json NO_SUCH_EVENT", "-ERR no keywords supplied"),
        ("event json CHANNEL_PARK", "+OK event listener enabled json"),
        ("event plain CHANNEL_PARK", "+OK event listener enabled plain"),
        ("nixevent CHANNEL_PARK", "+OK events nixed"),
        ("filter Event-Name", "-ERR invalid syntax"),
        ("filter Event-Name /./", "+OK filter added. [Event-Name]=[/./]"),
        ("noevents", "+OK no longer listening for events"),
        ("nonsense", "-ERR command not found"),
        ("api", "-ERR command not found"),
        ("sendmsg", "-ERR invalid session id []"),
        ("api nonsense", "-ERR nonsense Command not found!\n"),
        ("api global_getvar nothing", "-ERR no reply\n"),
    ],
)
def test_replies(client: SocketClient, command: str, reply: str) -> None:
    assert client.send(command) == reply


def test_a_listener_is_sent_what_one_of_its_filters_wants_and_none_forbids(
    emulator: EmulatedSwitch, parked: Parked
) -> None:
    picky = SocketClient(emulator.port, events="CHANNEL_EXECUTE_COMPLETE CHANNEL_PARK")
    for wanted in ("Event-Name /_(EXECUTE|HANGUP)/", "Application -multiset"):
        picky.send(f"filter {wanted}")
    _, uuid = parked()
    picky.execute(uuid, "multiset", "a=b")
    picky.execute(uuid, "set", "a=b")
    assert picky.wait("CHANNEL_EXECUTE_COMPLETE")["Application-UUID"]
    seen = {event.get("Application") for event in picky.events}
    assert "multiset" not in seen
    assert not picky.all("CHANNEL_PARK")


def test_a_subscription_to_custom_takes_subclasses(emulator: EmulatedSwitch, parked: Parked) -> None:
    picky = SocketClient(emulator.port, events="CHANNEL_ANSWER CUSTOM conference::maintenance")
    deaf = SocketClient(emulator.port, events="CHANNEL_ANSWER CUSTOM something::else")
    _, uuid = parked()
    picky.execute(uuid, "conference", "room@texml")
    picky.wait("add-member")
    deaf.wait("CHANNEL_ANSWER")
    assert not deaf.all("add-member")
    assert not picky.all("CHANNEL_PARK")


def test_noevents_and_nixevent_stop_them(client: SocketClient, parked: Parked) -> None:
    client.send("nixevent ALL")
    client.send("event json CHANNEL_PARK")
    phone, _ = parked()
    phone.hang_up()
    assert [event["Event-Name"] for event in client.events] == ["CHANNEL_PARK"]


def test_pipelined_commands_are_answered_in_order(client: SocketClient) -> None:
    before = len(client.answers)
    client.socket.sendall(b"".join(f"api echo {number}\n\n".encode() for number in range(50)))
    client.until(lambda: len(client.answers) == before + 50, 2, "50 answers")
    assert client.answers[before:] == [str(number) for number in range(50)]


def test_a_command_that_comes_byte_by_byte_is_understood(client: SocketClient) -> None:
    before = len(client.answers)
    for byte in b"\r\n\napi echo hello\r\n\r\n":
        client.socket.sendall(bytes([byte]))
        gevent.sleep(0)
    client.until(lambda: len(client.answers) > before, 2, "an answer")
    assert client.answers[-1] == "hello"


def test_bgapi_answers_with_our_job_uuid(client: SocketClient) -> None:
    assert client.send("bgapi echo hello\nJob-UUID: mine") == "+OK Job-UUID: mine"
    job = client.wait("BACKGROUND_JOB")
    facts = (job["Job-UUID"], job["Job-Command"], job["Job-Command-Arg"], job["_body"], job["Content-Length"])
    assert facts == ("mine", "echo", "hello", "hello", "5")


def test_an_argument_may_come_as_body(client: SocketClient, parked: Parked) -> None:
    _, uuid = parked()
    body = "greeting=hello"
    command = f"sendmsg {uuid}\ncall-command: execute\nexecute-app-name: set\ncontent-type: text/plain\n"
    client.socket.sendall(f"{command}content-length: {len(body)}\n\n{body}".encode())
    client.wait("CHANNEL_EXECUTE_COMPLETE", Application_Data=body)
    assert client.api(f"uuid_getvar {uuid} greeting") == "hello"


def test_dropped_connections_leave_the_calls_alone(
    emulator: EmulatedSwitch, client: SocketClient, parked: Parked
) -> None:
    phone, uuid = parked()
    emulator.drop_connections()
    client.until(lambda: client.closed, 2, "end of the connection")
    again = SocketClient(emulator.port, events="ALL")
    assert again.api(f"uuid_exists {uuid}") == "true"
    again.execute(uuid, "answer")
    phone.wait_answered(2)


def test_a_crash_forgets_everything_and_gets_a_new_identity(
    emulator: EmulatedSwitch, client: SocketClient, parked: Parked
) -> None:
    core = client.api("global_getvar core_uuid")
    phone, uuid = parked()
    port = emulator.port
    emulator.kill()
    client.until(lambda: client.closed, 2, "end of the connection")
    assert not client.all("CHANNEL_HANGUP")
    with pytest.raises(ConnectionRefusedError):
        SocketClient(port)
    emulator.start()
    assert emulator.port == port
    again = SocketClient(port)
    assert again.api(f"uuid_exists {uuid}") == "false"
    assert again.api("global_getvar core_uuid") != core
    assert json.loads(again.api("show channels as json")) == {"row_count": 0}
    assert phone.state == "ended"


def test_plain_events_are_url_encoded(emulator: EmulatedSwitch) -> None:
    client = SocketClient(emulator.port)
    client.send("event plain CHANNEL_CREATE")
    emulator.call("+13125550100", name='Zoë "Z"\u2028Event-Name: X')
    client.until(lambda: client.frames[-1].kind == "text/event-plain", 2, "a plain event")
    assert "Event-Name: CHANNEL_CREATE\n" in client.frames[-1].body
    assert "Caller-Caller-ID-Name: Zo%C3%AB%20%22Z%22%E2%80%A8Event-Name%3A%20X\n" in client.frames[-1].body
