"""Digits by SIP INFO.

Symptom: they were answered with 200 and lost where telephone-event was agreed upon, as by every usual phone.
Cause: FreeSWITCH takes one kind alone unless liberal-dtmf is set. Fix: it is set in the SIP profile.
"""

from __future__ import annotations

import pytest

from tests.attacks.sip import RawPhone
from tests.scenarios.conftest import House

pytestmark = pytest.mark.only("freeswitch")

RELAY, PLAIN = "application/dtmf-relay", "application/dtmf"


@pytest.mark.parametrize(
    ("kind", "bodies", "digits"),
    [
        (RELAY, ["Signal=4\r\nDuration=160\r\n", "Signal= 2\r\nDuration= 160\r\n"], "42"),
        (RELAY, ["Signal=*\r\nDuration=100\r\n", "Signal=0\r\n"], "*0"),
        (PLAIN, ["7", "10"], "7*"),
    ],
    ids=["relay", "star", "plain"],
)
def test_digits_by_info_count(house: House, kind: str, bodies: list[str], digits: str) -> None:
    house.voice('<Response><Gather numDigits="2" timeout="10" finishOnKey="" action="/digits"/></Response>')
    house.application.document("/digits", "<Response><Hangup/></Response>")
    with RawPhone(house.switch.sip_port) as phone:
        dialog = phone.invite()
        assert dialog.status == 200
        for body in bodies:
            assert phone.request("INFO", dialog, [("Content-Type", kind)], body) == 200
        assert house.application.wait_for("/digits", 1, 5)[0].fields["Digits"] == digits
        assert phone.hears_goodbye(dialog)
