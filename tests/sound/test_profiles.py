"""Profiles of the settings on a real FreeSWITCH: taken without a complaint, and heard to be in force."""

from __future__ import annotations

import json
import re
from typing import Any, cast

import gevent
import pytest

from orchestrator.fsconfig.render import render, write
from tests.lab.switches import FreeSwitch
from tests.scenarios.conftest import House
from tests.sound.common import FIRST, FLOOR_DB, ROOM, SECOND, until, watching

pytestmark = pytest.mark.only("freeswitch")

ONE, TWO = 600, 1100
PROFILES = """
profiles:
  phone: {preset: phone}
  hd: {preset: hd, energy_level: 90}
  large: {preset: large}
  strict: {energy_level: 2000}
  keys:
    caller_controls: {"0": mute, "91": mute on, "92": mute off, "#": hangup}
profile_patterns: {"phone *": phone, "hd *": hd, "large *": large, "strict *": strict, "keys *": keys}
"""


def furnished(house: House) -> FreeSwitch:
    """The house with these profiles, rendered for its FreeSWITCH."""
    house.stop()
    house.start(PROFILES)
    assert house.orchestrator
    switch = cast(FreeSwitch, house.switch)
    write(render(house.orchestrator.settings), switch.conf_dir)
    assert "+OK" in switch.api("reloadxml")
    return switch


def pair(house: House, room: str, after: str = "") -> tuple[Any, Any]:
    attributes = {
        "beep": "false",
        "statusCallbackEvent": "start end join leave mute",
    }
    house.documents({caller: house.joins(room, after=after, **attributes) for caller in (FIRST, SECOND)})
    one = house.switch.call(ROOM, from_=FIRST, sounds=ONE)
    house.delivered(2)
    two = house.switch.call(ROOM, from_=SECOND, sounds=TWO)
    house.delivered(3)
    two.wait_hears(ONE)
    one.wait_hears(TWO)
    return one, two


@pytest.mark.parametrize(("preset", "rate"), [("phone", 8000), ("hd", 48000), ("large", 8000)])
def test_a_room_has_the_profile_of_its_name_and_freeswitch_has_nothing_against_it(
    house: House, preset: str, rate: int
) -> None:
    switch = furnished(house)
    one, two = pair(house, f"{preset} one")
    (conference,) = json.loads(switch.api("conference json_list"))
    assert conference["rate"] == rate
    name = conference["conference_name"]
    level = switch.api(f"conference {name} energy {conference['members'][0]['id']}")
    assert re.search(r"\d+$", level.strip())
    one.hang_up()
    two.hang_up()
    house.delivered(6)
    complaints = [
        line for line in switch.log_tail(5000).splitlines() if re.search(r"\[(ERR|WARNING)\]", line)
    ]
    assert complaints == []


def test_a_speaker_quieter_than_the_energy_level_is_not_mixed(house: House) -> None:
    furnished(house)
    one, two = pair(house, "strict one")
    two.sounds(TWO, -34)
    # For 800 ms FreeSWITCH takes it for a pause within speech.
    until(lambda: one.level_now(TWO) < FLOOR_DB, what="silence instead of one who is too quiet")
    assert two.hears_now(ONE)
    two.sounds(TWO, -12)
    one.wait_hears(TWO)
    one.hang_up()
    two.hang_up()


def test_a_key_mutes_the_participant_that_pressed_it_and_the_room_knows(house: House) -> None:
    switch = furnished(house)
    one, two = pair(house, "keys one")
    two.press("0")
    one.wait_stops_hearing(TWO, 3)
    two.wait_hears(ONE)
    delivered = house.delivered(4)
    assert delivered[-1] == ("3", "participant-mute", SECOND)
    assert house.orchestrator
    # FreeSWITCH and the room agree: nothing is mended.
    house.orchestrator.node.periodic_check.run()
    gevent.sleep(0.5)
    assert not one.hears_now(TWO)
    two.press("0")
    one.wait_hears(TWO)
    assert house.delivered(5)[-1] == ("4", "participant-unmute", SECOND)
    two.press("91")
    one.wait_stops_hearing(TWO, 3)
    assert house.delivered(6)[-1] == ("5", "participant-mute", SECOND)
    assert switch.log_errors() == []
    one.hang_up()
    two.hang_up()


def test_a_key_leads_out_of_the_room_and_on_with_the_document(house: House) -> None:
    furnished(house)
    one, two = pair(house, "keys two", after="<Pause length='30'/>")
    with watching(house) as watcher:
        two.press("#")
        watcher.wait("del-member", SECOND)
    assert house.delivered(4)[-1] == ("3", "participant-leave", SECOND)
    assert two.state == "answered"
    one.hang_up()
    two.hang_up()
