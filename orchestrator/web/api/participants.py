"""Participants: listed, fetched, muted, held, coached, dropped."""

from __future__ import annotations

from orchestrator.conference.machine.state import LeaveReason, Participant, Phase
from orchestrator.rejection import NotFound
from orchestrator.services.conferences import ParticipantUpdate
from orchestrator.sids import canonical_call_sid
from orchestrator.store.records import Query
from orchestrator.web.api.conferences import ANNOUNCE, METHOD, announcement_of
from orchestrator.web.api.errors import Fault, invalid
from orchestrator.web.api.operation import Operation, RequestContext
from orchestrator.web.api.paging import PAGING
from orchestrator.web.api.parameter_types import Parameter, boolean, call_sid, text, url
from orchestrator.web.api.response_schema import (
    BOOLEAN,
    NULL,
    NULLABLE,
    STRING,
    ApiBase,
    Field,
    ListOf,
    ResponseSchema,
    constant,
    one_of,
    rfc2822,
)

REASONS = tuple(reason.value for reason in LeaveReason)


class Shown:
    """A participant and the conference that it is in, or was in."""

    def __init__(
        self, participant: Participant, conference_sid: str, left_at: int = 0, reason: str = ""
    ) -> None:
        self.sid = participant.call_sid
        self.conference_sid = conference_sid
        self.caller = participant.caller
        self.created_at = participant.asked_at
        self.updated_at = max(participant.changed_at, participant.asked_at, left_at)
        self.joined_at = participant.joined_at
        self.left_at = left_at
        self.reason = reason
        self.options = participant.options
        self.held = participant.held
        # A waiting participant has been answered and is reported as joined.
        self.connected = participant.phase in (Phase.IN, Phase.WAITING)
        self.rings = participant.called and bool(participant.rings)


def _coached(base: ApiBase, shown: Shown) -> str | None:
    return shown.options.coach or None


def _status(base: ApiBase, shown: Shown) -> str:
    """Telnyx has one word for all before the answer."""
    if shown.left_at:
        return "completed" if base.vendor == "telnyx" else "complete"
    if shown.connected:
        return "connected"
    return "ringing" if shown.rings and base.vendor == "twilio" else "connecting"


def _uri(base: ApiBase, shown: Shown) -> str:
    return base.uri("Conferences", shown.conference_sid, "Participants", shown.sid)


BOTH = (
    Field("account_sid", STRING, lambda base, shown: base.account_sid),
    Field("call_sid", STRING, lambda base, shown: shown.sid),
    Field("coaching", BOOLEAN, lambda base, shown: bool(shown.options.coach)),
    Field("coaching_call_sid", NULLABLE, _coached),
    Field("conference_sid", STRING, lambda base, shown: shown.conference_sid),
    Field("end_conference_on_exit", BOOLEAN, lambda base, shown: shown.options.end_on_exit),
    Field("hold", BOOLEAN, lambda base, shown: shown.held),
    Field("muted", BOOLEAN, lambda base, shown: shown.options.muted),
    Field("status", one_of("connecting", "connected", "completed"), _status, only="telnyx"),
    Field("uri", STRING, _uri),
)
TWILIO = (
    Field("status", one_of("connecting", "ringing", "connected", "complete"), _status, only="twilio"),
    Field("call_sid_to_coach", NULLABLE, _coached, only="twilio"),
    Field("label", NULLABLE, lambda base, shown: shown.options.label or None, only="twilio"),
    Field("queue_time", NULL, constant(None), only="twilio"),
    Field(
        "start_conference_on_enter",
        BOOLEAN,
        lambda base, shown: shown.options.start_on_enter,
        only="twilio",
    ),
)
OURS = (
    Field("date_joined", NULLABLE, lambda base, shown: rfc2822(shown.joined_at)),
    Field("date_left", NULLABLE, lambda base, shown: rfc2822(shown.left_at)),
    Field("from", STRING, lambda base, shown: shown.caller.from_),
    Field("reason_participant_left", one_of(*REASONS, None), lambda base, shown: shown.reason or None),
    Field("to", STRING, lambda base, shown: shown.caller.to),
)
"""No vendor has them."""
PARTICIPANT = ResponseSchema(
    "Participant",
    (
        *BOTH,
        *TWILIO,
        Field("api_version", STRING, lambda base, shown: base.api_version),
        Field("call_sid_legacy", STRING, lambda base, shown: shown.sid),
        Field("coaching_call_sid_legacy", NULLABLE, _coached),
        Field("date_created", STRING, lambda base, shown: rfc2822(shown.created_at)),
        Field("date_updated", STRING, lambda base, shown: rfc2822(shown.updated_at)),
        *OURS,
    ),
)
PARTICIPANTS = ListOf("participants", PARTICIPANT)
FILTERS = {"muted": "Muted", "hold": "Hold", "coaching": "Coaching"}
"""The parameter of a list for each field that it filters by."""


