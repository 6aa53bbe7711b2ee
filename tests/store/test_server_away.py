"""PostgreSQL is away: calls go on as if it were there, and no callback is lost, invented or out of order.

How long it is away: $AWAY_SECONDS.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
import requests

from tests.callbacks.conftest import wait_until
from tests.lab.postgresql import PostgresServer
from tests.lab.road import Road
from tests.lab.switches import Switch
from tests.lab.web import Application
from tests.scenarios.captured_log import CapturedLog
from tests.scenarios.conftest import ACCOUNT, API_KEY, House

AWAY_SECONDS = float(os.environ.get("AWAY_SECONDS", "4"))
BACK_SECONDS = 2.0
"""Until all callbacks are delivered, from its return on."""
FIRST, SECOND, THIRD, FOURTH = "+13125550001", "+13125550002", "+13125550003", "+13125550004"
NUMBER = "+13125550100"

Act = Callable[[], None]


@pytest.fixture
def road(postgresql: PostgresServer) -> Iterator[Road]:
    road = Road(postgresql.port)
    yield road
    road.close()


@pytest.fixture
def house(
    switch: Switch, application: Application, tmp_path: Path, postgresql: PostgresServer, road: Road
) -> Iterator[House]:
    with CapturedLog().kept() as log:
        house = House(switch, application, tmp_path, log)
        house.store = f'  postgresql: "{postgresql.empty(road.port)}"\n'
        house.start()
        yield house
        try:
            house.check_invariants()
        finally:
            house.stop()
        assert not log.unexpected(), "\n".join(log.unexpected())


def ask(house: House, path: str, **fields: str) -> requests.Response:
    assert house.orchestrator is not None
    url = f"http://127.0.0.1:{house.orchestrator.web.port}{path}"
    headers = {"Authorization": f"Bearer {API_KEY}"}
    return requests.request("POST" if fields else "GET", url, headers=headers, data=fields, timeout=20)


def goes_on(house: House, leave: Act, come_back: Act) -> None:
    """A room before, while and after the server is away."""
    house.log.allows("kept in memory", "cannot be stored", "do not fail in time", "could not be written")
    house.log.allows("written later", "cannot be read", "not deleted")
    house.voice(house.joins())
    first = house.switch.call(NUMBER, from_=FIRST, sounds=500)
    first.wait_answered(5)
    (start, _) = house.events(2)
    leave()
    try:
        second = while_away(house, start["ConferenceSid"], first)
    finally:
        came_back = time.monotonic()
        come_back()
    returned = time.monotonic()
    house.delivered(5)
    took = house.application.to("/events")[-1].at - returned
    print(f"back after {returned - came_back:.1f} s; all were delivered {took:.2f} s later")
    assert took < BACK_SECONDS
    wait_until(lambda: ask(house, "/readyz").status_code == 200, "it says so", 10)

    fourth = house.switch.call(NUMBER, from_=FOURTH, sounds=700)
    first.wait_hears(700, 5)
    house.stop()
    house.start()
    for phone in (fourth, second):
        phone.hang_up()
    house.delivered(8)
    first.hang_up()
    found = house.delivered(10)
    gevent.sleep(1)
    assert house.delivered() == found, "nothing comes twice"
    assert [number for number, _, _ in found] == [str(number) for number in range(10)]
    assert sorted((event, who) for _, event, who in found if who != FIRST) == sorted(
        (event, who) for event in ("participant-join", "participant-leave") for who in (SECOND, THIRD, FOURTH)
    )
    assert found[-1][1] == "conference-end"


def while_away(house: House, room: str, first: Any) -> Any:
    began = time.monotonic()
    second = house.switch.call(NUMBER, from_=SECOND, sounds=900)
    first.wait_hears(900, 5)
    assert time.monotonic() - began < 3, "who comes is served as ever"
    began = time.monotonic()
    path = f"/v2/texml/Accounts/{ACCOUNT}/Conferences/{room}/Participants"
    assert ask(house, f"{path}/{call_sid(house, SECOND)}", Muted="true").status_code == 200
    assert time.monotonic() - began < 2
    third = house.switch.call(NUMBER, from_=THIRD, sounds=1300)
    first.wait_hears(1300, 5)
    third.hang_up()
    wait_until(lambda: ask(house, "/readyz").status_code == 503, "it says so", 10)
    gevent.sleep(max(0.0, began + AWAY_SECONDS - time.monotonic()))
    assert len(house.delivered()) == 2, "callbacks wait"
    return second


def call_sid(house: House, number: str) -> str:
    assert house.orchestrator is not None
    (room,) = list(house.orchestrator.node.rooms)
    return next(one.call_sid for one in room.participants.values() if one.caller.from_ == number)


@pytest.mark.only("emulator")
@pytest.mark.parametrize("way", ["closed", "blocked"])
def test_the_way_to_it(house: House, road: Road, way: str) -> None:
    """Cut, so that connections end; and with every packet dropped."""
    goes_on(house, lambda: road.become(way), lambda: road.become("open"))  # type: ignore[arg-type]


@pytest.mark.only("emulator")
def test_it_stands_still(house: House, postgresql: PostgresServer) -> None:
    goes_on(house, postgresql.freeze, postgresql.thaw)


def test_it_is_stopped(house: House, postgresql: PostgresServer) -> None:
    goes_on(house, postgresql.stop, postgresql.start)
