"""Timelines over the API: of a call, a conference and an account, and Twilio's Events of a call."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests
from twilio.rest import Client as Twilio

from orchestrator.timeline.entry import Entry
from tests.scenarios.conftest import (
    ACCOUNT,
    API_KEY,
    NUMBER,
    OTHER_ACCOUNT,
    OTHER_API_KEY,
    House,
    house,
)
from tests.sdk.test_twilio import Here
from tests.web.site import wait_until

__all__ = ["house"]
pytestmark = pytest.mark.rather("emulator")
ANNA = "+13125550002"


class Api:
    """With a call that was in a conference and is over."""

    def __init__(self, house: House) -> None:
        assert house.orchestrator is not None
        self.base = f"http://127.0.0.1:{house.orchestrator.web.port}"
        self.begin = self.ask("/Timeline").json()["after"]
        house.documents({ANNA: house.joins(participantLabel="anna", beepz="true")})
        phone = house.switch.call(NUMBER, from_=ANNA, sounds=500)
        house.delivered(2, 10)
        self.call = house.events()[0]["CallSid"]
        self.conference = house.events()[0]["ConferenceSid"]
        self.ask(f"/Conferences/{self.conference}/Participants/anna", "POST", Muted="true")
        self.ask(f"/Calls/{self.call}", "POST", Status="completed")
        phone.wait_ended(10)
        wait_until(lambda: "conference.end" in self.kinds(f"/Conferences/{self.conference}"), "it has ended")
        wait_until(lambda: "call.hangup" in self.kinds(f"/Calls/{self.call}"), "it has hung up")

    def ask(self, path: str, method: str = "GET", **query: str) -> requests.Response:
        key, account = query.pop("key", API_KEY), query.pop("account", ACCOUNT)
        given: dict[str, Any] = {"params" if method == "GET" else "data": query}
        url = f"{self.base}/v2/texml/Accounts/{account}{path}"
        headers = {"Authorization": f"Bearer {key}"}
        return requests.request(method, url, headers=headers, timeout=20, **given)

    def timeline(self, of: str, **query: str) -> list[dict[str, Any]]:
        answer = self.ask(f"{of}/Timeline", PageSize="1000", **query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["timeline"])

    def kinds(self, of: str) -> list[str]:
        return [entry["kind"] for entry in self.timeline(of)]


@pytest.fixture
def api(house: House) -> Api:
    return Api(house)


def test_a_call_s_timeline_says_all_that_happened_in_order(api: Api) -> None:
    entries = api.timeline(f"/Calls/{api.call}")
    kinds = [entry["kind"] for entry in entries]
    expected = ["call.arrived", "document.request", "document.answer", "verb.begin", "conference.join"]
    assert [kind for kind in kinds if kind in expected][:5] == expected
    assert [entry["id"] for entry in entries] == sorted(entry["id"] for entry in entries)
    for entry in entries:
        assert entry["sentence"].endswith((".", "!"))
        assert datetime.fromisoformat(entry["date_created"].replace("Z", "+00:00"))
        assert (entry["account_sid"], entry["call_sid"]) == (ACCOUNT, api.call)
    (warned,) = (entry for entry in entries if entry["kind"] == "document.warning")
    assert (warned["level"], "beepz" in warned["sentence"]) == ("warning", True)
    (answer,) = (entry for entry in entries if entry["kind"] == "document.answer")
    assert "<Conference" in answer["document"]


def test_a_command_of_the_api_names_the_key_and_never_shows_it(api: Api) -> None:
    (muted,) = (e for e in api.timeline(f"/Conferences/{api.conference}") if e["kind"] == "api.command")
    assert "through the API with API key 1: Mute it" in muted["sentence"]
    assert muted["sentence"].endswith("(participant anna) with Muted=true.")
    commands = [e for e in api.timeline(f"/Calls/{api.call}") if e["kind"] == "api.command"]
    assert "Status=completed" in commands[-1]["sentence"]
    (change,) = (e for e in api.timeline(f"/Calls/{api.call}") if e["kind"] == "conference.change")
    assert (change["facts"]["by"], change["facts"]["key"]) == ("api", "API key 1")
    assert API_KEY not in api.ask(f"/Calls/{api.call}/Timeline", PageSize="1000").text


def test_a_conference_s_timeline_has_its_participants_part_in_it(api: Api) -> None:
    entries = api.timeline(f"/Conferences/{api.conference}")
    assert {"conference.start", "conference.join", "conference.leave", "conference.end"} <= {
        entry["kind"] for entry in entries
    }
    assert all(entry["conference_sid"] == api.conference for entry in entries)


def test_an_account_is_followed_from_where_one_is(api: Api) -> None:
    everything = api.timeline("", After=str(api.begin))
    assert everything
    assert {entry["call_sid"] for entry in everything} >= {api.call}
    now = api.ask("/Timeline").json()
    assert (now["timeline"], now["after"]) == ([], everything[-1]["id"])
    assert api.timeline("", After=str(everything[-2]["id"])) == everything[-1:]
    later = api.ask("/Timeline", After=str(now["after"])).json()
    assert (later["timeline"], later["after"]) == ([], now["after"])


def test_a_timeline_is_leafed_through_by_its_links_and_by_after(api: Api) -> None:
    whole = api.timeline(f"/Calls/{api.call}")
    found: list[Any] = []
    page = api.ask(f"/Calls/{api.call}/Timeline", PageSize="4").json()
    while page["next_page_uri"] is not None:
        found += page["timeline"]
        url = api.base + page["next_page_uri"]
        page = requests.get(url, headers={"Authorization": f"Bearer {API_KEY}"}, timeout=10).json()
    assert found + page["timeline"] == whole
    third = api.ask(f"/Calls/{api.call}/Timeline", PageSize="2", Page="2").json()["timeline"]
    assert third == whole[4:6]
    assert api.timeline(f"/Calls/{api.call}", After=str(whole[3]["id"])) == whole[4:]


def test_another_account_s_timeline_is_not_there(api: Api) -> None:
    other = {"key": OTHER_API_KEY, "account": OTHER_ACCOUNT}
    assert api.ask(f"/Calls/{api.call}/Timeline", **other).status_code == 404
    assert api.ask(f"/Conferences/{api.conference}/Timeline", **other).status_code == 404
    assert api.ask(f"/Calls/{api.call}/Events", **other).status_code == 404
    assert api.timeline("", After="0", **other) == []
    assert api.ask("/Calls/v3:nobody/Timeline").status_code == 404


def test_twilio_s_client_reads_the_events_of_a_call(api: Api) -> None:
    twilio = Twilio(ACCOUNT, API_KEY, http_client=Here(api.base))
    events = twilio.calls(api.call).events.list(page_size=2)
    document = events[0]
    assert document.request is not None
    assert document.response is not None
    assert (document.request["method"], document.request["url"].endswith("/voice")) == ("POST", True)
    parameters = document.request["parameters"]
    assert isinstance(parameters, dict)
    assert (parameters["call_sid"], parameters["from"]) == (api.call, ANNA)
    assert document.response["response_code"] == 200
    assert "<Conference" in str(document.response["response_body"])
    assert isinstance(document.response["request_duration"], int)
    assert parsedate_to_datetime(str(document.response["date_created"]))
    callbacks = [event for event in events if "status_callback_event" in event.request["parameters"]]
    assert {event.request["parameters"]["status_callback_event"] for event in callbacks} >= {
        "participant-join",
        "participant-leave",
    }
    assert {event.response["response_code"] for event in callbacks} <= {200, 204}


def test_a_request_that_failed_says_why_and_one_that_is_open_has_no_response(house: House) -> None:
    assert house.orchestrator is not None
    slow = house.application.document("/slow", "<Response/>", delay=3.0)
    house.documents({ANNA: f"<Response><Redirect>{slow}</Redirect></Response>"})
    phone = house.switch.call(NUMBER, from_=ANNA)
    twilio = Twilio(ACCOUNT, API_KEY, http_client=Here(f"http://127.0.0.1:{house.orchestrator.web.port}"))
    wait_until(lambda: twilio.calls.list(), "the call is listed")
    sid = twilio.calls.list()[0].sid
    wait_until(lambda: len(twilio.calls(sid).events.list()) == 2, "the second is requested")
    assert twilio.calls(sid).events.list()[1].response is None
    phone.hang_up()

    def response() -> Any:
        return twilio.calls(sid).events.list()[1].response

    wait_until(response, "its end is there")
    assert response()["response_code"] is None


def test_calls_that_never_became_one_are_listed_for_their_account(house: House) -> None:
    assert house.orchestrator is not None
    owners = (ACCOUNT, OTHER_ACCOUNT, "")
    entries = [
        Entry(0, 1, "call.rejected", owner, facts={"caller": "+13125550001", "address": owner or "nobody"})
        for owner in owners
    ]
    house.orchestrator.outbox.timeline.add(entries)
    url = f"http://127.0.0.1:{house.orchestrator.web.port}/v2/texml/Accounts/{ACCOUNT}/RejectedCalls"

    def listed() -> list[tuple[str, str]]:
        found = requests.get(url, headers={"Authorization": f"Bearer {API_KEY}"}, timeout=10).json()
        facts = [entry["facts"] for entry in found["rejected_calls"]]
        return [(one["address"], one["caller"]) for one in facts]

    # A number that called nobody's number is the business of neither account.
    assert listed() == [("nobody", "+131******01"), (ACCOUNT, "+13125550001")]
    settings = house.orchestrator.settings
    alone = settings.model_copy(update={"accounts": settings.accounts[:1]})
    assert not house.orchestrator.reloader.reload(lambda: alone).problems
    assert listed() == [("nobody", "+13125550001"), (ACCOUNT, "+13125550001")]
