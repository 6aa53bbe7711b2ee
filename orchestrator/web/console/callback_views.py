"""Callbacks and their receivers as the page lists and shows them, and what is done with them."""

from __future__ import annotations

from urllib.parse import parse_qsl

from orchestrator.services.callbacks import CallbackService
from orchestrator.store.callback_list import ListedCallback
from orchestrator.store.message import CallbackQuery, Receiver, receiver_of
from orchestrator.web.console.filters import PAGE, ListFilter
from orchestrator.web.console.view import View

STATES = ("waiting", "delivered", "failed")


def callbacks(service: CallbackService, account_sid: str, wanted: ListFilter) -> View:
    """The newest first; `next` leads to the page after. May raise OutboxError."""
    states = [wanted.state] if wanted.state in STATES else STATES
    query = CallbackQuery(
        account_sid,
        waiting="waiting" in states,
        delivered="delivered" in states,
        failed="failed" in states,
        receiver=wanted.receiver,
        words=wanted.words,
        since=wanted.since,
        until=wanted.until,
        before=int(wanted.after) if wanted.after.isdigit() else 0,
        limit=PAGE + 1,
    )
    found = service.find(query)
    shown = found[:PAGE]
    following = str(shown[-1].id) if len(found) > PAGE else None
    return {
        "items": [callback_view(one) for one in shown],
        "next": following,
        "receivers": [receiver_view(one) for one in service.receivers(account_sid)],
    }


def receiver_view(receiver: Receiver) -> View:
    return {
        "name": receiver.name,
        "waiting": receiver.waiting,
        "failed": receiver.failed,
        "error": receiver.last_error,
        "at": receiver.last_at // 1000,
    }


def callback_view(one: ListedCallback) -> View:
    fields = parse_qsl(one.body, keep_blank_values=True)
    named = dict(fields)
    return {
        "id": one.id,
        "event": one.event,
        "sequence": one.sequence,
        "url": one.url,
        "receiver": receiver_of(one.url),
        "method": one.method,
        "made": one.created_at // 1000,
        "done": one.at // 1000 if one.state != "waiting" else 0,
        "next": one.at // 1000 if one.state == "waiting" else 0,
        "state": one.state,
        "attempts": one.attempts,
        "status": one.status,
        "error": one.error,
        "asked_again": one.asked_again,
        "conference": named.get("ConferenceSid", ""),
        "call": named.get("CallSid", ""),
        "body": fields,
    }
