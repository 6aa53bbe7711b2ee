"""The origin of a call from its INVITE, for Twilio's applications; and the countries of numbers."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestrator.callbacks.twilio_fields import country_of
from orchestrator.documents.request_parameters import Origin, origin_of
from orchestrator.routing.identities import Identity

FROM, PAI = "variable_sip_full_from", "variable_sip_P-Asserted-Identity"
DIVERSION = "variable_sip_h_Diversion"


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({}, Origin()),
        ({DIVERSION: "<sip:+13125550000@a.example>;a=b"}, Origin(forwarded_from="+13125550000")),
        ({DIVERSION: "<tel:+13125550000>"}, Origin(forwarded_from="+13125550000")),
        (
            {FROM: '"A" <sip:+1;verstat=TN-Validation-Passed@b>;tag=x'},
            Origin(stir_verstat="TN-Validation-Passed"),
        ),
        ({PAI: "<sip:+1@b;verstat=TN-Validation-Failed>"}, Origin(stir_verstat="TN-Validation-Failed")),
        (
            {"variable_sip_verstat_detailed": "TN-Validation-Passed-A", FROM: "<sip:+1;verstat=No@b>"},
            Origin(stir_verstat="TN-Validation-Passed-A"),
        ),
    ],
)
def test_the_origin_that_the_invite_gives(headers: dict[str, str], origin: Origin) -> None:
    assert origin_of(headers, "US", Identity("+1", "", "", "")) == origin
    named = origin_of(headers, "US", Identity("+1", "", "Anna", ""))
    assert named == replace(origin, name="Anna")


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+13125550100", "US"),
        ("+14165550100", "CA"),
        ("+442071838750", "GB"),
        ("+800123456789", ""),
        ("3125550100", ""),
        ("anna", ""),
        ("+", ""),
        ("", ""),
    ],
)
def test_a_number_in_international_form_has_a_country(number: str, country: str) -> None:
    assert country_of(number) == country
