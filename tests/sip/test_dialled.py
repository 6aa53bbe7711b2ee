"""Dial with phones as they are: their codecs, and how they end a call.

Codecs. Symptom: a caller on G.722 could not reach a carrier that speaks G.711 alone (488). Cause: FreeSWITCH
offers a callee the codec alone that its caller uses. Fix: media_mix_inbound_outbound_codecs among the dial
string's variables.

Hold. Symptom: a callee that hung up while it held took the caller with it, and no action was requested.
Cause: signalwire/freeswitch#2887. Fix: rtp_disable_hold among the dial string's variables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import gevent
import pytest

from tests.attacks.sip import RawPhone
from tests.scenarios.conftest import House
from tests.sip.callee import Callee
from tests.sip.description import offered, sdp
from tests.sip.talker import Talker
from tests.sip.test_offer_forms import KEY
from tests.sound.common import ROOM, until

pytestmark = pytest.mark.only("freeswitch")

ALL = ["PCMU", "PCMA", "G722", "OPUS"]
AFTER = 1300
G722 = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 9\r\na=rtpmap:9 G722/8000\r\n"
)


def dials(house: House, callee: Callee, more: str = "") -> None:
    tone = house.application.tone(AFTER, 3.0)
    house.application.document("/after", f"<Response><Play loop='0'>{tone}</Play></Response>")
    house.voice(
        f'<Response><Dial action="/after"{more}><Sip>sip:callee@{callee.address}</Sip></Dial></Response>'
    )


@pytest.mark.parametrize("on_bridge", ["", ' answerOnBridge="true"'], ids=["answered", "answered on bridge"])
def test_the_callee_is_offered_all_codecs_and_the_callers_first(house: House, on_bridge: str) -> None:
    with Callee("PCMA") as callee, RawPhone(house.switch.sip_port) as caller:
        caller._sdp = G722
        dials(house, callee, on_bridge)
        dialog = caller.invite()
        callee.wait_answered()
        assert dialog.status == 200
        codecs = offered(callee.invite)
        assert codecs[0] == "G722"
        assert sorted(codecs) == sorted(ALL), "one is missing, or twice there"
        callee.bye()
        assert house.application.wait_for("/after", 1, 5)[0].fields["DialCallStatus"] == "completed"


def test_the_sound_goes_through_two_codecs(house: House) -> None:
    with Callee("G722") as callee:
        dials(house, callee)
        anna = house.switch.call(ROOM, from_="+13125550002", sounds=500)
        callee.wait_answered()
        gevent.sleep(1.0)
        assert callee.packets > 30
        callee.bye()
        anna.wait_hears(AFTER, 5)


def _holds_and_hangs_up(callee: Callee) -> None:
    assert callee.hold() == 200
    gevent.sleep(0.5)
    callee.bye()


def _holds_inactive_and_hangs_up(callee: Callee) -> None:
    assert callee.hold("inactive") == 200
    gevent.sleep(0.5)
    callee.bye()


def _holds_talks_again_and_hangs_up(callee: Callee) -> None:
    assert callee.hold() == 200
    gevent.sleep(0.3)
    assert callee.hold("sendrecv") == 200
    gevent.sleep(0.3)
    callee.bye()


def _hangs_up(callee: Callee) -> None:
    callee.bye()


WAYS: dict[str, Callable[[Callee], None]] = {
    "BYE": _hangs_up,
    "hold, BYE": _holds_and_hangs_up,
    "inactive, BYE": _holds_inactive_and_hangs_up,
    "hold, off hold, BYE": _holds_talks_again_and_hangs_up,
}


@pytest.fixture
def callee() -> Iterator[Callee]:
    with Callee() as callee:
        yield callee


@pytest.mark.parametrize("way", WAYS)
def test_however_a_callee_ends_its_callers_document_goes_on(house: House, callee: Callee, way: str) -> None:
    dials(house, callee)
    anna = house.switch.call(ROOM, from_="+13125550002", sounds=500)
    callee.wait_answered()
    gevent.sleep(0.3)
    WAYS[way](callee)
    (asked,) = house.application.wait_for("/after", 1, 5)
    assert (asked.fields["DialCallStatus"], asked.fields["DialBridged"]) == ("completed", "true")
    anna.wait_hears(AFTER, 5)


def test_a_callee_hangs_up_while_its_caller_holds(house: House, callee: Callee) -> None:
    """Symptom: `Invalid file format [local_stream] for [moh]` in FreeSWITCH's log. Cause: to a leg whose
    other end holds it plays music from a module that is not loaded. Fix: hold_music=silence."""
    dials(house, callee)
    with RawPhone(house.switch.sip_port) as caller:
        dialog = caller.invite()
        callee.wait_answered()
        message = caller._message(
            "INVITE",
            dialog,
            [("Content-Type", "application/sdp")],
            sdp(caller._media.getsockname()[1], ["PCMU"], "sendonly"),
            branch="z9hG4bKhold",
            sequence=2,
        )
        caller._socket.sendto(message, caller._switch)
        gevent.sleep(0.7)
        dialog.sequence = 2
        callee.bye()
        (asked,) = house.application.wait_for("/after", 1, 5)
        assert asked.fields["DialCallStatus"] == "completed"
        gevent.sleep(0.5)
        assert house.switch.api("show channels count").strip().startswith("1 ")
        assert house.switch.log_errors() == []


class KeyInAvp(Callee):
    """Its answer has a key in RTP/AVP."""

    def _answer(self, request: bytes, status: str, body: bytes) -> None:
        super()._answer(request, status, body + KEY.encode() if body else b"")


def test_a_callee_whose_answer_has_a_key_in_avp_is_connected(house: House) -> None:
    """Symptom: it was hung up. Cause: FreeSWITCH refused its answer. Fix: NDLB-allow-crypto-in-avp."""
    with KeyInAvp() as callee, Talker(house.switch.sip_port) as caller:
        dials(house, callee)
        dialog = caller.invite()
        assert dialog.status == 200
        caller.talk(dialog)
        callee.wait_answered()
        until(lambda: callee.packets > 20, what="sound")
        callee.bye()
        assert house.application.wait_for("/after", 1, 5)[0].fields["DialCallStatus"] == "completed"
