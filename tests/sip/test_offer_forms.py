"""Every form of an SDP offer that phones make is heard both ways, or refused with a reason in the log.

Symptom: RTP/AVP with `a=crypto`, as of phones with "optional" encryption, got 488; and nobody learnt why an
offer was refused. Cause: FreeSWITCH negotiated before the dialplan could look at the offer. Fix:
inbound-late-negotiation, and extensions that take a key in RTP/AVP for none and that name what they refuse.
"""

from __future__ import annotations

import gevent
import numpy as np
import pytest

from tests.attacks.sip import Dialog, Request, header
from tests.scenarios.conftest import House
from tests.sip.description import media_address
from tests.sip.talker import Talker
from tests.sip.test_jitter import ULAW
from tests.sound.common import until

pytestmark = pytest.mark.only("freeswitch")

KEY = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
VIDEO = "m=video 40000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
TONE = bytes([0x80, 0x80, 0x80, 0x80, 0x00, 0x00, 0x00, 0x00]) * 20
"""One frame of a square wave of 1000 Hz."""


def offer(audio: str, *, session: str = "c=IN IP4 127.0.0.1\r\n") -> str:
    return f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n{session}t=0 0\r\n{audio}"


def loud(payloads: list[bytes]) -> bool:
    """Whether a tone was heard in the last packets of PCMU."""
    samples = ULAW[np.frombuffer(b"".join(payloads[-20:]), np.uint8)]
    return len(payloads) > 20 and float(np.abs(samples).mean()) > 500.0


HEARD = {
    "key in AVP": offer("m=audio {port} RTP/AVP 0 101\r\n" + KEY),
    "key in AVP, video with one": offer("m=audio {port} RTP/AVP 0\r\n" + KEY + VIDEO + KEY),
    "video with a key": offer("m=audio {port} RTP/AVP 0\r\n" + VIDEO + KEY),
    "video beside audio": offer("m=audio {port} RTP/AVP 0\r\n" + VIDEO),
    "video before audio": offer(VIDEO + "m=audio {port} RTP/AVP 0\r\n"),
    "AVP before SAVP": offer("m=audio {port} RTP/AVP 0\r\nm=audio 40000 RTP/SAVP 0\r\n" + KEY),
    "key in AVP before SAVP": offer(
        "m=audio {port} RTP/AVP 0\r\n" + KEY + "m=audio 40000 RTP/SAVP 0\r\n" + KEY
    ),
    "AVPF": offer("m=audio {port} RTP/AVPF 0\r\na=rtcp-fb:* nack\r\n"),
    "c= of its media alone": offer("m=audio {port} RTP/AVP 0\r\nc=IN IP4 127.0.0.1\r\n", session=""),
    "ptime 10": offer("m=audio {port} RTP/AVP 0\r\na=ptime:10\r\n"),
    "ptime 30": offer("m=audio {port} RTP/AVP 0\r\na=ptime:30\r\n"),
    "ptime 40": offer("m=audio {port} RTP/AVP 0\r\na=ptime:40\r\n"),
    "telephone-event 96": offer("m=audio {port} RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\n"),
    "telephone-event 16000": offer("m=audio {port} RTP/AVP 0 97\r\na=rtpmap:97 telephone-event/16000\r\n"),
    "telephone-event 48000": offer(
        "m=audio {port} RTP/AVP 0 97 98\r\na=rtpmap:97 telephone-event/48000\r\n"
        "a=rtpmap:98 telephone-event/8000\r\n"
    ),
    "no telephone-event": offer("m=audio {port} RTP/AVP 0\r\n"),
    "fax beside audio": offer("m=audio {port} RTP/AVP 0\r\nm=image 40000 udptl t38\r\n"),
    "video refused": offer("m=audio {port} RTP/AVP 0\r\nm=video 0 RTP/AVP 96\r\n"),
}
FINGERPRINT = f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\na=setup:actpass\r\n"
HEARD["fingerprint in AVP"] = offer("m=audio {port} RTP/AVP 0\r\n" + FINGERPRINT)
HEARD["fax before audio"] = offer("m=image 40000 udptl t38\r\nm=audio {port} RTP/AVP 0\r\n")
REFUSED = {
    "SAVP without a key": (offer("m=audio {port} RTP/SAVP 0\r\n"), "SAVP is offered without a key"),
    "SAVP with a key of an unknown kind": (
        offer(
            "m=audio {port} RTP/SAVP 0\r\n" + KEY.replace("AES_CM_128_HMAC_SHA1_80", "F8_128_HMAC_SHA1_80")
        ),
        "SAVP is offered without a key",
    ),
    "SAVPF with a key": (
        offer("m=audio {port} RTP/SAVPF 0\r\n" + KEY),
        "SAVPF is offered without a fingerprint",
    ),
    "port of 0": (offer("m=audio 0 RTP/AVP 0\r\n"), "an offer without audio"),
    "video alone": (offer(VIDEO), "an offer without audio"),
    "fax alone": (offer("m=image 40000 udptl t38\r\n"), "an offer without audio"),
    "no media": (offer(""), "an offer without audio"),
    "no codec in common": (
        offer("m=audio {port} RTP/AVP 97\r\na=rtpmap:97 AMR/8000\r\n"),
        "none of the codecs that are offered",
    ),
    "telephone-event alone": (
        offer("m=audio {port} RTP/AVP 97\r\na=rtpmap:97 telephone-event/8000\r\n"),
        "none of the codecs that are offered",
    ),
}


