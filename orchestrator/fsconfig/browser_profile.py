"""FreeSWITCH's SIP profile for calls from the console: there only where the settings have them."""

from __future__ import annotations

from importlib import resources
from typing import Final

from orchestrator.config import Settings
from orchestrator.config.freeswitch import Node

BROWSER_PROFILE_FILE: Final = "sip_profiles/browser.xml"
_PORT: Final = 'name="sip-port" value="5066"'


def browser_profile(settings: Settings, node: Node) -> str:
    """The profile in an `include`, which is empty where there are no calls from the console, and on other
    nodes than the first, to which they come.

    Its `$${…}` are for FreeSWITCH to fill in.
    """
    calls = settings.web.browser_calls
    if not calls.enabled or node != settings.freeswitch.nodes[0]:
        return "<include/>\n"
    text = (resources.files("orchestrator.fsconfig") / "browser_profile.xml").read_text("utf-8")
    assert _PORT in text
    return f"<include>\n{text.replace(_PORT, _PORT.replace('5066', str(calls.port)))}</include>\n"
