"""An emulated switch, faster than life, and a connection to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import gevent
import pytest

from orchestrator.emulator import EmulatedSwitch
from tests.emulator.socket_client import SocketClient
from tests.lab.emulated_phone import ObservedPhone

EVERYTHING = "ALL"
SCALE = 0.25  # real seconds an emulated second takes


@pytest.fixture
def emulator() -> Iterator[EmulatedSwitch]:
    switch = EmulatedSwitch(time_scale=SCALE, phone_type=ObservedPhone)
    switch.start()
    yield switch
    switch.stop()


@pytest.fixture
def client(emulator: EmulatedSwitch) -> Iterator[SocketClient]:
    client = SocketClient(emulator.port, events=EVERYTHING)
    yield client
    client.close()


Parked = Callable[..., tuple[ObservedPhone, str]]


@pytest.fixture
def parked(emulator: EmulatedSwitch, client: SocketClient) -> Parked:
    """A call that waits for commands: its phone and its leg's uuid."""

    def park(to: str = "+13125550100", **call: object) -> tuple[ObservedPhone, str]:
        phone = emulator.call(to, **call)  # type: ignore[arg-type]
        assert phone.leg is not None
        client.wait("CHANNEL_PARK", Unique_ID=phone.leg.uuid)
        return phone, phone.leg.uuid

    return park


def no_leftovers(switch: EmulatedSwitch, timeout: float = 15.0) -> None:
    with gevent.Timeout(timeout, AssertionError(f"left: {switch.leftovers()}")):
        while switch.leftovers():
            gevent.sleep(0.005)
