"""Names and other texts that the API passes on to a callee: each arrives as it is, or is refused by its name.

With any name, one phone is called at most, and it is shown the number that the request says.
"""

from __future__ import annotations

from typing import Any

import pytest
import requests

from orchestrator.sids import leg_of
from tests.lab.softphones import Answers
from tests.scenarios.conftest import ACCOUNT, House
from tests.sdk.conftest import Client

GUEST, FROM, MAIN = "+13125550021", "+13125550100", "1568109700606592442"
CONTROLS = ["\x00", "\t", "\n", "\r", "\x1b", "\x7f", "\x85", "\x9f", "\u2028", "\u2029", "a\r\nVia: x"]
SYNTAX = [
    "x:_:y",
    ":_:sofia/texml/evil@10.0.0.1",
    "${system(reboot)}",
    "$${domain}",
    "x}sofia/texml/evil@10.0.0.1",
    "{origination_uuid=7}",
    "x\\,origination_uuid=7",
    "x\\",
]
PLAIN = [
    "Front desk",
    "x,origination_uuid=7",
    "x|y,[leg_timeout=1]",
    "^^:a=b",
    'a "b" <c>',
    "Büro",
    "x=y",
    "a;b",
]
TEXTS = [
    ("/Calls", "CallerId"),
    ("/Conferences/Room 1234/Participants", "CallerId"),
    ("/Conferences/Room 1234/Participants", "CallerDisplayName"),
    ("/Calls", "CallReason"),
    ("/Calls", "SipAuthUsername"),
    ("/Calls", "SipAuthPassword"),
]


def order(client: Client, path: str, **given: Any) -> requests.Response:
    body = {"To": GUEST, "From": FROM, "ApplicationSid": MAIN, "SipAuthUsername": "a", "SipAuthPassword": "b"}
    return client.ask("POST", path, json=body | given)


def pointers(answer: requests.Response) -> list[str]:
    return [error["source"]["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(("path", "name"), [*TEXTS, ("/Calls", "From"), ("/Calls", "To")])
def test_control_characters_are_refused_by_the_parameter_s_name(
    house: House, client: Client, path: str, name: str
) -> None:
    target = house.switch.register(GUEST, Answers(0.1))
    for text in CONTROLS:
        answer = order(client, path, **{name: f"{FROM if name == 'From' else 'x'}{text}"})
        assert (answer.status_code, pointers(answer)) == (422, [f"/{name}"]), repr(text)
    assert not target.calls
    assert not client.calls.retrieve_calls(ACCOUNT).calls


@pytest.mark.parametrize(("path", "name"), TEXTS)
def test_syntax_of_freeswitch_is_refused_by_the_parameter_s_name_and_not_repeated(
    house: House, client: Client, path: str, name: str
) -> None:
    house.log.allows("not dialled")
    target = house.switch.register(GUEST, Answers(0.1))
    for text in SYNTAX:
        answer = order(client, path, **{name: text})
        assert (answer.status_code, pointers(answer)) == (422, [f"/{name}"]), text
        assert text not in answer.text
        assert not house.log.has(text)
    assert not target.calls
    assert not client.calls.retrieve_calls(ACCOUNT).calls


@pytest.mark.parametrize("text", SYNTAX)
def test_the_same_holds_of_a_header(house: House, client: Client, text: str) -> None:
    house.log.allows("not dialled")
    target = house.switch.register(GUEST, Answers(0.1))
    answer = order(client, "/Calls", CustomHeaders=[{"name": "X-Order", "value": text}])
    assert (answer.status_code, pointers(answer)) == (422, ["/CustomHeaders"])
    assert not target.calls


@pytest.mark.parametrize("name", ["CallerId", "CallerDisplayName"])
@pytest.mark.parametrize("text", PLAIN)
def test_any_other_name_is_shown_as_it_is(house: House, client: Client, text: str, name: str) -> None:
    house.voice(house.joins(beep="false"))
    target = house.switch.register(GUEST, Answers(0.1))
    answer = order(client, "/Conferences/Room 1234/Participants", **{name: text})
    assert answer.status_code == 200, answer.text
    phone = target.wait_called(10)
    phone.wait_answered(5)
    leg = leg_of(answer.json()["call_sid"])
    assert house.switch.api(f"uuid_getvar {leg} origination_caller_id_name").strip() == text
    assert (phone.caller, len(target.calls)) == (FROM, 1)
    assert house.switch.api(f"uuid_getvar {leg} leg_timeout").strip() == "30"
