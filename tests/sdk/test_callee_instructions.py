"""A leg that a Dial's Number dialled takes new instructions over REST like any call: how two-party calls
become conferences (the callee is sent to a conference, then its caller).
"""

from __future__ import annotations

from typing import Any

import gevent
import pytest
import telnyx

from tests.lab.softphones import Answers, NeverAnswers
from tests.scenarios.conftest import ACCOUNT, House
from tests.sdk.conftest import Client
from tests.sdk.test_dialling import ANNA, ANNAS, status_of
from tests.sound.common import ROOM

CALLEE, CALLEES = "+13125550021", 1050
PLAYED, AFTER = 1300, 1700


@pytest.fixture
def two(house: House, client: Client) -> tuple[Any, Any, str, str]:
    """A caller and a callee who are connected: their phones and their CallSids."""
    return connected(house)


def connected(house: House, after: str = "<Play loop='0'>{tone}</Play>") -> tuple[Any, Any, str, str]:
    tone = house.application.tone(AFTER, 3.0)
    house.application.document("/after", f"<Response>{after.format(tone=tone)}</Response>")
    house.application.takes_callbacks("/callee")
    events = "initiated ringing answered completed"
    house.voice(
        f'<Response><Dial action="/after"><Number statusCallback="/callee" statusCallbackEvent="{events}">'
        f"{CALLEE}</Number></Dial></Response>"
    )
    target = house.switch.register(CALLEE, Answers(0.2, sounds=CALLEES))
    anna = house.switch.call(ROOM, from_=ANNA, sounds=ANNAS)
    callee = target.wait_called(10)
    anna.wait_hears(CALLEES, 10)
    callee.wait_hears(ANNAS, 10)
    asked = house.application.wait_for("/voice", 1, 5)[0].fields["CallSid"]
    delivered = house.application.wait_for("/callee", 3, 5)
    return anna, callee, asked, delivered[0].fields["CallSid"]


def test_it_leaves_its_caller_who_goes_on_with_the_action(
    house: House, client: Client, two: tuple[Any, Any, str, str]
) -> None:
    anna, callee, caller_sid, callee_sid = two
    own = house.application.document(
        "/own", f"<Response><Play loop='0'>{house.application.tone(PLAYED, 3.0)}</Play></Response>"
    )
    client.calls.update(callee_sid, account_sid=ACCOUNT, url=own)
    callee.wait_hears(PLAYED, 10)
    anna.wait_hears(AFTER, 10)
    assert not callee.hears_now(ANNAS)
    (action,) = house.application.to("/after")
    fields = action.fields
    assert (fields["CallSid"], fields["DialCallSid"]) == (caller_sid, callee_sid)
    assert (fields["DialCallStatus"], fields["DialBridged"]) == ("completed", "true")
    (asked,) = house.application.to("/own")
    assert asked.fields["CallSid"] == callee_sid
    assert (asked.fields["Direction"], asked.fields["CallStatus"]) == ("outbound", "in-progress")
    assert status_of(client, callee_sid) == status_of(client, caller_sid) == "in-progress"
    listed = client.ask("GET", f"/Calls.json?ParentCallSid={caller_sid}").json()["calls"]
    assert [one["sid"] for one in listed] == [callee_sid]
    anna.hang_up()
    gevent.sleep(0.5)
    assert callee.state == "answered", "its caller's end has ended it"
    client.calls.update(callee_sid, account_sid=ACCOUNT, status="completed")
    callee.wait_ended(5)
    delivered = [one.fields for one in house.application.wait_for("/callee", 4, 10)]
    assert [one["CallStatus"] for one in delivered][3:] == ["completed"]
    assert {one["ParentCallSid"] for one in delivered} == {caller_sid}
    assert [one["SequenceNumber"] for one in delivered] == ["0", "1", "2", "3"]
    assert status_of(client, callee_sid) == "completed"


def test_two_become_a_conference(house: House, client: Client, two: tuple[Any, Any, str, str]) -> None:
    anna, callee, caller_sid, callee_sid = two
    for sid in (callee_sid, caller_sid):
        client.calls.update(sid, account_sid=ACCOUNT, texml=house.joins(beep="false"))
    delivered = house.delivered(3, 10)
    assert [one for _, one, _ in delivered] == [
        "conference-start",
        "participant-join",
        "participant-join",
    ]
    anna.wait_hears(CALLEES, 5)
    callee.wait_hears(ANNAS, 5)
    conference = client.conference()
    assert {one.call_sid for one in client.participants(conference.sid)} == {caller_sid, callee_sid}
    bert = house.switch.call(ROOM, from_="+13125550003", sounds=650)
    house.voice(house.joins(beep="false"))
    assert bert
    anna.hang_up()
    house.delivered(4, 5)
    assert callee.state == "answered"


def test_its_caller_goes_elsewhere_and_it_is_hung_up_unless_it_has_instructions(
    house: House, client: Client, two: tuple[Any, Any, str, str]
) -> None:
    anna, callee, caller_sid, callee_sid = two
    client.calls.update(caller_sid, account_sid=ACCOUNT, texml=house.joins(beep="false"))
    callee.wait_ended(5)
    assert house.delivered(2, 5)
    assert not house.application.to("/after"), "the action of a Dial that was redirected"
    assert status_of(client, callee_sid) == "completed"
    with pytest.raises(telnyx.UnprocessableEntityError):
        client.calls.update(callee_sid, account_sid=ACCOUNT, texml="<Response/>")
    assert anna.state == "answered"


def test_before_it_answers_it_takes_none(house: House, client: Client) -> None:
    house.voice(f"<Response><Dial><Number>{CALLEE}</Number></Dial></Response>")
    target = house.switch.register(CALLEE, NeverAnswers())
    house.switch.call(ROOM, from_=ANNA)
    phone = target.wait_called(10)
    caller_sid = house.application.wait_for("/voice", 1, 5)[0].fields["CallSid"]
    (one,) = client.ask("GET", f"/Calls.json?ParentCallSid={caller_sid}").json()["calls"]
    with pytest.raises(telnyx.UnprocessableEntityError):
        client.calls.update(one["sid"], account_sid=ACCOUNT, texml="<Response/>")
    client.calls.update(one["sid"], account_sid=ACCOUNT, status="completed")
    phone.wait_ended(5)


def test_it_takes_them_after_a_restart_too_and_keeps_them_over_the_next(
    house: House, client: Client, two: tuple[Any, Any, str, str]
) -> None:
    anna, callee, _, callee_sid = two
    house.stop()
    house.start()
    document = f"<Response><Play loop='0'>{house.application.tone(PLAYED, 3.0)}</Play></Response>"
    client.calls.update(callee_sid, account_sid=ACCOUNT, texml=document)
    callee.wait_hears(PLAYED, 10)
    anna.wait_hears(AFTER, 10)
    house.stop()
    house.start()
    gevent.sleep(0.5)
    callee.wait_hears(PLAYED, 10)
    client.calls.update(callee_sid, account_sid=ACCOUNT, texml=house.joins(beep="false"))
    assert house.delivered(2, 5)[1][1] == "participant-join"
    callee.hang_up()
    delivered = [one.fields["CallStatus"] for one in house.application.wait_for("/callee", 4, 10)]
    assert delivered[3:] == ["completed"]
