"""A recording of a call or of a conference: what was asked for, of which call, and how far it is."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.callbacks.payloads import RecordingStatus
from orchestrator.recordings.files import RecordingKind
from orchestrator.recordings.pauses import Pause, PauseBehavior
from orchestrator.sids import new_sid
from orchestrator.texml import Dial, Record
from orchestrator.types import CallbackStyle, Channels, Method

CALL_RECORDING, CONFERENCE_RECORDING = "call recording", "recording"
"""Kinds of what is kept on disk of an open one, by its sid."""

Source = Literal["RecordVerb", "DialVerb", "StartCallRecordingAPI", "OutboundAPI", "Conference"]
ChangedStatus = Literal["in-progress", "paused", "stopped"]
"""The changes of a recording by the API."""


class RecordingState(Struct, frozen=True):
    sid: str
    source: Source
    kind: RecordingKind = "wav"
    channels: Channels = "single"
    track: Literal["inbound", "outbound", "both"] = "both"
    """The caller's sound, the sound it hears, or both."""
    trim: bool = False
    """Silence at both ends is cut off."""
    status_callback: str = ""
    status_callback_method: Method = "POST"
    status_callback_event: frozenset[str] = frozenset({"completed"})
    send_url: bool = True
    from_answer: bool = False
    """Sound from before two parties are bridged is not in it."""
    longest: int = 0
    """Seconds until FreeSWITCH ends it; 0: none."""
    asked_at: int = 0
    """Microseconds since the epoch."""
    started_at: int = 0
    """Microseconds since the epoch; 0 until FreeSWITCH writes."""
    status: RecordingStatus | Literal["paused", "stopped", "processing"] = "in-progress"
    """stopped: its end was ordered; processing: its file is closed and not looked at yet."""
    paused_by: PauseBehavior = "silence"
    """While it is paused."""
    seconds: float = 0.0
    """Once it is completed."""
    pauses: tuple[Pause, ...] = ()
    """Of a conference's: FreeSWITCH writes nothing then."""
    frames: int = 0
    """Of the file as FreeSWITCH left it, where silence is to be put into it."""

    @property
    def ended(self) -> bool:
        return self.status in ("completed", "absent")


class RecordedCall(Struct, frozen=True):
    """Whose recording it is; of a conference: the participant that started it."""

    leg: str
    call_sid: str
    account_sid: str
    connection_id: str = ""
    document_url: str = ""
    """Its callback's URL may be relative to it."""
    conference_sid: str = ""
    style: CallbackStyle = CallbackStyle()
    """Of its callbacks."""


class OpenRecording(Struct, frozen=True):
    """The row on disk until it is completed or absent."""

    call: RecordedCall
    state: RecordingState

    @property
    def key(self) -> tuple[str, str]:
        kind = CONFERENCE_RECORDING if self.state.source == "Conference" else CALL_RECORDING
        return kind, self.state.sid


def recording_state_of(verb: Record | Dial, sid: str = "") -> RecordingState:
    """`sid` of one that was begun by the last run of ours."""
    state = RecordingState(
        sid=sid or new_sid(),
        source="DialVerb",
        trim=verb.trim == "trim-silence",
        status_callback=verb.recording_status_callback or "",
        status_callback_method=verb.recording_status_callback_method,
        status_callback_event=frozenset(verb.recording_status_callback_event),
    )
    if isinstance(verb, Record):
        return replace(state, source="RecordVerb", kind=verb.format, channels=verb.channels)
    return replace(
        state,
        channels=_channels(verb),
        send_url=verb.send_recording_url,
        from_answer=verb.record.startswith("record-from-answer"),
        longest=verb.record_max_length,
    )


def _channels(verb: Dial) -> Channels:
    """Two where the value of `record` or `recordingChannels` says so."""
    return "dual" if verb.record.endswith("-dual") else verb.recording_channels
