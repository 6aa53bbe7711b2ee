"""The next action after a Dial: its action with the result, or the next verb."""

from __future__ import annotations

from typing import Literal

from orchestrator.documents.next_action import FetchDocument, NextAction
from orchestrator.texml import Dial
from orchestrator.types import Fields

DialCallStatus = Literal["completed", "answered", "busy", "no-answer", "failed", "canceled"]


def dial_result(verb: Dial, status: DialCallStatus, *, bridged: bool, more: Fields = ()) -> NextAction:
    if verb.action is None:
        return None
    fields = (("DialCallStatus", status), ("DialBridged", str(bridged).lower()), *more)
    return FetchDocument(verb.action, verb.method, fields)
