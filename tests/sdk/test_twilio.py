"""Twilio's own client, pointed here: the same rooms under Twilio's addresses, in Twilio's words."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client as Twilio

from tests.lab.softphones import Answers
from tests.scenarios.conftest import ACCOUNT, API_KEY, OTHER_API_KEY, House
from tests.sdk.conftest import Client
from tests.sound.common import ROOM

ANNA, GUEST = "+13125550002", "+13125550021"


class Here(TwilioHttpClient):
    """Leads what goes to api.twilio.com to us."""

    def __init__(self, base: str) -> None:
        super().__init__(pool_connections=False)
        self.base = base

    def request(self, method: str, url: str, *args: Any, **more: Any) -> Any:
        return super().request(method, url.replace("https://api.twilio.com", self.base), *args, **more)


@pytest.fixture
def twilio(client: Client) -> Any:
    return Twilio(ACCOUNT, API_KEY, http_client=Here(client.base))


def test_conferences_and_participants(house: House, twilio: Any) -> None:
    house.voice(house.joins(participantLabel="host", beep="false"))
    phone = house.switch.call(ROOM, from_=ANNA, sounds=500)
    house.delivered(2, 10)
    (conference,) = twilio.conferences.list(friendly_name="Room 1234", status="in-progress")
    assert conference.sid == house.events()[0]["ConferenceSid"]
    assert abs((datetime.now(timezone.utc) - conference.date_created).total_seconds()) < 60
    assert conference.api_version == "2010-04-01"
    assert twilio.conferences(conference.sid).fetch().friendly_name == "Room 1234"
    assert twilio.conferences.list(date_created_after=datetime.now(timezone.utc).date())
    (one,) = conference.participants.list()
    assert (one.label, one.muted, one.status, one.start_conference_on_enter) == (
        "host",
        False,
        "connected",
        True,
    )
    assert one.update(muted=True, end_conference_on_exit=True).muted is True
    assert conference.participants("host").fetch().hold is False
    target = house.switch.register(GUEST, Answers(0.3, sounds=900))
    guest = conference.participants.create(from_=ROOM, to=GUEST, label="guest", beep="false")
    assert (guest.conference_sid, guest.label) == (conference.sid, "guest")
    target.wait_called(10)
    phone.wait_hears(900, 10)
    assert conference.participants("guest").delete() is True
    conference = conference.update(status="completed")
    phone.wait_ended(10)
    over = twilio.conferences(conference.sid).fetch()
    assert (over.status, over.reason_conference_ended) == ("completed", "conference-ended-via-api")


def test_participants_that_have_left_are_asked_for_and_complete(
    house: House, client: Client, twilio: Any
) -> None:
    house.voice(house.joins(participantLabel="host", beep="false"))
    phone = house.switch.call(ROOM, from_=ANNA, sounds=500)
    house.delivered(2, 10)
    (conference,) = twilio.conferences.list()
    conference.update(status="completed")
    phone.wait_ended(10)
    assert conference.participants.list() == []
    url = f"{client.base}/2010-04-01/Accounts/{ACCOUNT}/Participants.json"
    asked = {"Label": "host", "IncludeLeft": "true"}
    found = requests.get(url, asked, auth=(ACCOUNT, API_KEY), timeout=10).json()["participants"]
    assert [(one["label"], one["status"], one["conference_sid"]) for one in found] == [
        ("host", "complete", conference.sid)
    ]


def test_a_list_is_leafed_through(house: House, twilio: Any) -> None:
    house.voice(*[house.joins(room=f"Room {number}") for number in range(5)])
    for number in range(5):
        house.switch.call(ROOM, from_=f"+1312555010{number}").wait_answered(10)
    house.delivered(10, 10)
    names = [conference.friendly_name for conference in twilio.conferences.list(page_size=2)]
    assert sorted(names) == [f"Room {number}" for number in range(5)]
    calls = twilio.calls.list(page_size=3)
    assert len(calls) == 5
    assert twilio.calls(calls[0].sid).fetch().direction == "inbound"


def test_errors_are_twilios(house: House, client: Client, twilio: Any) -> None:
    with pytest.raises(TwilioRestException) as error:
        twilio.conferences("nothing").fetch()
    assert (error.value.status, error.value.code) == (404, 20404)
    for key in (OTHER_API_KEY, "wrong"):
        outsider = Twilio(ACCOUNT, key, http_client=Here(client.base))
        with pytest.raises(TwilioRestException) as error:
            outsider.conferences("nothing").fetch()
        assert (error.value.status, error.value.code) == (401, 20003)
    url = f"{client.base}/2010-04-01/Accounts/{ACCOUNT}/Conferences.json"
    assert requests.get(url, timeout=10).headers["WWW-Authenticate"].startswith("Basic")
