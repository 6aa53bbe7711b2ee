"""The headers that a SIP address brings along: `sip:a@b?X-Name=value&X-Other=value` (Twilio: Sip)."""

from __future__ import annotations

import re
from urllib.parse import unquote

from orchestrator.texml.converters import Adjusted, Unusable, text
from orchestrator.texml.limits import MAX_SIP_HEADERS

# Twilio: error 13252. Remote-Party-ID is not among them: it would replace the caller id that may be shown.
_OWN = re.compile(r"X-[A-Za-z0-9-]{1,60}", re.IGNORECASE)
_KNOWN = {name.lower(): name for name in ("User-to-User", "P-Preferred-Identity", "P-Called-Party-ID")}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def header_name(raw: str) -> str:
    """The name of a header that may be sent: X-…, User-to-User, P-Preferred-Identity or P-Called-Party-ID."""
    name = raw.strip()
    if name.lower() in _KNOWN:
        return _KNOWN[name.lower()]
    if not _OWN.fullmatch(name):
        raise Unusable("is no header that may be sent: X-…, " + ", ".join(_KNOWN.values()))
    return name


def header_value(raw: str) -> str:
    """One line; a line break would be a header of its own."""
    value = raw.strip()
    if _CONTROL.search(value):
        raise Unusable("has a control character")
    if len(value) > MAX_SIP_HEADERS:
        raise Unusable(f"is longer than {MAX_SIP_HEADERS} characters")
    return value


def sip_uri(raw: str) -> str:
    """An address with those of its headers that may be sent, as written; Adjusted where one is left out."""
    uri = text(raw)
    address, mark, query = uri.partition("?")
    if not mark:
        return uri
    if len(query) > MAX_SIP_HEADERS:
        raise Adjusted(f"has more than {MAX_SIP_HEADERS} characters of headers, none is sent", address)
    kept, refused = [], []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        try:
            header_name(unquote(name))
            header_value(unquote(value))
            kept.append(pair)
        except Unusable as error:
            if pair:
                refused.append(f"{name[:60]} {error}")
    uri = f"{address}?{'&'.join(kept)}" if kept else address
    if refused:
        raise Adjusted(f"has headers that are not sent: {'; '.join(refused)}", uri)
    return uri


def sip_uri_or_empty(raw: str) -> str:
    """The same, or nothing: the address may stand in an element of its own."""
    return sip_uri(raw) if raw.strip() else ""


def split_headers(uri: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The result of sip_uri() -> the address alone, and its headers, decoded."""
    address, _, query = uri.partition("?")
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return address, tuple(
        (header_name(unquote(name)), header_value(unquote(value))) for name, _, value in pairs
    )
