"""The next action after a verb: none, another document, or the end of the call."""

from __future__ import annotations

from typing import NamedTuple

from orchestrator.documents.fetch import Fetched
from orchestrator.types import Fields


class FetchDocument(NamedTuple):
    """The rest of this document is dropped for the one at `url`."""

    url: str
    """As written: relative to the document it came from; empty for that document itself."""
    method: str
    fields: Fields = ()
    """The verb's own parameters, on top of the standard ones."""


class EndCall(NamedTuple):
    """The call has ended."""

    cause: str = "NORMAL_CLEARING"
    """FreeSWITCH's name of it."""
    why: str = "the document says so"
    """For the call's timeline."""


class RunDocument(NamedTuple):
    """A document that was fetched already goes on as the call's own, from one of its verbs on."""

    document: Fetched
    verb: int = 0


NextAction = FetchDocument | EndCall | None


class Redirected(Exception):
    """Somebody else has new instructions for the call: its current verb is abandoned, without a request that
    says how that ended."""
