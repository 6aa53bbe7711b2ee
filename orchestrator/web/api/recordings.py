"""Recordings, in both of the shapes that Telnyx documents."""

from __future__ import annotations

from orchestrator.recordings.records import RecordingRecord
from orchestrator.web.api.dialling import METHOD, RECORDING_EVENTS, TRACK, TRIM, recording_state
from orchestrator.web.api.operation import Operation, RequestContext
from orchestrator.web.api.paging import PAGING
from orchestrator.web.api.parameter_types import Parameter, boolean, call_sid, choice, text, url
from orchestrator.web.api.response_schema import (
    INTEGER,
    NULL,
    NULLABLE,
    OBJECT,
    STRING,
    ApiBase,
    Field,
    Get,
    ListOf,
    ResponseSchema,
    constant,
    iso8601,
    one_of,
    rfc2822,
)
from orchestrator.web.api.unsupported_parameters import RECORDING_CONFIGURATION

SOURCES = (
    "DialVerb",
    "Conference",
    "OutboundAPI",
    "Trunking",
    "RecordVerb",
    "StartCallRecordingAPI",
    "StartConferenceRecordingAPI",
)
# An absent one was begun and has no audio: `stopped` is the nearest that Telnyx's .json shape has.
JSON_STATUS = {"absent": "stopped", "deleted": "stopped", "processing": "stopped"}
PLAIN_STATUS = {"in-progress": "processing", "paused": "processing", "stopped": "processing"}
STATUSES = ("in-progress", "completed", "paused", "stopped")


class Shown(RecordingRecord, frozen=True):
    """With the address under which its audio can be heard, if it can."""

    media_url: str = ""


def _uri(base: ApiBase, recording: Shown) -> str:
    return base.uri("Recordings", recording.sid)


def _iso(at: str) -> Get:
    """As the vendor writes it: Twilio's clients read RFC 2822 only."""

    def get(base: ApiBase, recording: Shown) -> str | None:
        moment = getattr(recording, at)
        return iso8601(moment) if base.vendor == "telnyx" else rfc2822(moment)

    return get


COMMON = (
    Field("account_sid", STRING, lambda base, recording: recording.account_sid),
    Field("call_sid", STRING, lambda base, recording: recording.call_sid),
    Field("channels", {"type": "integer", "enum": [1, 2]}, lambda base, recording: recording.channels),
    Field("conference_sid", NULLABLE, lambda base, recording: recording.conference_sid or None),
    Field("error_code", NULL, constant(None)),
    Field("media_url", NULLABLE, lambda base, recording: recording.media_url or None),
    Field("sid", STRING, lambda base, recording: recording.sid),
    Field("source", one_of(*SOURCES), lambda base, recording: recording.source),
    Field("uri", STRING, _uri),
)
PLAIN = ResponseSchema(
    "ConferenceRecording",
    (
        *COMMON,
        Field("date_created", STRING, lambda base, recording: rfc2822(recording.created_at)),
        Field("date_updated", STRING, lambda base, recording: rfc2822(recording.updated_at)),
        Field("duration", INTEGER, lambda base, recording: round(recording.duration)),
        Field("start_time", NULLABLE, lambda base, recording: rfc2822(recording.started_at)),
        Field(
            "status",
            one_of("processing", "absent", "completed", "deleted"),
            lambda base, recording: PLAIN_STATUS.get(recording.status, recording.status),
        ),
        Field("subresource_uris", OBJECT, constant({})),
    ),
)
DATED = (
    Field("date_created", STRING, _iso("created_at")),
    Field("date_updated", STRING, _iso("updated_at")),
    Field("duration", STRING, lambda base, recording: str(round(recording.duration))),
    Field("start_time", NULLABLE, _iso("started_at")),
)
JSON = ResponseSchema(
    "Recording",
    (
        *COMMON,
        *DATED,
        Field(
            "status",
            one_of(*STATUSES),
            lambda base, recording: JSON_STATUS.get(recording.status, recording.status),
            only="telnyx",
        ),
        Field(
            "status",
            one_of(*STATUSES, "processing", "absent", "deleted"),
            lambda base, recording: recording.status,
            only="twilio",
        ),
        Field("subresources_uris", OBJECT, constant({"transcriptions": None}), only="telnyx"),
        Field("subresource_uris", OBJECT, constant({}), only="twilio"),
        Field("api_version", STRING, lambda base, recording: base.api_version, only="twilio"),
        Field("price", NULL, constant(None), only="twilio"),
        Field("price_unit", NULL, constant(None), only="twilio"),
    ),
)
STARTED = ResponseSchema(
    "StartedRecording",
    (
        *(field for field in COMMON if field.name != "media_url"),
        *DATED,
        Field("price", NULL, constant(None)),
        Field("price_unit", NULL, constant(None)),
        Field("status", one_of("in-progress"), constant("in-progress"), only="twilio"),
        Field("track", one_of("inbound", "outbound", "both"), lambda base, recording: recording.track),
    ),
)
PLAINS = ListOf("recordings", PLAIN, (Field("participants", {"type": "array"}, constant([])),))
JSONS = ListOf("recordings", JSON)


