"""Every form of an address in an INVITE, on a real FreeSWITCH: who is called, and who calls."""

from __future__ import annotations

import pytest

from tests.lab.switches import FreeSwitch
from tests.scenarios.conftest import NUMBER, House
from tests.sip.raw_invite import RawInvite

pytestmark = pytest.mark.only("freeswitch")
CALLER = "+13125550001"


def asked(house: House, phone: RawInvite, from_line: str | None = None, **headers: str) -> dict[str, str]:
    """The fields of the request to the application; empty where the call is refused without it."""
    house.voice("<Response><Reject/></Response>")
    with phone:
        answer = phone.invite(from_line=from_line, headers=list(headers.items()))
    assert answer.status in (603, 404)
    requests = house.application.to("/voice")
    assert (answer.status == 603) is bool(requests)
    return requests[0].fields if requests else {}


def port(house: House) -> int:
    assert isinstance(house.switch, FreeSwitch)
    return house.switch.sip_port


@pytest.mark.parametrize(
    ("request_uri", "to_line"),
    [
        (f"sip:{NUMBER};npdi=yes@127.0.0.1:PORT", ""),
        (f"sip:{NUMBER};npdi;rn=+13125559999@127.0.0.1:PORT;user=phone", ""),
        (f"sip:{NUMBER};isub=12@127.0.0.1:PORT", ""),
        ("sip:5550100;phone-context=+1312@127.0.0.1:PORT;user=phone", ""),
        ("sip:3125550100;phone-context=+1@127.0.0.1:PORT", ""),
        ("sip:(312)555-0100@127.0.0.1:PORT", ""),
        ("sip:%2B1312555%30100@127.0.0.1:PORT", ""),
        ("sip:127.0.0.1:PORT", ""),
        (f"tel:{NUMBER}", f"<tel:{NUMBER}>"),
        ("tel:+1-312-555-0100", f"<sip:{NUMBER}@127.0.0.1:PORT>"),
        ("tel:5550100;phone-context=+1312", "<tel:5550100;phone-context=+1312>"),
    ],
)
def test_a_number_is_found_in_every_form_of_an_address(house: House, request_uri: str, to_line: str) -> None:
    """SYMPTOM 404 for `sip:+1…;npdi=yes`, `;rn=`, `;isub=` and `;phone-context=`. CAUSE a user was compared
    with its parameters. FIX one parser takes addresses apart."""
    fields = asked(house, RawInvite(port(house), request_uri, to_line))
    assert (fields["To"], fields["From"]) == (NUMBER, CALLER)
    assert not {"nobody", "nowhere"} & set(fields["ToSipUri"].split("@"))


@pytest.mark.parametrize("from_line", [None, "<sip:127.0.0.1>"])
def test_a_call_without_a_user_does_not_call_the_caller_s_own_number(
    house: House, from_line: str | None
) -> None:
    """SYMPTOM a call without a user in request URI and To went to the application of the caller's own number,
    or to `service`. CAUSE FreeSWITCH takes those in their place. FIX it calls no number."""
    phone = RawInvite(port(house), "sip:127.0.0.1:PORT", "<sip:127.0.0.1:PORT>")
    assert asked(house, phone, from_line) == {}
    assert house.log.has("no application for this number", 'number=""')


@pytest.mark.parametrize(
    ("from_line", "number", "uri"),
    [
        ("<sip:127.0.0.1>", "anonymous", "127.0.0.1"),
        ("<sip:@127.0.0.1>", "anonymous", "127.0.0.1"),
        ('"Anna" <sip:127.0.0.1>', "anonymous", "127.0.0.1"),
        ("<sip:unknown@127.0.0.1>", "anonymous", "anonymous@anonymous.invalid"),
        ("<sip:0000000000@127.0.0.1>", "anonymous", "anonymous@anonymous.invalid"),
        (f"<sip:{CALLER};npdi=yes@127.0.0.1>", CALLER, f"{CALLER};npdi=yes@127.0.0.1"),
        (f"<tel:{CALLER}>", CALLER, f"tel:{CALLER}"),
        ("<tel:5550001;phone-context=+1312>", CALLER, "tel:5550001"),
        ("<sip:312.555.0001@127.0.0.1>", CALLER, "312.555.0001@127.0.0.1"),
        ("<sip:nobody@127.0.0.1>", "nobody", "nobody@127.0.0.1"),
    ],
)
def test_a_caller_has_the_name_that_it_gave_itself(
    house: House, from_line: str, number: str, uri: str
) -> None:
    fields = asked(house, RawInvite(port(house)), from_line)
    assert (fields["From"], fields["FromSipUri"]) == (number, uri)
