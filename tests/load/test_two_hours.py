"""A conference of two hours: people come, speak and go, and nothing of those who went stays."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from orchestrator.conference.machine.state import Participant
from orchestrator.emulator import DIALPLAN, EmulatedSwitch
from orchestrator.esl.leg import Leg
from tests.lab.emulated import Emulator
from tests.lab.emulated_phone import ObservedPhone
from tests.lab.web import Application, Request
from tests.scenarios.conftest import House, lived_in

# An emulated second takes so many real ones: two hours in 36 seconds.
SCALE = 0.005
NUMBER = "+13125550100"
VISITS = 120


class Compressed(Emulator):
    """The emulator with its clock running fast."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        # The dialplan gives us 30 of its seconds to take a call: too short for a busy machine.
        patient = [step for step in DIALPLAN if step[0] != "sched_hangup"]
        self.emulated = EmulatedSwitch(
            self.host, 0, self.password, time_scale=SCALE, dialplan=patient, phone_type=ObservedPhone
        )
        self.handsets.switch = self.emulated


@pytest.fixture
def fast_house(application: Application, tmp_path: Path) -> Iterator[House]:
    switch = Compressed(tmp_path / "switch")
    switch.start()
    with lived_in(switch, application, tmp_path) as house:
        yield house
    switch.stop()


def alive(kind: type) -> int:
    return sum(type(thing) is kind for thing in gc.get_objects())


def is_the_end(request: Request) -> bool:
    return request.fields.get("StatusCallbackEvent") == "conference-end"


def _wait_for_guests_to_go(seconds: float = 15.0) -> None:
    limit = time.monotonic() + seconds
    while alive(Leg) > 3 and time.monotonic() < limit:
        gevent.sleep(0.2)
        gc.collect()


def test_two_hours_leave_nothing_behind(fast_house: House) -> None:
    house = fast_house
    house.stop()
    # Its clock runs away from ours: nothing here is late.
    house.start("admission: {max_delay_ms: 3600000}")
    house.voice(house.joins(record="record-from-start", statusCallbackEvent="start end join leave speaker"))
    hosts = [house.switch.call(NUMBER, from_=f"+1312555001{number}") for number in range(3)]
    for host in hosts:
        host.wait_answered(5)
    clock = house.switch.emulated.clock
    began = clock.now()
    counts = []
    for visit in range(VISITS):
        guest = house.switch.call(NUMBER, from_="+13125550099")
        guest.wait_answered(5)
        hosts[visit % 3].sounds(500)
        gevent.sleep(30 * SCALE)
        hosts[visit % 3].sounds(None)
        gevent.sleep(30 * SCALE)
        guest.hang_up()
        house.switch.handsets.handsets = house.switch.handsets.handsets[:3]
        if visit in (VISITS // 4, VISITS - 1):
            _wait_for_guests_to_go()
            counts.append({kind.__name__: alive(kind) for kind in (Leg, Participant, gevent.Greenlet)})
    assert clock.now() - began >= 7200
    early, late = counts
    assert late["Leg"] == early["Leg"] == 3
    assert late["Participant"] <= early["Participant"] + 2
    assert late["Greenlet"] <= early["Greenlet"] + 3
    for host in hosts:
        host.hang_up()
    house.delivered(2 + 2 * (VISITS + 3), 20)
    # Everything stands still while the emulator writes a recording of hours: what is reported may come twice.
    house.application.wait_for(is_the_end, timeout=40)
    delivered = {int(number): event for number, event, _ in house.delivered()}
    assert sorted(delivered) == list(range(len(delivered)))
    assert Counter(delivered.values())["participant-join"] == VISITS + 3
    assert Counter(delivered.values())["participant-leave"] == VISITS + 3
