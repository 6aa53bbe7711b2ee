"""A recording of a call: what was asked for, and how far it is."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.callbacks.payloads import RecordingStatus
from orchestrator.calls.sids import new_sid
from orchestrator.conference.model import Method
from orchestrator.media.recording_files import RecordingKind
from orchestrator.texml import Dial, Record
from orchestrator.texml.vocabulary import Channels

Source = Literal["RecordVerb", "DialVerb", "StartCallRecordingAPI", "OutboundAPI"]


class Tape(Struct, frozen=True):
    sid: str
    source: Source
    kind: RecordingKind = "wav"
    channels: Channels = "single"
    track: Literal["inbound", "outbound", "both"] = "both"
    """What the caller says, what it hears, or both."""
    trim: bool = False
    """Silence at both ends is cut off."""
    status_callback: str = ""
    status_callback_method: Method = "POST"
    status_callback_event: frozenset[str] = frozenset({"completed"})
    send_url: bool = True
    started_at: int = 0
    """Microseconds since the epoch; 0 until FreeSWITCH writes."""
    status: RecordingStatus | Literal["paused", "stopped"] = "in-progress"
    """stopped: its file is closed and not looked at yet."""
    seconds: float = 0.0
    """Once it is completed."""

    @property
    def over(self) -> bool:
        return self.status in ("completed", "absent")


def tape_of(verb: Record | Dial, sid: str = "", since: str = "") -> Tape:
    """`sid` and `since` of one that was begun by the last run of ours."""
    tape = Tape(
        sid=sid or new_sid(),
        source="DialVerb",
        trim=verb.trim == "trim-silence",
        status_callback=verb.recording_status_callback or "",
        status_callback_method=verb.recording_status_callback_method,
        status_callback_event=frozenset(verb.recording_status_callback_event),
        started_at=int(since or 0),
    )
    if isinstance(verb, Record):
        return replace(tape, source="RecordVerb", kind=verb.format, channels=verb.channels)
    return replace(tape, channels=_channels(verb), send_url=verb.send_recording_url)


def _channels(verb: Dial) -> Channels:
    """Two where the value of `record` or `recordingChannels` says so."""
    return "dual" if verb.record.endswith("-dual") else verb.recording_channels
