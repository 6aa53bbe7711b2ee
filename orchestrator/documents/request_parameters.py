"""The parameters that every request for instructions carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import methodcaller

from msgspec import Struct

from orchestrator.callbacks.twilio_fields import API_VERSION, TwilioDirection, twilio_call_fields
from orchestrator.conference.machine.state import Caller
from orchestrator.numbering.caller_id import ANONYMOUS
from orchestrator.numbering.phone import is_e164
from orchestrator.numbering.uri import party
from orchestrator.routing import identities
from orchestrator.routing.caller_id import reported
from orchestrator.routing.identities import Identity
from orchestrator.types import CallbackStyle, Fields, RequestFields

SIP_HEADER = "variable_sip_h_"
_IS_SIP_HEADER = methodcaller("startswith", SIP_HEADER)
_VERSTAT = re.compile(r"verstat=([A-Za-z-]{1,64})")


def caller_of(
    call_sid: str,
    leg: str,
    connection_id: str,
    headers: Mapping[str, str],
    region: str,
    identity: Identity,
    fields: RequestFields = "telnyx",
) -> Caller:
    """Caller and called party, from the headers of CHANNEL_PARK; `region`: of numbers without +."""
    anonymous = identity.number == ANONYMOUS
    is_phone = is_e164(identity.withheld if anonymous else identity.number)
    return Caller(
        call_sid=call_sid,
        leg=leg,
        connection_id=connection_id,
        from_=reported(identity.number, fields),
        to=identities.called(headers, region),
        from_sip_uri=identity.uri,
        to_sip_uri=identities.called_uri(headers),
        calling_party_type="pstn" if is_phone else "sip",
        withheld=identity.withheld,
    )


class Origin(Struct, frozen=True, omit_defaults=True):
    """The INVITE's facts about the origin of a call; empty where it has none."""

    name: str = ""
    """The caller's, where it is not the number once more."""
    forwarded_from: str = ""
    """Whose calls are diverted to us (Diversion, RFC 5806)."""
    stir_verstat: str = ""
    """The carrier's, or FreeSWITCH's, verdict on the number's signature: `TN-Validation-Passed-A`."""


def origin_of(headers: Mapping[str, str], region: str, identity: Identity) -> Origin:
    """From the headers of CHANNEL_PARK."""
    diverted = headers.get("variable_sip_h_Diversion", "")
    checked = [headers.get(f"variable_{one}", "") for one in ("sip_P-Asserted-Identity", "sip_full_from")]
    verstat = next((found[1] for found in map(_VERSTAT.search, checked) if found), "")
    return Origin(
        name=identity.name,
        forwarded_from=party(diverted, region) if diverted else "",
        stir_verstat=headers.get("variable_sip_verstat_detailed", "") or verstat,
    )


def twilio_direction(direction: str, parent_call_sid: str) -> TwilioDirection:
    """Dialled by a document, it has a parent; dialled through the API, it has none."""
    if direction == "inbound":
        return "inbound"
    return "outbound-dial" if parent_call_sid else "outbound-api"


def standard_fields(
    caller: Caller,
    account_sid: str,
    status: str,
    direction: str,
    sip_headers: Fields,
    style: CallbackStyle,
    origin: Origin | None = None,
    parent_call_sid: str = "",
) -> Fields:
    """Telnyx's ten, CallStatus and Direction; then what the style has of Twilio's."""
    fields = {
        "AccountSid": account_sid,
        "CallSid": caller.call_sid,
        "CallSidLegacy": caller.call_sid,
        "CallStatus": status,
        "CallerId": caller.from_,
        "CallingPartyType": caller.calling_party_type,
        "ConnectionId": caller.connection_id,
        "Direction": direction,
        "From": caller.from_,
        "FromSipUri": caller.from_sip_uri,
        "To": caller.to,
        "ToSipUri": caller.to_sip_uri,
    }
    if style.request_fields == "twilio":
        origin = origin or Origin()
        known = {
            "CallerName": origin.name,
            "ForwardedFrom": origin.forwarded_from,
            "ParentCallSid": parent_call_sid,
            "StirVerstat": origin.stir_verstat,
        }
        fields |= twilio_call_fields(caller.from_, caller.to, twilio_direction(direction, parent_call_sid))
        fields |= {name: value for name, value in known.items() if value}
    elif style.twilio_extras:
        fields["ApiVersion"] = API_VERSION
    return (*fields.items(), *sip_headers)


def sip_header_fields(headers: Mapping[str, str], withheld: str = "") -> Fields:
    """The INVITE's own headers, as `SipHeader_<Name>`; none that reveals a withheld number."""
    digits = withheld.removeprefix("+")
    return tuple(
        (f"SipHeader_{name[len(SIP_HEADER) :]}", headers[name])
        # Some two hundred headers, of which two are these.
        for name in filter(_IS_SIP_HEADER, headers)
        if not (digits and digits in headers[name])
    )
