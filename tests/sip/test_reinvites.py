"""Re-INVITEs that add what FreeSWITCH does not take."""

from __future__ import annotations

import gevent
import pytest

from tests.attacks.sip import status_of
from tests.scenarios.conftest import House
from tests.sip.talker import Talker
from tests.sip.test_offer_forms import KEY, TONE, VIDEO, loud, offer
from tests.sound.common import until

pytestmark = pytest.mark.only("freeswitch")

TAKEN = {
    "a key": (offer("m=audio {port} RTP/AVP 0\r\n" + KEY), 200),
    "video": (offer("m=audio {port} RTP/AVP 0\r\n" + VIDEO), 200),
    "video with a key": (offer("m=audio {port} RTP/AVP 0\r\n" + VIDEO + KEY), 200),
    "fax alone": (offer("m=image {port} udptl t38\r\n"), 488),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_re_invite_leaves_the_sound_as_it_was(house: House, name: str) -> None:
    """Symptom: after a re-INVITE with a key in RTP/AVP, as some phones send to hold, nobody was heard. Cause:
    FreeSWITCH refused it and forgot the codecs (switch_core_media.c, CF_AUDIO). Fix: it is not refused."""
    house.voice(house.joins())
    with Talker(house.switch.sip_port) as phone, Talker(house.switch.sip_port) as other:
        dialog, listening = phone.invite(), other.invite(identity="+13125550002")
        phone.talk(dialog, TONE)
        other.talk(listening, TONE)
        house.delivered(3)
        until(lambda: loud(phone.heard) and loud(other.heard), what="sound")
        body, status = TAKEN[name]
        answer = phone.reinvite(dialog, body.format(port=phone.media_port).encode())
        assert status_of(answer) == status
        gevent.sleep(0.3)
        phone.heard.clear()
        other.heard.clear()
        until(lambda: loud(phone.heard) and loud(other.heard), what="sound afterwards")
