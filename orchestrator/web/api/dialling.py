"""Dialling: a participant into a conference, or a call with instructions of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.calls.call import Call
from orchestrator.calls.originate import OriginateRequest
from orchestrator.conference.machine.state import ParticipantOptions
from orchestrator.config.applications import Application
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.next_action import FetchDocument
from orchestrator.recordings.model import RecordingState, Source
from orchestrator.services.conferences import ParticipantToDial
from orchestrator.sids import new_sid
from orchestrator.texml import vocabulary
from orchestrator.web.api import calls, participants
from orchestrator.web.api.errors import Fault, invalid
from orchestrator.web.api.operation import Operation, RequestContext
from orchestrator.web.api.parameter_types import (
    Parameter,
    boolean,
    call_sid,
    choice,
    digits,
    headers,
    label,
    one_of,
    some_of,
    text,
    url,
    whole,
    words,
)
from orchestrator.web.api.response_schema import STRING, Field, ResponseSchema, constant
from orchestrator.web.api.response_schema import one_of as one_string_of
from orchestrator.web.api.supervising import ROLES, supervise
from orchestrator.web.api.unsupported_parameters import (
    CARRIER,
    DETECTION,
    EMERGENCY,
    RECORDING_CONFIGURATION,
    unsupported,
)

METHOD = one_of(vocabulary.METHODS)
TRACK = choice("inbound", "outbound", "both")
DIGITS = digits(32)
BEEP = one_of(vocabulary.BEEPS)
TRIM = one_of(vocabulary.TRIMS)
CHANNELS = choice("mono", "dual", aliases={"single": "mono"})
RECORDING_EVENTS = some_of(vocabulary.RECORDING_EVENTS)
CALL_EVENTS = words("initiated", "ringing", "answered", "completed")
ROOM_EVENTS = some_of(vocabulary.CONFERENCE_EVENTS)
RECORD = one_of(vocabulary.CONFERENCE_RECORDS)

LEG = (
    Parameter("To", text(256, 1), "a number, or a SIP address", required=True),
    Parameter("From", text(256, 1), "the number that calls", required=True),
    Parameter("CallerId", text(128), "shown beside the number"),
    Parameter("ApplicationSid", text(64), "ConnectionId of the application: its trunk, its fallback"),
    Parameter("Timeout", whole(5, 120), "seconds to ring", default=30),
    Parameter("TimeLimit", whole(1, 14400), "seconds from the answer", default=14400),
    Parameter("CustomHeaders", headers(), "SIP headers of the call, each an X- one"),
    Parameter("SipAuthUsername", text(128), "where the callee asks for it"),
    Parameter("SipAuthPassword", text(128), "where the callee asks for it"),
    Parameter("StatusCallback", url(), "for events of the call"),
    Parameter("StatusCallbackMethod", METHOD, "how it is requested", default="POST"),
    Parameter("StatusCallbackEvent", CALL_EVENTS, "events that are sent", default="completed"),
    Parameter("Record", boolean(), "record the call from its answer", default=False),
    Parameter("RecordingChannels", CHANNELS, "of that recording", default="mono"),
    Parameter("RecordingStatusCallback", url(), "for the recording"),
    Parameter("RecordingStatusCallbackMethod", METHOD, "how it is requested", default="POST"),
    Parameter("RecordingStatusCallbackEvent", RECORDING_EVENTS, "events that are sent", default="completed"),
    Parameter("Trim", TRIM, "of the recording", default="trim-silence"),
    Parameter("RecordingTrack", TRACK, "what the recording holds", default="both"),
    Parameter("CallReason", text(50), "why it calls, for the phone of the callee (Call-Info, RFC 9796)"),
    *DETECTION,
    *CARRIER,
    *RECORDING_CONFIGURATION,
)
PARTICIPANT = (
    Parameter(
        "EarlyMedia",
        boolean(),
        "whether those in the conference hear how the phone rings; at Twilio's address the default is true",
        default=False,
    ),
    Parameter("Label", label(), "stands for the CallSid in later requests"),
    Parameter("Muted", boolean(), "heard by nobody", default=False),
    Parameter("Beep", BEEP, "whether its coming and leaving beep", default="true"),
    Parameter("StartConferenceOnEnter", boolean(), "whether the conference starts with it", default=True),
    Parameter("EndConferenceOnExit", boolean(), "whether the conference ends with it", default=False),
    Parameter("WaitUrl", url(or_empty=True), "what it hears until the conference starts; empty: silence"),
    Parameter("WaitMethod", METHOD, "how WaitUrl is asked for", default="POST"),
    Parameter("MaxParticipants", whole(2, 800), "of the conference", default=250),
    Parameter("Coaching", boolean(), "whether only CallSidToCoach hears it", default=False),
    Parameter("CallSidToCoach", call_sid(), "needed where Coaching is true"),
    Parameter("ConferenceRecord", RECORD, "record the conference", default="do-not-record"),
    Parameter("ConferenceTrim", TRIM, "of that recording", default="trim-silence"),
    Parameter("ConferenceRecordingTimeout", whole(0, 14400), "seconds of silence that end it", default=0),
    Parameter("ConferenceRecordingStatusCallback", url(), "for the recording of the conference"),
    Parameter("ConferenceRecordingStatusCallbackMethod", METHOD, "how it is requested", default="POST"),
    Parameter(
        "ConferenceRecordingStatusCallbackEvent",
        RECORDING_EVENTS,
        "events that are sent",
        default="completed",
    ),
    Parameter("ConferenceStatusCallback", url(), "for events of the conference"),
    Parameter("ConferenceStatusCallbackMethod", METHOD, "how it is requested", default="POST"),
    Parameter("ConferenceStatusCallbackEvent", ROOM_EVENTS, "events that are sent; none by default"),
    Parameter("CallerDisplayName", text(255), "shown beside the number, as Twilio calls it"),
    *EMERGENCY,
)
# The noun's attribute for each parameter that it has one for.
NOUN = {
    "Label": "participantLabel",
    "Muted": "muted",
    "Beep": "beep",
    "StartConferenceOnEnter": "startConferenceOnEnter",
    "EndConferenceOnExit": "endConferenceOnExit",
    "WaitUrl": "waitUrl",
    "WaitMethod": "waitMethod",
    "MaxParticipants": "maxParticipants",
    "ConferenceRecord": "record",
    "ConferenceTrim": "trim",
    "ConferenceRecordingTimeout": "recordingTimeout",
    "ConferenceRecordingStatusCallback": "recordingStatusCallback",
    "ConferenceRecordingStatusCallbackMethod": "recordingStatusCallbackMethod",
    "ConferenceRecordingStatusCallbackEvent": "recordingStatusCallbackEvent",
    "ConferenceStatusCallback": "statusCallback",
    "ConferenceStatusCallbackMethod": "statusCallbackMethod",
    "ConferenceStatusCallbackEvent": "statusCallbackEvent",
}
TWILIO_DEFAULTS: Mapping[str, Any] = {"ConferenceStatusCallbackEvent": frozenset({"start", "end"})}
NEW_PARTICIPANT = ResponseSchema("NewParticipant", (*participants.BOTH, *participants.TWILIO))


def dial_participant(context: RequestContext) -> dict[str, object]:
    values = context.values
    coach = participants.coach_of(context) or ""
    attributes = _attributes(context, coach)
    options = ParticipantOptions(
        muted=values.get("Muted", False),
        start_on_enter=values.get("StartConferenceOnEnter", True),
        end_on_exit=values.get("EndConferenceOnExit", False),
        beep=values.get("Beep", "true"),
        label=values.get("Label", ""),
        coach=coach,
    )
    limit = values.get("TimeLimit", 14400)
    early_media = values.get("EarlyMedia", context.base.vendor == "twilio")
    participant = ParticipantToDial(options, attributes, values.get("ApplicationSid", ""), limit, early_media)

    def order(application: Application, then: Fetched) -> OriginateRequest:
        return _order(context, application, then)

    dialled, sid = context.control.conferences.dial_participant(
        context.account_sid, context.path["conference_sid"], participant, order
    )
    return NEW_PARTICIPANT.body(context.base, participants.Shown(dialled, sid))


def _attributes(context: RequestContext, coach: str) -> dict[str, str]:
    # The API trims by default, the noun does not (contradiction C12).
    given: dict[str, Any] = {"ConferenceTrim": "trim-silence"} | dict(context.values)
    if context.base.vendor == "twilio":
        given = {**TWILIO_DEFAULTS, **given}
    found = {attribute: _written(given[name]) for name, attribute in NOUN.items() if name in given}
    return found | ({"coach": coach} if coach else {})


def _written(value: object) -> str:
    if isinstance(value, frozenset):
        return " ".join(sorted(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _order(
    context: RequestContext, application: Application, then: FetchDocument | Fetched
) -> OriginateRequest:
    values = context.values
    faults = []
    for name, _ in values.get("CustomHeaders", ()):
        if not re.fullmatch(r"[Xx]-[A-Za-z0-9-]{1,60}", name):
            faults.append(Fault("10015", "Bad Request", f"not an X- header: {name[:64]}", "/CustomHeaders"))
    if faults:
        raise invalid(*faults)
    # At Twilio it is a number that is shown in place of From, at Telnyx a name beside it.
    caller_id, twilio = values.get("CallerId", ""), context.base.vendor == "twilio"
    return OriginateRequest(
        application=application,
        to=values["To"],
        from_=values["From"],
        then=then,
        name=values.get("CallerDisplayName", "" if twilio else caller_id),
        name_from="CallerDisplayName" if "CallerDisplayName" in values else "CallerId",
        number=caller_id if twilio else "",
        reason=values.get("CallReason", ""),
        digits=values.get("SendDigits", ""),
        timeout=values.get("Timeout", 30),
        time_limit=values.get("TimeLimit", 14400),
        headers=values.get("CustomHeaders", ()),
        username=values.get("SipAuthUsername", ""),
        password=values.get("SipAuthPassword", ""),
        fallback=calls.goto_of(context, "FallbackUrl", "FallbackMethod"),
        report=calls.goto_of(context, "StatusCallback", "StatusCallbackMethod"),
        report_events=tuple(sorted(values.get("StatusCallbackEvent", ("completed",)))),
        on_answer=_recorder(context),
    )


def _recorder(context: RequestContext) -> Callable[[Call], None]:
    if not context.values.get("Record"):
        return lambda call: None
    wanted, control = recording_state(context.values, "OutboundAPI"), context.control
    return lambda call: control.recordings.start_soon(call, wanted)


def recording_state(
    values: Mapping[str, Any], source: Source, *, trim: str = "trim-silence"
) -> RecordingState:
    """A recording as the API's parameters ask for it."""
    return RecordingState(
        new_sid(),
        source,
        channels="dual" if values.get("RecordingChannels") == "dual" else "single",
        trim=values.get("Trim", trim) == "trim-silence",
        track=values.get("RecordingTrack", "both"),
        status_callback=values.get("RecordingStatusCallback") or "",
        status_callback_method=values.get("RecordingStatusCallbackMethod", "POST"),
        status_callback_event=values.get("RecordingStatusCallbackEvent", frozenset({"completed"})),
        send_url=values.get("SendRecordingUrl", True),
    )


