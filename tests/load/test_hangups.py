"""Callers who hang up at the worst moment leave nothing behind."""

from __future__ import annotations

import time

import gevent
import pytest

from orchestrator.esl.events import Event
from orchestrator.esl.leg import Leg
from tests.scenarios.conftest import House, house

__all__ = ["house"]


@pytest.mark.only("emulator")
def test_a_caller_who_is_gone_before_its_call_has_its_first_turn_leaves_no_room(house: House) -> None:
    """Symptom: under load, a room with one participant that nobody ever left. Cause: CHANNEL_PARK and
    CHANNEL_HANGUP came in one read from the event socket, before the call's greenlet had its first turn, and
    nothing had woken it at the hangup. Fix: it looks first."""
    orchestrator = house.orchestrator
    assert orchestrator is not None
    house.voice(house.joins(startConferenceOnEnter="false"))
    dispatcher = orchestrator.node.dispatcher
    # Behind the listener that takes the call.
    dispatcher.on_new_call.append(lambda leg: dispatcher.on_event(_hangup(leg)))
    phone = house.switch.call("+13125550100")
    phone.hang_up()
    _wait_until_empty(house)
    assert not house.application.to("/voice")


@pytest.mark.only("emulator")
def test_a_caller_who_is_gone_as_its_document_comes_leaves_no_room(house: House) -> None:
    """Symptom: as above. Cause: the hangup came while the call's greenlet was already due to go on with
    its document, so it asked for a place in the room after the room had heard of the hangup. Fix: it looks
    first."""
    orchestrator = house.orchestrator
    assert orchestrator is not None
    house.voice(house.joins(startConferenceOnEnter="false"))
    fetch = orchestrator.node.call_context.fetcher.fetch

    def fetch_and_lose(*args, **more):  # type: ignore[no-untyped-def]
        fetched = fetch(*args, **more)
        for leg in orchestrator.node.legs:
            orchestrator.node.dispatcher.on_event(_hangup(leg))
        return fetched

    orchestrator.node.call_context.fetcher.fetch = fetch_and_lose  # type: ignore[method-assign]
    phone = house.switch.call("+13125550100")
    house.application.wait_for("/voice")
    phone.hang_up()
    _wait_until_empty(house)
    assert not house.events()


def _hangup(leg: Leg) -> Event:
    return Event(name="CHANNEL_HANGUP", uuid=leg.uuid, hangup_cause="ORIGINATOR_CANCEL")


def _wait_until_empty(house: House) -> None:
    orchestrator = house.orchestrator
    assert orchestrator is not None
    gevent.sleep(0.2)
    deadline = time.monotonic() + 3
    while len(orchestrator.node.rooms) or orchestrator.node.calls:
        assert time.monotonic() < deadline, (
            f"{len(orchestrator.node.rooms)} rooms and {list(orchestrator.node.calls)} are left"
        )
        gevent.sleep(0.05)
