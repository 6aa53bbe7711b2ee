"""Defaults of attributes, where the application expects another vendor's."""

from __future__ import annotations

import pytest

from orchestrator.texml import Conference, Defaults, Dial, Record, parse

TWILIO: Defaults = {
    "Conference": {"trim": "trim-silence"},
    "Record": {"timeout": 5, "channels": "single", "trim": "trim-silence"},
}


def conference(attributes: str, defaults: Defaults) -> Conference:
    document = parse(
        f"<Response><Dial><Conference {attributes}>R</Conference></Dial></Response>", defaults=defaults
    )
    (dial,) = document.verbs
    assert isinstance(dial, Dial)
    (noun,) = dial.nouns
    assert isinstance(noun, Conference)
    return noun


@pytest.mark.parametrize(
    ("attributes", "trim"),
    [("", "trim-silence"), ('trim="do-not-trim"', "do-not-trim"), ('trim="nonsense"', "trim-silence")],
)
def test_the_document_s_own_value_counts_before_the_default(attributes: str, trim: str) -> None:
    assert conference(attributes, TWILIO).trim == trim
    assert conference("", {}).trim == "do-not-trim"


def test_every_attribute_may_have_another_default() -> None:
    (record,) = parse("<Response><Record/></Response>", defaults=TWILIO).verbs
    assert isinstance(record, Record)
    assert (record.timeout, record.channels, record.trim) == (5, "single", "trim-silence")
    assert parse("<Response><Record/></Response>").verbs == (Record(),)


def test_a_warning_names_the_default_that_is_used() -> None:
    (warning,) = parse('<Response><Record timeout="soon"/></Response>', defaults=TWILIO).warnings
    assert warning.used == "5"
