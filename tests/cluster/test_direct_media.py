"""A trunk with `media: direct`: the sound of its callers goes straight to the node of their room."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from orchestrator.sids import leg_of
from tests.lab.switches import FreeSwitch, Switch
from tests.lab.web import Application
from tests.scenarios.captured_log import CapturedLog
from tests.scenarios.conftest import ACCOUNT, API_KEY, NUMBER, House

pytestmark = pytest.mark.only("freeswitch")

FIRST, SECOND = "+13125550001", "+13125550002"
MORE = "conference: {hangup_on_star: true}"
DIRECT = "    addresses: [127.0.0.1]\n    media: direct"


@pytest.fixture
def house(home: FreeSwitch, switch: Switch, application: Application, tmp_path: Path) -> Iterator[House]:
    log = CapturedLog()
    with log.kept():
        house = House(switch, application, tmp_path, log)
        house.start(MORE, trunks=DIRECT)
        yield house
        try:
            house.check_invariants()
        finally:
            house.stop()
        assert not log.unexpected()


def is_direct(house: House, home: FreeSwitch, number: str = FIRST) -> bool:
    """Whether the room's node sends to the address that the phone has named, and not to the other node."""
    joined = next(event for event in house.events() if event.get("From") == number and "CallSid" in event)
    leg = leg_of(joined["CallSid"])
    offered = re.search(r"m=audio (\d+)", house.switch.api(f"uuid_getvar {leg} switch_r_sdp"))
    assert offered
    return home.api(f"uuid_getvar {leg} remote_media_port").strip() == offered[1]


def test_phones_hear_each_other_and_their_documents_go_on(house: House, home: FreeSwitch) -> None:
    tone = house.application.tone(1500, 3.0)
    document = house.joins(after=f"<Play>{tone}</Play>")
    house.voice(document.replace("<Dial>", '<Dial hangupOnStar="true">'))
    first = house.switch.call(NUMBER, from_=FIRST, sounds=500)
    second = house.switch.call(NUMBER, from_=SECOND, sounds=900)
    house.delivered(3)
    first.wait_hears(900)
    second.wait_hears(500)
    assert is_direct(house, home)
    # A key is heard by the room's node.
    first.press("*")
    first.wait_hears(1500)
    house.delivered(4)
    second.hang_up()
    first.wait_ended(15)
    assert [name for _, name, _ in house.delivered(6)][3:] == [
        "participant-leave",
        "participant-leave",
        "conference-end",
    ]


def test_one_that_was_answered_before_its_room_goes_through(house: House, home: FreeSwitch) -> None:
    tone = house.application.tone(1500, 0.5)
    house.voice(house.joins().replace("<Dial>", f"<Play>{tone}</Play><Dial>"))
    first = house.switch.call(NUMBER, from_=FIRST, sounds=500)
    second = house.switch.call(NUMBER, from_=SECOND)
    house.delivered(3)
    second.wait_hears(500)
    assert not is_direct(house, home)
    first.hang_up()
    second.hang_up()


def test_a_recording_of_the_call_takes_the_sound_back(house: House, home: FreeSwitch) -> None:
    house.voice(house.joins())
    first = house.switch.call(NUMBER, from_=FIRST, sounds=500)
    second = house.switch.call(NUMBER, from_=SECOND, sounds=900)
    house.delivered(3)
    first.wait_hears(900)
    assert is_direct(house, home)
    assert house.orchestrator is not None
    base = f"http://127.0.0.1:{house.orchestrator.web.port}/v2/texml/Accounts/{ACCOUNT}/Calls"
    call = next(event["CallSid"] for event in house.events() if event.get("From") == FIRST)
    key = {"Authorization": f"Bearer {API_KEY}"}
    begun: Any = requests.post(f"{base}/{call}/Recordings.json", headers=key, timeout=20)
    assert begun.ok, begun.text
    second.wait_hears(500)
    first.hang_up()
    second.hang_up()


def test_a_restart_keeps_it_direct(house: House, home: FreeSwitch) -> None:
    house.voice(house.joins())
    first = house.switch.call(NUMBER, from_=FIRST, sounds=500)
    second = house.switch.call(NUMBER, from_=SECOND)
    house.delivered(3)
    house.stop()
    house.start(MORE, trunks=DIRECT)
    second.wait_hears(500)
    assert is_direct(house, home)
    first.hang_up()
    house.delivered(4)
    second.hang_up()
    house.delivered(6)
