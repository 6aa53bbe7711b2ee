"""Callbacks: listed, fetched, delivered again. No vendor has this resource."""

from __future__ import annotations

import re

from orchestrator.rejection import NotFound
from orchestrator.services.callbacks import CallbackService
from orchestrator.store.callback_list import ListedCallback
from orchestrator.store.message import CallbackQuery
from orchestrator.web.api.operation import Operation, RequestContext
from orchestrator.web.api.paging import PAGING
from orchestrator.web.api.parameter_types import Parameter, call_sid, text, words
from orchestrator.web.api.response_schema import (
    BOOLEAN,
    INTEGER,
    NULLABLE,
    STRING,
    Field,
    ListOf,
    ResponseSchema,
    iso8601,
    one_of,
)

STATES = ("waiting", "delivered", "failed")
_LAST_ID = 2**63 - 1


class Shown(ListedCallback, frozen=True):
    """With an id as other resources have it."""

    @property
    def sid(self) -> str:
        return str(self.id)


CALLBACK = ResponseSchema(
    "Callback",
    (
        Field("id", INTEGER, lambda base, callback: callback.id),
        Field("account_sid", STRING, lambda base, callback: callback.account_sid),
        Field("state", one_of(*STATES), lambda base, callback: callback.state),
        Field("queue", STRING, lambda base, callback: callback.room),
        Field("event", STRING, lambda base, callback: callback.event),
        Field("sequence_number", INTEGER, lambda base, callback: callback.sequence),
        Field("url", STRING, lambda base, callback: callback.url),
        Field("method", one_of("GET", "POST"), lambda base, callback: callback.method),
        Field("body", STRING, lambda base, callback: callback.body),
        Field("attempts", INTEGER, lambda base, callback: callback.attempts),
        Field("status_code", {"type": ["integer", "null"]}, lambda base, callback: callback.status),
        Field("error", NULLABLE, lambda base, callback: callback.error or None),
        Field("replay_requested", BOOLEAN, lambda base, callback: callback.asked_again),
        Field("date_created", STRING, lambda base, callback: iso8601(callback.created_at)),
        Field(
            "date_finished",
            NULLABLE,
            lambda base, callback: iso8601(callback.at) if callback.state != "waiting" else None,
        ),
        Field("uri", STRING, lambda base, callback: base.uri("Callbacks", callback.sid)),
    ),
)
CALLBACKS = ListOf("callbacks", CALLBACK)
REPLAYED = ResponseSchema("ReplayedCallbacks", (Field("replayed", INTEGER, lambda base, number: number),))
RECEIVER = Parameter("Receiver", text(256), "scheme, host and port of the server that it goes to")


def find(context: RequestContext) -> dict[str, object]:
    page, values = context.page, context.values
    sid, states = values.get("Of", ""), values.get("State", STATES)
    query = CallbackQuery(
        context.account_sid,
        **{each: each in states for each in STATES},
        queues=(sid, f"recording {sid}") if sid else (),
        receiver=values.get("Receiver", ""),
        words=values.get("Words", ""),
        before=_number(page.after[1]) if page.after else 0,
        limit=page.offset + page.size + 1,
    )
    found = [_shown(callback) for callback in _callbacks(context).find(query)]
    return context.listed(CALLBACKS, found[page.offset :], ("Callbacks",))


def fetch(context: RequestContext) -> dict[str, object]:
    found = _callbacks(context).one(context.account_sid, _id(context))
    return CALLBACK.body(context.base, _shown(found))


def replay(context: RequestContext) -> dict[str, object]:
    _callbacks(context).replay(context.account_sid, _id(context))
    return fetch(context)


def replay_failed(context: RequestContext) -> dict[str, object]:
    receiver = context.values.get("Receiver", "")
    return REPLAYED.body(context.base, _callbacks(context).replay_failed(context.account_sid, receiver))


def _callbacks(context: RequestContext) -> CallbackService:
    return context.control.callbacks


def _id(context: RequestContext) -> int:
    """Raises NotFound."""
    found = _number(context.path["callback_id"])
    if not 0 < found < _LAST_ID:
        raise NotFound
    return found


def _number(digits: str) -> int:
    """0 for anything else."""
    return int(digits) if re.fullmatch(r"[0-9]{1,19}", digits, re.ASCII) else 0


def _shown(callback: ListedCallback) -> Shown:
    return Shown(**{name: getattr(callback, name) for name in callback.__struct_fields__})


OPERATIONS = (
    Operation(
        name="listCallbacks",
        method="GET",
        path="/Callbacks",
        summary="Callbacks, the newest first",
        run=find,
        answer=CALLBACKS,
        query=(
            Parameter("State", words(*STATES), "only those that are one of these"),
            Parameter("Of", call_sid(), "sid of a conference, call or recording that they are about"),
            RECEIVER,
            Parameter("Words", text(200), "a part of URL, event, sid or of a value in the body"),
            *PAGING,
        ),
    ),
    Operation(
        name="fetchCallback",
        method="GET",
        path="/Callbacks/{callback_id}",
        summary="One callback, as it was sent",
        run=fetch,
        answer=CALLBACK,
    ),
    Operation(
        name="replayCallback",
        method="POST",
        path="/Callbacks/{callback_id}/Replay",
        summary="Deliver one again that was delivered or has failed, with the same body and sequence number",
        run=replay,
        answer=CALLBACK,
    ),
    Operation(
        name="replayFailedCallbacks",
        method="POST",
        path="/Callbacks/Replay",
        summary="Deliver all again that have failed, of one receiver or of all",
        run=replay_failed,
        answer=REPLAYED,
        body=(RECEIVER,),
    ),
)
