"""Whom the API can call: a phone number by a gateway, a SIP address where the settings allow it."""

from __future__ import annotations

import re

from orchestrator.calls.verbs.bridge import sip_endpoint
from orchestrator.config.applications import Application
from orchestrator.config.settings import Settings
from orchestrator.freeswitch import commands

_SIP = re.compile(r"sips?:|.*@", re.IGNORECASE)


def endpoint_of(settings: Settings, application: Application, to: str) -> str:
    """FreeSWITCH's name of it. Raises ValueError, which says why there is no way."""
    if _SIP.match(to):
        found = sip_endpoint(settings, to)
    else:
        gateway = settings.gateway_for(application)
        if gateway is None:
            raise ValueError("no gateway leads to phone numbers: add one under gateways")
        found = gateway.dial(to)
    commands.dial_string([commands.Destination(found)])
    return found
