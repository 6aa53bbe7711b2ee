"""FreeSWITCH's SIP profile for calls from the console: there only where the settings have them."""

from __future__ import annotations

from importlib import resources
from typing import Final

from orchestrator.config import Settings

BROWSER_PROFILE_FILE: Final = "sip_profiles/browser.xml"
_PORT: Final = 'name="sip-port" value="5066"'


def browser_profile(settings: Settings) -> str:
    """The profile in an `include`, which is empty where there are no calls from the console.

    Its `$${…}` are for FreeSWITCH to fill in.
    """
    calls = settings.web.browser_calls
    if not calls.enabled:
        return "<include/>\n"
    text = (resources.files("orchestrator.fsconfig") / "browser_profile.xml").read_text("utf-8")
    assert _PORT in text
    return f"<include>\n{text.replace(_PORT, _PORT.replace('5066', str(calls.port)))}</include>\n"
