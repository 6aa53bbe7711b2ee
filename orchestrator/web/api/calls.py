"""Calls: listed and fetched."""

from __future__ import annotations

from orchestrator.calls.records import CallRecord
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.next_action import FetchDocument
from orchestrator.services.calls import CallUpdate
from orchestrator.texml import DocumentError, parse
from orchestrator.web.api.errors import Fault, invalid
from orchestrator.web.api.operation import Operation, RequestContext
from orchestrator.web.api.paging import PAGING
from orchestrator.web.api.parameter_types import (
    Parameter,
    call_sid,
    choice,
    document,
    text,
    url,
    whole,
    words,
)
from orchestrator.web.api.response_schema import (
    NULL,
    NULLABLE,
    OBJECT,
    STRING,
    ApiBase,
    Field,
    ListOf,
    ResponseSchema,
    constant,
    formatted,
    one_of,
    rfc2822,
)

ENDED = ("canceled", "completed", "failed", "busy", "no-answer")
STATUSES = ("queued", "ringing", "in-progress", *ENDED)
METHOD = choice("GET", "POST")
EVENTS = words("initiated", "ringing", "answered", "completed")
DOCUMENT = document(64 * 1024)


def _status(base: ApiBase, call: CallRecord) -> str:
    """Telnyx's resource knows no `queued`."""
    return "ringing" if call.status == "queued" and base.vendor == "telnyx" else call.status


def _direction(base: ApiBase, call: CallRecord) -> str:
    if not call.outbound:
        return "inbound"
    if base.vendor == "telnyx":
        return "outbound"
    return "outbound-dial" if call.parent_call_sid else "outbound-api"


CALL = ResponseSchema(
    "Call",
    (
        Field("account_sid", STRING, lambda base, call: call.account_sid),
        Field("answered_by", NULL, constant(None)),
        Field("caller_name", NULLABLE, lambda base, call: call.caller_name or None),
        Field("date_created", STRING, lambda base, call: rfc2822(call.created_at)),
        Field("date_updated", STRING, lambda base, call: rfc2822(call.updated_at)),
        Field("direction", STRING, _direction),
        Field("duration", STRING, lambda base, call: str(call.seconds)),
        Field("start_time", NULLABLE, lambda base, call: rfc2822(call.answered_at or call.created_at)),
        Field("end_time", NULLABLE, lambda base, call: rfc2822(call.ended_at)),
        Field("from", STRING, lambda base, call: call.from_),
        Field("from_formatted", STRING, lambda base, call: formatted(call.from_)),
        Field("price", NULL, constant(None)),
        Field("price_unit", NULL, constant(None)),
        Field("sid", STRING, lambda base, call: call.sid),
        Field("status", one_of(*STATUSES), _status),
        Field("to", STRING, lambda base, call: call.to),
        Field("to_formatted", STRING, lambda base, call: formatted(call.to)),
        Field("uri", STRING, lambda base, call: base.uri("Calls", call.sid)),
        Field("api_version", STRING, lambda base, call: base.api_version, only="twilio"),
        Field("parent_call_sid", NULLABLE, lambda base, call: call.parent_call_sid or None, only="twilio"),
        Field(
            "subresource_uris",
            OBJECT,
            lambda base, call: {"recordings": base.uri("Calls", call.sid, "Recordings")},
            only="twilio",
        ),
    ),
)
CALLS = ListOf("calls", CALL)


def find(context: RequestContext) -> dict[str, object]:
    numbers = context.asked({"From": "from_", "To": "to_"})
    equal = {column: context.control.calls.normal_number(number) for column, number in numbers.items()}
    equal |= context.asked({"Status": "status", "ParentCallSid": "call_sid"})
    query = context.matching("call", equal, {"created_at": "StartTime", "ended_at": "EndTime"})
    return context.listed(CALLS, context.control.calls.find_calls(query), ("Calls",))


