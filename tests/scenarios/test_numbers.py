"""Phone numbers at every entrance: a document, the REST API of both vendors, a call that comes in."""

from __future__ import annotations

from typing import cast
from xml.sax.saxutils import escape

import pytest
import requests
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.lab.emulated import Emulator
from tests.lab.softphones import Answers
from tests.numbering.spellings import spellings
from tests.scenarios.conftest import ACCOUNT, API_KEY, House
from tests.scenarios.test_dial_out import CALLER, FIRST, NUMBER, B, dial, dialled

REFUSED = "+19005551234"
EMULATED = pytest.mark.only("emulator")
# Each example is one call with ten nouns, or two requests.
FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)


@pytest.fixture
def guarded(house: House) -> House:
    house.stop()
    house.log.allows("not dialled")
    house.start(trunks='    destinations: ["+1*", "1???"]\n    refused_destinations: ["+1 (900) *"]')
    return house


def post(house: House, vendor: str, path: str, **fields: str) -> requests.Response:
    assert house.orchestrator
    base = f"http://127.0.0.1:{house.orchestrator.web.port}"
    fields = {"From": "+1 (312) 555-0001", "ApplicationSid": "1568109700606592442"} | fields
    if vendor == "twilio":
        url, auth = f"{base}/2010-04-01/Accounts/{ACCOUNT}{path}.json", (ACCOUNT, API_KEY)
        return requests.post(url, data=fields, auth=auth, timeout=10)
    url, headers = f"{base}/v2/texml/Accounts/{ACCOUNT}{path}", {"Authorization": f"Bearer {API_KEY}"}
    return requests.post(url, data=fields, headers=headers, timeout=10)


PATHS = [("telnyx", "/Calls"), ("twilio", "/Calls")]
PATHS += [("telnyx", "/Conferences/Room/Participants"), ("twilio", "/Conferences/Room/Participants")]


def xml_text(text: str) -> str:
    """As much of it as a document can hold."""
    return escape("".join(c for c in text if c in "\t\n" or c >= " "))


@EMULATED
@FEW
@given(st.lists(spellings("1", "9005551234"), min_size=10, max_size=10))
def test_no_spelling_of_a_refused_number_is_called_by_a_document(guarded: House, texts: list[str]) -> None:
    nouns = "".join(f"<Number>{xml_text(text)}</Number>" for text in texts)
    guarded.application.requests.clear()
    dial(guarded, nouns)
    guarded.switch.call(NUMBER, from_=CALLER)
    assert dialled(guarded)["DialCallStatus"] == "failed"
    assert called(guarded) == []


@EMULATED
@FEW
@given(spellings("1", "9005551234"), st.sampled_from(PATHS))
@example("+1-900-555-1234", PATHS[0])
@example("+1-900-555-1234", PATHS[1])
@example("+1-900-555-1234", PATHS[2])
@example("+1-900-555-1234", PATHS[3])
def test_no_spelling_of_a_refused_number_is_called_by_the_api(
    guarded: House, text: str, path: tuple[str, str]
) -> None:
    answer = post(guarded, *path, To=text)
    assert answer.status_code == (400 if path[0] == "twilio" else 422), answer.text
    assert answer.json()["errors"][0]["source"]["pointer"] == "/To"
    assert called(guarded) == []


def called(house: House) -> list[str]:
    """The numbers that the emulator was ordered to dial."""
    return [
        phone.number for phone in cast(Emulator, house.switch).handsets.handsets if phone.number != NUMBER
    ]


@pytest.mark.parametrize("vendor", ["telnyx", "twilio"])
@pytest.mark.parametrize(
    ("fields", "code", "parameter", "says"),
    [
        ({"To": "+1900"}, 21211, "/To", "has too few digits"),
        ({"To": "client:alice"}, 21211, "/To", "is no phone number"),
        ({"To": "7001"}, 21211, "/To", "has to be among the destinations of trunk out"),
        ({"To": FIRST, "From": "+1"}, 21212, "/From", "neither a phone number nor a user name"),
        ({"To": FIRST, "From": "a b,c"}, 21212, "/From", "neither a phone number nor a user name"),
    ],
)
def test_the_api_names_the_parameter_that_is_no_number(
    guarded: House, vendor: str, fields: dict[str, str], code: int, parameter: str, says: str
) -> None:
    for path in ("/Calls", "/Conferences/Room/Participants"):
        answer = post(guarded, vendor, path, **fields)
        (error,) = answer.json()["errors"]
        assert (error["code"], error["source"]["pointer"]) == ("10016", parameter)
        assert says in error["detail"]
        if vendor == "twilio":
            assert (answer.status_code, answer.json()["code"]) == (400, code)
        else:
            assert answer.status_code == 422


