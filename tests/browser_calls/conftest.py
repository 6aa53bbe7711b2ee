"""An orchestrator with calls from the console, and somebody signed in there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import simple_websocket

from tests.browser_calls.sip_server import SipServer
from tests.console.test_site import Visitor
from tests.lab.emulated import Emulator
from tests.scenarios.conftest import House, house

__all__ = ["house"]


@pytest.fixture
def sip_server() -> Iterator[SipServer]:
    server = SipServer()
    yield server
    server.stop()


@pytest.fixture
def enabled(house: House, sip_server: SipServer) -> House:
    house.stop()
    house.start(web=f"browser_calls: {{enabled: true, port: {sip_server.port}}}")
    return house


class Caller:
    """A browser that is signed in, with its WebSockets."""

    def __init__(self, house: House, key: str) -> None:
        self.house = house
        self.visitor = Visitor(house)
        self.visitor.signs_in(key)
        self.sockets: list[simple_websocket.Client] = []

    def asks(self, **target: str) -> Any:
        return self.visitor.ask("POST", "console/phone", json=target)

    def permit(self, **target: str) -> tuple[str, str]:
        """Id and token of a call that may be made."""
        answer = self.asks(**target)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"], answer.json()["token"]

    def connects(self, id_: str, origin: str = "") -> simple_websocket.Client:
        cookies = "; ".join(f"{one.name}={one.value}" for one in self.visitor.http.cookies)
        base = self.visitor.base.rstrip("/")
        # This client's Host has no port.
        headers = {"Cookie": cookies, "Origin": origin or base.rpartition(":")[0]}
        url = f"{base.replace('http', 'ws', 1)}/console/phone/{id_}"
        self.sockets.append(simple_websocket.Client(url, subprotocols=["sip"], headers=headers))
        return self.sockets[-1]

    def invites(self, token: str, **more: Any) -> Any:
        """The INVITE, as FreeSWITCH takes it from its SIP profile for browsers."""
        switch = self.house.switch
        assert isinstance(switch, Emulator)
        usual = switch.emulated.sip_profile
        switch.emulated.sip_profile = "texml-browser"
        try:
            return switch.call(token, **{"from_": "browser"} | more)
        finally:
            switch.emulated.sip_profile = usual


@pytest.fixture
def caller_of(enabled: House) -> Iterator[Callable[[str], Caller]]:
    made: list[Caller] = []

    def make(key: str) -> Caller:
        made.append(Caller(enabled, key))
        return made[-1]

    yield make
    for one in made:
        for socket in one.sockets:
            if socket.connected:
                socket.close()


@pytest.fixture
def caller(caller_of: Callable[[str], Caller]) -> Caller:
    return caller_of("key-of-main")
