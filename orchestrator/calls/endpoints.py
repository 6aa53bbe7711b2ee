"""Whom FreeSWITCH can call for us: a phone number by a gateway, a SIP address where the settings allow it."""

from __future__ import annotations

import re

from orchestrator.config.applications import Application
from orchestrator.config.settings import Settings
from orchestrator.freeswitch import commands

SIP_URI = re.compile(r"(?:sips?:)?(?P<user>[^@\s;?]+)@(?P<host>[A-Za-z0-9.:\[\]-]+)(?P<rest>;transport=\w+)?")


def endpoint_of(settings: Settings, application: Application, to: str) -> str:
    """FreeSWITCH's name of it. Raises ValueError, which says why there is no way."""
    if "@" in to or to.lower().startswith(("sip:", "sips:")):
        found = sip_endpoint(settings, to)
    else:
        gateway = settings.gateway_for(application)
        if gateway is None:
            raise ValueError("no gateway leads to phone numbers: add one under gateways")
        found = gateway.dial(to)
    commands.dial_string([commands.Destination(found)])
    return found


def sip_endpoint(settings: Settings, uri: str) -> str:
    """Raises ValueError for what is no SIP address, or none that may be called."""
    match = SIP_URI.fullmatch(uri)
    if match is None:
        raise ValueError(f"not a SIP address: {uri!r}")
    host = match["host"].rpartition(":")[0] if re.search(r":\d+$", match["host"]) else match["host"]
    if not settings.sip.allows(host):
        raise ValueError(f"{host} is not among sip: allowed_hosts")
    return f"sofia/{settings.sip.profile}/{match['user']}@{match['host']}{match['rest'] or ''}"


def shown(text: str) -> str:
    """A caller's number or name without what has a meaning in a dial string."""
    return re.sub(r"[{}\\$]|:_:", "", commands.one_line(text))