def _shown(context: RequestContext, recording: RecordingRecord) -> Shown:
    facts = {name: getattr(recording, name) for name in recording.__struct_fields__}
    return Shown(**facts, media_url=context.control.recordings.media_url(recording))


def _find(context: RequestContext, *, deleted: bool = False, **equal: str) -> list[Shown]:
    unequal = {} if deleted else {"status": "deleted"}
    query = context.matching("recording", equal, {"created_at": "DateCreated"}, unequal)
    return [_shown(context, recording) for recording in context.control.recordings.find_recordings(query)]


def of_conference_plain(context: RequestContext) -> dict[str, object]:
    sid = context.path["conference_sid"]
    context.control.conferences.room(context.account_sid, sid)
    if context.base.vendor == "twilio":
        return of_conference(context)
    # This shape has a status for them.
    found = _find(context, deleted=True, conference_sid=sid)
    return context.listed(PLAINS, found, ("Conferences", sid, "Recordings"), suffix="")


def of_conference(context: RequestContext) -> dict[str, object]:
    sid = context.path["conference_sid"]
    context.control.conferences.room(context.account_sid, sid)
    return context.listed(JSONS, _find(context, conference_sid=sid), ("Conferences", sid, "Recordings"))


def of_call(context: RequestContext) -> dict[str, object]:
    sid = context.path["call_sid"]
    context.control.calls.call(context.account_sid, sid)
    return context.listed(JSONS, _find(context, call_sid=sid), ("Calls", sid, "Recordings"))


def of_account(context: RequestContext) -> dict[str, object]:
    equal = context.asked({"CallSid": "call_sid", "ConferenceSid": "conference_sid"})
    found = _find(context, deleted=context.values.get("IncludeSoftDeleted", False), **equal)
    return context.listed(JSONS, found, ("Recordings",))


def fetch(context: RequestContext) -> dict[str, object]:
    deleted = context.values.get("IncludeSoftDeleted", False)
    recording = context.control.recordings.recording(
        context.account_sid, context.path["recording_sid"], deleted=deleted
    )
    return JSON.body(context.base, _shown(context, recording))


def delete(context: RequestContext) -> None:
    context.control.recordings.delete_recording(
        context.control.recordings.recording(context.account_sid, context.path["recording_sid"])
    )


def start(context: RequestContext) -> dict[str, object]:
    wanted = recording_state(context.values, "StartCallRecordingAPI", trim="do-not-trim")
    beep = context.values.get("PlayBeep", True)
    begun = context.control.recordings.start_recording(
        context.account_sid, context.path["call_sid"], wanted, beep=beep
    )
    return STARTED.body(context.base, begun)


def _of_its_owner(context: RequestContext) -> RecordingRecord:
    """The one in the path, which may be Twilio.CURRENT, of the call or the conference in the path."""
    call_sid, conference_sid = context.path.get("call_sid", ""), context.path.get("conference_sid", "")
    if conference_sid:
        context.control.conferences.room(context.account_sid, conference_sid)
    else:
        context.control.calls.call(context.account_sid, call_sid)
    sid = context.path["recording_sid"]
    return context.control.recordings.recording_of(
        context.account_sid, sid, call_sid=call_sid, conference_sid=conference_sid
    )


def fetch_of_its_owner(context: RequestContext) -> dict[str, object]:
    return JSON.body(context.base, _shown(context, _of_its_owner(context)))


def delete_of_its_owner(context: RequestContext) -> None:
    context.control.recordings.delete_recording(_of_its_owner(context))


def change(context: RequestContext) -> dict[str, object]:
    status = context.values["Status"]
    behavior = context.values.get("PauseBehavior", "silence")
    changed = context.control.recordings.change_recording(_of_its_owner(context), status, behavior)
    body = JSON.body(context.base, _shown(context, changed))
    # A file that was just stopped is closed a moment later.
    return body | {"status": status}


