"""Beside requests and answers: the caller, the defaults of a dialect, cookies, and a document of our own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from lxml import etree
from requests.cookies import RequestsCookieJar, create_cookie

from orchestrator.conference.machine.state import Caller
from orchestrator.documents.defaults import document_defaults
from orchestrator.documents.fetch import _bound
from orchestrator.documents.generated import conference_document
from orchestrator.documents.request_parameters import caller_of
from orchestrator.routing import identities

HEADERS = {
    "Caller-Destination-Number": "3125550100",
    "Caller-Caller-ID-Number": "+13125550002",
    "variable_sip_from_user": "+13125550002",
    "variable_sip_from_host": "carrier.example",
    "variable_sip_from_uri": "+13125550002@carrier.example",
    "variable_sip_full_from": "<sip:+13125550002@carrier.example>;tag=1",
    "variable_sip_to_user": "3125550100",
    "variable_sip_to_host": "pbx.example",
    "variable_sip_to_uri": "3125550100@pbx.example",
    "variable_sip_full_to": "<sip:3125550100@pbx.example>",
    "variable_sip_req_user": "3125550100",
}


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({}, {}),
        (
            {
                "Caller-Caller-ID-Number": "anna",
                "variable_sip_full_from": "<sip:anna@carrier.example>",
                "variable_sip_from_uri": "anna@carrier.example",
            },
            {"from_": "anna", "from_sip_uri": "anna@carrier.example", "calling_party_type": "sip"},
        ),
        (
            {"variable_sip_Privacy": "id", "variable_sip_h_Privacy": "id"},
            {
                "from_": "anonymous",
                "from_sip_uri": "anonymous@anonymous.invalid",
                "withheld": "+13125550002",
            },
        ),
    ],
)
def test_the_caller_is_read_from_the_headers(change: dict[str, str], fields: dict[str, str]) -> None:
    headers = HEADERS | change
    identity = identities.caller(headers, "US", trusted=False)
    expected = {
        "call_sid": "v3:a",
        "leg": "leg",
        "connection_id": "7",
        "from_": "+13125550002",
        "to": "+13125550100",
        "from_sip_uri": "+13125550002@carrier.example",
        "to_sip_uri": "3125550100@pbx.example",
        "calling_party_type": "pstn",
        "withheld": "",
    } | fields
    found = caller_of("v3:a", "leg", "7", headers, "US", identity, "telnyx")
    assert found == Caller(**expected)


def test_a_dialect_s_defaults_are_of_the_attributes_that_they_are_called_after() -> None:
    dialect: Any = SimpleNamespace(
        conference_trim="trim-silence",
        play_continue_on_error=True,
        record_channels="dual",
        record_timeout_secs=7,
        record_trim="do-not-trim",
    )
    assert document_defaults(dialect) == {
        "Conference": {"trim": "trim-silence"},
        "Play": {"continue_on_error": True},
        "Record": {"channels": "dual", "timeout": 7, "trim": "do-not-trim"},
    }


def test_the_document_of_a_dialled_participant() -> None:
    fetched = conference_document("Room & <1>", {"muted": "true", "participantLabel": "anna"}, 60)
    assert (fetched.url, fetched.content_type) == ("", "application/xml")
    response = etree.fromstring(fetched.body)
    (dial,) = response
    (conference,) = dial
    assert [one.tag for one in (response, dial, conference)] == ["Response", "Dial", "Conference"]
    assert dict(dial.attrib) == {"timeLimit": "60"}
    assert dict(conference.attrib) == {"muted": "true", "participantLabel": "anna"}
    assert conference.text == "Room & <1>"
    with pytest.raises(ValueError, match="control characters"):
        conference_document("a\0b", {}, 60)


# One cookie of 8191 bytes, and one more byte in each of its parts
SIZED = {"name": "n" * 7, "value": "v" * 8175, "path": "/path", "domain": "h.io"}


@pytest.mark.parametrize("longer", ["", "name", "value", "path", "domain"])
def test_a_call_s_cookies_take_eight_kilobytes_at_most_with_all_their_parts(longer: str) -> None:
    parts = {part: text + "x" * (part == longer) for part, text in SIZED.items()}
    assert sum(map(len, SIZED.values())) == 8191
    jar = RequestsCookieJar()
    jar.set_cookie(create_cookie(**parts))
    _bound(jar)
    assert len(jar) == 1
    jar.set_cookie(create_cookie("", "", path="/", domain=""))
    _bound(jar)
    assert len(jar) == (2 if not longer else 1)
