"""The caller id that a callee is shown, by its trunk's numbers and trust."""

from __future__ import annotations

from itertools import product

import pytest

from orchestrator.config import loads
from orchestrator.config.trunks import CallerIdRefused, Trunk
from orchestrator.numbering.phone import NotANumber
from orchestrator.routing.caller_id import CallerId, caller_id, reported, shown_by, variables

ACCOUNT = "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b"
ANNA, OWN = "+13125550001", "+13125550009"
NOBODY = "anonymous"
HIDDEN = {
    "sip_from_uri": "anonymous@anonymous.invalid",
    "sip_from_display": "Anonymous",
}
UNKNOWN = {
    **HIDDEN,
    "origination_caller_id_number": NOBODY,
    "origination_caller_id_name": "Anonymous",
    "sip_cid_type": "none",
    "sip_h_Privacy": "id",
}


def trunk(keys: str) -> Trunk:
    return loads(f"accounts: [{{sid: {ACCOUNT}}}]\ntrunks: {{t: {{{keys}}}}}\n", environ={}).trunks["t"]


@pytest.mark.parametrize(
    ("keys", "number"), [("", ANNA), ("proxy: h", ANNA), ("proxy: h, number_format: digits", ANNA[1:])]
)
@pytest.mark.parametrize("name", [None, "Anna"])
def test_a_number_is_shown_in_the_trunk_s_form_beside_a_name(
    keys: str, number: str, name: str | None
) -> None:
    assert variables(trunk(keys) if keys else None, CallerId(ANNA), name) == {
        "origination_caller_id_number": number,
        "origination_caller_id_name": name or ANNA,
    }


@pytest.mark.parametrize("keys", ["", "proxy: h", f"proxy: h, caller_id: '{OWN}'"])
@pytest.mark.parametrize("withheld", ["", ANNA])
def test_a_number_that_is_withheld_goes_to_nobody_that_is_not_trusted(keys: str, withheld: str) -> None:
    to = trunk(keys) if keys else None
    assert variables(to, CallerId(NOBODY, withheld), None) == UNKNOWN
    assert variables(to, CallerId(NOBODY, withheld), "Desk") == {
        **UNKNOWN,
        "sip_from_display": "Desk",
        "origination_caller_id_name": "Desk",
    }


TRUSTED = "proxy: 'h.example:5070', trusted: true"
# Its settings, the number that is withheld, and the number that it gets.
ASSERTED = [
    ("", ANNA, ANNA),
    (f"caller_id: '{OWN}'", ANNA, ANNA),
    (f"caller_id: '{OWN}'", "", OWN),
    (f"caller_id: '{OWN}', caller_ids: ['+44*']", ANNA, OWN),
    ("caller_ids: ['+44*']", ANNA, ""),
    ("caller_ids: ['+1312*']", ANNA, ANNA),
    ("", "", ""),
]
FORMS = ("e164", "digits")
HEADERS = ("pai", "rpid")


@pytest.mark.parametrize(("keys", "withheld", "gets"), ASSERTED)
@pytest.mark.parametrize(("form", "header"), list(product(FORMS, HEADERS)))
def test_a_trusted_trunk_gets_it_in_its_header(
    keys: str, withheld: str, gets: str, form: str, header: str
) -> None:
    to = trunk(f"{TRUSTED}, number_format: {form}, identity_header: {header}, {keys}")
    sent = gets.removeprefix("+") if form == "digits" else gets
    expected = {
        **HIDDEN,
        "origination_caller_id_number": sent,
        "origination_caller_id_name": sent,
        "origination_privacy": "screen:hide_name:hide_number",
        "sip_cid_type": "pid" if header == "pai" else "rpid",
        "sip_invite_domain": "h.example",
    }
    if header == "rpid":
        expected["sip_h_Privacy"] = "id"
    assert variables(to, CallerId(NOBODY, withheld), None) == (expected if gets else UNKNOWN)


def test_of_a_gateway_of_freeswitch_s_own_the_domain_is_not_known() -> None:
    found = variables(trunk("sofia_gateway: old, trusted: true"), CallerId(NOBODY, ANNA), None)
    assert "sip_invite_domain" not in found
    assert found["origination_caller_id_number"] == ANNA


def test_a_trunk_replaces_or_refuses_a_number_that_it_does_not_show_and_never_none() -> None:
    strict = "proxy: h, caller_ids: ['+44*']"
    assert shown_by(trunk(f"{strict}, caller_id: '{OWN}'"), CallerId(ANNA)) == CallerId(OWN)
    assert shown_by(trunk("proxy: h"), CallerId(ANNA)) == CallerId(ANNA)
    assert shown_by(None, CallerId(ANNA)) == CallerId(ANNA)
    for to in (None, trunk(strict)):
        assert shown_by(to, CallerId(NOBODY, ANNA)) == CallerId(NOBODY, ANNA)
    with pytest.raises(CallerIdRefused):
        shown_by(trunk(strict), CallerId(ANNA))


@pytest.mark.parametrize(
    ("written", "region", "number"),
    [
        (ANNA, "US", ANNA),
        ("(312) 555-0001", "US", ANNA),
        ("030 123456", "DE", "+4930123456"),
        ("sip:3125550001@h", "US", ANNA),
        ("sip:anna@h", "US", "anna"),
        ("anna", "US", "anna"),
        ("sip:anonymous@h", "US", NOBODY),
        ("tel:+1-312-555-0001", "US", ANNA),
        ("Restricted", "US", NOBODY),
    ],
)
def test_a_caller_id_is_read_in_any_form(written: str, region: str, number: str) -> None:
    settings = loads(
        f"accounts: [{{sid: {ACCOUNT}}}]\napplications: {{a: {{account: {ACCOUNT}, connection_id: '1', "
        f"voice_url: 'http://h/', default_region: {region}}}}}\n",
        environ={},
    )
    assert caller_id(settings, settings.applications["a"], written) == number
    for none in ("sip:", "sip:@h", "a b@h c", "+12"):
        with pytest.raises(NotANumber):
            caller_id(settings, settings.applications["a"], none)


def test_twilio_s_applications_know_a_withheld_number_by_its_digits() -> None:
    assert [reported(number, "twilio") for number in (NOBODY, ANNA)] == ["+266696687", ANNA]
    assert [reported(number, "telnyx") for number in (NOBODY, ANNA)] == [NOBODY, ANNA]