@pytest.mark.parametrize("vendor", ["telnyx", "twilio"])
def test_the_api_calls_and_shows_numbers_in_their_normal_form(guarded: House, vendor: str) -> None:
    guarded.voice("<Response><Hangup/></Response>")
    target = guarded.switch.register(FIRST, Answers(0.1))
    answer = post(guarded, vendor, "/Calls", To="(312) 555-0021", From="312.555.0001")
    assert (answer.json()["to"], answer.json()["from"]) == (FIRST, "+13125550001")
    assert target.wait_called().caller == "+13125550001"
    for written in (FIRST, "312-555-0021", "tel:+1-312-555-0021"):
        assert len(calls_to(guarded, vendor, written)) == 1
    assert calls_to(guarded, vendor, "+13125550022") == []


def calls_to(house: House, vendor: str, number: str) -> list[object]:
    assert house.orchestrator
    base = f"http://127.0.0.1:{house.orchestrator.web.port}"
    prefix = "/2010-04-01" if vendor == "twilio" else "/v2/texml"
    url = f"{base}{prefix}/Accounts/{ACCOUNT}/Calls.json"
    headers = {"Authorization": f"Bearer {API_KEY}"}
    found = requests.get(url, params={"To": number}, headers=headers, timeout=10).json()["calls"]
    assert isinstance(found, list)
    return found


def test_the_vendors_own_first_sample_is_dialled(house: House) -> None:
    """SYMPTOM `<Dial>415-123-4567</Dial>` was dialled with its hyphens, which no carrier takes. CAUSE the
    text went into the dial string as it was. FIX E.164, as the vendors read it."""
    target = house.switch.register("+14151234567", Answers(0.2, sounds=B))
    dial(house, "415-123-4567", callerId="(312) 555-0009")
    caller = house.switch.call(NUMBER, from_=CALLER)
    callee = target.wait_called()
    assert callee.caller == "+13125550009"
    caller.wait_hears(B)
    callee.hang_up()
    assert dialled(house)["DialCallStatus"] == "completed"


def test_an_extension_is_dialled_where_the_trunk_has_it(guarded: House) -> None:
    target = guarded.switch.register("1001", Answers(0.2, sounds=B))
    dial(guarded, "1001")
    caller = guarded.switch.call(NUMBER, from_=CALLER)
    caller.wait_hears(B)
    target.wait_called().hang_up()
    assert dialled(guarded)["DialCallStatus"] == "completed"
    guarded.application.requests.clear()
    dial(guarded, "<Number>7001</Number>")
    guarded.switch.call(NUMBER, from_=CALLER)
    assert dialled(guarded)["DialCallStatus"] == "failed"
    assert guarded.log.has("not dialled", "has to be among the destinations of trunk out")


def test_a_caller_id_that_is_none_gives_way_to_the_callers_own(house: House) -> None:
    target = house.switch.register(FIRST)
    dial(house, FIRST, callerId="x y z")
    house.switch.call(NUMBER, from_=CALLER)
    assert target.wait_called().caller == CALLER
    assert house.log.has("no caller id", "neither a phone number nor a user name")


def test_a_trunk_gets_numbers_as_it_wants_them(house: House) -> None:
    house.stop()
    house.start(trunks="    number_format: digits")
    target = house.switch.register(FIRST[1:])
    dial(house, FIRST)
    house.switch.call(NUMBER, from_=CALLER)
    assert target.wait_called().caller == CALLER[1:]


@pytest.mark.parametrize("to", ["+13125550100", "13125550100", "3125550100"])
def test_a_number_that_is_called_has_one_form_for_the_application(house: House, to: str) -> None:
    house.voice("<Response><Hangup/></Response>")
    house.switch.call(to, from_="3125550001").wait_ended()
    (request,) = house.application.to("/voice")
    assert (request.fields["To"], request.fields["From"]) == (NUMBER, CALLER)
    assert request.fields["CallingPartyType"] == "pstn"


@pytest.mark.parametrize(("fields", "seen"), [("telnyx", "anonymous"), ("twilio", "+266696687")])
def test_an_application_sees_a_withheld_number_as_its_vendor_sends_it(
    house: House, fields: str, seen: str
) -> None:
    house.stop()
    house.start(f"  request_fields: {fields}")
    dial(house, FIRST)
    target = house.switch.register(FIRST)
    house.switch.call(NUMBER, from_=CALLER, headers={"Privacy": "id"})
    assert target.wait_called().caller == "anonymous"
    (request,) = house.application.to("/voice")
    assert (request.fields["From"], request.fields["FromSipUri"]) == (seen, "anonymous@anonymous.invalid")
    assert CALLER[1:] not in request.body.decode()


@pytest.mark.parametrize(("networks", "number"), [((), CALLER), (("phones",), "+13125550007")])
def test_an_identity_counts_where_the_settings_say_so(
    house: House, networks: tuple[str, ...], number: str
) -> None:
    assert house.orchestrator
    live = house.orchestrator.current
    sip = live.settings.sip.model_copy(update={"trusted_networks": networks})
    live.settings = live.settings.model_copy(update={"sip": sip})
    house.voice("<Response><Hangup/></Response>")
    asserted = {"P-Asserted-Identity": '"Anna" <sip:+13125550007@127.0.0.1>'}
    house.switch.call(NUMBER, from_=CALLER, headers=asserted).wait_ended()
    (request,) = house.application.to("/voice")
    assert request.fields["From"] == number
