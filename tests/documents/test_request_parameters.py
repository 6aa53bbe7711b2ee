"""The fields of a request for a document, by the style of its application."""

from __future__ import annotations

import pytest

from orchestrator.conference.machine.state import Caller
from orchestrator.documents.request_parameters import (
    Origin,
    sip_header_fields,
    standard_fields,
    twilio_direction,
)
from orchestrator.types import CallbackStyle

CALLER = Caller("v3:a", "uuid", "1", "+13125550002", "+13125550100")
TELNYX = {
    *("AccountSid", "CallSid", "CallSidLegacy", "CallStatus", "CallerId", "CallingPartyType"),
    *("ConnectionId", "Direction", "From", "FromSipUri", "To", "ToSipUri"),
}
ORIGIN = Origin(name="Anna", forwarded_from="+13125550003", stir_verstat="TN-Validation-Passed-A")


def fields(style: CallbackStyle, origin: Origin | None = None, parent: str = "") -> dict[str, str]:
    headers = (("SipHeader_X-A", "1"),)
    return dict(standard_fields(CALLER, "acc", "ringing", "inbound", headers, style, origin, parent))


@pytest.mark.parametrize(
    ("style", "more"),
    [
        (CallbackStyle(twilio_extras=False), set()),
        (CallbackStyle(), {"ApiVersion"}),
    ],
)
def test_telnyx_s_fields_and_twilio_s_further_ones(style: CallbackStyle, more: set[str]) -> None:
    found = fields(style, ORIGIN, "v3:parent")
    assert found.keys() == TELNYX | more | {"SipHeader_X-A"}
    assert (found["From"], found["CallerId"], found["To"]) == (CALLER.from_, CALLER.from_, CALLER.to)
    assert found["CallSid"] == found["CallSidLegacy"] == "v3:a"
    assert (found["AccountSid"], found["CallStatus"], found["ConnectionId"]) == ("acc", "ringing", "1")


def test_twilio_s_fields_with_what_is_known() -> None:
    style = CallbackStyle(request_fields="twilio")
    known = {"CallerName", "ForwardedFrom", "ParentCallSid", "StirVerstat"}
    plain, full = fields(style), fields(style, ORIGIN, "v3:parent")
    assert full.keys() - plain.keys() == known
    assert [full[name] for name in sorted(known)] == [
        "Anna",
        "+13125550003",
        "v3:parent",
        "TN-Validation-Passed-A",
    ]
    assert {"ApiVersion", "Caller", "Called", "FromCity", "ToCountry"} <= plain.keys()


@pytest.mark.parametrize(
    ("direction", "parent", "said"),
    [("inbound", "", "inbound"), ("outbound", "v3:a", "outbound-dial"), ("outbound", "", "outbound-api")],
)
def test_a_direction_has_twilio_s_word(direction: str, parent: str, said: str) -> None:
    assert twilio_direction(direction, parent) == said


def test_headers_of_the_invite_come_along_but_none_with_a_withheld_number() -> None:
    headers = {
        "variable_sip_h_X-Room": "12",
        "variable_sip_h_X-Who": "<sip:13125550002@h>",
        "variable_other": "13125550002",
    }
    assert sip_header_fields(headers) == (
        ("SipHeader_X-Room", "12"),
        ("SipHeader_X-Who", "<sip:13125550002@h>"),
    )
    assert sip_header_fields(headers, "+13125550002") == (("SipHeader_X-Room", "12"),)
