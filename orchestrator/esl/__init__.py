"""The event socket of one FreeSWITCH: bytes -> frames -> events, commands, and the legs that are ours."""

from orchestrator.esl.connection import DEFAULT_EVENTS, Connection
from orchestrator.esl.errors import (
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
from orchestrator.esl.events import Event
from orchestrator.esl.execution import Execution
from orchestrator.esl.leg import Leg
from orchestrator.esl.legs import Legs
from orchestrator.esl.reply import Reply

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