MOST_FILTERED = 10_000
"""So many of those that have left are looked at for a list that is filtered."""
NAMES = {"Label": "name", "From": "from_", "To": "to_", "CallSid": "call_sid"}
"""Filters of the account's list, and the column of a leave's row for each."""


def find(context: RequestContext) -> dict[str, object]:
    sid = context.path["conference_sid"]
    found = [Shown(one, sid) for one in context.control.conferences.participants(context.account_sid, sid)]
    found = _filtered(context, found + _left(context, {"conference_sid": sid}))
    return context.all_of(PARTICIPANTS, found, ("Conferences", sid, "Participants"))


def find_of_account(context: RequestContext) -> dict[str, object]:
    """By label or number, in whichever conference they are."""
    equal = context.asked(NAMES)
    for column in ("from_", "to_"):
        if column in equal:
            equal[column] = context.control.calls.normal_number(equal[column])
    present = context.control.conferences.present(context.account_sid)
    found = [Shown(one, sid) for sid, one in present if equal.items() <= _columns(one).items()]
    return context.all_of(PARTICIPANTS, found + _left(context, equal), ("Participants",))


def _columns(one: Participant) -> dict[str, str]:
    caller = one.caller
    return {
        "name": one.options.label,
        "from_": caller.from_,
        "to_": caller.to,
        "call_sid": caller.call_sid,
    }


def _left(context: RequestContext, equal: dict[str, str]) -> list[Shown]:
    """Those that have left, the newest first, up to the page's end; none unless they are asked for."""
    if not context.values.get("IncludeLeft"):
        return []
    page = context.page
    filtered = any(name in context.values for name in FILTERS.values())
    limit = MOST_FILTERED if filtered else page.offset + page.size + 1
    query = Query("participant", context.account_sid, equal, limit=limit)
    left = context.control.conferences.find_leaves(query)
    return [Shown(one.participant, one.conference_sid, one.left_at, one.reason) for one in left]


def _filtered(context: RequestContext, found: list[Shown]) -> list[Shown]:
    for field in PARTICIPANT.fields:
        wanted = context.values.get(FILTERS.get(field.name, ""))
        if wanted is not None:
            found = [shown for shown in found if field.get(context.base, shown) is wanted]
    return found


def _participant_of(context: RequestContext) -> Participant:
    """By its CallSid or label; a label may end in `.json` too, which Twilio's client appends.

    Raises NotFound.
    """
    who = context.path["call_sid_or_participant_label"]
    longer = f"{who}{context.suffix}"
    names = (who, longer) if context.base.vendor == "twilio" else (longer, who)
    sid = context.path["conference_sid"]
    return context.control.conferences.participant(context.account_sid, sid, *names)


def fetch(context: RequestContext) -> dict[str, object]:
    sid = context.path["conference_sid"]
    try:
        shown = Shown(_participant_of(context), sid)
    except NotFound:
        who = canonical_call_sid(context.path["call_sid_or_participant_label"])
        equal = {"conference_sid": sid}
        named = _left(context, {**equal, "call_sid": who}) or _left(context, {**equal, "name": who})
        if not named:
            raise
        shown = named[0]
    return PARTICIPANT.body(context.base, shown)


