"""Ten thousand talking events a second over five thousand callbacks that wait: callers still get in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import gevent
import pytest

from orchestrator.emulator.events import MAINTENANCE, Fired
from orchestrator.store.message import Message
from tests.lab.emulated import Emulator
from tests.lab.web import Answer, Application
from tests.scenarios.conftest import ACCOUNT, House, house

__all__ = ["house"]

EVENTS_A_SECOND = 10_000
SECONDS = 3.0
TICK_SECONDS = 0.01
WAITING = 5_000
ROOMS_THAT_WAIT = 100
CALLS = 10
# A free machine: some hundredths of a second.
JOIN_SECONDS = 8.0
CATCH_UP_SECONDS = 20.0


@pytest.fixture
def slow() -> Iterator[Application]:
    """Somebody else's application, which takes its time over every callback."""
    application = Application()
    application.start()
    application.takes_callbacks("/events", Answer(status=204, delay=4.0))
    yield application
    application.stop()


@pytest.mark.only("emulator")
def test_callers_get_in_while_members_talk_without_end_and_callbacks_wait(
    house: House, slow: Application, record_property: Callable[[str, object], None]
) -> None:
    orchestrator, switch = house.orchestrator, house.switch
    assert orchestrator is not None
    assert isinstance(switch, Emulator)
    _let_callbacks_wait(house, slow)
    house.voice(house.joins(statusCallback=slow.url("/events"), statusCallbackEvent="start speaker"))
    with switch.events(f"CUSTOM {MAINTENANCE}") as observer:
        for number in range(4):
            switch.call("+13125550100", from_=f"+1312555020{number}").wait_answered(5)
        gevent.sleep(0.2)
        talking = _talking([event for event in observer.events if event["Action"] == "add-member"])
    house.voice(house.joins("Another room"))
    flood = gevent.spawn(_flood, switch, talking)
    joins = [_join_seconds(house, number) for number in range(CALLS)]
    sent = flood.get(timeout=SECONDS + CATCH_UP_SECONDS)
    assert sent >= EVENTS_A_SECOND * SECONDS
    _wait_until_read(switch)
    record_property("slowest join over a flood, seconds", max(joins))
    assert max(joins) < JOIN_SECONDS
    (listener,) = switch.emulated._listeners
    assert listener.lost == 0
    assert orchestrator.node.connection.protocol_errors.reconnects == 0
    assert orchestrator.outbox.depth > WAITING // 2
    assert not orchestrator.node.admission.limiter.refused
    house.delivered(CALLS + 1, CATCH_UP_SECONDS)
    assert [number for number, _, _ in house.delivered()] == [str(number) for number in range(CALLS + 1)]


def _let_callbacks_wait(house: House, slow: Application) -> None:
    orchestrator = house.orchestrator
    assert orchestrator is not None
    fields = (("StatusCallbackEvent", "participant-join"), ("FriendlyName", "a room that is over"))
    for first in range(0, WAITING, ROOMS_THAT_WAIT):
        orchestrator.outbox.commit(
            [
                Message(
                    queue=f"room {room}",
                    url=slow.url("/events"),
                    method="POST",
                    fields=fields,
                    account_sid=ACCOUNT,
                    event="participant-join",
                    sequence=first // ROOMS_THAT_WAIT,
                    created_at=time.time_ns() // 1000,
                )
                for room in range(ROOMS_THAT_WAIT)
            ]
        )
    for room in range(ROOMS_THAT_WAIT):
        orchestrator.delivery.wake(f"room {room}")


def _talking(joined: list[dict[str, str]]) -> list[Fired]:
    """Everybody starts, everybody stops; encoded once, for the emulator shares this process."""
    return [
        Fired("CUSTOM", MAINTENANCE, list((event | {"Action": action}).items()))
        for action in ("start-talking", "stop-talking")
        for event in joined
    ]


def _flood(switch: Emulator, talking: list[Fired]) -> int:
    sinks = [sink for _, sink in switch.emulated.core.bus._sinks.values()]
    began, sent = time.monotonic(), 0
    while (elapsed := time.monotonic() - began) < SECONDS or sent < EVENTS_A_SECOND * SECONDS:
        while sent < EVENTS_A_SECOND * min(elapsed, SECONDS):
            for sink in sinks:
                sink(talking[sent % len(talking)])
            sent += 1
        gevent.sleep(TICK_SECONDS)
    return sent


def _join_seconds(house: House, number: int) -> float:
    """From the call to its answer, which is the conference's."""
    gevent.sleep(SECONDS / CALLS / 2)
    began = time.monotonic()
    house.switch.call("+13125550100", from_=f"+1312555030{number}").wait_answered(JOIN_SECONDS + 5)
    return time.monotonic() - began


def _wait_until_read(switch: Emulator) -> None:
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while any(listener._queue for listener in switch.emulated._listeners):
        assert time.monotonic() < deadline, "events are still unread"
        gevent.sleep(0.05)
