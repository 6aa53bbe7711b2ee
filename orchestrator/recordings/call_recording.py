"""One recording of a call: its file as FreeSWITCH writes it, as it was asked for, and its callbacks.

It is begun and ended by applications that the leg runs itself, in its own queue. `uuid_record start` runs in
the event socket's thread instead: where the leg hangs up at that moment, FreeSWITCH attaches the recording to
a leg that has let go of all its recordings already, and neither the leg nor the recording's thread ever ends
(switch_core_media_bug.c, switch_core_media_bug_add; signalwire/freeswitch#1673).

From the moment of the order it is on disk (`OpenRecording`) and hears what becomes of its leg, so that it
ends in exactly one of completed and absent, whatever the call, the socket or this process does meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import gevent
import msgspec
from gevent.event import Event as Flag
from msgspec.structs import replace

from orchestrator.callbacks.call_status import StatusCallbacks
from orchestrator.callbacks.payloads import RecordingFacts, RecordingStatus
from orchestrator.clock import now
from orchestrator.counters import CallCounters
from orchestrator.esl import commands
from orchestrator.esl.connection import Connection
from orchestrator.esl.errors import LegGone, SwitchError, Unreachable
from orchestrator.esl.events import Event
from orchestrator.esl.legs import Execution, Leg, Legs
from orchestrator.logs import get_logger
from orchestrator.media.audio import AudioError, export, in_thread, seconds_of
from orchestrator.media.trim import trim_silence
from orchestrator.net.urls import resolve
from orchestrator.recordings.files import RecordingFiles
from orchestrator.recordings.model import (
    CALL_RECORDING,
    OpenRecording,
    PauseBehavior,
    RecordedCall,
    RecordingState,
)
from orchestrator.recordings.records import RecordingRecord, row_of_recording
from orchestrator.store.message import Message
from orchestrator.store.write_behind import WriteBehindBuffer
from orchestrator.types import Fields

log = get_logger(__name__)

# From CHANNEL_HANGUP until FreeSWITCH has closed the file and let go of the leg.
CLOSING_SECONDS = 10.0
# Until a recording of hours is measured, trimmed and converted.
FINISH_SECONDS = 600.0
# uuid_record's words for each way to pause.
PAUSE: Final[dict[PauseBehavior, str]] = {"silence": "mask", "skip": "pause"}
RESUME: Final[dict[PauseBehavior, str]] = {"silence": "unmask", "skip": "resume"}
LEG_IS_GONE = ("CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY")


@dataclass(frozen=True)
class CallRecorder:
    """What the recordings of calls need, and those under way."""

    connection: Connection
    legs: Legs
    files: RecordingFiles
    journal: WriteBehindBuffer
    status: StatusCallbacks
    tally: CallCounters
    open: dict[str, Recording] = field(default_factory=dict)
    """By sid: those that are neither completed nor absent yet."""


class Recording:
    """Its callbacks say once that it is in progress, and once that it is completed, or absent."""

    def __init__(self, recorder: CallRecorder, call: RecordedCall, state: RecordingState) -> None:
        """From here on it is among `recorder.open`, until it is over."""
        self.call = call
        self.state = state
        self.begun = Flag()
        """FreeSWITCH writes it, or never will (`failed`)."""
        self.failed = False
        self.finished = Flag()
        """Completed or absent, and that is written down."""
        self._recorder = recorder
        self._file = recorder.files.path(state.sid)
        self._log = log.bind(call=call.call_sid, recording=state.sid)
        self._ending: gevent.Greenlet[..., None] | None = None
        self._leg_over = Flag()
        self._listed = bool(state.started_at)
        self._unanswered = False
        self._end_pending = False
        if state.over:
            self.begun.set()
            self.finished.set()
            return
        if state.started_at:
            self.begun.set()
        recorder.open[state.sid] = self
        # From the start: one read of the socket can bring the hangup and the leg's end.
        recorder.legs.watch(call.leg, self._on_event)

    @property
    def sid(self) -> str:
        return self.state.sid

    @property
    def seconds(self) -> float:
        return self.state.seconds

    @property
    def freeswitch_path(self) -> Path:
        """As FreeSWITCH sees it; always WAV, for mod_shout may be missing."""
        return self._recorder.files.freeswitch_directory(self._file)

    @property
    def ending(self) -> bool:
        """Its file is closed."""
        return self._ending is not None or self.state.over

    def fields(self) -> Fields:
        """For a verb's action."""
        if not self.seconds:
            return ()
        return (
            ("RecordingDuration", str(round(self.seconds))),
            ("RecordingSid", self.sid),
            ("RecordingUrl", self._url),
        )

    # The beginning

    def keep(self, *with_it: tuple[str, str, bytes]) -> None:
        """On disk, for the next run of ours; `with_it` in the same commit."""
        if not self.state.asked_at:
            self.state = replace(self.state, asked_at=now())
        self._commit(put=with_it)

    def start(self, leg: Leg, *, refusable: bool = False) -> None:
        """On the leg itself, in its turn; `keep` it before. `begun` and `failed` tell what came of it.

        `refusable`: whoever asked for it waits to hear of that, and then says `accept` or `forget`.
        """
        state = self.state
        self._unanswered = refusable
        leg.set(
            RECORD_STEREO=str(state.channels == "dual").lower(),
            RECORD_BRIDGE_REQ=str(state.from_answer).lower(),
            # Of the leg: it reads what the caller says, and writes what the caller hears.
            RECORD_READ_ONLY=str(state.track == "inbound").lower(),
            RECORD_WRITE_ONLY=str(state.track == "outbound").lower(),
        )
        path = str(self.freeswitch_path)
        running = leg.start("record_session", f"{path} +{state.longest}" if state.longest else path)
        gevent.spawn(self._follow_start, running)

    def _follow_start(self, running: Execution) -> None:
        """RECORD_START comes before the application is through; without it there is no file."""
        try:
            running.wait(None)
        except Unreachable:
            # Perhaps it was begun: that is looked up when FreeSWITCH is back.
            return
        except LegGone:
            # The leg's end is on its way; or the leg was gone before it was watched.
            self._leg_over.wait(CLOSING_SECONDS)
        except SwitchError as error:
            self._log.error("not recorded", problem=str(error))
        if self.begun.is_set() and not self.failed:
            return
        self.failed = True
        self.begun.set()
        self.end()

    def accept(self) -> None:
        """Listed and fetched from now on, whether it has begun or not; and it comes to an end."""
        self._unanswered, self._listed = False, True
        self._commit()
        if self._end_pending:
            self.end()

    def started(self, at: int = 0) -> None:
        """`at`: microseconds since the epoch; now, if it is 0."""
        if self.state.started_at or self.ending:
            return
        self.state = replace(self.state, started_at=at or now())
        self.begun.set()
        self._report("in-progress")

    # In between

    def pause(self, behavior: PauseBehavior) -> None:
        """Raises SwitchError where FreeSWITCH does not do it.

        From outside of the leg: it sets a flag of the recording, in memory that lives as long as the leg,
        and waits for nothing that the leg does (switch_ivr_async.c, switch_ivr_record_session_mask).
        """
        before = self.state.paused_by if self.state.status == "paused" else None
        if before == behavior:
            return
        self._order(PAUSE[behavior])
        if before is not None:
            # After the other: nothing of the pause gets into the recording in between.
            self._order(RESUME[before])
        self._change(status="paused", paused_by=behavior)

    def resume(self) -> None:
        """Raises SwitchError where FreeSWITCH does not do it."""
        self._order(RESUME[self.state.paused_by])
        self._change(status="in-progress")

    def _order(self, action: str) -> None:
        command = commands.api("uuid_record", self.call.leg, action, str(self.freeswitch_path))
        self._recorder.connection.send(command).raise_for_error()

    def stop(self) -> None:
        """Ordered; FreeSWITCH closes the file in a moment. Does not block."""
        if self.ending or self.state.status == "stopped":
            return
        self._change(status="stopped")
        self.order_stop()

    def order_stop(self) -> None:
        leg = self._recorder.legs.get(self.call.leg)
        if leg is None or leg.gone:
            # Its end is the recording's.
            return
        if self.state.source == "RecordVerb":
            leg.break_()
        else:
            gevent.spawn(self._follow_stop, leg.start("stop_record_session", str(self.freeswitch_path)))

    def _follow_stop(self, running: Execution) -> None:
        try:
            running.wait(None)
        except SwitchError:
            # The leg's end is the recording's; or it is looked up when FreeSWITCH is back.
            return
        self.end()

    # The end

    def end(self) -> None:
        """The file is closed: it is brought into the form that was asked for. Again does no harm."""
        if self._unanswered:
            self._end_pending = True
        elif not self.ending:
            self._ending = gevent.spawn(self._finish)

    def wait(self) -> None:
        """Until it is completed or absent; at most `FINISH_SECONDS`."""
        self.finished.wait(FINISH_SECONDS)

    def forget(self) -> None:
        """It never was: nothing was said of it, and nothing will be."""
        if not self.finished.is_set():
            self._leave()
            self.finished.set()
            self._recorder.journal.commit(delete=[(CALL_RECORDING, self.sid)])

    def _on_event(self, event: Event) -> None:
        match event.name:
            case "RECORD_START" if self._is_mine(event):
                if self.state.from_answer:
                    self.begun.set()
                else:
                    self.started(event.timestamp)
            case "RECORD_STOP" if self._is_mine(event):
                self.end()
            case name if name in LEG_IS_GONE:
                self._leg_over.set()
                self.failed = self.failed or not self.begun.is_set()
                self.begun.set()
                self.end()

    def _is_mine(self, event: Event) -> bool:
        return event.header("Record-File-Path") == str(self.freeswitch_path)

    def _finish(self) -> None:
        if self.finished.is_set():
            return
        self._change(status="processing")
        leftover: Path | None = None
        try:
            seconds, leftover = in_thread(self._form)
        except Exception as error:  # noqa: BLE001
            # Whatever it was: a recording that is said to be in progress for ever is worse.
            self._log.warning("no recording", problem=str(error))
            self.state = replace(self.state, status="absent")
        else:
            self.state = replace(self.state, status="completed", seconds=seconds)
        if self.finished.is_set():
            return
        self._report("completed" if self.seconds else "absent")
        if leftover is not None:
            in_thread(leftover.unlink, True)
        self._leave()
        self.finished.set()

    def _form(self) -> tuple[float, Path | None]:
        """As asked for: its seconds, and the file that is not needed once that is written down.

        In a thread. Done again after a crash in between it comes to the same. Raises AudioError, OSError.
        """
        state = self.state
        target = self._recorder.files.path(self.sid, state.kind)
        if not self._file.exists() and target.exists():
            return seconds_of(target), None
        seconds = trim_silence(self._file) if state.trim else seconds_of(self._file)
        if not seconds:
            raise AudioError("nothing was recorded")
        dual = state.channels == "dual"
        if state.kind == "mp3" or (dual and state.source == "RecordVerb"):
            export(self._file, target, 2 if dual else 1)
        return seconds, self._file if target != self._file else None

    def _leave(self) -> None:
        self._recorder.open.pop(self.sid, None)
        self._recorder.legs.unwatch(self.call.leg, self._on_event)

    # What is told, and written down

    @property
    def _url(self) -> str:
        return self._recorder.files.url(self.sid, self.state.kind)

    def _change(self, **changes: object) -> None:
        self.state = replace(self.state, **changes)
        self._commit()

    def _report(self, status: RecordingStatus) -> None:
        self._recorder.tally.recordings[status] += 1
        self._listed = True
        message = self._message(status)
        # In one: what was sent was sent, whatever happens in between.
        self._commit([message] if message is not None else [])

    def _message(self, status: RecordingStatus) -> Message | None:
        state, call = self.state, self.call
        if not state.status_callback or status not in state.status_callback_event:
            return None
        facts = RecordingFacts(
            status=status,
            account_sid=call.account_sid,
            call_sid=call.call_sid,
            connection_id=call.connection_id,
            recording_sid=self.sid,
            source=state.source,
            channels=2 if state.channels == "dual" else 1,
            started_at=state.started_at,
            duration=round(self.seconds),
            url=self._url if state.send_url else "",
        )
        before = bool(state.started_at) and "in-progress" in state.status_callback_event
        return self._recorder.status.of_recording(
            facts,
            resolve(call.document_url, state.status_callback),
            state.status_callback_method,
            int(before and status != "in-progress"),
            call.style,
        )

    def _commit(
        self, messages: list[Message] | None = None, put: tuple[tuple[str, str, bytes], ...] = ()
    ) -> None:
        row = (CALL_RECORDING, self.sid, msgspec.json.encode(OpenRecording(self.call, self.state)))
        over = self.state.over
        self._recorder.journal.commit(
            messages or [],
            put if over else (*put, row),
            [(CALL_RECORDING, self.sid)] if over else [],
            [row_of_recording(self._record())] if self._listed else [],
        )

    def _record(self) -> RecordingRecord:
        state, call = self.state, self.call
        return RecordingRecord(
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
