"""A TeXML document -> typed, immutable verbs. Pure: no sockets, no clock, and it imports nothing of ours."""

from orchestrator.texml.callees import Header, Headers, Number, Sip, Uri
from orchestrator.texml.dial import Conference, Dial, Noun
from orchestrator.texml.document import Document, DocumentError, Warning
from orchestrator.texml.parse import parse
from orchestrator.texml.response import Verb
from orchestrator.texml.schema import NO_DEFAULTS, Defaults
from orchestrator.texml.verbs import Gather, Hangup, Leave, Pause, Play, Record, Redirect, Reject, Say

__all__ = [
    "NO_DEFAULTS",
    "Conference",
    "Defaults",
    "Dial",
    "Document",
    "DocumentError",
    "Gather",
    "Hangup",
    "Header",
    "Headers",
    "Leave",
    "Noun",
    "Number",
    "Pause",
    "Play",
    "Record",
    "Redirect",
    "Reject",
    "Say",
    "Sip",
    "Uri",
    "Verb",
    "Warning",
    "parse",
]
