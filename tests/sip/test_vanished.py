"""Phones that vanish without a BYE.

Symptom: a phone whose battery was empty stayed a participant for up to four hours, and its conference and
recording with it. Cause: FreeSWITCH waits for RTP without a limit unless it has one. Fix: rtp-timeout-sec and
session timers in the SIP profile; longer while a phone holds, and without a limit where it only listens.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from tests.attacks.sip import Dialog, header, status_of
from tests.lab.web import Application
from tests.scenarios.conftest import House, lived_in
from tests.sip.callee import Callee
from tests.sip.description import sdp
from tests.sip.own_switch import OwnSwitch, own_switch
from tests.sip.talker import Talker

SECONDS = 2
LEAVES_WITHIN = SECONDS + 3.0


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnSwitch]:
    more = {"FS_RTP_TIMEOUT": str(SECONDS)}
    with own_switch(tmp_path_factory.mktemp("impatient"), more) as switch:
        yield switch


@pytest.fixture
def house(impatient: OwnSwitch, application: Application, tmp_path: Path) -> Iterator[House]:
    impatient.begin()
    with lived_in(impatient, application, tmp_path) as house:
        yield house


@pytest.fixture
def phone(house: House) -> Iterator[Talker]:
    with Talker(house.switch.sip_port) as phone:
        yield phone


def joined(house: House, phone: Talker) -> Dialog:
    house.voice(house.joins())
    dialog = phone.invite()
    assert dialog.status == 200
    phone.talk(dialog)
    assert [event for _, event, _ in house.delivered(2)] == ["conference-start", "participant-join"]
    return dialog


def test_a_phone_that_sends_no_more_media_leaves_and_the_conference_ends(house: House, phone: Talker) -> None:
    joined(house, phone)
    gevent.sleep(SECONDS + 1.5)
    assert len(house.delivered()) == 2, "one that talks stays"
    phone.vanish()
    delivered = [event for _, event, _ in house.delivered(4, LEAVES_WITHIN)]
    assert delivered[2:] == ["participant-leave", "conference-end"]


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
def test_a_phone_that_holds_stays_and_its_limit_counts_again_afterwards(
    house: House, phone: Talker, direction: str
) -> None:
    dialog = joined(house, phone)
    assert status_of(phone.reinvite(dialog, sdp(phone.media_port, ["PCMU"], direction))) == 200
    gevent.killall(phone._greenlets)
    gevent.sleep(LEAVES_WITHIN)
    assert len(house.delivered()) == 2
    assert status_of(phone.reinvite(dialog, sdp(phone.media_port, ["PCMU"]))) == 200
    assert phone.hears_goodbye(dialog, LEAVES_WITHIN)


@pytest.mark.parametrize("direction", ["recvonly", "inactive"])
def test_a_phone_that_only_listens_stays(house: House, direction: str) -> None:
    with Talker(house.switch.sip_port) as phone:
        phone._sdp = sdp(phone.media_port, ["PCMU"], direction).decode()
        house.voice(house.joins())
        assert phone.invite().status == 200
        house.delivered(2)
        gevent.sleep(LEAVES_WITHIN)
        assert len(house.delivered()) == 2


def test_a_caller_that_vanishes_takes_nobody_else_along(house: House, phone: Talker) -> None:
    joined(house, phone)
    with Talker(house.switch.sip_port) as other:
        dialog = other.invite(identity="+13125550002")
        other.talk(dialog)
        house.delivered(3)
        other.vanish()
        assert [event for _, event, _ in house.delivered(4, LEAVES_WITHIN)][3] == "participant-leave"
        gevent.sleep(1.0)
        assert len(house.delivered()) == 4


def test_a_callee_that_holds_without_media_stays(house: House, phone: Talker) -> None:
    with Callee() as callee:
        house.voice(f"<Response><Dial><Sip>sip:callee@{callee.address}</Sip></Dial></Response>")
        dialog = phone.invite()
        phone.talk(dialog)
        callee.wait_answered()
        assert callee.hold("inactive") == 200
        assert not callee.wait_over(LEAVES_WITHIN)
        callee.bye()


def test_a_callee_of_the_rest_api_that_vanishes_leaves_too(house: House) -> None:
    """Calls out have the limit from the SIP profile."""
    with Callee() as callee:
        channel = f"{{origination_caller_id_number=1}}sofia/texml/x@{callee.address}"
        assert house.switch.api(f"originate {channel} &playback(silence_stream://-1)").startswith("+OK")
        assert callee.wait_over(LEAVES_WITHIN)


def test_a_session_timer_is_asked_for(house: House, phone: Talker) -> None:
    house.voice(house.joins())
    dialog = phone.invite(headers=[("Supported", "timer")])
    phone.talk(dialog)
    assert header(dialog.answer, "Session-Expires") == "1800;refresher=uac"
    house.delivered(2)
