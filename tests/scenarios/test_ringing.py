"""The answer to a caller while the document is fetched: 180 Ringing, at once."""

from __future__ import annotations

import time

import pytest

from tests.attacks.sip import RawPhone
from tests.lab.phone import Answers, Rejects
from tests.lab.switches import FreeSwitch
from tests.lab.web import Answer
from tests.scenarios.conftest import House

NUMBER, CALLEE = "+13125550100", "+13125550021"
FETCH_SECONDS = 1.8
CALLEES = {CALLEE: Answers(after=0.5), "+13125550022": Rejects(486)}


def slow(house: House, *verbs: str) -> None:
    document = f"<Response>{''.join(verbs)}</Response>"
    house.application.route("/voice", Answer(document, delay=FETCH_SECONDS))


def test_the_phone_rings_while_the_document_is_fetched(house: House) -> None:
    slow(house, "<Pause length='1'/><Hangup/>")
    asked = time.monotonic()
    phone = house.switch.call(NUMBER)
    phone.wait_ringing(FETCH_SECONDS / 2)
    assert time.monotonic() - asked < FETCH_SECONDS
    assert phone.state == "ringing"
    phone.wait_ended()


# Symptom: nothing but 100 Trying until the document was there, though the documents say that the phone rings.
# Cause: FreeSWITCH sends 180 where it is asked to only. Fix: it is asked as soon as the call is taken.
@pytest.mark.only("freeswitch")
@pytest.mark.parametrize(
    ("verb", "then"),
    [
        ("<Pause length='1'/><Play>{tone}</Play>", [200]),
        ("<Reject/>", [603]),
        ("<Reject reason='busy'/>", [486]),
        ("<Hangup/>", [480]),
        # FreeSWITCH opens the media of a caller that joins before it answers, a moment later.
        ("<Dial><Conference>Room</Conference></Dial>", [183, 200]),
        (f"<Dial answerOnBridge='true'>{CALLEE}</Dial>", [183, 200]),
        ("<Dial answerOnBridge='true'>+13125550022</Dial>", [486]),
        (f"<Dial>{CALLEE}</Dial>", [200]),
    ],
)
def test_ringing_comes_first_and_breaks_no_answer_after_it(house: House, verb: str, then: list[int]) -> None:
    assert isinstance(house.switch, FreeSwitch)
    for number, behaviour in CALLEES.items():
        house.switch.register(number, behaviour)
    slow(house, verb.format(tone=house.application.tone(700, 1.0)))
    with RawPhone(house.switch.sip_port) as phone:
        asked = time.monotonic()
        dialog = phone.invite(NUMBER, until=180, timeout=FETCH_SECONDS / 2)
        assert dialog.status == 180
        assert time.monotonic() - asked < FETCH_SECONDS / 2
        phone.wait(dialog)
        if "<Conference>" in verb and house.switch.others:
            # The other node answers its leg before it opens media.
            then = [200]
        assert [status for status in dialog.statuses if status > 100] == [180, *then]


@pytest.mark.only("freeswitch")
def test_a_caller_that_hangs_up_while_it_rings_is_let_go(house: House) -> None:
    assert isinstance(house.switch, FreeSwitch)
    slow(house, "<Say>Hello.</Say>")
    with RawPhone(house.switch.sip_port) as phone:
        dialog = phone.invite(NUMBER, until=180, timeout=FETCH_SECONDS)
    assert dialog.status == 487


@pytest.mark.only("freeswitch")
def test_a_call_that_is_refused_by_number_does_not_ring_first(house: House) -> None:
    assert isinstance(house.switch, FreeSwitch)
    with RawPhone(house.switch.sip_port) as phone:
        dialog = phone.invite("+99912", timeout=5.0)
    assert [status for status in dialog.statuses if status > 100] == [404]
