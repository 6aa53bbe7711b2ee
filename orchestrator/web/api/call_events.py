"""Requests to the application about one call, and its answers, as Twilio's Events of a call have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import parse_qsl

from orchestrator.rejection import NotFound
from orchestrator.services.callbacks import CallbackService
from orchestrator.timeline.entry import Entry
from orchestrator.web.api.operation import Operation, RequestContext
from orchestrator.web.api.paging import PAGING
from orchestrator.web.api.response_schema import Field, ListOf, ResponseSchema, rfc2822

MOST_ENTRIES = 10_000
DOCUMENT_ENDS = ("document.answer", "document.failed")


class CallEvent(NamedTuple):
    request: Entry
    """A document's request, or an attempt to deliver a callback."""
    answer: Entry | None
    """None as long as there is none."""
    parameters: Iterable[tuple[str, str]]


_PARAMETERS = {"type": "object", "additionalProperties": {"type": "string"}}
_REQUEST = {
    "type": "object",
    "required": ["url", "method", "parameters"],
    "properties": {"url": {"type": "string"}, "method": {"type": "string"}, "parameters": _PARAMETERS},
}
_TEXT, _NUMBER = {"type": ["string", "null"]}, {"type": ["integer", "null"]}
_RESPONSE = {
    "type": ["object", "null"],
    "properties": {
        "date_created": _TEXT,
        "request_duration": _NUMBER,
        "response_code": _NUMBER,
        "content_type": _TEXT,
        "response_body": _TEXT,
    },
}


def _request(event: CallEvent) -> dict[str, object]:
    facts = event.request.facts
    parameters = {snake_case(name): value for name, value in event.parameters}
    return {"url": facts.get("url"), "method": facts.get("method", "POST"), "parameters": parameters}


def _response(event: CallEvent) -> dict[str, object] | None:
    """Without an answer its error is the body: it says what was wrong."""
    if event.answer is None:
        return None
    facts = event.answer.facts
    body = event.answer.body.decode("utf-8", "replace") or facts.get("answer")
    return {
        "date_created": rfc2822(event.answer.at),
        "request_duration": facts.get("ms"),
        "response_code": facts.get("status"),
        "content_type": facts.get("type"),
        "response_body": body or facts.get("problem") or facts.get("error"),
    }


EVENT = ResponseSchema(
    "CallEvent",
    (
        Field("request", _REQUEST, lambda base, event: _request(event)),
        Field("response", _RESPONSE, lambda base, event: _response(event)),
    ),
)
EVENTS = ListOf("events", EVENT)


def snake_case(name: str) -> str:
    """`StirVerstat` as `stir_verstat`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def find(context: RequestContext) -> dict[str, object]:
    sid = context.path["call_sid"]
    entries = context.control.timeline.of_call(context.account_sid, sid, limit=MOST_ENTRIES)
    if not entries:
        context.control.calls.call(context.account_sid, sid)
    events = list(events_of(entries))
    page = context.page
    shown = events[page.offset : page.offset + page.size]
    for number, event in enumerate(shown, page.offset):
        if event.request.kind == "callback.attempt":
            sent = _sent(context.control.callbacks, context.account_sid, event.request)
            events[number] = event._replace(parameters=sent)
    return context.all_of(EVENTS, events, ("Calls", sid, "Events"))


def events_of(entries: Iterable[Entry]) -> Iterator[CallEvent]:
    """In the order of the requests. A call requests one document at a time, and a wait document beside it."""
    found: list[CallEvent] = []
    waiting: dict[object, int] = {}
    for entry in entries:
        if entry.kind == "callback.attempt":
            found.append(CallEvent(entry, entry, ()))
        elif entry.kind == "document.request":
            waiting[entry.facts.get("purpose")] = len(found)
            found.append(CallEvent(entry, None, _fields(entry)))
        elif entry.kind in DOCUMENT_ENDS:
            number = waiting.pop(entry.facts.get("purpose"), None)
            if number is not None:
                found[number] = found[number]._replace(answer=entry)
    yield from found


def _fields(entry: Entry) -> list[tuple[str, str]]:
    fields = entry.facts.get("fields")
    pairs = (str(field).partition("=") for field in (fields if isinstance(fields, list) else ()))
    return [(name, value) for name, _, value in pairs]


def _sent(callbacks: CallbackService, account_sid: str, attempt: Entry) -> list[tuple[str, str]]:
    """The fields of a callback, as long as it is kept."""
    id_ = attempt.facts.get("callback")
    try:
        body = callbacks.one(account_sid, id_).body if isinstance(id_, int) else ""
    except NotFound:
        return [("StatusCallbackEvent", str(attempt.facts.get("event", "")))]
    return parse_qsl(body, keep_blank_values=True)


OPERATIONS = (
    Operation(
        name="listCallEvents",
        method="GET",
        path="/Calls/{call_sid}/Events",
        summary="Requests for documents and callbacks of a call, with the application's answers",
        run=find,
        answer=EVENTS,
        query=PAGING,
    ),
)