@pytest.mark.parametrize("name", HEARD)
def test_heard_both_ways(house: House, name: str) -> None:
    house.voice(house.joins())
    with Talker(house.switch.sip_port, HEARD[name]) as phone, Talker(house.switch.sip_port) as other:
        dialog = phone.invite()
        assert dialog.status == 200, header(dialog.answer, "Reason")
        assert media_address(dialog.answer)[1] != 0
        listening = other.invite(identity="+13125550002")
        phone.talk(dialog, TONE)
        other.talk(listening, TONE)
        house.delivered(3)
        until(lambda: loud(phone.heard), what="sound at the phone")
        until(lambda: loud(other.heard), what="sound of the phone")


class Multipart(Talker):
    """Its SDP is one part of several."""

    def _change(self, request: Request, dialog: Dialog) -> None:
        super()._change(request, dialog)
        if request.body:
            parts = [b"application/sdp\r\n\r\n" + request.body, b"text/plain\r\n\r\nhello\r\n"]
            request.describe(
                b"".join(b"--x\r\nContent-Type: " + one + b"\r\n" for one in parts) + b"--x--\r\n"
            )
            request.substitute(b"Content-Type", b".*", b"multipart/mixed;boundary=x")


def test_an_offer_that_is_one_part_of_several(house: House) -> None:
    house.voice(house.joins())
    with Multipart(house.switch.sip_port) as phone, Talker(house.switch.sip_port) as other:
        dialog, listening = phone.invite(), other.invite(identity="+13125550002")
        phone.talk(dialog, TONE)
        other.talk(listening, TONE)
        until(lambda: loud(phone.heard) and loud(other.heard), what="sound")


@pytest.mark.parametrize(
    ("direction", "is_heard", "hears"),
    [("sendonly", True, False), ("recvonly", False, True), ("inactive", False, False)],
)
def test_an_offer_of_one_direction(house: House, direction: str, is_heard: bool, hears: bool) -> None:
    house.voice(house.joins())
    body = offer(f"m=audio {{port}} RTP/AVP 0\r\na={direction}\r\n")
    with Talker(house.switch.sip_port, body) as phone, Talker(house.switch.sip_port) as other:
        dialog, listening = phone.invite(), other.invite(identity="+13125550002")
        phone.talk(dialog, TONE)
        other.talk(listening, TONE)
        house.delivered(3)
        gevent.sleep(1.0)
        until(lambda: loud(phone.heard) is hears, what="what the phone hears")
        until(lambda: loud(other.heard) or not is_heard, what="what is heard of it")


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason(house: House, name: str) -> None:
    body, reason = REFUSED[name]
    house.voice(house.joins())
    with Talker(house.switch.sip_port, body) as phone:
        assert phone.invite().status == 488
        until(lambda: reason in house.switch.log_tail(), what=house.switch.log_tail())
        assert house.application.to("/voice") == []


@pytest.mark.parametrize("protocol", ["RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"])
def test_a_fingerprint_is_answered_with_one(house: House, protocol: str) -> None:
    """No media: the handshake is FreeSWITCH's and the phone's."""
    house.voice(house.joins())
    with Talker(house.switch.sip_port, offer(f"m=audio {{port}} {protocol} 0\r\n" + FINGERPRINT)) as phone:
        dialog = phone.invite()
        assert dialog.status == 200
        assert media_address(dialog.answer)[1] != 0
        assert b"a=fingerprint:sha-256" in dialog.answer


def test_a_session_without_any_connection_is_refused(house: House) -> None:
    """By sofia-sip, which knows no call yet."""
    with Talker(house.switch.sip_port, offer("m=audio {port} RTP/AVP 0\r\n", session="")) as phone:
        dialog = phone.invite()
        assert dialog.answer.startswith(b"SIP/2.0 400 Bad Session Description")
        assert house.application.to("/voice") == []
