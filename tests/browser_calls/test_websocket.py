"""The WebSocket of a call: whose it is, what may be said on it, and that the call ends with it."""

from __future__ import annotations

import socket
from collections.abc import Callable

import gevent
import pytest
import simple_websocket

from orchestrator.calls import browser_calls
from orchestrator.web.console import sip_relay
from tests.browser_calls.conftest import Caller
from tests.browser_calls.sip_server import SipServer
from tests.scenarios.conftest import NUMBER, House
from tests.web.site import wait_until

pytestmark = pytest.mark.only("emulator")


def in_call(house: House, caller: Caller) -> tuple[str, object]:
    house.voice("<Response><Answer/><Pause length='60'/></Response>".replace("<Answer/>", "<Say>Hello</Say>"))
    id_, token = caller.permit(number=NUMBER)
    caller.connects(id_)
    phone = caller.invites(token)
    wait_until(lambda: phone.state == "answered", "it is answered")
    return id_, phone


def closed(socket: simple_websocket.Client) -> tuple[int, str]:
    """The reason, as code and text, once what came before it is read."""
    try:
        while True:
            assert socket.receive(5) is not None
    except simple_websocket.ConnectionClosed as error:
        return error.reason, error.message


def refuses(connect: Callable[[], object]) -> int:
    with pytest.raises(simple_websocket.ConnectionError) as error:
        connect()
    return error.value.status_code


def test_messages_pass_both_ways_unchanged(caller: Caller, sip_server: SipServer) -> None:
    socket = caller.connects(caller.permit(number=NUMBER)[0])
    assert socket.subprotocol == "sip"
    message = "INVITE sip:a@b SIP/2.0\r\nX: ü\r\n\r\n" + "v" * 5000
    socket.send(message)
    assert socket.receive(5) == f"SIP/2.0 100 Trying to {message}"
    socket.close()
    wait_until(lambda: sip_server.open == 0, "FreeSWITCH's side is closed, too")


@pytest.mark.parametrize("method", ["REGISTER", "REFER", "MESSAGE", "SUBSCRIBE", "NOTIFY", "PUBLISH", "GET"])
def test_other_messages_than_a_calls_close_it(caller: Caller, sip_server: SipServer, method: str) -> None:
    socket = caller.connects(caller.permit(number=NUMBER)[0])
    socket.send(f"{method} sip:a@b SIP/2.0\r\n\r\n")
    assert closed(socket) == (1008, "This is no message of a call.")
    assert sip_server.messages == []


def test_a_flood_of_messages_closes_it(caller: Caller, sip_server: SipServer) -> None:
    socket = caller.connects(caller.permit(number=NUMBER)[0])
    for _ in range(sip_relay.MAX_MESSAGES + 1):
        socket.send("OPTIONS sip:a@b SIP/2.0\r\n\r\n")
    assert closed(socket) == (1008, "Too many messages.")
    assert len(sip_server.messages) <= sip_relay.MAX_MESSAGES


def test_as_many_messages_in_a_longer_time_are_no_flood(
    caller: Caller, sip_server: SipServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sip_relay, "MAX_MESSAGES", 2)
    monkeypatch.setattr(sip_relay, "WINDOW_SECONDS", 0.05)
    socket = caller.connects(caller.permit(number=NUMBER)[0])
    for number in range(6):
        socket.send(f"OPTIONS sip:{number} SIP/2.0\r\n\r\n")
        assert socket.receive(5) is not None
        gevent.sleep(0.03)
    assert len(sip_server.messages) == 6


def test_a_message_that_is_too_long_closes_it(caller: Caller, sip_server: SipServer) -> None:
    socket = caller.connects(caller.permit(number=NUMBER)[0])
    socket.send("INVITE " + "x" * sip_relay.MAX_MESSAGE_BYTES)
    assert closed(socket)[0] == 1009
    assert sip_server.messages == []


def test_it_is_the_sessions_that_began_the_call(
    caller: Caller, caller_of: Callable[[str], Caller], sip_server: SipServer
) -> None:
    id_, _ = caller.permit(number=NUMBER)
    assert refuses(lambda: caller_of("key-of-main").connects(id_)) == 404
    assert refuses(lambda: caller_of("key-of-other").connects(id_)) == 404
    assert refuses(lambda: caller_of("key-of-nobody").connects(id_)) == 401
    assert refuses(lambda: caller.connects("0b7f4f0e-8c0c-4e6e-9a53-0f6a5d1f7a11")) == 404
    assert refuses(lambda: caller.connects(id_, origin="https://elsewhere.example")) == 403
    caller.connects(id_)
    assert refuses(lambda: caller.connects(id_)) == 404
    assert sip_server.open == 1


def test_without_freeswitch_behind_it_the_answer_says_so(
    enabled: House, caller: Caller, sip_server: SipServer
) -> None:
    enabled.log.allows("FreeSWITCH takes no calls from the console")
    id_, _ = caller.permit(number=NUMBER)
    sip_server.stop()
    assert refuses(lambda: caller.connects(id_)) == 503


