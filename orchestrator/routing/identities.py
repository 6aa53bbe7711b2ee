"""Caller and called party, from the headers of CHANNEL_PARK: numbers in their normal form, no placeholders of
FreeSWITCH's, and no number that its caller withholds.

mod_sofia writes words of its own where an INVITE has none (sofia.c, _url_set_chanvars and
sofia_handle_sip_i_invite): `nobody` for a URI without a user, `nowhere` for one without a host, as tel's are,
`unknown` for a caller without a name. Where the request URI has no user it takes the To header's, then the
caller's own, then `service`; and it takes P-Preferred-Identity before P-Asserted-Identity before
Remote-Party-ID before From, from any sender. switch_caller.c has `0000000000` for no number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from orchestrator.numbering.caller_id import ANONYMOUS, is_anonymous
from orchestrator.numbering.phone import is_e164
from orchestrator.numbering.uri import Address, NotAnAddress, parse
from orchestrator.routing.caller_id import ANONYMOUS_URI

_NO_NAMES: Final = frozenset({"unknown", "_undef_", "outbound call"})
# RFC 3323: user asks for what id asks for, of more than the number. Remote-Party-ID's are those of its draft
# and of mod_sofia.
_WITHHOLDING: Final = frozenset({"id", "user"})
_RPID_PRIVACY: Final = re.compile(r";\s*privacy\s*=\s*\"?(full|uri|yes|number)", re.IGNORECASE)


class Identity(NamedTuple):
    """As an application sees it."""

    number: str
    """E.164, else a user name; `anonymous` where it is withheld or there is none."""
    uri: str
    name: str
    """Empty where there is none but the number once more."""
    withheld: str
    """The number that only trusted trunks may see; empty where none is withheld, or it is not known."""


def called(headers: Mapping[str, str], region: str) -> str:
    """The number or user that is called; empty where the INVITE names none."""
    destination = headers.get("Caller-Destination-Number", "")
    if headers.get("variable_sip_req_user") == "nobody" and destination != "nobody":
        address = _address(headers, "to")
        return _shown(address, region) if address is not None else ""
    return _shown(_with_context(_parsed(destination), headers, "req"), region)


def called_uri(headers: Mapping[str, str]) -> str:
    """The To header's address without `sip:`."""
    return _uri(headers, "to")


def caller(headers: Mapping[str, str], region: str, *, trusted: bool) -> Identity:
    """`trusted`: who sent the call may assert an identity."""
    written, asserted = _address(headers, "from"), _asserted(headers) if trusted else None
    if written is not None and not _changed_by_the_dialplan(headers):
        number = _shown(asserted or written, region)
    else:
        number = _shown(_parsed(headers.get("Caller-Caller-ID-Number", "")), region)
    withheld = _withholds(headers, written, asserted is not None)
    if withheld or not number or is_anonymous(number):
        known = number if withheld and is_e164(number) else ""
        return Identity(ANONYMOUS, ANONYMOUS_URI if withheld else _uri(headers, "from"), "", known)
    return Identity(number, _uri(headers, "from"), _name(headers, number, asserted is not None), "")


def _address(headers: Mapping[str, str], side: str) -> Address | None:
    """Of a From or To header as it was written; None for a leg that is no SIP."""
    written = headers.get(f"variable_sip_full_{side}")
    return _with_context(_parsed(written), headers, side) if written else None


def _parsed(text: str) -> Address:
    try:
        return parse(text)
    except NotAnAddress:
        return Address("", text)


def _with_context(address: Address, headers: Mapping[str, str], side: str) -> Address:
    """mod_sofia keeps the parameters of a tel address, which has no host, apart."""
    parameters = headers.get(f"variable_sip_{side}_params", "")
    if not parameters or headers.get(f"variable_sip_{side}_host") != "nowhere":
        return address
    return parse(f"tel:{address.user};{parameters}")


def _shown(address: Address, region: str) -> str:
    return address.number(region) or address.user


def _asserted(headers: Mapping[str, str]) -> Address | None:
    """P-Asserted-Identity, else Remote-Party-ID. Never P-Preferred-Identity: that is only a phone's
    request."""
    for name in ("P-Asserted-Identity", "Remote-Party-ID"):
        if text := headers.get(f"variable_sip_{name}"):
            return _parsed(text)
    return None


def _changed_by_the_dialplan(headers: Mapping[str, str]) -> bool:
    original = headers.get("Caller-Orig-Caller-ID-Number")
    return original is not None and original != headers.get("Caller-Caller-ID-Number", "")


def _withholds(headers: Mapping[str, str], written: Address | None, asserted: bool) -> bool:
    privacy = re.split(r"[;,\s]+", headers.get("variable_sip_Privacy", "").lower())
    if asserted and "none" in privacy:
        # A trusted peer says that the number may be shown, whatever From is.
        return False
    return (
        headers.get("Caller-Privacy-Hide-Number") == "true"
        or not _WITHHOLDING.isdisjoint(privacy)
        or _RPID_PRIVACY.search(headers.get("variable_sip_Remote-Party-ID", "")) is not None
        or (written is not None and (written.host == "anonymous.invalid" or is_anonymous(written.user)))
    )


def _name(headers: Mapping[str, str], number: str, asserted: bool) -> str:
    if headers.get("Caller-Privacy-Hide-Name") == "true":
        return ""
    name = headers.get("Caller-Caller-ID-Name", "")
    if not asserted and "variable_sip_full_from" in headers:
        name = headers.get("variable_sip_from_display", "")
    none = {number, headers.get("Caller-Caller-ID-Number", ""), headers.get("variable_sip_from_user", "")}
    return "" if name in none or name.lower() in _NO_NAMES or is_anonymous(name) else name


def _uri(headers: Mapping[str, str], side: str) -> str:
    uri, written = headers.get(f"variable_sip_{side}_uri", ""), headers.get(f"variable_sip_full_{side}")
    address = _parsed(written) if written else None
    if address is None:
        return uri
    if address.scheme == "tel":
        return f"tel:{address.user}"
    return uri if address.user else uri.removeprefix("nobody@")
