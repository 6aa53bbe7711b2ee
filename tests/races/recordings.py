"""Recordings that are begun while their call hangs up (signalwire/freeswitch#1673)."""

from __future__ import annotations

import random

import gevent

from tests.races.phones import Callee, Caller
from tests.races.race import ask, race
from tests.scenarios.conftest import House

AT_ONCE = 10
EVENTS = "in-progress completed absent"


@race("record-hangup")
def recorded_from_its_answer(house: House, times: int) -> list[str]:
    """Calls that the API makes with Record, whose callee hangs up 30 to 60 ms after its ACK."""
    house.application.takes_callbacks("/recording")
    house.voice("<Response><Pause length='30'/></Response>")
    wrong = []
    with Callee(lambda: random.uniform(0.030, 0.060)) as callee:
        for number in range(times):
            answer = ask(
                house,
                "POST",
                "/Calls.json",
                data={
                    "To": f"sip:callee{number}@{callee.address}",
                    "From": "+13125550100",
                    "Record": "true",
                    "RecordingStatusCallback": house.application.url("/recording"),
                    "RecordingStatusCallbackEvent": EVENTS,
                    "ApplicationSid": "1568109700606592442",
                },
            )
            if answer.status_code >= 300:
                wrong.append(f"not dialled: {answer.text}")
            if number % AT_ONCE == AT_ONCE - 1:
                callee.wait_ended(number + 1)
        callee.wait_ended(times)
    return wrong


@race("record-inbound-hangup")
def recorded_as_it_hangs_up(house: House, times: int) -> list[str]:
    """Callers who hang up within 100 ms of the API's order to record them."""
    house.application.takes_callbacks("/recording")
    house.voice(f"<Response><Play loop='9'>{house.application.tone(500, 9.0)}</Play></Response>")
    for number in range(times):
        with Caller(house.switch.sip_port) as caller:
            dialog = caller.invite()
            if dialog.status != 200:
                continue
            sid = house.application.wait_for("/voice", number + 1, 10)[-1].fields["CallSid"]
            order = gevent.spawn(
                ask,
                house,
                "POST",
                f"/Calls/{sid}/Recordings.json",
                data={
                    "PlayBeep": "false",
                    "RecordingStatusCallback": house.application.url("/recording"),
                    "RecordingStatusCallbackEvent": EVENTS,
                },
            )
            gevent.sleep(random.uniform(0.0, 0.1))
            caller.bye(dialog)
            order.join(20)
    return []
