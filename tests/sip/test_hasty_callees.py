"""A callee that answers and hangs up at once, before or just after it is connected with its caller."""

from __future__ import annotations

import pytest

from tests.attacks.sip import Answerer
from tests.scenarios.conftest import House

pytestmark = pytest.mark.only("freeswitch")

NUMBER, CALLER, AFTER = "+13125550100", "+13125550001", 1500


@pytest.mark.parametrize("answer_on_bridge", ["true", "false"])
@pytest.mark.parametrize("milliseconds", [0, 5, 20, 40, 60, 200])
def test_a_callee_that_answered_has_completed_the_dial(
    house: House, milliseconds: int, answer_on_bridge: str
) -> None:
    """Symptom: DialCallStatus=canceled of a callee that answered. Cause: a leg that is gone before FreeSWITCH
    has connected the two was nobody. Fix: what counts is its answer."""
    with Answerer("200 OK", hangs_up_after=milliseconds / 1000) as callee:
        house.voice(
            f"<Response><Dial action='/dialled' answerOnBridge='{answer_on_bridge}'>"
            f"<Sip statusCallback='/leg' statusCallbackEvent='answered completed'>sip:callee@{callee.address}"
            "</Sip></Dial></Response>"
        )
        house.application.takes_callbacks("/leg")
        house.application.document(
            "/dialled", f"<Response><Play>{house.application.tone(AFTER, 1.0)}</Play></Response>"
        )
        phone = house.switch.call(NUMBER, from_=CALLER)
        (request,) = house.application.wait_for("/dialled", 1, 10)
        fields = request.fields
        assert fields["DialCallStatus"] == "completed"
        assert fields["DialCallDuration"] == "0"
        assert fields["DialCallSid"]
        phone.wait_hears(AFTER)
        delivered = [one.fields["CallStatus"] for one in house.application.wait_for("/leg", 2)]
        assert delivered == ["in-progress", "completed"]
        phone.wait_ended()
