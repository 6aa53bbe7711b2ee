"""Callbacks as a resource of the API: listed, fetched, delivered again."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.lab.web import Answer
from tests.scenarios.conftest import ACCOUNT, API_KEY, NUMBER, OTHER_ACCOUNT, OTHER_API_KEY, House, house
from tests.web.site import wait_until

__all__ = ["house"]
pytestmark = pytest.mark.only("emulator")


class Callbacks:
    """Those of one conference, all refused, and of its call's status, which were delivered."""

    def __init__(self, house: House) -> None:
        assert house.orchestrator is not None
        self.base = f"http://127.0.0.1:{house.orchestrator.web.port}/v2/texml/Accounts/"
        house.application.route("/events", Answer(status=410))
        house.voice(house.joins())
        self.phone = house.switch.call(NUMBER, from_="+13125550002")
        wait_until(lambda: len(self.listed(State="failed")) == 2, "both have failed")

    def ask(self, path: str, method: str = "GET", **query: str) -> requests.Response:
        key, account = query.pop("key", API_KEY), query.pop("account", ACCOUNT)
        headers = {"Authorization": f"Bearer {key}"}
        given: dict[str, Any] = {"params" if method == "GET" else "data": query}
        url = f"{self.base}{account}/Callbacks{path}"
        return requests.request(method, url, headers=headers, timeout=20, **given)

    def listed(self, **query: str) -> list[dict[str, Any]]:
        answer = self.ask("", **query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["callbacks"])


@pytest.fixture
def callbacks(house: House) -> Callbacks:
    return Callbacks(house)


def test_callbacks_are_listed_by_state_subject_receiver_and_words(house: House, callbacks: Callbacks) -> None:
    join, start = callbacks.listed(State="failed")
    assert (start["event"], start["sequence_number"], start["attempts"]) == ("conference-start", 0, 1)
    assert (start["status_code"], start["error"]) == (410, "answered 410")
    assert start["date_created"] <= start["date_finished"]
    assert "StatusCallbackEvent=conference-start" in start["body"]
    of_it = callbacks.listed(Of=start["queue"])
    assert of_it == [join, start]
    assert callbacks.listed(State="failed delivered", Of=start["queue"]) == of_it
    assert callbacks.listed(Words="participant-join", State="failed") == [join]
    assert callbacks.listed(Receiver=house.application.url("").rstrip("/"), State="failed") == of_it
    assert callbacks.listed(Receiver="https://elsewhere.example") == []
    assert callbacks.ask("", State="lost").status_code == 422
    assert callbacks.ask(f"/{start['id']}").json() == start


def test_a_list_is_leafed_through(callbacks: Callbacks) -> None:
    everything = callbacks.listed()
    found: list[Any] = []
    page = callbacks.ask("", PageSize="1").json()
    while True:
        found += page["callbacks"]
        if page["next_page_uri"] is None:
            break
        host = callbacks.base.split("/v2/")[0]
        headers = {"Authorization": f"Bearer {API_KEY}"}
        page = requests.get(host + page["next_page_uri"], headers=headers, timeout=20).json()
    assert found == everything
    assert callbacks.ask("", PageSize="1", Page="1").json()["callbacks"] == everything[1:2]


def test_one_or_all_that_failed_are_delivered_again(house: House, callbacks: Callbacks) -> None:
    _, start = callbacks.listed(State="failed")
    house.application.takes_callbacks("/events")
    house.application.requests.clear()
    assert callbacks.ask(f"/{start['id']}/Replay", "POST").json()["replay_requested"] is True
    wait_until(lambda: callbacks.ask(f"/{start['id']}").json()["state"] == "delivered", "it is delivered")
    elsewhere = callbacks.ask("/Replay", "POST", Receiver="https://elsewhere.example")
    assert elsewhere.json() == {"replayed": 0}
    assert callbacks.ask("/Replay", "POST").json() == {"replayed": 1}
    wait_until(lambda: callbacks.listed(State="failed") == [], "none is left")
    events = house.application.to("/events")
    assert [request.fields["SequenceNumber"] for request in events] == ["0", "1"]


def test_another_account_s_are_not_there(callbacks: Callbacks) -> None:
    (_, start) = callbacks.listed(State="failed")
    other = {"key": OTHER_API_KEY, "account": OTHER_ACCOUNT}
    assert callbacks.listed(**other) == []
    assert callbacks.ask(f"/{start['id']}", **other).status_code == 404
    assert callbacks.ask(f"/{start['id']}/Replay", "POST", **other).status_code == 404
    assert callbacks.ask("/Replay", "POST", **other).json() == {"replayed": 0}


@pytest.mark.parametrize("name", ["x", "0", "-1", "9" * 19, "9" * 30, "1.5"])
def test_a_text_that_is_no_id_is_not_found(callbacks: Callbacks, name: str) -> None:
    assert callbacks.ask(f"/{name}").status_code == 404
