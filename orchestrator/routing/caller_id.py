"""The caller id that a callee is shown, as FreeSWITCH's variables of its leg: a number, a name, or neither.

A caller who withholds its number is `"Anonymous" <sip:anonymous@anonymous.invalid>` with `Privacy: id` to
everybody (RFC 3323). A trunk in one trust domain with us gets the number besides, in the identity header that
its settings name (RFC 3325); nobody else does, and FreeSWITCH's own identity header is left out there.
"""

from __future__ import annotations

from typing import NamedTuple

from orchestrator.config.applications import Application
from orchestrator.config.settings import Settings
from orchestrator.config.trunks import CallerIdRefused, Trunk
from orchestrator.numbering.caller_id import ANONYMOUS, caller_id_of
from orchestrator.numbering.phone import NotANumber
from orchestrator.numbering.uri import NotAnAddress, is_address, parse
from orchestrator.types import RequestFields

ANONYMOUS_NAME = "Anonymous"
# The word on a telephone's keys.
TWILIO_ANONYMOUS = "+266696687"
ANONYMOUS_URI = "anonymous@anonymous.invalid"


class CallerId(NamedTuple):
    number: str
    """In its normal form; `anonymous`: none is shown."""
    withheld: str = ""
    """The number that is not shown, for a trusted trunk; empty: that trunk's own."""

    @property
    def is_anonymous(self) -> bool:
        return self.number == ANONYMOUS


def reported(number: str, fields: RequestFields) -> str:
    """The number that calls, as an application of this vendor knows it."""
    return TWILIO_ANONYMOUS if number == ANONYMOUS and fields == "twilio" else number


def caller_id(settings: Settings, application: Application, text: str) -> str:
    """The normal form of a number, a user name or a SIP address to be shown. Raises NotANumber."""
    region = settings.region_of_calls_by(application, settings.trunk_for(application))
    if not is_address(text):
        return caller_id_of(text, region)
    try:
        address = parse(text)
    except NotAnAddress as error:
        raise NotANumber(str(error)) from None
    return address.number(region) or caller_id_of(address.user, region)


def shown_by(trunk: Trunk | None, caller_id: CallerId) -> CallerId:
    """As the trunk allows it; None: a SIP address. Raises CallerIdRefused."""
    if trunk is None or caller_id.is_anonymous:
        return caller_id
    return CallerId(trunk.shows(caller_id.number))


def variables(trunk: Trunk | None, caller_id: CallerId, name: str | None) -> dict[str, str]:
    """Of the leg that is dialled; `name`: beside the number."""
    if not caller_id.is_anonymous:
        number = trunk.sent(caller_id.number) if trunk else caller_id.number
        return {
            "origination_caller_id_number": number,
            "origination_caller_id_name": name or caller_id.number,
        }
    hidden = {"sip_from_uri": ANONYMOUS_URI, "sip_from_display": name or ANONYMOUS_NAME}
    asserted = _asserted(trunk, caller_id.withheld) if trunk is not None and trunk.trusted else ""
    if trunk is None or not asserted:
        return hidden | {
            "origination_caller_id_number": ANONYMOUS,
            "origination_caller_id_name": name or ANONYMOUS_NAME,
            "sip_cid_type": "none",
            "sip_h_Privacy": "id",
        }
    return hidden | {
        "origination_caller_id_number": trunk.sent(asserted),
        "origination_caller_id_name": trunk.sent(asserted),
        "origination_privacy": "screen:hide_name:hide_number",
        "sip_cid_type": "pid" if trunk.identity_header == "pai" else "rpid",
        # mod_sofia sends Privacy with the one and not with the other.
        **({} if trunk.identity_header == "pai" else {"sip_h_Privacy": "id"}),
        **({"sip_invite_domain": trunk.domain} if trunk.domain else {}),
    }


def _asserted(trunk: Trunk, withheld: str) -> str:
    if not withheld:
        return trunk.caller_id or ""
    try:
        return trunk.shows(withheld)
    except CallerIdRefused:
        return ""
