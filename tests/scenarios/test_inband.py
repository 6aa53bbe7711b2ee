"""Tones as digits, on the emulator; tests/sip/test_inband.py has real ones."""

from __future__ import annotations

import pytest

from tests.lab.emulated import Emulator
from tests.scenarios.conftest import NUMBER, House

GATHER = '<Response><Gather numDigits="2" timeout="3" finishOnKey="" action="/digits"/></Response>'

pytestmark = pytest.mark.only("emulator")


@pytest.mark.parametrize(
    ("inband", "ways", "digits"),
    [
        ("true", ["tone"], "12"),
        ("true", ["tone", "event"], "12"),
        ("false", ["tone", "event"], "12"),
        ("false", ["tone"], ""),
    ],
)
def test_a_trunk_says_whether_tones_are_digits(
    house: House, inband: str, ways: list[str], digits: str
) -> None:
    assert isinstance(house.switch, Emulator)
    trunk = "  carrier:\n    dial_string: sofia/texml/{number}@127.0.0.1:5999\n    addresses: [127.0.0.1]\n"
    house.stop()
    house.start(trunks=trunk + f"    inband_digits: {inband}\n", trunk="carrier")
    house.voice(GATHER)
    house.application.document("/digits", "<Response><Hangup/></Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_answered()
    phone.phone.press("12", ways=ways)
    if digits:
        assert house.application.wait_for("/digits", 1, 5)[0].fields["Digits"] == digits
    else:
        phone.wait_ended()
        assert house.application.to("/digits") == []
