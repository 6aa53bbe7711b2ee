"""One recording of a call: its file as FreeSWITCH writes it, as it was asked for, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gevent.event import Event as Flag
from msgspec.structs import replace

from orchestrator.callbacks.payloads import RecordingFacts, RecordingStatus
from orchestrator.calls.clock import now
from orchestrator.calls.room_records import RecordingRecord, row_of_recording
from orchestrator.calls.steps import Fields
from orchestrator.calls.tape import Tape, tape_of
from orchestrator.freeswitch.events import Event
from orchestrator.media.audio import AudioError, export, in_thread, seconds_of
from orchestrator.media.trim import trim_silence
from orchestrator.texml import Dial, Record

if TYPE_CHECKING:
    from orchestrator.calls.call import Call

# From CHANNEL_HANGUP until FreeSWITCH has closed the file and let go of the leg.
CLOSING_SECONDS = 10.0
Turn = Literal["in-progress", "paused", "stopped"]


def recording_of(call: Call, verb: Record | Dial) -> Recording:
    """What a verb records; begun now, or by the last run of ours."""

    def note(tape: Tape) -> None:
        if tape.status == "in-progress":
            call.note(recording_since=str(tape.started_at))

    return Recording(call, tape_of(verb, call.recall("recording"), call.recall("recording_since")), note)


class Recording:
    """Told once that it is in progress, and once that it is completed, or absent."""

    def __init__(self, call: Call, tape: Tape, note: Callable[[Tape], None]) -> None:
        """`note` is given the tape whenever it has changed, to be kept with the call."""
        self.call = call
        self.tape = tape
        self._note = note
        self._file = call.services.recording_path(tape.sid)
        told = bool(tape.started_at) and "in-progress" in tape.status_callback_event
        self._sequence = int(told)
        self._leg_over = Flag()
        # From the start: one read of the socket can bring the hangup and the leg's end.
        call.services.switchboard.watch(call.leg.uuid, self._on_event)

    @property
    def sid(self) -> str:
        return self.tape.sid

    @property
    def seconds(self) -> float:
        return self.tape.seconds

    @property
    def path_there(self) -> Path:
        """As FreeSWITCH sees it; always WAV, for mod_shout may be missing."""
        return self.call.services.node.there(self._file)

    def fields(self) -> Fields:
        """For a verb's action."""
        if not self.seconds:
            return ()
        return (
            ("RecordingDuration", str(round(self.seconds))),
            ("RecordingSid", self.sid),
            ("RecordingUrl", self._url),
        )

    def started(self) -> None:
        if not self.tape.started_at:
            self._change(started_at=now())
            self._tell("in-progress")

    def turn(self, status: Turn) -> None:
        """For whoever lists recordings, and for the next run of ours."""
        self._change(status=status)
        self.call.keep()
        if status != "stopped":
            self._write_down()

    def finish(self) -> None:
        """The file is closed: bring it into the form that was asked for. Blocks this greenlet only."""
        try:
            seconds = in_thread(trim_silence if self.tape.trim else seconds_of, self._file)
            if not seconds:
                raise AudioError("nothing was recorded")
            self._convert()
        except (AudioError, OSError) as error:
            self.call.log.warning("no recording", recording=self.sid, problem=str(error))
            self._change(status="absent")
        else:
            self._change(status="completed", seconds=seconds)
        self._tell("completed" if self.seconds else "absent")

    def finish_aside(self) -> None:
        """As `finish`, while the call does something else."""
        self.call.finish_later(self.finish)

    def end_with_the_leg(self, afterwards: Callable[[], None]) -> None:
        """The caller hung up: finish once FreeSWITCH has closed the file. Does not block."""

        def finish() -> None:
            if not self.call.kept.ended:
                self._leg_over.wait(CLOSING_SECONDS)
            self.finish()
            afterwards()

        self.call.finish_later(finish)

    def _on_event(self, event: Event) -> None:
        if event.name in ("CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"):
            self._leg_over.set()

    @property
    def _url(self) -> str:
        return self.call.services.recording_url(self.sid, self.tape.kind)

    def _change(self, **changes: object) -> None:
        self.tape = replace(self.tape, **changes)
        self._note(self.tape)

    def _convert(self) -> None:
        dual, kind = self.tape.channels == "dual", self.tape.kind
        if kind == "wav" and not (dual and self.tape.source == "RecordVerb"):
            return
        target = self.call.services.recording_path(self.sid, kind)
        in_thread(export, self._file, target, 2 if dual else 1)
        if target != self._file:
            self._file.unlink()

    def _tell(self, status: RecordingStatus) -> None:
        tape, call = self.tape, self.call
        call.services.tally.recordings[status] += 1
        self._write_down()
        if not tape.status_callback or status not in tape.status_callback_event:
            call.keep()
            return
        facts = RecordingFacts(
            status=status,
            account_sid=call.account_sid,
            call_sid=call.sid,
            connection_id=call.caller.connection_id,
            recording_sid=self.sid,
            source=tape.source,
            channels=2 if tape.channels == "dual" else 1,
            started_at=tape.started_at,
            duration=round(self.seconds),
            url=self._url if tape.send_url else "",
        )
        url = call.services.resolve(call.document_url, tape.status_callback)
        # In one: what is told was told, whatever happens in between.
        call.services.status.tell_recording(
            facts, url, tape.status_callback_method, self._sequence, call.style, call.rows
        )
        self._sequence += 1

    def _write_down(self) -> None:
        tape = self.tape
        record = RecordingRecord(
            sid=tape.sid,
            account_sid=self.call.account_sid,
            call_sid=self.call.sid,
            source=tape.source,
            created_at=tape.started_at,
            updated_at=now(),
            channels=2 if tape.channels == "dual" else 1,
            started_at=tape.started_at,
            duration=tape.seconds,
            status=tape.status,
            kind=tape.kind,
            track=tape.track,
        )
        self.call.services.journal.commit(records=[row_of_recording(record)])