UPDATE = (
    Parameter("Muted", boolean(), "heard by nobody"),
    Parameter("Hold", boolean(), "neither heard nor hearing"),
    Parameter("HoldUrl", url(or_empty=True), "what it hears on hold: MP3, WAV, or a document"),
    Parameter("HoldMethod", METHOD, "how HoldUrl is asked for", default="GET"),
    *ANNOUNCE,
    Parameter("WaitUrl", url(or_empty=True), "what it hears until the conference starts; empty: silence"),
    Parameter("WaitMethod", METHOD, "how WaitUrl is asked for", default="POST"),
    Parameter("BeepOnExit", boolean(), "whether its leaving beeps"),
    Parameter("EndConferenceOnExit", boolean(), "whether the conference ends when it leaves"),
    Parameter("Coaching", boolean(), "whether only CallSidToCoach hears it"),
    Parameter("CallSidToCoach", call_sid(), "needed where Coaching is true"),
)


def update(context: RequestContext) -> dict[str, object]:
    # A participant that is not visible to the client: no hint at other mistakes.
    sid, one = context.path["conference_sid"], _participant_of(context)
    values = context.values
    changes = ParticipantUpdate(
        muted=values.get("Muted"),
        hold=values.get("Hold"),
        hold_url=values.get("HoldUrl"),
        hold_method=values.get("HoldMethod", "GET"),
        end_on_exit=values.get("EndConferenceOnExit"),
        beep_on_exit=values.get("BeepOnExit"),
        coach=coach_of(context),
        wait_url=values.get("WaitUrl"),
        wait_method=values.get("WaitMethod", "POST"),
        announcement=announcement_of(context),
    )
    updated = context.control.conferences.update_participant(sid, one, changes)
    return PARTICIPANT.body(context.base, Shown(updated, sid))


def coach_of(context: RequestContext) -> str | None:
    coaching, coached = context.values.get("Coaching"), context.values.get("CallSidToCoach") or None
    if coaching is None:
        return coached
    if not coaching:
        return ""
    if coached is None:
        detail = "Can't be blank: CallSidToCoach"
        raise invalid(Fault("10004", "Missing required parameter", detail, "/CallSidToCoach"))
    assert isinstance(coached, str)
    return coached


def delete(context: RequestContext) -> None:
    context.control.conferences.drop(context.path["conference_sid"], _participant_of(context))


LEFT = Parameter(
    "IncludeLeft",
    boolean(),
    "whether those that have left are there too, after the others and the newest first",
    default=False,
)
OPERATIONS = (
    Operation(
        name="listParticipants",
        method="GET",
        path="/Conferences/{conference_sid}/Participants",
        summary="Participants of a conference, with IncludeLeft also of one that has ended",
        run=find,
        answer=PARTICIPANTS,
        query=(*(Parameter(name, boolean(), "only those") for name in FILTERS.values()), LEFT, *PAGING),
    ),
    Operation(
        name="listAccountParticipants",
        method="GET",
        path="/Participants",
        summary="Participants of all conferences, by label or number",
        run=find_of_account,
        answer=PARTICIPANTS,
        query=(
            Parameter("Label", text(128), "participant label"),
            Parameter("From", text(256), "who called"),
            Parameter("To", text(256), "who was called"),
            Parameter("CallSid", call_sid(), "of the participant's call"),
            LEFT,
            *PAGING,
        ),
    ),
    Operation(
        name="fetchParticipant",
        method="GET",
        path="/Conferences/{conference_sid}/Participants/{call_sid_or_participant_label}",
        summary="One participant, by its CallSid or its label",
        run=fetch,
        answer=PARTICIPANT,
        query=(LEFT,),
    ),
    Operation(
        name="updateParticipant",
        method="POST",
        path="/Conferences/{conference_sid}/Participants/{call_sid_or_participant_label}",
        summary="Mute it, hold it, coach, announce something to it, change how it waits and leaves",
        run=update,
        answer=PARTICIPANT,
        body=UPDATE,
    ),
    Operation(
        name="deleteParticipant",
        method="DELETE",
        path="/Conferences/{conference_sid}/Participants/{call_sid_or_participant_label}",
        summary="Out of the conference, and its call ends",
        run=delete,
        answer=None,
        status=204,
    ),
)
