"""The outward report of a recording: its record in the lists, and its callbacks."""

from __future__ import annotations

from orchestrator.callbacks.payloads import RecordingFacts, RecordingStatus, recording_fields
from orchestrator.clock import now
from orchestrator.net.urls import resolve
from orchestrator.recordings.model import RecordedCall, RecordingState
from orchestrator.recordings.records import RecordingRecord, row_of_recording
from orchestrator.store.message import Message
from orchestrator.store.records import Record


def record_of(call: RecordedCall, state: RecordingState) -> Record:
    return row_of_recording(
        RecordingRecord(
            sid=state.sid,
            account_sid=call.account_sid,
            call_sid=call.call_sid,
            conference_sid=call.conference_sid,
            source=state.source,
            created_at=state.asked_at or state.started_at,
            updated_at=now(),
            channels=2 if state.channels == "dual" else 1,
            started_at=state.started_at,
            duration=state.seconds,
            status=state.status,
            kind=state.kind,
            track=state.track,
        )
    )


def message_of(
    call: RecordedCall, state: RecordingState, status: RecordingStatus, url: str
) -> Message | None:
    """None for a status that nobody asked to hear of. `url`: of its audio. One ordered queue a recording."""
    if not state.status_callback or status not in state.status_callback_event:
        return None
    facts = RecordingFacts(
        status=status,
        account_sid=call.account_sid,
        call_sid=call.call_sid,
        connection_id=call.connection_id,
        recording_sid=state.sid,
        source=state.source,
        channels=2 if state.channels == "dual" else 1,
        conference_sid=call.conference_sid,
        started_at=state.started_at,
        duration=round(state.seconds),
        url=url if state.send_url else "",
    )
    before = bool(state.started_at) and "in-progress" in state.status_callback_event
    return Message(
        queue=f"recording {state.sid}",
        url=resolve(call.document_url, state.status_callback),
        method=state.status_callback_method,
        fields=recording_fields(facts, call.style),
        account_sid=call.account_sid,
        event=f"recording-{status}",
        sequence=int(before and status != "in-progress"),
        created_at=now(),
        signatures=call.style.signatures,
        user_agent=call.style.user_agent,
    )
