"""Redirect, Hangup and Reject: where the document goes."""

from __future__ import annotations

from orchestrator.calls.call import Call
from orchestrator.documents.next_action import EndCall, FetchDocument, NextAction
from orchestrator.texml import Hangup, Leave, Redirect, Reject

# As FreeSWITCH names what SIP says: 486, and 603 (404 by another of Telnyx's pages).
REJECTIONS = {"busy": "USER_BUSY", "rejected": "CALL_REJECTED"}


def redirect(call: Call, verb: Redirect) -> NextAction:
    return FetchDocument(verb.url, verb.method)


def hangup(call: Call, verb: Hangup) -> NextAction:
    return EndCall(why=f"Hangup (line {verb.line})")


def leave(call: Call, verb: Leave) -> NextAction:
    """Where nobody waits there is nothing to leave."""
    call.warn("only for a document that runs while the caller waits, skipped", verb="Leave", line=verb.line)
    return None


def reject(call: Call, verb: Reject) -> NextAction:
    """Refuses an unanswered call; an answered one is just over."""
    why = f"Reject (line {verb.line})"
    return EndCall(why=why) if call.leg.answered else EndCall(REJECTIONS[verb.reason], why)