def test_signing_out_ends_the_call_and_its_websocket_at_once(
    enabled: House, caller: Caller, sip_server: SipServer
) -> None:
    _, phone = in_call(enabled, caller)
    caller.visitor.ask("DELETE", "console/session")
    wait_until(lambda: phone.state == "ended", "the call is hung up", 1.0)
    assert closed(caller.sockets[0]) == (1008, "You are not signed in any more.")
    wait_until(lambda: sip_server.open == 0, "FreeSWITCH's side is closed, too")


def test_withdrawing_the_key_ends_the_call_and_its_websocket_at_once(enabled: House, caller: Caller) -> None:
    _, phone = in_call(enabled, caller)
    enabled.reload("api_keys: [key-of-main]", "api_keys: [another]")
    wait_until(lambda: phone.state == "ended", "the call is hung up", 1.0)
    assert closed(caller.sockets[0]) == (1008, "You are not signed in any more.")


def test_a_session_that_ends_in_time_ends_its_call(enabled: House, caller: Caller) -> None:
    _, phone = in_call(enabled, caller)
    assert enabled.orchestrator is not None
    sessions = enabled.orchestrator.console._sessions
    clock = sessions._clock
    sessions._clock = lambda: clock() + sessions.lifetime + 1
    wait_until(lambda: phone.state == "ended", "the call is hung up", 3.0)


def test_a_browser_that_is_gone_ends_its_call(
    enabled: House, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser_calls, "RECONNECT_SECONDS", 0.3)
    _, phone = in_call(enabled, caller)
    caller.sockets[0].close()
    wait_until(lambda: phone.state == "ended", "the call is hung up", 3.0)


def test_a_browser_that_connects_again_keeps_its_call(
    enabled: House, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser_calls, "RECONNECT_SECONDS", 0.5)
    id_, phone = in_call(enabled, caller)
    caller.sockets[0].close()
    gevent.sleep(0.1)
    caller.connects(id_)
    gevent.sleep(0.8)
    assert phone.state == "answered"


def test_the_end_of_a_call_closes_its_websocket(enabled: House, caller: Caller) -> None:
    _, phone = in_call(enabled, caller)
    phone.hang_up()
    assert closed(caller.sockets[0]) == (1008, "The call has ended.")


def test_a_call_outlives_the_orchestrator_when_its_browser_connects_again(
    enabled: House, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_, phone = in_call(enabled, caller)
    web = enabled.settings.partition("browser_calls: ")[2].partition("\n")[0]
    monkeypatch.setattr(browser_calls, "RECONNECT_SECONDS", 1.0)
    enabled.stop()
    assert closed(caller.sockets[0]) == (1001, "The orchestrator is stopping.")
    enabled.start(web=f"browser_calls: {web}")
    assert enabled.orchestrator is not None
    caller.visitor.base = f"http://127.0.0.1:{enabled.orchestrator.web.port}/"
    caller.connects(id_)
    gevent.sleep(1.3)
    assert phone.state == "answered"
    phone.hang_up()
    assert closed(caller.sockets[-1]) == (1008, "The call has ended.")


def test_after_a_restart_a_call_whose_browser_is_gone_ends(
    enabled: House, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, phone = in_call(enabled, caller)
    monkeypatch.setattr(browser_calls, "RECONNECT_SECONDS", 0.5)
    web = enabled.settings.partition("browser_calls: ")[2].partition("\n")[0]
    enabled.stop()
    enabled.start(web=f"browser_calls: {web}")
    wait_until(lambda: phone.state == "ended", "the call is hung up", 3.0)


def test_after_the_end_nothing_is_read_from_its_connection(enabled: House, caller: Caller) -> None:
    """Symptom: an error in the log, `Expected GET method`. Cause: the web server took the browser's closing
    frame for its next request. Fix: a connection that was a WebSocket is closed by the web server, too."""
    socket = caller.connects(caller.permit(number=NUMBER)[0])
    caller.visitor.ask("DELETE", "console/session")
    assert closed(socket)[0] == 1008
    gevent.sleep(0.2)
    assert enabled.log.unexpected() == []


def test_a_browser_that_neither_reads_nor_closes_holds_nothing_up(enabled: House, caller: Caller) -> None:
    assert enabled.orchestrator is not None
    opened = enabled.orchestrator.console._phone._open
    id_, _ = caller.permit(number=NUMBER)
    base = caller.visitor.base.rstrip("/")
    cookies = "; ".join(f"{one.name}={one.value}" for one in caller.visitor.http.cookies)
    head = (
        f"GET /console/phone/{id_} HTTP/1.1",
        f"Host: {base.removeprefix('http://')}",
        f"Origin: {base}",
        f"Cookie: {cookies}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol: sip",
    )
    with socket.create_connection(("127.0.0.1", int(base.rpartition(":")[2]))) as browser:
        browser.sendall("\r\n".join((*head, "", "")).encode())
        wait_until(lambda: id_ in opened, "it is open")
        _, relay = opened[id_]
        caller.visitor.ask("DELETE", "console/session")
        for side in (relay._browser, relay._switch):
            wait_until(lambda reader=side.thread: not reader.is_alive(), "it is read no more", 5.0)  # type: ignore[misc]
