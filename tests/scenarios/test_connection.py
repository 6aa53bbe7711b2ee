"""The event socket goes and comes back; calls and conferences live on meanwhile."""

from __future__ import annotations

import gevent
import pytest

from orchestrator.esl.errors import Disconnected
from orchestrator.sids import call_sid_of
from tests.scenarios.conftest import House

FIRST, SECOND = "+13125550002", "+13125550003"


def cut(house: House) -> None:
    """Ends the socket, and waits until the orchestrator has noticed and is back."""
    assert house.orchestrator is not None
    connection = house.orchestrator.node.connection
    house.orchestrator.node._up.clear()
    connection._session.close(Disconnected("cut by the test"))
    assert house.orchestrator.wait_ready(10)


def test_a_conference_survives_a_lost_event_socket(house: House) -> None:
    house.voice(house.joins())
    first = house.switch.call("+13125550100", from_=FIRST, sounds=500)
    second = house.switch.call("+13125550100", from_=SECOND)
    house.delivered(3)
    cut(house)
    second.wait_hears(500)
    first.hang_up()
    assert house.delivered(4)[3] == ("3", "participant-leave", FIRST)
    second.hang_up()
    assert house.delivered(6)[5][1] == "conference-end"


def test_a_caller_that_hung_up_while_nobody_listened_is_reported_as_gone(house: House) -> None:
    house.voice(house.joins())
    first = house.switch.call("+13125550100", from_=FIRST)
    second = house.switch.call("+13125550100", from_=SECOND)
    house.delivered(3)
    assert house.orchestrator is not None
    connection = house.orchestrator.node.connection
    connection.stop(1)
    first.hang_up()
    first.wait_ended()
    connection.start()
    assert house.delivered(4, 10)[3] == ("3", "participant-leave", FIRST)
    second.hang_up()
    house.delivered(6)


def test_a_document_goes_on_after_a_lost_event_socket(house: House) -> None:
    tone, after = house.application.tone(700, 3.0), house.application.tone(1500, 1.0)
    house.voice(f"<Response><Play>{tone}</Play><Play>{after}</Play></Response>")
    phone = house.switch.call("+13125550100", from_=FIRST)
    phone.wait_hears(700)
    cut(house)
    phone.wait_hears(1500, 10)
    phone.wait_ended(5)


@pytest.mark.rather("emulator")
def test_a_speaker_that_falls_silent_as_the_orchestrator_stops_is_no_error(house: House) -> None:
    """Symptom: errors about a closed database after a stop. Cause: speech is sent once it has lasted, and its
    timer changed a room after the outbox was closed. Fix: what comes after the stop changes no room."""
    house.voice(house.joins(statusCallbackEvent="speaker"))
    phone = house.switch.call("+13125550100", from_=FIRST, sounds=500)
    house.delivered(1)
    orchestrator = house.orchestrator
    assert orchestrator is not None
    (home,) = (node for node in orchestrator.nodes if len(node.rooms))
    (sid,) = home.rooms._rooms
    home.conference_events._talk_debounce.on_talking(sid, call_sid_of(next(iter(home.legs)).uuid), False, 1)
    house.stop()
    gevent.sleep(0.5)
    assert not house.log.errors
    phone.hang_up()
