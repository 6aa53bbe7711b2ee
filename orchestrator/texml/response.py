"""The root of a document. A new verb is a dataclass, named here."""

from dataclasses import dataclass

from orchestrator.texml.dial import Dial
from orchestrator.texml.schema import Element, children
from orchestrator.texml.verbs import Gather, Hangup, Leave, Pause, Play, Record, Redirect, Reject, Say

Verb = Say | Play | Pause | Gather | Redirect | Hangup | Leave | Reject | Record | Dial


@dataclass(frozen=True, slots=True, kw_only=True)
class Response(Element):
    """The verbs of a document, in the order in which they run."""

    verbs: tuple[Verb, ...] = children(
        Say, Play, Pause, Gather, Redirect, Hangup, Leave, Reject, Record, Dial
    )
