"""Calls from the console's page, by WebRTC."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from orchestrator.config.fields import Section
from orchestrator.config.trunks import CallerId

SIP_PROFILE: Final = "texml-browser"
"""FreeSWITCH's SIP profile that takes these calls, and no other."""


class BrowserCalls(Section):
    """Calls from the console to numbers and rooms of the account, by WebRTC through FreeSWITCH."""

    enabled: bool = Field(default=False, description="whether the console can call")
    port: int = Field(
        default=5066,
        ge=1,
        le=65535,
        description="where FreeSWITCH takes SIP over WebSocket from the orchestrator, at the address of its "
        "event socket: loopback as freeswitch-conf has it; `orchestrator render` writes the SIP profile",
    )
    caller_id: CallerId | None = Field(
        default=None,
        description="From of these calls, a number or a name; none: client: and the account's name",
    )
    calls_per_minute: int = Field(default=20, ge=1, le=1000, description="begun by one account")


def websocket(host: str, port: int) -> str:
    """The URL of FreeSWITCH's WebSocket; `host` is its event socket's."""
    return f"ws://[{host}]:{port}/" if ":" in host else f"ws://{host}:{port}/"
