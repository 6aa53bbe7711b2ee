"""Phones behind NAT, which say of themselves what nobody else can reach.

Symptom: the BYE for a phone behind NAT went to the private address of its Contact, and the phone never
heard of it. Fix: aggressive-nat-detection in the SIP profile.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from tests.attacks.sip import Dialog, Text
from tests.scenarios.conftest import House
from tests.sip.talker import Talker

pytestmark = pytest.mark.only("freeswitch")


class BehindNat(Talker):
    """Its Contact and its Via are of a private network."""

    def _message(
        self,
        method: str,
        dialog: Dialog,
        headers: Sequence[tuple[Text, Text]] = (),
        body: bytes = b"",
        branch: str = "",
    ) -> bytes:
        message = super()._message(method, dialog, headers, body, branch)
        private = f"10.255.255.7:{self.port}".encode()
        message = re.sub(rb"(?<=Contact: <sip:mallory@)[^>]*", private, message)
        return re.sub(rb"(?<=Via: SIP/2.0/UDP )[^;]*", private, message)


def test_bye_goes_to_where_the_invite_came_from(house: House) -> None:
    house.voice("<Response><Gather timeout='1'/><Hangup/></Response>")
    with BehindNat(house.switch.sip_port) as phone:
        dialog = phone.invite()
        assert dialog.status == 200
        assert phone.is_told_goodbye(dialog)