START = (
    Parameter("PlayBeep", boolean(), "a beep when it begins", default=True),
    Parameter(
        "RecordingChannels",
        choice("single", "dual", aliases={"mono": "single"}),
        "whether each side has a channel of its own",
        default="dual",
    ),
    Parameter("RecordingStatusCallback", url(), "for the recording"),
    Parameter("RecordingStatusCallbackMethod", METHOD, "how it is requested", default="POST"),
    Parameter("RecordingStatusCallbackEvent", RECORDING_EVENTS, "events that are sent", default="completed"),
    Parameter("SendRecordingUrl", boolean(), "whether RecordingUrl is sent", default=True),
    Parameter("RecordingTrack", TRACK, "what the recording holds", default="both"),
    Parameter("Trim", TRIM, "of the recording", default="do-not-trim"),
    *RECORDING_CONFIGURATION,
)
CHANGE = (
    Parameter(
        "Status",
        choice("in-progress", "paused", "stopped"),
        "pause it, go on with it, or end it",
        required=True,
    ),
    Parameter(
        "PauseBehavior",
        choice("silence", "skip"),
        "silence: the pause is silent in the recording; skip: it is left out",
        default="silence",
    ),
)
DELETED = Parameter("IncludeSoftDeleted", boolean(), "whether deleted ones are there too", default=False)
_SPAN = ("DateCreated",)


def _of(owner: str, path: str) -> tuple[Operation, ...]:
    """One recording of a call or of a conference."""
    return (
        Operation(
            name=f"fetch{owner}Recording",
            method="GET",
            path=path,
            summary=f"One recording of a {owner.lower()}; Twilio.CURRENT: the newest that is being written",
            run=fetch_of_its_owner,
            answer=JSON,
        ),
        Operation(
            name=f"update{owner}Recording",
            method="POST",
            path=path,
            summary="Pause, go on with or end a recording",
            run=change,
            answer=JSON,
            body=CHANGE,
        ),
        Operation(
            name=f"delete{owner}Recording",
            method="DELETE",
            path=path,
            summary="Its audio is deleted, and the resource with it",
            run=delete_of_its_owner,
            answer=None,
            status=204,
        ),
    )


OPERATIONS = (
    Operation(
        name="listConferenceRecordings",
        method="GET",
        path="/Conferences/{conference_sid}/Recordings",
        summary="A conference's recordings, in the older shape",
        run=of_conference_plain,
        answer=PLAINS,
        query=PAGING,
        times=_SPAN,
        suffixes=("",),
    ),
    Operation(
        name="listConferenceRecordingsJson",
        method="GET",
        path="/Conferences/{conference_sid}/Recordings",
        summary="A conference's recordings",
        run=of_conference,
        answer=JSONS,
        query=PAGING,
        times=_SPAN,
        suffixes=(".json",),
    ),
    Operation(
        name="listCallRecordings",
        method="GET",
        path="/Calls/{call_sid}/Recordings",
        summary="A call's recordings",
        run=of_call,
        answer=JSONS,
        query=PAGING,
        times=_SPAN,
    ),
    Operation(
        name="startCallRecording",
        method="POST",
        path="/Calls/{call_sid}/Recordings",
        summary="Record a call from now on",
        run=start,
        answer=STARTED,
        body=START,
        idempotent=True,
    ),
    *_of("Call", "/Calls/{call_sid}/Recordings/{recording_sid}"),
    *_of("Conference", "/Conferences/{conference_sid}/Recordings/{recording_sid}"),
    Operation(
        name="listRecordings",
        method="GET",
        path="/Recordings",
        summary="The account's recordings, the newest first",
        run=of_account,
        answer=JSONS,
        query=(
            Parameter("CallSid", call_sid(), "of a call"),
            Parameter("ConferenceSid", text(128), "of a conference"),
            DELETED,
            *PAGING,
        ),
        times=_SPAN,
    ),
    Operation(
        name="fetchRecording",
        method="GET",
        path="/Recordings/{recording_sid}",
        summary="One recording",
        run=fetch,
        answer=JSON,
        query=(DELETED,),
    ),
    Operation(
        name="deleteRecording",
        method="DELETE",
        path="/Recordings/{recording_sid}",
        summary="Its audio is deleted, and the resource with it",
        run=delete,
        answer=None,
        status=204,
    ),
)
