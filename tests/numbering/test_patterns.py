"""Numbers and patterns in the settings: each is compared in the right form, or refused with the remedy."""

from __future__ import annotations

import pytest
from hypothesis import given

from orchestrator.config import ConfigErrors, loads
from orchestrator.config.patterns import fits
from orchestrator.numbering.patterns import (
    NotAPattern,
    inbound_key,
    is_extension,
    is_phone_pattern,
    outbound_pattern,
)
from tests.fuzz.profile import FUZZ
from tests.numbering.spellings import spellings

ACCOUNT = "accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}]\n"


@pytest.mark.parametrize(
    ("written", "pattern", "phone"),
    [
        ("+1900*", "+1900*", True),
        ("+1 (900) *", "+1900*", True),
        ("+1-900-555-1234", "+19005551234", True),
        ("+44 (0)900*", "+44900*", True),
        ("+1312555????", "+1312555????", True),
        ("+39 06*", "+3906*", True),
        ("+9*", "+9*", True),
        ("*900*", "*900*", True),
        ("*", "*", True),
        ("1???", "1???", False),
        ("?001", "?001", False),
        ("1001", "1001", False),
        ("reception", "reception", False),
        ("sales-*", "sales-*", False),
    ],
)
def test_a_pattern_of_a_trunk(written: str, pattern: str, phone: bool) -> None:
    assert outbound_pattern(written) == pattern
    assert is_phone_pattern(pattern) is phone


@pytest.mark.parametrize(
    ("pattern", "phone"),
    [
        *((pattern, False) for pattern in ("?", "??", "??????", "?001", "?-01", "1?", "100???")),
        *((pattern, True) for pattern in ("???????", "?*", "?1*", "*", "*98", "*?", "+*", "+?", "+1?")),
    ],
)
def test_a_pattern_of_six_places_is_one_of_extensions_and_any_other_of_phone_numbers(
    pattern: str, phone: bool
) -> None:
    assert outbound_pattern(pattern) == pattern
    assert is_phone_pattern(pattern) is phone


@pytest.mark.parametrize(
    ("text", "dialled"),
    [
        ("1", True),
        ("123456", True),
        ("1234567", False),
        ("reception", True),
        ("desk-12.a_b~c", True),
        ("*98#", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("", False),
        ("a b", False),
        ("+1", False),
        ("a@b", False),
    ],
)
def test_an_extension_has_few_digits_and_nothing_else_than_names_have(text: str, dialled: bool) -> None:
    assert is_extension(text) is dialled


@pytest.mark.parametrize(
    ("written", "why", "remedy"),
    [
        ("1900*", "neither a phone number nor an extension", "begins with + and its country's code"),
        ("00*", "neither a phone number nor an extension", "begins with + and its country's code"),
        ("011*", "neither a phone number nor an extension", "begins with + and its country's code"),
        ("3125550100", "neither a phone number nor an extension", "begins with + and its country's code"),
        ("+440900*", "fits no phone number in the world", "+440900 is read as +44900…"),
        ("+36 06 1*", "fits no phone number in the world", "+36061 is read as +361…"),
        ("+1 1 900*", "fits no phone number in the world", "+11900 is read as +1900…"),
        ("+999*", "fits no phone number in the world", "no country's code begins so"),
        ("+13125550100123*", "fits no phone number in the world", ""),
        ("+1312", "it has too few digits", "all that begin so: +1312*"),
        ("a b", "is no number or pattern", "e.g. +13125550001"),
        ("+1\n312", "has a control character", "e.g. +13125550001"),
        ("agent-19005551234", "is no number or pattern", "e.g. +13125550001"),
    ],
)
def test_a_pattern_that_fits_nothing_is_refused(written: str, why: str, remedy: str) -> None:
    with pytest.raises(NotAPattern) as caught:
        outbound_pattern(written)
    assert why in str(caught.value)
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("+13125550001", "13125550001"),
        ("+1 (312) 555-0100", "13125550100"),
        ("(312) 555-0100", "13125550100"),
        ("3125550100", "13125550100"),
        ("13125550100", "13125550100"),
        ("+1 312 *", "1312*"),
        ("1312*", "1312*"),
        ("1001", "1001"),
        ("1???", "1???"),
        ("reception", "reception"),
        ("alice.smith", "alice.smith"),
        ("desk-*", "desk-*"),
    ],
)
def test_a_key_of_numbers(written: str, key: str) -> None:
    assert inbound_key(written, "US") == key


