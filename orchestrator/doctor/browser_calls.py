"""Calls from the console: FreeSWITCH's SIP profile for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from simple_websocket import ConnectionClosed

from orchestrator.config.browser_calls import SIP_PROFILE, websocket
from orchestrator.doctor.context import DoctorContext
from orchestrator.doctor.result import CheckResult, ok, wrong
from orchestrator.fsconfig import sip_profiles
from orchestrator.web.sip_websocket import NoSwitch, connect

BROWSER_CALLS: Final = "browser calls"
_START: Final = f"fs_cli -x reloadxml, then fs_cli -x 'sofia profile {SIP_PROFILE} start'"


def browser_calls(context: DoctorContext) -> Iterator[CheckResult]:
    """Nothing where the settings have none; they come to the first node."""
    calls = context.settings.web.browser_calls
    if not calls.enabled or context.node is not context.settings.freeswitch.nodes[0]:
        return
    url = websocket(context.node.host, calls.port)
    profile = sip_profiles.browsers(context.connection.api)
    if not profile.place:
        text = f"FreeSWITCH has no SIP profile {SIP_PROFILE}, by which they come"
        yield wrong(BROWSER_CALLS, text, f"orchestrator render --into its configuration; {_START}")
        return
    try:
        with suppress(ConnectionClosed):
            connect(url).close()
    except NoSwitch as error:
        text = f"FreeSWITCH takes no SIP over WebSocket at {url}: {error}"
        remedy = f"its files have {profile.place}: if that is another port, render anew; {_START}"
        yield wrong(BROWSER_CALLS, text, remedy)
        return
    yield ok(BROWSER_CALLS, f"FreeSWITCH takes SIP over WebSocket at {url}")
