"""SIP and tel addresses taken apart: RFC 3261 (25.1), 3966 (tel), 4694 (npdi, rn).

| form | user | number |
| --- | --- | --- |
| `sip:+13125550100@host`, `sips:…`, `<sip:…>`, `"Name" <sip:…>` | +13125550100 | the user |
| `sip:+13125550100;npdi;rn=+13125559999@host;user=phone` | +13125550100 | the user |
| `sip:5550100;phone-context=+1312@host`, `tel:…` | 5550100 | +1312 and the user |
| `sip:7001;phone-context=pbx.example.com@host` | 7001 | none: an extension there |
| `tel:+1-312-555-0100;isub=12;ext=5` | +1-312-555-0100 | the user |
| `sip:alice%20b@host`, `alice@host` | alice b, alice | none |
| `sip:host`, `sip:host:5060` | | none |
| `+13125550100`, `+13125550100;npdi=yes` | as it is | the user: FreeSWITCH's own form of a user |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple
from urllib.parse import unquote

from orchestrator.numbering.phone import recognised

Scheme = Literal["sip", "sips", "tel", ""]
_BRACKETED: Final = re.compile(r'\s*(?:"(?:[^"\\]|\\.)*"|[^"<>]*)\s*<([^<>]*)>.*', re.DOTALL)
_SCHEME: Final = re.compile(r"(?i)(sips?|tel):")
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")


class NotAnAddress(ValueError):
    """The text is no SIP or tel address."""


class Address(NamedTuple):
    scheme: Scheme
    """Empty: none was written."""
    user: str
    """Decoded, without its parameters."""
    host: str = ""
    """In small letters, without a dot at its end; empty for tel and for a user alone."""
    port: str = ""
    user_parameters: Mapping[str, str] = {}
    """Of the number: `phone-context`, `npdi`, `rn`, `isub`, `ext`; names in small letters, values decoded."""
    rest: str = ""
    """The part after the host as it is written: `;transport=tcp?X-A=1`."""

    def number(self, region: str) -> str | None:
        """E.164 where the user is a phone number; numbers without + are those of `region`."""
        context = self.user_parameters.get("phone-context", "")
        if context and not self.user.startswith("+"):
            return recognised(context + self.user, region) if context.startswith("+") else None
        return recognised(self.user, region)


def is_address(text: str) -> bool:
    """Whether it is meant as one, and not as a number or name alone."""
    return "@" in text or _SCHEME.match(text.strip().lstrip("<")) is not None


def parse(text: str) -> Address:
    """Any form of the table. Raises NotAnAddress."""
    bracketed = _BRACKETED.fullmatch(text)
    written = (bracketed[1] if bracketed else text).strip()
    found = _SCHEME.match(written)
    scheme, rest = (found[1].lower(), written[found.end() :]) if found else ("", written)
    if scheme == "tel":
        user, parameters = _user(rest)
        return Address("tel", user, user_parameters=parameters)
    user_part, at, host_part = rest.rpartition("@")
    if not at:
        if not scheme:
            user, parameters = _user(rest)
            return Address("", user, user_parameters=parameters)
        user_part, host_part = "", rest
    host = _HOST.match(host_part)
    following = host_part[host.end() :] if host else ""
    if host is None or (following and following[0] not in ";?"):
        raise NotAnAddress(f"not a SIP address: {text[:128]!r}")
    # A password (user:password@host) is no part of who is meant.
    user, parameters = _user(user_part.partition(":")[0])
    return Address(
        "sips" if scheme == "sips" else "sip" if scheme else "",
        user,
        host[1].lower().rstrip("."),
        host[2] or "",
        parameters,
        following,
    )


def party(text: str, region: str) -> str:
    """The party that a From, To or request URI names, as it is shown: E.164, else the user without
    parameters."""
    try:
        address = parse(text)
    except NotAnAddress:
        return text
    return address.number(region) or address.user


def _user(text: str) -> tuple[str, dict[str, str]]:
    user, *parameters = text.split(";")
    found = {}
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        found[name.strip().lower()] = unquote(value.strip())
    return unquote(user.strip()), found
