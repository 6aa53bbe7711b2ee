"""The fields of each callback, as pure functions; docs/callbacks.md lists them.

Fields are in alphabetical order, as in Telnyx's samples. A field that is not known is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from functools import lru_cache
from typing import Literal

from orchestrator.callbacks.twilio_fields import TwilioDirection, twilio_call_fields
from orchestrator.conference.machine.effects import SendCallback
from orchestrator.conference.machine.state import EndReason, Participant, Room
from orchestrator.types import CallbackStyle, Fields, TimestampFormat

CallProgressEvent = Literal["initiated", "ringing", "answered", "completed"]
CallStatus = Literal["completed", "busy", "no-answer", "canceled", "failed"]
RecordingStatus = Literal["in-progress", "completed", "absent"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

END_REASON_TEXT = {
    EndReason.MODERATOR_LEFT: "A participant with endConferenceOnExit left",
    EndReason.LAST_LEFT: "The last participant left",
    EndReason.VIA_API: "The conference was ended through the API",
    EndReason.TIME_EXCEEDED: "The conference reached its time limit",
}


@dataclass(frozen=True, slots=True)
class CallFacts:
    """One call at the moment of one status callback. Times in microseconds since the epoch, 0 if unknown."""

    event: CallProgressEvent
    account_sid: str
    call_sid: str
    connection_id: str
    from_: str
    to: str
    sequence: int
    at: int
    initiated_at: int
    answered_at: int = 0
    ended_at: int = 0
    status: CallStatus = "completed"
    """How it ended; looked at for `completed` only."""
    caller_id: str = ""
    parent_call_sid: str = ""
    codec: str = ""
    sampling_rate: str = ""
    hangup_cause: str = ""
    """Telnyx's word (`normal_clearing`); FreeSWITCH's name in any case will do."""
    hangup_source: str = ""
    sip_hangup_cause: str = ""
    """SIP status, as `200` or `486`."""
    quality: str = ""
    """JSON text of MediaQuality; empty where there was no media."""
    call_leg_id: str = ""
    call_session_id: str = ""
    direction: TwilioDirection = "inbound"


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """One recording at the moment of one recording status callback."""

    status: RecordingStatus
    account_sid: str
    call_sid: str
    """For a conference: the participant that started it."""
    connection_id: str
    recording_sid: str
    source: str = "Conference"
    channels: int = 1
    conference_sid: str = ""
    started_at: int = 0
    """Microseconds since the epoch; 0 if unknown."""
    duration: int = 0
    """Whole seconds."""
    url: str = ""
    """Empty where `sendRecordingUrl` forbids it."""


def timestamp(at: int, style: TimestampFormat = "iso8601") -> str:
    """`at` in microseconds since the epoch, as text in UTC."""
    seconds, microseconds = divmod(at, 1_000_000)
    if style == "rfc2822":
        return format_datetime(_EPOCH + timedelta(seconds=seconds))
    text = f"{_iso_second(seconds)}.{microseconds:06d}Z"
    return text.replace("T", " ") if style == "iso8601-space" else text


# The callbacks of a moment come together.
@lru_cache(maxsize=16)
def _iso_second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()


def conference_fields(room: Room, callback: SendCallback, style: CallbackStyle) -> Fields:
    """One conference status callback. `room` is the room after the step that asked for it."""
    caller = callback.caller
    participant = callback.participant or room.participants.get(caller.call_sid)
    fields = [
        ("AccountSid", room.account_sid),
        ("CallSid", caller.call_sid),
        ("CallSidLegacy", caller.call_sid),
        ("ConferenceSid", room.sid),
        ("ConnectionId", caller.connection_id),
        ("FriendlyName", room.name),
        ("SequenceNumber", str(callback.sequence)),
        ("StatusCallbackEvent", callback.event),
        ("Timestamp", timestamp(callback.at, style.timestamp_format)),
        *_known(
            ("AnnounceUrl", callback.announce_url),
            ("CallingPartyType", caller.calling_party_type),
            ("From", caller.from_),
            ("FromSipUri", caller.from_sip_uri),
            ("ParticipantLabel", participant.options.label if participant else ""),
            ("ReasonAnnouncementFailed", callback.problem),
            ("To", caller.to),
            ("ToSipUri", caller.to_sip_uri),
        ),
    ]
    if style.twilio_extras:
        if callback.participant is not None:
            fields += _participant_extras(callback.participant)
        if callback.leave_reason is not None:
            fields += [
                ("ParticipantCallStatus", "completed" if callback.call_gone else "in-progress"),
                ("ReasonParticipantLeft", callback.leave_reason.value),
            ]
        if callback.event == "conference-end" and room.end_reason is not None:
            fields += _end_extras(room, room.end_reason)
    return _in_order(fields)


def _participant_extras(participant: Participant) -> list[tuple[str, str]]:
    options = participant.options
    return [
        ("Coaching", _boolean(bool(options.coach))),
        ("EndConferenceOnExit", _boolean(options.end_on_exit)),
        ("Hold", _boolean(participant.held)),
        ("Muted", _boolean(options.muted)),
        ("StartConferenceOnEnter", _boolean(options.start_on_enter)),
    ]


def _end_extras(room: Room, reason: EndReason) -> list[tuple[str, str]]:
    fields = [("Reason", END_REASON_TEXT[reason]), ("ReasonConferenceEnded", reason.value)]
    # Ended through the API or by time, `ending_by` names the first participant, which did not end it.
    if room.ending_by is not None and reason in (EndReason.MODERATOR_LEFT, EndReason.LAST_LEFT):
        fields.append(("CallSidEndingConference", room.ending_by.call_sid))
    return fields


def call_fields(call: CallFacts, style: CallbackStyle) -> Fields:
    """One call status callback. `Timestamp` follows the settings; the other times are ISO."""
    fields = [
        ("AccountSid", call.account_sid),
        ("CallInitiatedAt", _iso_milliseconds(call.initiated_at)),
        ("CallSid", call.call_sid),
        ("CallSidLegacy", call.call_sid),
        ("CallStatus", _call_status(call)),
        ("CallbackSource", "call-progress-events"),
        ("ConnectionId", call.connection_id),
        ("From", call.from_),
        ("SequenceNumber", str(call.sequence)),
        ("Timestamp", timestamp(call.at, style.timestamp_format)),
        ("To", call.to),
        *_known(
            ("CallerId", call.caller_id),
            ("ParentCallSid", call.parent_call_sid),
            ("ParentCallSidLegacy", call.parent_call_sid),
        ),
    ]
    if call.event != "initiated":
        fields.append(("CallDuration", str(_answered_seconds(call))))
    if call.event == "answered":
        fields += _known(("Codec", call.codec), ("SamplingRate", call.sampling_rate))
    if call.event == "completed":
        fields += _completed_fields(call)
    if style.request_fields == "twilio":
        fields += twilio_call_fields(call.from_, call.to, call.direction)
        if call.event == "completed":
            fields.append(("Duration", str(-(-_answered_seconds(call) // 60))))
            fields += _known(("SipResponseCode", call.sip_hangup_cause))
    return _in_order(fields)


def _completed_fields(call: CallFacts) -> list[tuple[str, str]]:
    return _known(
        ("AnsweredTime", _iso_milliseconds(call.answered_at)),
        ("CallControlId", call.call_sid),
        ("CallLegId", call.call_leg_id),
        ("CallQualityStats", call.quality),
        ("CallSessionId", call.call_session_id),
        ("EndTime", _iso_milliseconds(call.ended_at)),
        ("HangupCause", call.hangup_cause.lower()),
        ("HangupSource", call.hangup_source),
        ("OccurredAt", _iso_milliseconds(call.at)),
        ("OrganizationId", call.account_sid),
        ("SipHangupCause", call.sip_hangup_cause),
        ("StartTime", _iso_milliseconds(call.initiated_at)),
        ("UserId", call.account_sid),
    )


def _call_status(call: CallFacts) -> str:
    if call.event == "completed":
        return call.status
    return "in-progress" if call.event == "answered" else call.event


def _answered_seconds(call: CallFacts) -> int:
    """Whole seconds since the answer, as FreeSWITCH's billsec; 0 before it."""
    if not call.answered_at:
        return 0
    return max(0, ((call.ended_at or call.at) - call.answered_at) // 1_000_000)


def recording_fields(recording: RecordingFacts, style: CallbackStyle) -> Fields:
    """One recording status callback: Telnyx's fields and Twilio's for a conference (section 3)."""
    started = timestamp(recording.started_at, style.timestamp_format) if recording.started_at else ""
    fields = [
        ("AccountSid", recording.account_sid),
        ("CallSid", recording.call_sid),
        ("CallSidLegacy", recording.call_sid),
        ("ConnectionId", recording.connection_id),
        ("RecordingChannels", str(recording.channels)),
        ("RecordingSid", recording.recording_sid),
        ("RecordingSource", recording.source),
        ("RecordingStatus", recording.status),
        *_known(("ConferenceSid", recording.conference_sid), ("RecordingStartTime", started)),
    ]
    if recording.status == "completed":
        fields.append(("RecordingDuration", str(recording.duration)))
        fields += _known(("RecordingUrl", recording.url))
    elif recording.status == "absent":
        fields.append(("RecordingDuration", "0"))
    return _in_order(fields)


def _known(*fields: tuple[str, str]) -> list[tuple[str, str]]:
    return [field for field in fields if field[1]]


def _in_order(fields: Iterable[tuple[str, str]]) -> Fields:
    return tuple(sorted(fields))


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _iso_milliseconds(at: int) -> str:
    if not at:
        return ""
    seconds, microseconds = divmod(at, 1_000_000)
    return f"{_iso_second(seconds)}.{microseconds // 1000:03d}Z"
