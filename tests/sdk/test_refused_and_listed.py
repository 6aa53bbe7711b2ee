"""The API must not: end an answered call that was to be cancelled, promise a page that is empty, give
one account the answer that another one got."""

from __future__ import annotations

import gevent
import pytest
import requests

from tests.lab.softphones import Answers, NeverAnswers
from tests.scenarios.conftest import House
from tests.sdk.conftest import Client
from tests.sdk.test_dialling import GUEST, MAIN
from tests.sound.common import ROOM, until

CALLERS = ("+13125550002", "+13125550003", "+13125550004")


def status_of(client: Client, sid: str) -> str:
    return str(client.ask("GET", f"/Calls/{sid}").json()["status"])


@pytest.mark.parametrize("answers", [True, False], ids=["answered", "ringing"])
def test_cancelling_ends_a_call_that_has_not_answered_and_no_other(
    house: House, client: Client, answers: bool
) -> None:
    target = house.switch.register(GUEST, Answers(0.1) if answers else NeverAnswers())
    form = {"To": GUEST, "From": ROOM, "ApplicationSid": MAIN}
    form["Texml"] = "<Response><Pause length='60'/></Response>"
    sid = client.ask("POST", "/Calls", data=form).json()["sid"]
    phone = target.wait_called(10)
    if answers:
        until(lambda: status_of(client, sid) == "in-progress", 10, "it has answered")
    assert client.ask("POST", f"/Calls/{sid}", data={"Status": "canceled"}).status_code == 200
    if answers:
        gevent.sleep(1.0)
        assert (phone.state, status_of(client, sid)) == ("answered", "in-progress")
        assert client.ask("POST", f"/Calls/{sid}", data={"Status": "completed"}).status_code == 200
    phone.wait_ended(10)
    until(lambda: status_of(client, sid) == ("completed" if answers else "canceled"), 10, "it is over")


def test_no_page_of_participants_is_promised_that_would_be_empty(house: House, client: Client) -> None:
    house.voice(house.joins(beep="false"))
    for caller in CALLERS:
        house.switch.call(ROOM, from_=caller)
    sid = house.events(4, 10)[0]["ConferenceSid"]
    for size, pages in ((1, 3), (2, 2), (3, 1), (4, 1)):
        seen: list[str] = []
        uri: str | None = (
            f"/v2/texml/Accounts/{client.account}/Conferences/{sid}/Participants.json?PageSize={size}"
        )
        for _page in range(pages):
            assert uri is not None
            headers = {"Authorization": f"Bearer {client.key}"}
            page = requests.get(
                client.base + uri.removeprefix(client.base), headers=headers, timeout=10
            ).json()
            assert page["participants"]
            seen += [one["call_sid"] for one in page["participants"]]
            uri = page["next_page_uri"]
        assert uri is None, f"{pages} pages of {size}"
        assert len(seen) == len(set(seen)) == len(CALLERS)


def test_the_answer_of_one_account_is_not_given_to_another(
    house: House, client: Client, outsider: Client
) -> None:
    """At Telnyx's older address, which names no account; the second request says that it is a retry."""
    target = house.switch.register(GUEST, Answers(0.1))
    house.voice("<Response><Pause length='60'/></Response>")
    url = f"{client.base}/v2/texml/calls/{MAIN}"
    answers = [
        requests.post(
            url,
            json={"To": GUEST, "From": ROOM},
            headers={"Authorization": f"Bearer {each.key}", "x-stainless-retry-count": retry},
            timeout=10,
        )
        for each, retry in ((client, "0"), (outsider, "1"), (client, "1"))
    ]
    assert [answer.ok for answer in answers] == [True, False, True]
    assert answers[0].json() == answers[2].json()
    assert answers[0].json()["sid"] not in answers[1].text
    target.wait_called(10)
    gevent.sleep(0.5)
    assert len(target.calls) == 1
