"""Phones behind NAT, which say of themselves what nobody else can reach.

Symptom: the BYE for a phone behind NAT went to the private address of its Contact, and the phone never
heard of it. Fix: aggressive-nat-detection in the SIP profile.
"""

from __future__ import annotations

import pytest

from tests.attacks.sip import Dialog, Request
from tests.scenarios.conftest import House
from tests.sip.talker import Talker

pytestmark = pytest.mark.only("freeswitch")


class BehindNat(Talker):
    """Its Contact and its Via are of a private network."""

    def _change(self, request: Request, dialog: Dialog) -> None:
        private = f"10.255.255.7:{self.port}".encode()
        request.substitute(b"Contact", rb"(?<=<sip:mallory@)[^>]*", private)
        request.substitute(b"Via", rb"(?<=SIP/2.0/UDP )[^;]*", private)


def test_bye_goes_to_where_the_invite_came_from(house: House) -> None:
    house.voice("<Response><Gather timeout='1'/><Hangup/></Response>")
    with BehindNat(house.switch.sip_port) as phone:
        dialog = phone.invite()
        assert dialog.status == 200
        assert phone.hears_goodbye(dialog)
