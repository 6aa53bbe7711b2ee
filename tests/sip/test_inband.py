"""Digits that are tones in the sound.

Symptom: a caller behind a gateway that sends tones alone pressed keys, and nobody noticed. Fix:
`inband_digits` of its trunk. A press that comes in two ways counts once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gevent
import pytest

from tests.lab.switches import FreeSwitch
from tests.scenarios.conftest import NUMBER, House
from tests.scenarios.test_numbers import post
from tests.sip.callee import Callee
from tests.sip.description import media_address
from tests.sip.keys import Presser
from tests.sip.talker import Talker

pytestmark = pytest.mark.only("freeswitch")

GATHER = '<Response><Gather numDigits="{count}" timeout="6" finishOnKey="" action="/digits"/></Response>'
CALLEE = "+13125550021"


def with_trunk(house: House, address: str = "127.0.0.1:5999", **keys: str) -> None:
    text = "  carrier:\n" + f"    dial_string: sofia/texml/{{number}}@{address}\n    addresses: [127.0.0.1]\n"
    text += "".join(f"    {key}: {value}\n" for key, value in keys.items())
    house.stop()
    house.start("conference: {hangup_on_star: true}", trunks=text, trunk="carrier")


@contextmanager
def presser(house: House) -> Iterator[tuple[Presser, Talker]]:
    assert isinstance(house.switch, FreeSwitch)
    with Talker(house.switch.sip_port) as phone:
        dialog = phone.invite()
        assert dialog.status == 200
        phone.hear()
        presser = Presser(phone._media, phone.media_of(dialog))
        presser.silence(0.5)
        yield presser, phone


def gathers(house: House, count: int) -> None:
    house.voice(GATHER.format(count=count))
    house.application.document("/digits", "<Response><Hangup/></Response>")


@pytest.mark.parametrize("ways", [["tone"], ["event"], ["tone", "event"]], ids="+".join)
def test_a_press_counts_once_however_it_comes(house: House, ways: list[str]) -> None:
    with_trunk(house, inband_digits="true")
    gathers(house, 9)
    with presser(house) as (keys, _):
        keys.press("1556*0#", ways)
        keys.silence(0.2)
        keys.press("78", ways)
        assert house.application.wait_for("/digits", 1, 8)[0].fields["Digits"] == "1556*0#78"


def test_without_the_setting_tones_are_sound_alone(house: House) -> None:
    with_trunk(house)
    gathers(house, 2)
    with presser(house) as (keys, _):
        keys.press("12", ["tone"])
        keys.press("34", ["event"])
        assert house.application.wait_for("/digits", 1, 8)[0].fields["Digits"] == "34"


def test_a_press_by_tone_and_by_info_counts_once(house: House) -> None:
    with_trunk(house, inband_digits="true")
    gathers(house, 4)
    with presser(house) as (keys, phone):
        for digit in "447":
            keys.press(digit, ["tone"])
            body = f"Signal={digit}\r\nDuration=100\r\n"
            assert (
                phone.request("INFO", phone.dialogs[0], [("Content-Type", "application/dtmf-relay")], body)
                == 200
            )
        # The last one ends the Gather, and with it the call: an INFO could come too late for an answer.
        keys.press("8", ["tone"])
        assert house.application.wait_for("/digits", 1, 8)[0].fields["Digits"] == "4478"


def test_a_star_ends_a_dial_into_a_conference(house: House) -> None:
    with_trunk(house, inband_digits="true")
    house.application.document("/after", "<Response><Hangup/></Response>")
    house.voice(house.joins().replace("<Dial>", '<Dial hangupOnStar="true" action="/after">'))
    with presser(house) as (keys, _):
        keys.silence(0.5)
        house.delivered(2)
        keys.press("1*", ["tone", "event"])
        keys.silence(0.3)
        assert "participant-leave" in [event for _, event, _ in house.delivered(3)]


@pytest.mark.parametrize("to", ["number", "address"])
def test_a_callee_of_the_trunk_presses_too(house: House, to: str) -> None:
    with Callee() as callee:
        with_trunk(house, callee.address, inband_digits="true")
        gathers(house, 3)
        uri = CALLEE if to == "number" else f"sip:{CALLEE}@{callee.address}"
        assert post(house, "telnyx", "/Calls", To=uri, From=NUMBER).ok
        callee.wait_answered()
        gevent.sleep(0.3)
        keys = Presser(callee._media, media_address(callee.invite))
        keys.silence(0.3)
        keys.press("909", ["tone"])
        assert house.application.wait_for("/digits", 1, 8)[0].fields["Digits"] == "909"


def test_a_callee_of_a_dial_presses_in_its_own_document(house: House) -> None:
    with Callee() as callee, Talker(house.switch.sip_port) as phone:
        with_trunk(house, callee.address, inband_digits="true")
        house.voice(f'<Response><Dial><Number url="/screen">{CALLEE}</Number></Dial></Response>')
        house.application.document("/screen", GATHER.format(count=1))
        house.application.document("/digits", "<Response/>")
        dialog = phone.invite(until=180)
        callee.wait_answered()
        keys = Presser(callee._media, media_address(callee.invite))
        keys.silence(0.5)
        keys.press("1", ["tone"])
        keys.silence(0.3)
        assert house.application.wait_for("/digits", 1, 8)[0].fields["Digits"] == "1"
        phone.wait(dialog)
        assert dialog.status == 200
