"""The event socket of one FreeSWITCH: bytes -> frames -> events, commands, and the legs that are ours."""

from .connection import DEFAULT_EVENTS, Connection
from .errors import (
    AuthenticationFailed,
    CommandFailed,
    CommandTimeout,
    ConferenceGone,
    Disconnected,
    LegGone,
    MemberGone,
    NotConnected,
    ProtocolError,
    SwitchError,
    Unreachable,
    WriteOverflow,
)
from .events import Event
from .legs import Execution, Leg, Legs
from .link import Reply

__all__ = [
    "DEFAULT_EVENTS",
    "AuthenticationFailed",
    "CommandFailed",
    "CommandTimeout",
    "ConferenceGone",
    "Connection",
    "Disconnected",
    "Event",
    "Execution",
    "Leg",
    "LegGone",
    "Legs",
    "MemberGone",
    "NotConnected",
    "ProtocolError",
    "Reply",
    "SwitchError",
    "Unreachable",
    "WriteOverflow",
]
