"""The way of each number and SIP address that a document or the API names, or why there is none."""

from __future__ import annotations

import pytest

from orchestrator.config import Settings, loads
from orchestrator.config.applications import Application
from orchestrator.routing.endpoints import route_to, trunk_to

SETTINGS = """
accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}]
applications:
  usual: {account: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b, connection_id: "1", voice_url: http://h/}
  german: {account: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b, connection_id: "2", voice_url: http://h/,
           default_region: DE, trunk: digits}
trunks:
  carrier: {proxy: "carrier.example:5070", realm: realm.example, addresses: [203.0.113.0/24],
            destinations: ["*", "1???"]}
  digits: {dial_string: "sofia/texml/{number}@digits.example", number_format: digits}
  gateway: {sofia_gateway: old, addresses: [203.0.113.9]}
  six: {proxy: "[2001:db8::1]:5080"}
default_trunk: carrier
default_region: US
sip:
  profile: inside
  networks: {phones: [10.0.0.0/8]}
  allowed_hosts: ["*.example", 127.0.0.1, 203.0.113.9, 203.0.113.77, "2001:db8::1", "2001:db8::2"]
"""


@pytest.fixture(scope="module")
def settings() -> Settings:
    return loads(SETTINGS, environ={})


def application(settings: Settings, name: str = "usual") -> Application:
    return settings.applications[name]


NUMBERS = {
    "+13125550001": "+13125550001",
    " (312) 555-0001 ": "+13125550001",
    "tel:+1-312-555-0001": "+13125550001",
    "TEL:+13125550001": "+13125550001",
    "tel:555-0001;phone-context=+1312": "+13125550001",
    "tel:+13125550001;phone-context=+49": "+13125550001",
    "1001": "1001",
}


@pytest.mark.parametrize("written", NUMBERS)
def test_a_number_goes_through_the_application_s_trunk(settings: Settings, written: str) -> None:
    number = NUMBERS[written]
    route = route_to(settings, application(settings), written)
    assert (route.to, route.endpoint) == (number, f"sofia/gateway/carrier/{number}")
    assert (route.trunk, route.called) == (
        settings.trunks["carrier"],
        settings.trunks["carrier"].read(number, "US"),
    )


