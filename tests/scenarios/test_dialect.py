"""An application of Twilio's behind one line of the settings: its requests, its callbacks, its rooms."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest
from pydantic import SecretStr
from telnyx.lib.webhook_verification import verify_webhook_signature
from twilio.request_validator import RequestValidator

from orchestrator.callbacks.signature import load_key, public_key
from tests.lab.web import Request
from tests.scenarios.conftest import NUMBER, SEED, House

TOKEN = "0123456789abcdef0123456789abcdef"
FIRST, SECOND, THIRD = "+13125550002", "+13125550003", "+13125550004"


def set_for(house: House, **own: object) -> None:
    """Settings of the number's application, taken over as a reload does; its account has a token."""
    assert house.orchestrator is not None
    settings = house.orchestrator.settings
    applications = dict(settings.applications)
    applications["main"] = applications["main"].model_copy(update=own)
    main, *others = settings.accounts
    accounts = (main.model_copy(update={"auth_token": SecretStr(TOKEN)}), *others)
    house.orchestrator.take_over(
        settings.model_copy(update={"applications": applications, "accounts": accounts})
    )


def is_signed_for_twilio(house: House, request: Request) -> bool:
    url = house.application.url(request.path) + (f"?{request.query}" if request.query else "")
    fields = request.fields if request.method == "POST" else {}
    return bool(RequestValidator(TOKEN).validate(url, fields, request.headers["x-twilio-signature"]))


def test_a_conference_as_twilio_s_applications_expect_it(house: House) -> None:
    set_for(house, dialect="twilio")
    house.voice(house.joins())
    first = house.switch.call(NUMBER, from_=FIRST)
    assert house.delivered(1) == [("1", "participant-join", FIRST)]
    second = house.switch.call(NUMBER, from_=SECOND)
    assert house.delivered(3) == [
        ("1", "participant-join", FIRST),
        ("2", "conference-start", SECOND),
        ("3", "participant-join", SECOND),
    ]
    first.hang_up()
    second.hang_up()
    assert [number for number, _, _ in house.delivered(6)] == ["1", "2", "3", "4", "5", "6"]
    assert parsedate_to_datetime(house.events()[0]["Timestamp"]).year > 2020
    house.application.wait_for("/status", 2)
    asked = house.application.to("/voice")[0]
    for request in (asked, *house.application.to("/events"), *house.application.to("/status")):
        assert is_signed_for_twilio(house, request), request.path
        verify_webhook_signature(request.body, request.headers, public_key(load_key(SEED)))
        assert request.headers["user-agent"] == "TwilioProxy/1.1"
    expected = {
        "Caller": FIRST,
        "Called": NUMBER,
        "Direction": "inbound",
        "ApiVersion": "2010-04-01",
        "FromCity": "",
        "FromCountry": "US",
    }
    assert expected.items() <= asked.fields.items()
    ended = house.application.to("/status")[0].fields
    assert {"Caller", "CalledCountry", "Duration", "SipResponseCode"} <= ended.keys()


def test_without_a_dialect_nothing_of_it_is_there(house: House) -> None:
    set_for(house)
    house.voice(house.joins())
    phone = house.switch.call(NUMBER, from_=FIRST)
    assert house.delivered(2)[0] == ("0", "conference-start", FIRST)
    phone.hang_up()
    house.delivered(4)
    for request in (*house.application.to("/voice"), *house.application.to("/events")):
        assert "x-twilio-signature" not in request.headers
        assert request.headers["user-agent"] == "telnyx-webhooks"
        assert "Caller" not in request.fields


def test_one_difference_can_be_set_alone(house: House) -> None:
    set_for(house, dialect="twilio", first_sequence=0, min_participants_to_start=1)
    house.voice(house.joins())
    phone = house.switch.call(NUMBER, from_=FIRST)
    assert house.delivered(2) == [("0", "conference-start", FIRST), ("1", "participant-join", FIRST)]
    phone.hang_up()
    house.delivered(4)


def test_the_caller_s_name_and_diversion_of_the_invite_are_passed_on(house: House) -> None:
    set_for(house, dialect="twilio")
    house.voice("<Response><Reject/></Response>")
    diverted = {"Diversion": "<sip:+13125559999@example.com>;reason=unconditional"}
    house.switch.call(NUMBER, from_=FIRST, name="Anna", headers=diverted)
    (asked,) = house.application.wait_for("/voice")
    assert (asked.fields["CallerName"], asked.fields["ForwardedFrom"]) == ("Anna", "+13125559999")
    house.application.wait_for("/status", 1)


@pytest.mark.parametrize(
    ("dialect", "name"), [("telnyx", f"Room {FIRST}"), ("twilio", "Room {{From}}"), (None, f"Room {FIRST}")]
)
def test_a_template_is_filled_in_where_the_vendor_does_so(
    house: House, dialect: str | None, name: str
) -> None:
    set_for(house, dialect=dialect, min_participants_to_start=1)
    house.voice(house.joins(room="Room {{From}}"))
    phone = house.switch.call(NUMBER, from_=FIRST)
    assert house.events(2)[0]["FriendlyName"] == name
    phone.hang_up()
    house.delivered(4)


def test_a_room_keeps_the_dialect_that_it_was_opened_with(house: House) -> None:
    """Over a reload that changes it, and over a restart with other settings."""
    set_for(house, dialect="twilio", min_participants_to_start=1)
    house.voice(house.joins())
    first = house.switch.call(NUMBER, from_=FIRST)
    house.delivered(2)
    set_for(house, dialect="telnyx")
    second = house.switch.call(NUMBER, from_=SECOND)
    house.delivered(3)
    house.stop()
    house.start()
    set_for(house)
    third = house.switch.call(NUMBER, from_=THIRD)
    house.delivered(4)
    for phone in (first, second, third):
        phone.hang_up()
    assert [number for number, _, _ in house.delivered(8)] == [str(number) for number in range(1, 9)]
    for request in house.application.to("/events"):
        assert is_signed_for_twilio(house, request)
        assert request.headers["user-agent"] == "TwilioProxy/1.1"
        assert parsedate_to_datetime(request.fields["Timestamp"]).year > 2020


def test_a_waiting_caller_can_be_reported_as_joined_only_once_it_is_in(house: House) -> None:
    set_for(house, join_while_waiting=False)
    waits, starts = house.joins(startConferenceOnEnter="false"), house.joins()
    house.documents({FIRST: waits, SECOND: waits, THIRD: starts})
    leaves = house.switch.call(NUMBER, from_=FIRST)
    leaves.wait_answered(5)
    leaves.hang_up()
    assert house.delivered(1) == [("0", "conference-end", FIRST)]
    stays = house.switch.call(NUMBER, from_=SECOND)
    stays.wait_answered(5)
    starter = house.switch.call(NUMBER, from_=THIRD)
    assert house.delivered(4)[1:] == [
        ("0", "conference-start", THIRD),
        ("1", "participant-join", THIRD),
        ("2", "participant-join", SECOND),
    ]
    stays.hang_up()
    starter.hang_up()
    ends = ["participant-leave", "participant-leave", "conference-end"]
    assert [event for _, event, _ in house.delivered(7)[4:]] == ends
