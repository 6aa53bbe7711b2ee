"""SDP offers as carriers and old phones make them: none at all, reliable provisional answers, encryption.

Symptom: an INVITE without SDP got 480. Cause: enable-3pcc was not set. Fix: it is.
Symptom: `Require: 100rel` got 420. Fix: enable-100rel.
"""

from __future__ import annotations

import gevent
import pytest

from tests.attacks.sip import Dialog, Request, header, status_of
from tests.scenarios.conftest import House
from tests.sip.description import offered, sdp
from tests.sip.talker import Talker
from tests.sound.common import until

pytestmark = pytest.mark.only("freeswitch")


class LateOffer(Talker):
    """Its INVITE has no SDP; that is in its ACK."""

    def _change(self, request: Request, dialog: Dialog) -> None:
        if request.method == "INVITE":
            request.describe(b"")
        if request.method == "ACK" and dialog.status == 200:
            request.describe(sdp(self.media_port, ["PCMU"]))


def test_an_invite_without_an_offer_is_a_call_like_any_other(house: House) -> None:
    house.voice(house.joins())
    with LateOffer(house.switch.sip_port) as phone:
        dialog = phone.invite()
        assert dialog.status == 200
        assert offered(dialog.answer)[0] == "PCMU"
        phone.talk(dialog)
        assert [event for _, event, _ in house.delivered(2)] == ["conference-start", "participant-join"]
        until(lambda: len(phone.heard) > 30, what="sound")


def test_an_invite_without_an_offer_may_be_rejected_all_the_same(house: House) -> None:
    """It was answered by then: its application can only hang up."""
    house.voice("<Response><Reject/></Response>")
    with LateOffer(house.switch.sip_port) as phone:
        dialog = phone.invite()
        assert dialog.status == 200
        assert phone.hears_goodbye(dialog)


class Reliable(Talker):
    """It wants provisional answers to be reliable, and acknowledges each."""

    acknowledged = 0

    def _receive(self, timeout: float) -> bytes | None:
        message = super()._receive(timeout)
        if message and 100 < status_of(message) < 200 and header(message, "RSeq"):
            dialog = self.dialogs[-1]
            dialog.answer, before = message, dialog.answer
            dialog.sequence += 1
            rack = f"{header(message, 'RSeq')} {header(message, 'CSeq')}"
            prack = self._message("PRACK", dialog, [("RAck", rack)])
            dialog.answer = before
            self._socket.sendto(prack, self._switch)
            self.acknowledged += 1
        return message


@pytest.mark.parametrize("how", ["Require", "Supported"])
def test_reliable_provisional_answers(house: House, how: str) -> None:
    house.voice(house.joins())
    with Reliable(house.switch.sip_port) as phone:
        dialog = phone.invite(headers=[(how, "100rel")])
        assert dialog.status == 200
        phone.talk(dialog)
        house.delivered(2)
        assert phone.acknowledged


CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"


@pytest.mark.parametrize(
    ("protocol", "key", "status"),
    [("RTP/SAVP", "", 488), ("RTP/SAVP", CRYPTO, 200)],
    ids=["SAVP without key", "SAVP"],
)
def test_encryption_is_agreed_upon_or_refused(house: House, protocol: str, key: str, status: int) -> None:
    """Symptom: SAVP without a key was answered, and nobody heard anybody. Fix: the dialplan refuses it."""
    house.voice(house.joins())
    with Talker(house.switch.sip_port) as phone:
        phone._sdp = sdp(phone.media_port, ["PCMU"]).decode().replace("RTP/AVP", protocol) + key
        dialog = phone.invite()
        assert dialog.status == status
        if status == 200:
            house.delivered(2)
            assert b"a=crypto:1 AES_CM_128_HMAC_SHA1_80" in dialog.answer
        else:
            gevent.sleep(0.3)
            assert house.application.to("/voice") == []
            lines = house.switch.log_tail().splitlines()
            assert [
                line for line in lines if ("SAVP" in line or "a=crypto" in line) and "EXECUTE" not in line
            ]