@pytest.mark.parametrize("written", ["+1312", "+440*", "alice (home)", "a@b", "", "+1 312 555 0100 9"])
def test_a_key_that_no_call_can_have_is_a_mistake_with_its_line(written: str) -> None:
    text = f"{ACCOUNT}applications: {{a: {{voice_url: 'http://h/'}}}}\nnumbers:\n  '{written}': a\n"
    with pytest.raises(ConfigErrors) as caught:
        loads(text, file="f.yaml", environ={})
    assert all(str(error).startswith(f"f.yaml:4: numbers.{written}") for error in caught.value.errors)
    assert all(error.hint for error in caught.value.errors)


@FUZZ
@given(spellings("1", "3125550100"))
def test_a_number_that_is_spelt_in_any_way_leads_to_its_application(written: str) -> None:
    text = f"{ACCOUNT}applications: {{a: {{voice_url: 'http://h/'}}}}\nnumbers: {{'+1 (312) 555-0100': a}}\n"
    found = loads(text, environ={}).application_for(written)
    try:
        key = inbound_key(written, "US")
    except NotAPattern:
        return
    if fits("13125550100", key):
        assert found is not None


def test_a_trunks_numbers_are_read_in_its_own_country() -> None:
    settings = loads(
        f"{ACCOUNT}applications: {{a: {{voice_url: 'http://h/'}}}}\nnumbers: {{'+49 30 1234567': a}}\n"
        "trunks: {de: {proxy: 192.0.2.7, default_region: de}}\n",
        environ={},
    )
    region = settings.region_of_calls_from("192.0.2.7")
    assert region == "DE"
    assert settings.application_for("030 1234567", region) is not None
    assert settings.application_for("030 1234567", settings.region_of_calls_from("127.0.0.1")) is None


@pytest.mark.parametrize("region", ["XX", "Germany", "", "1"])
def test_a_country_is_two_letters_of_one_that_there_is(region: str) -> None:
    with pytest.raises(ConfigErrors, match="this is no country"):
        loads(f"{ACCOUNT}default_region: '{region}'\n", environ={})


@pytest.mark.parametrize(
    ("region", "one", "other"),
    [
        ("", "(312) 555-0100", "+1 312 555 0100"),
        ("US", "(312) 555-0100", "+1 312 555 0100"),
        ("DE", "030 901820", "+49 30 901820"),
        ("gb", "020 7946 0018", "+44 20 7946 0018"),
    ],
)
def test_a_number_in_two_spellings_of_its_region_stands_there_twice(
    region: str, one: str, other: str
) -> None:
    """In the default region's own way, and as the world writes it."""
    with pytest.raises(ConfigErrors) as caught:
        loads(numbers(region, one, other), environ={})
    (error,) = caught.value.errors
    assert error.message == f"is the same number as {one}"
    assert error.path == f"numbers.{other}"


@pytest.mark.parametrize("region", ["", "US", "FR"])
def test_a_number_of_another_region_is_another_number(region: str) -> None:
    found = loads(numbers(region, "030 901820", "+49 30 901820"), environ={})
    assert len(found.numbers) == 2


def numbers(region: str, *written: str) -> str:
    """Settings with these numbers, read in the region's way."""
    first = f"default_region: {region}\n" if region else ""
    each = "".join(f"  '{number}': a\n" for number in written)
    return f"{ACCOUNT}{first}applications: {{a: {{voice_url: 'http://h/'}}}}\nnumbers:\n{each}"
