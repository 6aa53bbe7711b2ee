"""One recording of a conference: its state, its record, its callbacks, and its file once that is closed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from orchestrator.callbacks.payloads import RecordingFacts, RecordingStatus, recording_fields
from orchestrator.clock import now
from orchestrator.conference.machine.state import Caller, RecordingOptions
from orchestrator.logs import get_logger
from orchestrator.media.audio import in_thread, seconds_of
from orchestrator.media.silence import frames_of, insert_silence
from orchestrator.media.trim import trim_silence
from orchestrator.recordings.files import RecordingFiles
from orchestrator.recordings.pauses import Pause, silences
from orchestrator.recordings.records import RecordingRecord, row_of_recording
from orchestrator.store.message import Message
from orchestrator.store.records import Record
from orchestrator.types import CallbackStyle

log = get_logger(__name__)


class ConferenceRecording(msgspec.Struct, frozen=True):
    sid: str
    conference_sid: str
    account_sid: str
    by: Caller
    """The participant that started the conference."""
    options: RecordingOptions
    asked_at: int
    started_at: int = 0
    """Microseconds since the epoch; 0 until FreeSWITCH has opened the file."""
    status: RecordingStatus | Literal["paused", "stopped", "processing"] = "in-progress"
    """stopped: its end was ordered; processing: its file is closed and not looked at yet."""
    duration: float = 0.0
    """Seconds, once completed."""
    pauses: tuple[Pause, ...] = ()
    frames: int = 0
    """Of the file as FreeSWITCH left it, where silence is to be put into it."""
    style: CallbackStyle = CallbackStyle()

    @property
    def paused_by(self) -> str:
        """How, while it is paused; else empty."""
        return self.pauses[-1].behavior if self.status == "paused" else ""


def record_of(recording: ConferenceRecording) -> Record:
    return row_of_recording(
        RecordingRecord(
            sid=recording.sid,
            account_sid=recording.account_sid,
            call_sid=recording.by.call_sid,
            source="Conference",
            created_at=recording.asked_at,
            updated_at=now(),
            conference_sid=recording.conference_sid,
            started_at=recording.started_at,
            duration=recording.duration,
            status=recording.status,
        )
    )


def message_of(
    files: RecordingFiles, recording: ConferenceRecording, status: RecordingStatus
) -> Message | None:
    conference_options = recording.options
    if not conference_options.status_callback or status not in conference_options.status_callback_event:
        return None
    facts = RecordingFacts(
        status=status,
        account_sid=recording.account_sid,
        call_sid=recording.by.call_sid,
        connection_id=recording.by.connection_id,
        recording_sid=recording.sid,
        conference_sid=recording.conference_sid,
        started_at=recording.started_at,
        duration=round(recording.duration),
        url=files.url(recording.sid) if conference_options.send_url else "",
    )
    return Message(
        queue=f"recording {recording.sid}",
        url=conference_options.status_callback,
        method=conference_options.status_callback_method,
        fields=recording_fields(facts, recording.style),
        account_sid=recording.account_sid,
        event=f"recording-{status}",
        sequence=0 if status == "in-progress" else 1,
        created_at=now(),
        signatures=recording.style.signatures,
        user_agent=recording.style.user_agent,
    )


def bring_into_form(
    recording: ConferenceRecording, path: Path, keep: Callable[[ConferenceRecording], None]
) -> float:
    """Silence where it was paused, trimmed where that is asked for; its seconds, 0 of a silent one.

    `keep` writes down what must be known should this process end in the middle of it. Blocks this greenlet
    only. Raises AudioError, OSError.
    """
    _put_silence(recording, path, keep)
    return _trimmed(recording, path) if recording.options.trim else in_thread(seconds_of, path)


def _put_silence(
    recording: ConferenceRecording, path: Path, keep: Callable[[ConferenceRecording], None]
) -> None:
    """Where it was paused; once, also where this process ends in the middle of it."""
    gaps = silences(recording.started_at, recording.pauses)
    if not gaps:
        return
    frames = in_thread(frames_of, path)
    if not recording.frames:
        keep(replace(recording, frames=frames))
    elif frames != recording.frames:
        return
    try:
        in_thread(insert_silence, path, gaps)
    except OSError as error:
        # A full disk costs the silence, not the recording.
        log.error("pauses are left out", recording=recording.sid, problem=str(error))


def _trimmed(recording: ConferenceRecording, path: Path) -> float:
    """Seconds; 0 of a silent one. A disk too full to trim on costs the trimming, not the recording."""
    try:
        return in_thread(trim_silence, path)
    except OSError as error:
        log.error("not trimmed", room=recording.conference_sid, recording=recording.sid, problem=str(error))
        return in_thread(seconds_of, path)
