"""Somebody dialled is not wanted any more before FreeSWITCH has a leg: the order to hang up comes too early.

Symptom: the phone rang for its whole time, for a conference that was over. Cause: FreeSWITCH knows no such
channel yet, and nobody orders it again. Fix: what is seen of a leg that nobody wants is hung up.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.calls.originate import OriginateRequest
from orchestrator.conference.machine.state import ParticipantOptions
from orchestrator.config.applications import Application
from orchestrator.documents.fetch import Fetched
from orchestrator.services.api_services import ApiServices
from orchestrator.services.calls import CallUpdate
from orchestrator.services.conferences import ParticipantToDial
from tests.lab.softphones import NeverAnswers
from tests.scenarios.conftest import ACCOUNT, NUMBER, House
from tests.sdk.conftest import Client
from tests.sdk.test_dialling import MAIN, status_of
from tests.sound.common import until

GUEST, OTHER = "+13125550021", "+13125550022"
Act = Callable[[ApiServices, str, str], object]
ACTS: dict[str, Act] = {
    "its conference ends": lambda control, sid, call: control.conferences.end_room(ACCOUNT, sid),
    "it is dropped": lambda control, sid, call: control.conferences.drop(
        sid, control.conferences.participant(ACCOUNT, sid, call)
    ),
    "it is hung up": lambda control, sid, call: control.calls.update_call(
        ACCOUNT, call, CallUpdate(hang_up=True)
    ),
}


def order(application: Application, then: Fetched) -> OriginateRequest:
    return OriginateRequest(application, GUEST, NUMBER, then)


@pytest.mark.parametrize("what", ACTS)
def test_a_participant_who_is_not_wanted_any_more_does_not_ring(
    house: House, client: Client, what: str
) -> None:
    target = house.switch.register(GUEST, NeverAnswers())
    assert house.orchestrator is not None
    control = house.orchestrator.services
    # In one turn: nothing has been sent to FreeSWITCH when the second order comes.
    one, sid = control.conferences.dial_participant(
        ACCOUNT, "Room 1234", ParticipantToDial(ParticipantOptions(), {}, MAIN), order
    )
    ACTS[what](control, sid, one.call_sid)
    until(lambda: status_of(client, one.call_sid) == "canceled", 10, "its call is over")
    assert all(phone.state == "ended" for phone in target.calls)
    assert client.ask("GET", f"/Conferences/{sid}.json").json()["status"] == "completed"


def test_a_call_that_is_hung_up_at_once_does_not_ring(house: House, client: Client) -> None:
    target = house.switch.register(GUEST, NeverAnswers())
    assert house.orchestrator is not None
    control = house.orchestrator.services
    application = control.calls.application(ACCOUNT, MAIN)
    then = Fetched("", "application/xml", b"<Response><Pause length='60'/></Response>")
    call = control.calls.create_call(order(application, then))
    control.calls.update_call(ACCOUNT, call.sid, CallUpdate(hang_up=True))
    until(lambda: status_of(client, call.sid) == "canceled", 10, "its call is over")
    assert all(phone.state == "ended" for phone in target.calls)
