"""SIP and tel addresses: the table of forms."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.numbering.uri import Address, NotAnAddress, is_address, parse, party
from tests.fuzz.profile import FUZZ

# Text, scheme, user, host, number.
FORMS = [
    ("sip:+13125550100@host.example", "sip", "+13125550100", "host.example", "+13125550100"),
    ("sip:3125550100@host", "sip", "3125550100", "host", "+13125550100"),
    ("sips:+13125550100@Host.Example.", "sips", "+13125550100", "host.example", "+13125550100"),
    ("SIP:+13125550100@host:5070", "sip", "+13125550100", "host", "+13125550100"),
    ("<sip:+13125550100@[fd00::5]:5060>", "sip", "+13125550100", "[fd00::5]", "+13125550100"),
    ('"A <b> \\" c" <sip:alice@h>;tag=1', "sip", "alice", "h", None),
    ("Anna Lee <sip:alice@h;transport=tcp>", "sip", "alice", "h", None),
    ("sip:+13125550100;npdi=yes@h", "sip", "+13125550100", "h", "+13125550100"),
    ("sip:+13125550100;npdi;rn=+13125559999@h;user=phone", "sip", "+13125550100", "h", "+13125550100"),
    ("sip:+13125550100;isub=12%203@h", "sip", "+13125550100", "h", "+13125550100"),
    ("sip:5550100;phone-context=+1312@h", "sip", "5550100", "h", "+13125550100"),
    ("sip:+13125550100;phone-context=+44@h", "sip", "+13125550100", "h", "+13125550100"),
    ("sip:7001;phone-context=pbx.example.com@h", "sip", "7001", "h", None),
    ("sip:3125550100;phone-context=pbx.example.com@h", "sip", "3125550100", "h", None),
    ("sip:%2B1312555%30100@h", "sip", "+13125550100", "h", "+13125550100"),
    ("sip:alice%20b@h?Subject=x", "sip", "alice b", "h", None),
    ("sip:alice:secret@h", "sip", "alice", "h", None),
    ("sip:a@b@h", "sip", "a@b", "h", None),
    ("alice@h", "", "alice", "h", None),
    ("sip:h", "sip", "", "h", None),
    ("sip:h:5060;transport=udp", "sip", "", "h", None),
    ("sip:@h", "sip", "", "h", None),
    ("tel:+1-312-555-0100", "tel", "+1-312-555-0100", "", "+13125550100"),
    ("tel:+13125550100;ext=5;isub=1", "tel", "+13125550100", "", "+13125550100"),
    ("TEL:555-0100;phone-context=+1-312", "tel", "555-0100", "", "+13125550100"),
    ("<tel:7001;phone-context=example.com>", "tel", "7001", "", None),
    ("+13125550100", "", "+13125550100", "", "+13125550100"),
    ("+13125550100;npdi=yes", "", "+13125550100", "", "+13125550100"),
    ("1001", "", "1001", "", None),
    ("", "", "", "", None),
]


@pytest.mark.parametrize(("text", "scheme", "user", "host", "number"), FORMS)
def test_each_form(text: str, scheme: str, user: str, host: str, number: str | None) -> None:
    found = parse(text)
    assert (found.scheme, found.user, found.host, found.number("US")) == (scheme, user, host, number)


def test_the_parameters_of_a_number_and_those_of_the_address_are_two_things() -> None:
    found = parse("sip:+13125550100;NPDI;rn=%2B1312@h:5061;transport=tcp;user=phone?X-A=1")
    assert found.user_parameters == {"npdi": "", "rn": "+1312"}
    assert (found.port, found.rest) == ("5061", ";transport=tcp;user=phone?X-A=1")


@pytest.mark.parametrize("text", ["sip:", "sip:a@", "sip:a@h:999999x", "sip:a@h h", "a@h/x"])
def test_a_text_that_is_no_address(text: str) -> None:
    with pytest.raises(NotAnAddress):
        parse(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sip:a@b", True),
        ("a@b", True),
        ("tel:+1", True),
        ("<sip:h>", True),
        (" <sip:h> ", True),
        ("+1312", False),
        ("xsip:h", False),
        ("alice", False),
    ],
)
def test_an_address_is_distinguished_from_a_number(text: str, address: bool) -> None:
    assert is_address(text) is address


@FUZZ
@given(st.text(max_size=60))
def test_any_text_is_an_address_or_none_and_somebody_has_a_name(text: str) -> None:
    for form in (text, f"sip:{text}", f"tel:{text}", f"sip:{text}@h", f"<{text}>"):
        with contextlib.suppress(NotAnAddress):
            assert isinstance(parse(form), Address)
        assert isinstance(party(form, "US"), str)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<sip:(312)555-0100@h>", "+13125550100"),
        ("tel:5550100;phone-context=+1312", "+13125550100"),
        ("sip:anna;x=1@h:5070;transport=tcp", "anna"),
        ("sip:1001@h", "1001"),
        ("1001", "1001"),
        ("sip:a@[", "sip:a@["),
    ],
)
def test_a_party_is_shown_by_its_number_or_its_user(text: str, shown: str) -> None:
    assert party(text, "US") == shown