def test_a_number_is_of_the_application_s_country_and_in_the_trunk_s_form(settings: Settings) -> None:
    route = route_to(settings, application(settings, "german"), "030 123456")
    assert (route.to, route.endpoint) == ("+4930123456", "sofia/texml/4930123456@digits.example")


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("tel:+13125550001;ext=12", "has ext=, which cannot be called"),
        ("tel:5550001;phone-context=+1312;isub=1", "has isub=, which cannot be called"),
        ("tel:1001;phone-context=pbx.example", "is a number of pbx.example alone"),
        ("2001", "extension"),
        ("reception", "extension"),
        ("12", "too few digits"),
        ("", "is no phone number"),
    ],
)
def test_a_number_that_cannot_be_called_says_why(settings: Settings, written: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        route_to(settings, application(settings), written)


def test_without_a_trunk_no_number_is_called(settings: Settings) -> None:
    alone = settings.model_copy(update={"default_trunk": None})
    with pytest.raises(ValueError, match="no trunk leads to phone numbers"):
        route_to(alone, application(alone), "+13125550001")
    assert route_to(alone, application(alone), "sip:anna@phones.example").trunk is None


ADDRESSES: list[tuple[str, str, str]] = [
    # Nobody's: as they were written.
    ("sip:anna@phones.example", "anna@phones.example", ""),
    ("SIPS:anna@phones.example", "anna@phones.example", ""),
    ("anna@phones.example", "anna@phones.example", ""),
    (" sip:anna@phones.example ", "anna@phones.example", ""),
    ("sip:a.b%20-_!~*()&=+/#c@127.0.0.1:5062", "a.b%20-_!~*()&=+/#c@127.0.0.1:5062", ""),
    ("sip:anna@phones.example:5062;transport=tcp", "anna@phones.example:5062;transport=tcp", ""),
    ("sip:13125550001@phones.example", "13125550001@phones.example", ""),
    ("sip:anna@[2001:db8::2]", "anna@[2001:db8::2]", ""),
    # A trunk's, by the name of its host, its realm, its address or its network: a number is one of the trunk.
    ("sip:3125550001@carrier.example", "+13125550001@carrier.example", "carrier"),
    ("sip:3125550001@CARRIER.example:5070", "+13125550001@carrier.example:5070", "carrier"),
    ("sip:3125550001@realm.example", "+13125550001@realm.example", "carrier"),
    ("sip:3125550001@203.0.113.77", "+13125550001@203.0.113.77", "carrier"),
    ("sip:+13125550001@digits.example", "13125550001@digits.example", "digits"),
    ("sip:3125550001@[2001:db8::1]:5080", "+13125550001@[2001:db8::1]:5080", "six"),
    # Of two trunks there the one with its port, else the first.
    ("sip:3125550001@203.0.113.9", "+13125550001@203.0.113.9", "gateway"),
    ("sip:3125550001@203.0.113.9:5060", "+13125550001@203.0.113.9:5060", "gateway"),
    ("sip:3125550001@203.0.113.9:5070", "+13125550001@203.0.113.9:5070", "carrier"),
    ("sip:3125550001@203.0.113.9:5099", "+13125550001@203.0.113.9:5099", "carrier"),
    # A user name there is no number.
    ("sip:anna@carrier.example", "anna@carrier.example", "carrier"),
]


@pytest.mark.parametrize(("written", "endpoint", "trunk"), ADDRESSES)
def test_a_sip_address_goes_there_and_by_its_trunk_s_rules(
    settings: Settings, written: str, endpoint: str, trunk: str
) -> None:
    route = route_to(settings, application(settings), written)
    assert (route.to, route.endpoint) == (written, f"sofia/inside/{endpoint}")
    assert (route.trunk.name if route.trunk else "") == trunk
    is_number = trunk != "" and "anna" not in written
    assert (route.called.number if route.called else "") == ("+13125550001" if is_number else "")


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("sip:anna@elsewhere.test", "elsewhere.test is not among sip: allowed_hosts"),
        ("sip:anna@[2001:db8::3]", "2001:db8::3.* is not among sip: allowed_hosts"),
        ("sip:anna@[2001:db8:::3]", "2001:db8:::3"),
        ("sip:an na@phones.example", "not a SIP address"),
        ("sip:anna@phones.example;maddr=10.0.0.1", "not a SIP address"),
        ("sip:anna@phones.example?Subject=x", "not a SIP address"),
        ("sip:anna'@phones.example", "not a SIP address"),
        ("sip:anna,b@phones.example", "not a SIP address"),
        ("sip:%0@phones.example", "not a SIP address"),
        ("sip:@phones.example", "not a SIP address"),
        ("sip:anna@", "not a SIP address"),
        # A carrier could take these for numbers, past what may be called through it.
        ("sip:900@carrier.example", "too few digits"),
        ("sip:0019005550001x@carrier.example", "is no phone number"),
    ],
)
def test_a_sip_address_that_may_not_be_called_says_why(settings: Settings, written: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        route_to(settings, application(settings), written)


@pytest.mark.parametrize(
    ("to", "trunk"),
    [
        ("+13125550001", "carrier"),
        ("1001", "carrier"),
        ("sip:anna@digits.example", "digits"),
        ("sip:anna@phones.example", ""),
        ("sip:anna@elsewhere.test", ""),
        ("sip:@", ""),
    ],
)
def test_a_call_under_way_keeps_its_trunk_after_a_change_of_destinations(
    settings: Settings, to: str, trunk: str
) -> None:
    found = trunk_to(settings, application(settings), to)
    assert (found.name if found else "") == trunk
