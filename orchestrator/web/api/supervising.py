"""A call that the API makes to supervise another one: it listens to both sides, and is heard or not.

In a conference it is a participant: `whisper` as its coach, `monitor` muted. Elsewhere FreeSWITCH's eavesdrop
does it, for as long as both calls last.
"""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.calls.originate import OriginateRequest, Supervised
from orchestrator.calls.records import CallRecord
from orchestrator.conference.machine.state import ParticipantOptions
from orchestrator.config.applications import Application
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.next_action import FetchDocument
from orchestrator.rejection import NotFound, ServiceError
from orchestrator.services.conferences import ParticipantToDial
from orchestrator.web.api.errors import Fault, invalid
from orchestrator.web.api.operation import RequestContext

ROLES = ("barge", "whisper", "monitor")
# A supervising call has no document of its own, and eavesdrop leaves none to record it.
MEANINGLESS = ("Url", "Texml", "Twiml", "FallbackUrl")
_POINTER = "/SuperviseCallSid"

MakeOrder = Callable[[Application, "FetchDocument | Fetched"], OriginateRequest]


def supervise(context: RequestContext, application: Application, order: MakeOrder) -> CallRecord:
    """Raises ApiError, ServiceError."""
    values = context.values
    supervised = _supervised(context, values["SuperviseCallSid"])
    role = values.get("SupervisingRole", "barge")
    conference_sid = context.control.conferences.conference_of(supervised.sid)
    without = MEANINGLESS if conference_sid else (*MEANINGLESS, "Record")
    faults = [
        Fault("10015", "Bad Request", "means nothing beside SuperviseCallSid", f"/{name}")
        for name in without
        if values.get(name)
    ]
    if faults:
        raise invalid(*faults)
    if conference_sid:
        return _in_conference(context, supervised, conference_sid, role, order)
    heard = Supervised(supervised.leg, role in ("barge", "whisper"), role == "barge")
    default = FetchDocument(application.voice_url, application.voice_method)
    return context.control.calls.create_call(order(application, default)._replace(supervises=heard))


def _supervised(context: RequestContext, sid: str) -> CallRecord:
    try:
        found = context.control.calls.call(context.account_sid, sid)
    except NotFound:
        raise ServiceError("90015", "Invalid call id", "There is no such call.", _POINTER) from None
    if found.ended_at:
        raise ServiceError("90018", "Call has already ended", "The call has ended.", _POINTER)
    if not found.answered_at:
        raise ServiceError(
            "90034", "Call not answered", "It can be supervised once it has answered.", _POINTER
        )
    return found


def _in_conference(
    context: RequestContext, supervised: CallRecord, conference_sid: str, role: str, order: MakeOrder
) -> CallRecord:
    coach = supervised.sid if role == "whisper" else ""
    muted = role == "monitor"
    attributes = {"beep": "false", "muted": str(muted).lower()} | ({"coach": coach} if coach else {})
    options = ParticipantOptions(muted=muted, beep="false", coach=coach)
    limit = context.values.get("TimeLimit", 14400)
    participant = ParticipantToDial(options, attributes, context.values.get("ApplicationSid", ""), limit)
    one, _ = context.control.conferences.dial_participant(
        context.account_sid, conference_sid, participant, order
    )
    return context.control.calls.call(context.account_sid, one.call_sid)
