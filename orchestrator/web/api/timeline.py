"""The timeline of a call, of a conference and of an account, entry by entry. No vendor has this resource."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.timeline.entry import Entry
from orchestrator.timeline.sentences import sentence
from orchestrator.web.api.operation import Operation, RequestContext
from orchestrator.web.api.paging import PAGE, SIZE, TOKEN, token_of
from orchestrator.web.api.parameter_types import Parameter, whole
from orchestrator.web.api.response_schema import (
    INTEGER,
    NULLABLE,
    STRING,
    Field,
    ListOf,
    ResponseSchema,
    constant,
    iso8601_exact,
    one_of,
)

MAX_ID = 2**53
ENTRY = ResponseSchema(
    "TimelineEntry",
    (
        Field("id", INTEGER, lambda base, entry: entry.id),
        Field("date_created", STRING, lambda base, entry: iso8601_exact(entry.at)),
        Field("kind", STRING, lambda base, entry: entry.kind),
        Field("level", one_of("info", "warning", "error"), lambda base, entry: entry.level),
        Field("sentence", STRING, lambda base, entry: sentence(entry)),
        Field("account_sid", STRING, lambda base, entry: entry.account_sid),
        Field("call_sid", NULLABLE, lambda base, entry: entry.call_sid or None),
        Field("conference_sid", NULLABLE, lambda base, entry: entry.conference_sid or None),
        Field("facts", {"type": "object"}, lambda base, entry: entry.facts),
        Field("document", NULLABLE, lambda base, entry: entry.body.decode("utf-8", "replace") or None),
        Field("region", STRING, lambda base, entry: entry.node),
    ),
)
TIMELINE = ListOf("timeline", ENTRY, (Field("after", INTEGER, constant(0)),))
REJECTED = ListOf("rejected_calls", ResponseSchema("RejectedCall", ENTRY.fields))
AFTER = Parameter("After", whole(0, MAX_ID), "id of an entry: only those that came after it")
_PAGING = (PAGE, SIZE, TOKEN)


def of_call(context: RequestContext) -> dict[str, object]:
    sid = context.path["call_sid"]
    found = context.control.timeline.of_call(context.account_sid, sid, _after(context), _limit(context))
    if not found:
        # Of a call whose record is gone, or never was, there may be entries.
        context.control.calls.call(context.account_sid, sid)
    return _answer(context, found, ("Calls", sid, "Timeline"))


def of_conference(context: RequestContext) -> dict[str, object]:
    sid = context.path["conference_sid"]
    context.control.conferences.room(context.account_sid, sid)
    found = context.control.timeline.of_conference(context.account_sid, sid, _after(context), _limit(context))
    return _answer(context, found, ("Conferences", sid, "Timeline"))


def of_account(context: RequestContext) -> dict[str, object]:
    timeline = context.control.timeline
    if "After" in context.values or context.page.after:
        found = timeline.since(context.account_sid, _after(context), _limit(context))
        return _answer(context, found, ("Timeline",))
    return _answer(context, [], ("Timeline",)) | {"after": timeline.last_id()}


def rejected(context: RequestContext) -> dict[str, object]:
    found = context.control.timeline.rejected(context.account_sid)
    return context.all_of(REJECTED, found, ("RejectedCalls",))


def _after(context: RequestContext) -> int:
    page = context.page
    return page.after[0] if page.after else int(context.values.get("After", 0))


def _limit(context: RequestContext) -> int:
    return context.page.offset + context.page.size + 1


def _answer(context: RequestContext, found: Sequence[Entry], where: tuple[str, ...]) -> dict[str, object]:
    page = context.page
    found = found[page.offset :]
    shown = found[: page.size]
    last = shown[-1].id if shown else _after(context)
    token = token_of(last, "entry") if len(found) > page.size else None
    return context.page_of_list(TIMELINE, shown, where, token) | {"after": last}


OPERATIONS = (
    Operation(
        name="listCallTimeline",
        method="GET",
        path="/Calls/{call_sid}/Timeline",
        summary="All that happened to a call, the oldest first",
        run=of_call,
        answer=TIMELINE,
        query=(AFTER, *_PAGING),
    ),
    Operation(
        name="listConferenceTimeline",
        method="GET",
        path="/Conferences/{conference_sid}/Timeline",
        summary="All that happened in a conference and to its participants in it, the oldest first",
        run=of_conference,
        answer=TIMELINE,
        query=(AFTER, *_PAGING),
    ),
    Operation(
        name="listAccountTimeline",
        method="GET",
        path="/Timeline",
        summary="All that happens in an account, from After on; without After nothing, but where to begin",
        run=of_account,
        answer=TIMELINE,
        query=(AFTER, *_PAGING),
    ),
    Operation(
        name="listRejectedCalls",
        method="GET",
        path="/RejectedCalls",
        summary="Calls that never became one, with why and what to do, the newest first",
        run=rejected,
        answer=REJECTED,
        query=_PAGING,
    ),
)
