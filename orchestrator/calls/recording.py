"""One recording of a call: its file as FreeSWITCH writes it, as the document wants it, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gevent.event import Event as Flag

from orchestrator.callbacks.payloads import RecordingFacts, RecordingStatus
from orchestrator.calls.clock import now
from orchestrator.calls.room_records import RecordingRecord, row_of_recording
from orchestrator.calls.steps import Fields
from orchestrator.freeswitch.events import Event
from orchestrator.media.audio import AudioError, export, in_thread, seconds_of
from orchestrator.media.trim import trim_silence
from orchestrator.texml import Dial, Record
from orchestrator.texml.vocabulary import Channels

if TYPE_CHECKING:
    from orchestrator.calls.call import Call

Source = Literal["RecordVerb", "DialVerb", "StartCallRecordingAPI", "OutboundAPI"]
# From CHANNEL_HANGUP until FreeSWITCH has closed the file and let go of the leg.
CLOSING_SECONDS = 10.0


def channels_of(verb: Dial) -> Channels:
    """Two where the value of `record` or `recordingChannels` says so."""
    return "dual" if verb.record.endswith("-dual") else verb.recording_channels


class Recording:
    """Told once that it is in progress, and once that it is completed, or absent."""

    def __init__(self, call: Call, sid: str, verb: Record | Dial, source: Source) -> None:
        self.sid = sid
        self.seconds = 0.0
        self._call = call
        self._verb = verb
        self._source: Source = source
        self._format = verb.format if isinstance(verb, Record) else "wav"
        self._channels = verb.channels if isinstance(verb, Record) else channels_of(verb)
        self._file = call.services.recording_path(sid)
        self._started_at = int(call.recall("recording_since") or 0)
        self._sequence = int(bool(self._started_at) and "in-progress" in verb.recording_status_callback_event)
        self._leg_over = Flag()
        # From the start: one read of the socket can bring the hangup and the leg's end.
        call.services.switchboard.watch(call.leg.uuid, self._on_event)

    @property
    def path_there(self) -> Path:
        """As FreeSWITCH sees it; always WAV, for mod_shout may be missing."""
        return self._call.services.node.there(self._file)

    @property
    def url(self) -> str:
        return self._call.services.recording_url(self.sid, self._format)

    def fields(self) -> Fields:
        """For a verb's action."""
        if not self.seconds:
            return ()
        return (
            ("RecordingDuration", str(round(self.seconds))),
            ("RecordingSid", self.sid),
            ("RecordingUrl", self.url),
        )

    def started(self) -> None:
        if self._started_at:
            return
        self._started_at = now()
        self._call.note(recording_since=str(self._started_at))
        self._tell("in-progress")

    def finish(self) -> None:
        """The file is closed: bring it into the form that was asked for. Blocks this greenlet only."""
        try:
            self.seconds = in_thread(
                trim_silence if self._verb.trim == "trim-silence" else seconds_of, self._file
            )
            if not self.seconds:
                raise AudioError("nothing was recorded")
            self._convert()
        except (AudioError, OSError) as error:
            self.seconds = 0.0
            self._call.log.warning("no recording", recording=self.sid, problem=str(error))
        self._tell("completed" if self.seconds else "absent")

    def finish_aside(self) -> None:
        """As `finish`, while the call does something else."""
        self._call.finish_later(self.finish)

    def end_with_the_leg(self, afterwards: Callable[[], None]) -> None:
        """The caller hung up: finish once FreeSWITCH has closed the file. Does not block."""

        def finish() -> None:
            if not self._call.kept.ended:
                self._leg_over.wait(CLOSING_SECONDS)
            self.finish()
            afterwards()

        self._call.finish_later(finish)

    def _on_event(self, event: Event) -> None:
        if event.name in ("CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"):
            self._leg_over.set()

    def _convert(self) -> None:
        dual = self._channels == "dual"
        if self._format == "wav" and not (dual and self._source == "RecordVerb"):
            return
        target = self._call.services.recording_path(self.sid, self._format)
        in_thread(export, self._file, target, 2 if dual else 1)
        if target != self._file:
            self._file.unlink()

    def _tell(self, status: RecordingStatus) -> None:
        verb, call = self._verb, self._call
        call.services.tally.recordings[status] += 1
        self.write_down(status, now())
        if not verb.recording_status_callback or status not in verb.recording_status_callback_event:
            call.keep()
            return
        facts = RecordingFacts(
            status=status,
            account_sid=call.account_sid,
            call_sid=call.sid,
            connection_id=call.caller.connection_id,
            recording_sid=self.sid,
            source=self._source,
            channels=2 if self._channels == "dual" else 1,
            started_at=self._started_at,
            duration=round(self.seconds),
            url=self.url if getattr(verb, "send_recording_url", True) else "",
        )
        url = call.services.resolve(call.document_url, verb.recording_status_callback)
        # In one: what is told was told, whatever happens in between.
        call.services.status.tell_recording(
            facts, url, verb.recording_status_callback_method, self._sequence, call.rows
        )
        self._sequence += 1

    @property
    def call(self) -> Call:
        return self._call

    def write_down(self, status: RecordingStatus | Literal["paused"], at: int) -> None:
        """For whoever lists recordings."""
        record = RecordingRecord(
            sid=self.sid,
            account_sid=self._call.account_sid,
            call_sid=self._call.sid,
            source=self._source,
            created_at=self._started_at,
            updated_at=at,
            channels=2 if self._channels == "dual" else 1,
            started_at=self._started_at,
            duration=self.seconds,
            status=status,
            kind=self._format,
        )
        self._call.services.journal.commit(records=[row_of_recording(record)])