# Calls

CREATED = ResponseSchema(
    "CreatedCall",
    (
        Field("account_sid", STRING, lambda base, call: call.account_sid),
        Field("call_sid", STRING, lambda base, call: call.sid),
        Field("from", STRING, lambda base, call: call.from_),
        Field("sid", STRING, lambda base, call: call.sid),
        Field("status", one_string_of("queued"), constant("queued")),
        Field("to", STRING, lambda base, call: call.to),
        Field("uri", STRING, lambda base, call: base.uri("Calls", call.sid)),
    ),
)
CALL = (
    *LEG,
    Parameter("Url", url(needed=True), "instructions; without it and Texml the application's"),
    Parameter("UrlMethod", METHOD, "how Url is asked for", default="POST"),
    Parameter("Method", METHOD, "the same, as Twilio calls it"),
    Parameter("FallbackUrl", url(), "where instructions are when Url fails"),
    Parameter("FallbackMethod", METHOD, "how FallbackUrl is asked for", default="POST"),
    Parameter("Texml", calls.DOCUMENT, "the instructions themselves"),
    Parameter("Twiml", calls.DOCUMENT, "the same, as Twilio calls it"),
    Parameter("SendDigits", DIGITS, "keys that are pressed once it has answered; w: half a second"),
    Parameter("SendRecordingUrl", boolean(), "whether RecordingUrl is sent", default=True),
    Parameter("SuperviseCallSid", call_sid(), "a call that this one listens to, in place of instructions"),
    Parameter("SupervisingRole", choice(*ROLES), "heard by all, by that call, by nobody", default="barge"),
    *unsupported("RecordingTimeout", why="a call's recording does not end by silence", neutral=("0",)),
)