def fetch(context: RequestContext) -> dict[str, object]:
    return CALL.body(context.base, context.control.calls.call(context.account_sid, context.path["call_sid"]))


UPDATE = (
    Parameter("Status", choice("completed", "canceled"), "ends the call; canceled: if nobody has answered"),
    Parameter("Url", url(needed=True), "new instructions, in place of what it does"),
    Parameter("Method", METHOD, "how Url is asked for", default="POST"),
    Parameter("FallbackUrl", url(), "where instructions are when Url fails"),
    Parameter("FallbackMethod", METHOD, "how FallbackUrl is asked for", default="POST"),
    Parameter("Texml", DOCUMENT, "new instructions themselves"),
    Parameter("Twiml", DOCUMENT, "the same, as Twilio calls it"),
    Parameter("StatusCallback", url(), "for the end of the call"),
    Parameter("StatusCallbackMethod", METHOD, "how it is requested", default="POST"),
    Parameter("StatusCallbackEvent", EVENTS, "events that are sent", default="completed"),
    Parameter("TimeLimit", whole(1, 14400), "seconds from the answer until it is hung up"),
)


def update(context: RequestContext) -> dict[str, object]:
    sid, values = context.path["call_sid"], context.values
    call = context.control.calls.call(context.account_sid, sid)
    status = values.get("Status")
    changes = CallUpdate(
        hang_up=status == "completed" or (status == "canceled" and not call.answered_at),
        to=instructions_of(context),
        fallback=goto_of(context, "FallbackUrl", "FallbackMethod"),
        report=goto_of(context, "StatusCallback", "StatusCallbackMethod"),
        events=tuple(values.get("StatusCallbackEvent", ("completed",))),
        time_limit=values.get("TimeLimit"),
    )
    return CALL.body(context.base, context.control.calls.update_call(context.account_sid, sid, changes))


def delete(context: RequestContext) -> None:
    context.control.calls.delete_call(context.account_sid, context.path["call_sid"])


def instructions_of(context: RequestContext, method: str = "Method") -> FetchDocument | Fetched | None:
    """Raises ApiError for both kinds at once, and for a document that cannot be used."""
    name = "Texml" if "Texml" in context.values else "Twiml"
    written = context.values.get(name)
    if written is None:
        return goto_of(context, "Url", method)
    if "Url" in context.values:
        raise invalid(Fault("10015", "Bad Request", f"Give Url or {name}, not both.", f"/{name}"))
    try:
        parse(written)
    except DocumentError as error:
        raise invalid(Fault("10015", "Invalid document", str(error), f"/{name}")) from None
    return Fetched("", "application/xml; charset=utf-8", written.encode())


def goto_of(context: RequestContext, address: str, method: str) -> FetchDocument | None:
    found = context.values.get(address)
    return FetchDocument(found, context.values.get(method, "POST")) if found else None


OPERATIONS = (
    Operation(
        name="listCalls",
        method="GET",
        path="/Calls",
        summary="Calls, the newest first",
        run=find,
        answer=CALLS,
        query=(
            Parameter("From", text(256), "who called"),
            Parameter("To", text(256), "who was called"),
            Parameter("Status", choice(*STATUSES), "of the call"),
            Parameter("ParentCallSid", call_sid(), "of the call whose Dial it belongs to"),
            *PAGING,
        ),
        times=("StartTime", "EndTime"),
    ),
    Operation(
        name="fetchCall",
        method="GET",
        path="/Calls/{call_sid}",
        summary="One call, also an ended one",
        run=fetch,
        answer=CALL,
    ),
    Operation(
        name="updateCall",
        method="POST",
        path="/Calls/{call_sid}",
        summary="End it, or give it other instructions",
        run=update,
        answer=CALL,
        body=UPDATE,
    ),
    Operation(
        name="deleteCall",
        method="DELETE",
        path="/Calls/{call_sid}",
        summary="Deletes the record of an ended call; its recordings stay",
        run=delete,
        answer=None,
        status=204,
    ),
)
