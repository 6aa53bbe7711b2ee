"""Whom the API can call: a phone number by a trunk, a SIP address where the settings allow it."""

from __future__ import annotations

import re

from orchestrator.calls.verbs.bridge import sip_endpoint, trunk_of
from orchestrator.config.applications import Application
from orchestrator.config.dialling import Trunk
from orchestrator.config.settings import Settings
from orchestrator.freeswitch import commands

_SIP = re.compile(r"sips?:|.*@", re.IGNORECASE)


def trunk_to(settings: Settings, application: Application, to: str) -> Trunk | None:
    """None for a SIP address, and where there is none."""
    return None if _SIP.match(to) else settings.trunk_for(application)


def endpoint_of(settings: Settings, application: Application, to: str) -> str:
    """FreeSWITCH's name of it. Raises ValueError, which says why there is no way."""
    sip = _SIP.match(to)
    found = sip_endpoint(settings, to) if sip else trunk_of(settings, application).dial(to)
    commands.dial_string([commands.Destination(found)])
    return found
