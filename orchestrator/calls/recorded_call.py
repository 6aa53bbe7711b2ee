"""A call as its recordings know it, and the recording that its verb asks for."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.calls.call import Call
from orchestrator.recordings.call_recording import CallRecording
from orchestrator.recordings.model import RecordedCall, recording_state_of
from orchestrator.recordings.records import decode_recording
from orchestrator.texml import Dial, Record


def recording_of(call: Call, verb: Record | Dial) -> CallRecording:
    """The recording of a verb; begun now, or by the last run of ours."""
    sid = call.recall("recording")
    found = call.services.recordings.get(sid)
    if found is not None:
        return found
    state = recording_state_of(verb, sid)
    record = call.services.records.one("recording", call.account_sid, sid) if sid else None
    if record is not None:
        ended = decode_recording(record.value)
        if ended.status in ("completed", "absent"):
            state = replace(state, status=ended.status, seconds=ended.duration, started_at=ended.started_at)
    return CallRecording(call.services.call_recorder, recorded_call(call), state)


def recorded_call(call: Call) -> RecordedCall:
    return RecordedCall(
        call.leg.uuid,
        call.sid,
        call.account_sid,
        call.caller.connection_id,
        call.document_url,
        style=call.style,
    )
