"""One recording, of a call or of a conference: kept on disk, announced once, and ended once.

From the order to FreeSWITCH on it is on disk (`OpenRecording`), and ends in exactly one of completed and
absent, whatever the call, the socket or this process does meanwhile. Its recorder gives the orders and says
what FreeSWITCH reports of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import gevent
import msgspec
from gevent.event import Event as Flag
from msgspec.structs import replace

from orchestrator.callbacks.payloads import RecordingStatus
from orchestrator.clock import now
from orchestrator.counters import CallCounters
from orchestrator.logs import get_logger
from orchestrator.media.audio import AudioError, in_thread
from orchestrator.recordings.entries import RecordingEntries
from orchestrator.recordings.files import RecordingFiles
from orchestrator.recordings.finish import bring_into_form
from orchestrator.recordings.model import OpenRecording, RecordedCall, RecordingState
from orchestrator.recordings.report import message_of, record_of
from orchestrator.store.message import Message
from orchestrator.store.write_behind import WriteBehindBuffer
from orchestrator.timeline.recorder import Timeline

log = get_logger(__name__)

# Until a recording of hours is measured, trimmed and converted.
FINISH_SECONDS = 600.0


@dataclass(frozen=True)
class RecordingContext:
    """Where recordings of all kinds are kept, written down and counted."""

    files: RecordingFiles
    write_buffer: WriteBehindBuffer
    counters: CallCounters
    timeline: Timeline


class Recording:
    """Its callbacks say once that it is in progress, and once that it is completed, or absent."""

    def __init__(
        self,
        context: RecordingContext,
        call: RecordedCall,
        state: RecordingState,
        on_end: Callable[[], None],
    ) -> None:
        """`on_end` is called once it is completed or absent, and that is written down."""
        self.call = call
        self.state = state
        self.begun = Flag()
        """FreeSWITCH writes it, or never will."""
        self.finished = Flag()
        """Completed or absent, and that is written down."""
        self.log = log.bind(
            **({"room": call.conference_sid} if call.conference_sid else {"call": call.call_sid}),
            recording=state.sid,
        )
        self.cut_short = ""
        """Why it is shorter than it was to be."""
        self._context = context
        self._entries = RecordingEntries(context.timeline, call, context.files.directory)
        self._on_end = on_end
        self._ending: gevent.Greenlet[..., None] | None = None
        self._listed = bool(state.started_at) or state.source == "Conference"
        if state.ended:
            self.finished.set()
        if state.ended or state.started_at:
            self.begun.set()

    @property
    def sid(self) -> str:
        return self.state.sid

    @property
    def seconds(self) -> float:
        return self.state.seconds

    @property
    def ending(self) -> bool:
        """Its file is closed."""
        return self._ending is not None or self.state.ended

    @property
    def url(self) -> str:
        return self._context.files.url(self.sid, self.state.kind)

    def keep(self, *with_it: tuple[str, str, bytes]) -> None:
        """On disk, for the next run of ours; `with_it` in the same commit."""
        if not self.state.asked_at:
            self.state = replace(self.state, asked_at=now())
        self._commit(put=with_it)

    def started(self, at: int = 0) -> None:
        """FreeSWITCH writes it, since `at` (microseconds since the epoch; 0: now)."""
        if self.state.started_at or self.ending:
            return
        self.state = replace(self.state, started_at=at or now())
        self.begun.set()
        self._entries.started(self.state)
        self._report("in-progress")

    def change(self, **changes: object) -> None:
        before, self.state = self.state, replace(self.state, **changes)
        self._entries.changed(before, self.state)
        self._commit()

    # The end

    def end(self) -> None:
        """The file is closed: it is brought into the form that was asked for. Again does no harm."""
        if not self.ending:
            self._ending = gevent.spawn(self._finish)
            self.change(status="processing")

    def fail(self, problem: str, *, expected: bool = False) -> None:
        """It never began: absent at once. `expected`: nothing is wrong, and nobody needs to look at it."""
        if not self.ending:
            (self.log.info if expected else self.log.error)("not recorded", problem=problem)
            self._end(0.0, problem, expected=expected)

    def wait(self) -> None:
        """Until it is completed or absent; at most `FINISH_SECONDS`."""
        self.finished.wait(FINISH_SECONDS)

    def forget(self) -> None:
        """It never was: nothing was said of it, and nothing will be."""
        if not self.finished.is_set():
            self._leave()
            self._context.write_buffer.commit(delete=[self._open.key])

    def _finish(self) -> None:
        if self.finished.is_set():
            return
        seconds, leftover, problem = 0.0, None, self.cut_short
        try:
            seconds, leftover = bring_into_form(self._context.files, self.state, self._keep_frames)
        except Exception as error:  # noqa: BLE001
            # After any error: a recording that is said to be in progress for ever is worse.
            say = self.log.warning if isinstance(error, AudioError) else self.log.error
            say("no recording", problem=str(error))
            problem = f"{error}; {problem}" if problem else str(error)
        if self.finished.is_set():
            return
        self._end(seconds, problem)
        if leftover is not None:
            in_thread(leftover.unlink, True)

    def _keep_frames(self, frames: int) -> None:
        self.change(frames=frames)

    def _end(self, seconds: float, problem: str = "", *, expected: bool = False) -> None:
        status: RecordingStatus = "completed" if seconds else "absent"
        self.log.info("recording over", status=status, seconds=seconds)
        self.state = replace(self.state, status=status, seconds=seconds)
        self._report(status)
        self._entries.ended(self.state, problem, expected=expected)
        self._leave()

    def _leave(self) -> None:
        self._on_end()
        self.finished.set()

    # Callbacks and rows

    def _report(self, status: RecordingStatus) -> None:
        self._context.counters.recordings[status] += 1
        self._listed = True
        message = message_of(self.call, self.state, status, self.url)
        # In one: what was sent was sent, whatever happens in between.
        self._commit([message] if message is not None else [])

    @property
    def _open(self) -> OpenRecording:
        return OpenRecording(self.call, self.state)

    def _commit(
        self, messages: list[Message] | None = None, put: tuple[tuple[str, str, bytes], ...] = ()
    ) -> None:
        stored, ended = self._open, self.state.ended
        self._context.write_buffer.commit(
            messages or [],
            put if ended else (*put, (*stored.key, msgspec.json.encode(stored))),
            [stored.key] if ended else [],
            [record_of(self.call, self.state)] if self._listed else [],
        )
