"""The parameters that every request for instructions carries (telnyx-texml section 4.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from orchestrator.calls.steps import Fields
from orchestrator.conference.model import Caller

PSTN_NUMBER = re.compile(r"\+?[0-9]{3,20}")
SIP_HEADER = "variable_sip_h_"


def caller_of(call_sid: str, leg: str, connection_id: str, headers: Mapping[str, str]) -> Caller:
    """Who calls whom, from the headers of CHANNEL_PARK."""
    from_ = headers.get("Caller-Caller-ID-Number", "")
    return Caller(
        call_sid=call_sid,
        leg=leg,
        connection_id=connection_id,
        from_=from_,
        to=headers.get("Caller-Destination-Number", ""),
        from_sip_uri=headers.get("variable_sip_from_uri", ""),
        to_sip_uri=headers.get("variable_sip_to_uri", ""),
        calling_party_type="pstn" if PSTN_NUMBER.fullmatch(from_) else "sip",
    )


def standard_fields(
    caller: Caller, account_sid: str, status: str, direction: str, sip_headers: Fields, twilio_extras: bool
) -> Fields:
    """Telnyx's ten, CallStatus and Direction; ApiVersion for Twilio's applications behind their switch."""
    fields = [
        ("AccountSid", account_sid),
        ("CallSid", caller.call_sid),
        ("CallSidLegacy", caller.call_sid),
        ("CallStatus", status),
        ("CallerId", caller.from_),
        ("CallingPartyType", caller.calling_party_type),
        ("ConnectionId", caller.connection_id),
        ("Direction", direction),
        ("From", caller.from_),
        ("FromSipUri", caller.from_sip_uri),
        ("To", caller.to),
        ("ToSipUri", caller.to_sip_uri),
    ]
    if twilio_extras:
        fields.append(("ApiVersion", "2010-04-01"))
    return (*fields, *sip_headers)


def sip_header_fields(headers: Mapping[str, str]) -> Fields:
    """The INVITE's own headers, as `SipHeader_<Name>`."""
    return tuple(
        (f"SipHeader_{name[len(SIP_HEADER) :]}", value)
        for name, value in headers.items()
        if name.startswith(SIP_HEADER)
    )
