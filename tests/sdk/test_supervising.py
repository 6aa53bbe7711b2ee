"""A call that supervises another: who hears it, and what it hears, in a conference and out of one."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
import telnyx

from orchestrator.sids import twilio_call_sid_of
from tests.lab.softphones import Answers, NeverAnswers
from tests.scenarios.conftest import ACCOUNT, House
from tests.sdk.conftest import Client
from tests.sdk.test_effects import observes
from tests.sdk.test_participant_updates import ANNA, BERT, VOICES, Party, goes_quiet
from tests.sound.common import ROOM, until

SUPERVISOR, FROM, MAIN = "+13125550021", "+13125550100", "1568109700606592442"
SPEAKS = 1300
ROLES = ["barge", "whisper", "monitor"]


def supervises(house: House, client: Client, call_sid: str, **more: object) -> tuple[Any, str]:
    """The supervisor's phone, and the CallSid of its call."""
    target = house.switch.register(SUPERVISOR, Answers(0.2, sounds=SPEAKS))
    body = {"To": SUPERVISOR, "From": FROM, "ApplicationSid": MAIN, "SuperviseCallSid": call_sid, **more}
    made = client.calls.calls(ACCOUNT, body=body)
    phone = target.wait_called(10)
    phone.wait_answered(10)
    return phone, made.call_sid


def is_heard_as(role: str, phone: Any, supervised: Any, other: Any) -> None:
    """By those that the role says, while it hears both."""
    for hz in (VOICES[ANNA], VOICES[BERT]):
        phone.wait_hears(hz, 10)
    for one, heard in ((supervised, role != "monitor"), (other, role == "barge")):
        if heard:
            one.wait_hears(SPEAKS, 10)
        else:
            goes_quiet(one, SPEAKS)
    supervised.wait_hears(VOICES[BERT], 10)
    other.wait_hears(VOICES[ANNA], 10)


@observes("createCall", "SuperviseCallSid", "SupervisingRole")
@pytest.mark.parametrize("role", ROLES)
def test_a_participant_is_supervised_in_its_conference(house: House, client: Client, role: str) -> None:
    party = Party(house, client, ANNA, BERT)
    phone, _ = supervises(house, client, twilio_call_sid_of(party.sids[ANNA]), SupervisingRole=role)
    is_heard_as(role, phone, party.phones[ANNA], party.phones[BERT])
    assert len(client.participants(party.sid)) == 3


@pytest.mark.parametrize("role", ROLES)
def test_a_call_without_a_conference_is_supervised(house: House, client: Client, role: str) -> None:
    house.application.takes_callbacks("/call")
    house.voice(f"<Response><Dial>{BERT}</Dial></Response>")
    callee = house.switch.register(BERT, Answers(0.2, sounds=VOICES[BERT]))
    caller = house.switch.call(ROOM, from_=ANNA, sounds=VOICES[ANNA])
    caller.wait_hears(VOICES[BERT], 10)
    (call,) = (one for one in client.calls.retrieve_calls(ACCOUNT).calls if one.direction == "inbound")
    phone, sid = supervises(
        house,
        client,
        call.sid,
        SupervisingRole=role,
        StatusCallback=house.application.url("/call"),
        StatusCallbackEvent="answered completed",
    )
    is_heard_as(role, phone, caller, callee.wait_called(5))
    house.stop()
    house.start()
    assert client.calls.retrieve(sid, account_sid=ACCOUNT).status == "in-progress"
    phone.wait_hears(VOICES[ANNA], 10)
    caller.hang_up()
    phone.wait_ended(10)
    delivered = house.application.wait_for("/call", 2, 10)
    assert [one.fields["CallStatus"] for one in delivered] == ["in-progress", "completed"]
    until(lambda: client.calls.retrieve(sid, account_sid=ACCOUNT).status == "completed", 10, "its end")


def test_a_supervisor_who_hangs_up_or_whose_time_is_over_leaves_the_others_alone(
    house: House, client: Client
) -> None:
    house.voice(f"<Response><Play>{house.application.tone(700, 60.0)}</Play></Response>")
    caller = house.switch.call(ROOM, from_=ANNA, sounds=VOICES[ANNA])
    caller.wait_hears(700, 10)
    (call,) = client.calls.retrieve_calls(ACCOUNT).calls
    phone, _ = supervises(house, client, call.sid)
    phone.wait_hears(VOICES[ANNA], 10)
    phone.wait_hears(700, 10)
    caller.wait_hears(SPEAKS, 10)
    phone.hang_up()
    goes_quiet(caller, SPEAKS)
    target = house.switch.register(SUPERVISOR, Answers(0.2, sounds=SPEAKS))
    body = {"To": SUPERVISOR, "From": FROM, "ApplicationSid": MAIN, "SuperviseCallSid": call.sid}
    ended = client.calls.calls(ACCOUNT, body=body | {"TimeLimit": 1})
    second = target.wait_called(10)
    second.wait_answered(10)
    second.wait_ended(10)
    third = client.calls.calls(ACCOUNT, body=body)
    target.wait_called(10, nth=2).wait_answered(10)
    client.calls.update(third.call_sid, account_sid=ACCOUNT, status="completed")
    target.wait_called(10, nth=2).wait_ended(10)
    until(lambda: client.calls.retrieve(ended.call_sid, account_sid=ACCOUNT).status == "completed", 10)
    caller.wait_hears(700, 10)


def test_a_call_that_cannot_be_supervised_is_refused_and_named(house: House, client: Client) -> None:
    house.voice(f"<Response><Play>{house.application.tone(700, 60.0)}</Play></Response>")
    phone = house.switch.call(ROOM, from_=ANNA)
    phone.wait_hears(700, 10)
    (call,) = client.calls.retrieve_calls(ACCOUNT).calls
    target = house.switch.register(BERT, NeverAnswers())
    body = {"To": BERT, "From": FROM, "ApplicationSid": MAIN}
    rings = client.calls.calls(ACCOUNT, body=body)
    target.wait_called(10)
    for more, named in (
        ({"SuperviseCallSid": "v3:nobody"}, "/SuperviseCallSid"),
        ({"SuperviseCallSid": rings.call_sid}, "/SuperviseCallSid"),
        ({"SupervisingRole": "monitor"}, "/SuperviseCallSid"),
        ({"SuperviseCallSid": call.sid, "SupervisingRole": "listen"}, "/SupervisingRole"),
        ({"SuperviseCallSid": call.sid, "Record": True}, "/Record"),
        ({"SuperviseCallSid": call.sid, "Texml": "<Response/>"}, "/Texml"),
    ):
        with pytest.raises(telnyx.UnprocessableEntityError, match=named):
            client.calls.calls(ACCOUNT, body=body | more)
    phone.hang_up()
    phone.wait_ended(10)
    gevent.sleep(0.5)
    with pytest.raises(telnyx.UnprocessableEntityError, match="/SuperviseCallSid"):
        client.calls.calls(ACCOUNT, body=body | {"SuperviseCallSid": call.sid})
