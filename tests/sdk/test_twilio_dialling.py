"""A call at Twilio's address has Twilio's defaults, and the request's own parameters before them."""

from __future__ import annotations

import pytest
import requests

from orchestrator.sids import canonical_call_sid, leg_of
from tests.lab.softphones import Answers
from tests.scenarios.conftest import ACCOUNT, House
from tests.sdk.conftest import Client

GUEST, FROM, SHOWN, MAIN = "+13125550021", "+13125550100", "+13125550155", "1568109700606592442"


def post(client: Client, path: str, **more: str) -> dict[str, str]:
    url = f"{client.base}/2010-04-01/Accounts/{ACCOUNT}{path}.json"
    form = {"To": GUEST, "From": FROM} | more
    answer = requests.post(url, auth=(ACCOUNT, client.key), data=form, timeout=10)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.mark.parametrize(
    ("asked", "delivered"),
    [
        ("", ["conference-start", "conference-end"]),
        ("join leave", ["participant-join", "participant-leave"]),
        ("start", ["conference-start"]),
    ],
)
def test_a_conference_reports_its_start_and_end_unless_the_request_says_otherwise(
    house: House, client: Client, asked: str, delivered: list[str]
) -> None:
    target = house.switch.register(GUEST, Answers(0.1))
    more = {"ConferenceStatusCallbackEvent": asked} if asked else {}
    guest = post(
        client,
        "/Conferences/Room 1234/Participants",
        ApplicationSid=MAIN,
        ConferenceStatusCallback=house.application.url("/events"),
        **more,
    )
    phone = target.wait_called(10)
    house.delivered(1, 10)
    phone.hang_up()
    assert [event for _, event, _ in house.delivered(len(delivered), 10)] == delivered
    assert {event["ConferenceSid"] for event in house.events()} == {guest["conference_sid"]}


@pytest.mark.parametrize(
    ("more", "name"), [({}, SHOWN), ({"CallerDisplayName": "Front desk"}, "Front desk")], ids=["", "a name"]
)
def test_a_caller_id_is_a_number_and_no_name(
    house: House, client: Client, more: dict[str, str], name: str
) -> None:
    target = house.switch.register(GUEST, Answers(0.1))
    house.voice(house.joins(beep="false"))
    path = "/Conferences/Room 1234/Participants"
    made = post(client, path, ApplicationSid=MAIN, CallerId="(312) 555-0155", **more)
    phone = target.wait_called(10)
    phone.wait_answered(5)
    leg = leg_of(canonical_call_sid(made["call_sid"]))
    assert phone.caller == SHOWN
    assert house.switch.api(f"uuid_getvar {leg} origination_caller_id_name").strip() == name
