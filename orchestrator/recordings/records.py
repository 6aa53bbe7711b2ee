"""Recordings as they are listed and fetched, ended ones included."""

from __future__ import annotations

import msgspec

from orchestrator.callbacks.payloads import RecordingStatus
from orchestrator.store.records import Record

OPEN_STATUSES = ("in-progress", "paused", "stopped", "processing")
"""Of recordings that are to be completed or absent yet."""


class RecordingRecord(msgspec.Struct, frozen=True):
    """Times in microseconds since the epoch."""

    sid: str
    account_sid: str
    call_sid: str
    source: str
    created_at: int
    updated_at: int
    conference_sid: str = ""
    channels: int = 1
    started_at: int = 0
    duration: float = 0.0
    """Seconds."""
    status: RecordingStatus | str = "in-progress"
    kind: str = "wav"
    track: str = "both"


decode_recording = msgspec.json.Decoder(RecordingRecord).decode


def row_of_recording(recording: RecordingRecord) -> Record:
    ended = recording.status not in OPEN_STATUSES
    return Record(
        kind="recording",
        sid=recording.sid,
        account_sid=recording.account_sid,
        created_at=recording.created_at,
        updated_at=recording.updated_at,
        ended_at=recording.updated_at if ended else 0,
        status=recording.status,
        conference_sid=recording.conference_sid,
        call_sid=recording.call_sid,
        value=msgspec.json.encode(recording),
    )