def create(context: RequestContext) -> dict[str, object]:
    asked_for = context.values.get("ApplicationSid", "") or context.path.get("connection_id", "")
    application = context.control.calls.application(context.account_sid, asked_for)
    default = FetchDocument(application.voice_url, application.voice_method)
    method = "UrlMethod" if "UrlMethod" in context.values else "Method"
    if "SupervisingRole" in context.values and "SuperviseCallSid" not in context.values:
        detail = "Can't be blank: SuperviseCallSid"
        raise invalid(Fault("10004", "Missing required parameter", detail, "/SuperviseCallSid"))
    if "SuperviseCallSid" in context.values:
        call = supervise(context, application, lambda found, then: _order(context, found, then))
    else:
        then = calls.instructions_of(context, method) or default
        call = context.control.calls.create_call(_order(context, application, then))
    shape = calls.CALL if context.base.vendor == "twilio" else CREATED
    return shape.body(context.base, call)


OPERATIONS = (
    Operation(
        name="dialParticipant",
        method="POST",
        path="/Conferences/{conference_sid}/Participants",
        summary="Dial somebody into a conference, by its sid or its name",
        run=dial_participant,
        answer=NEW_PARTICIPANT,
        body=(*LEG, *PARTICIPANT),
        idempotent=True,
    ),
    Operation(
        name="createCall",
        method="POST",
        path="/Calls",
        summary="Call somebody who is then given instructions",
        run=create,
        answer=CREATED,
        body=CALL,
        idempotent=True,
    ),
)
OLDER_CREATE = Operation(
    name="createCallByConnection",
    method="POST",
    path="/calls/{connection_id}",
    summary="The same, by the application's ConnectionId",
    run=create,
    answer=CREATED,
    body=CALL,
    idempotent=True,
)
