"""Recordings of conferences: begun with the room, ended with it or by silence, with exactly one of two ends.

FreeSWITCH's events report the result, and may come after the room has ended; so a recording has a
life of its own. Open recordings are on disk, like the rooms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import gevent
import msgspec
from msgspec.structs import replace

from orchestrator.clock import now
from orchestrator.conference.machine.state import Caller, Room
from orchestrator.esl import commands
from orchestrator.esl.connection import Connection
from orchestrator.esl.deadline import Deadline
from orchestrator.esl.errors import CommandFailed, CommandTimeout, SwitchError, Unreachable, failure
from orchestrator.esl.events import Event
from orchestrator.esl.reply import Reply
from orchestrator.esl.snapshot import ConferenceSeen
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger
from orchestrator.recordings.model import CONFERENCE_RECORDING, OpenRecording, RecordedCall, RecordingState
from orchestrator.recordings.pauses import Pause, PauseBehavior, paused, resumed
from orchestrator.recordings.recording import Recording, RecordingContext
from orchestrator.sids import new_sid

log = get_logger(__name__)

RECORDING_ACTIONS = ("start-recording", "stop-recording", "pause-recording", "resume-recording")
START_SECONDS = 5.0
# From the end of the room until FreeSWITCH has closed the file.
CLOSE_SECONDS = 10.0
# An order's reply and its event come in this time of one another.
ORDER_MICROSECONDS = 5_000_000
# A file that does not grow for so long is no longer being written.
WATCH_SECONDS = 10.0
# In which FreeSWITCH, if it runs, writes some of a recording out.
WRITE_SECONDS = 2.5
# FreeSWITCH's answers to an order to record (conference_api.c).
CONFERENCE_GONE = "not found"
ALREADY_RECORDED = "is already being used for recording"


class ConferenceRecorder(Part):
    """The effect executor begins and ends recordings, and FreeSWITCH's events come, on the socket's reader:
    these never block. `pause` and `resume` wait for FreeSWITCH, on a web request's greenlet; one greenlet
    watches that files grow.
    """

    def __init__(self, connection: Connection, context: RecordingContext) -> None:
        self._connection = connection
        self._context = context
        self._files = context.files
        self._open: dict[str, Recording] = {}
        """By sid: those that are neither completed nor absent yet."""
        self._by_conference: dict[str, str] = {}
        self._limits: dict[str, Deadline] = {}
        self._wanted: dict[str, PauseBehavior] = {}
        """Of pauses that were ordered just now."""
        self._watching: gevent.Greenlet[..., None] | None = None

    def __len__(self) -> int:
        return len(self._running)

    def __contains__(self, sid: str) -> bool:
        """Whether it is one that is yet to be completed or absent."""
        return sid in self._open

    @property
    def _running(self) -> dict[str, Recording]:
        """Those whose files are being written."""
        return {sid: one for sid, one in self._open.items() if not one.ending}

    def _get(self, sid: str) -> Recording | None:
        one = self._open.get(sid)
        return one if one is not None and not one.ending else None

    def missing(self, seen: Mapping[str, ConferenceSeen]) -> list[str]:
        """Sids of those that FreeSWITCH writes no longer, though it never said so."""
        found = []
        for sid, recording in self._running.items():
            conference = seen.get(recording.call.conference_sid)
            written = conference is not None and self._files.freeswitch_path(sid) in conference.recordings
            if recording.state.started_at and not written and sid not in self._limits:
                found.append(sid)
        return found

    def start(self) -> None:
        """With what the last run of ours left; before anything else is done."""
        for _, value in self._context.write_buffer.load(CONFERENCE_RECORDING):
            self._add(msgspec.json.decode(value, type=OpenRecording))

    def start_recording(self, room: Room, by: Caller) -> None:
        options = room.options.recording
        assert options is not None
        self.room_closed(room.sid)
        call = RecordedCall(
            by.leg,
            by.call_sid,
            room.account_sid,
            by.connection_id,
            conference_sid=room.sid,
            style=room.options.style,
        )
        state = RecordingState(
            new_sid(),
            "Conference",
            trim=options.trim,
            status_callback=options.status_callback,
            status_callback_method=options.status_callback_method,
            status_callback_event=options.status_callback_event,
            send_url=options.send_url,
        )
        recording = self._add(OpenRecording(call, state))
        recording.keep()
        self._order_start(recording)

    def _add(self, stored: OpenRecording) -> Recording:
        sid, conference_sid = stored.state.sid, stored.call.conference_sid
        recording = Recording(
            self._context, stored.call, stored.state, lambda: self._forget(sid, conference_sid)
        )
        self._open[sid] = recording
        self._by_conference[conference_sid] = sid
        return recording

    def _forget(self, sid: str, conference_sid: str) -> None:
        self._open.pop(sid, None)
        self._forget_limit(sid)
        if self._by_conference.get(conference_sid) == sid:
            del self._by_conference[conference_sid]

    def _order_start(self, recording: Recording) -> None:
        self._limit(recording, START_SECONDS, "FreeSWITCH did not begin it")
        path = self._files.freeswitch_path(recording.sid)

        def on_reply(reply: Reply | SwitchError) -> None:
            if isinstance(reply, (Unreachable, CommandTimeout)):
                # Perhaps it was begun: that is looked up when FreeSWITCH is back.
                return
            problem = reply if isinstance(reply, SwitchError) else failure(reply.body)
            if problem is None or ALREADY_RECORDED in str(problem):
                return
            # A caller that hangs up at once ends the conference before it can be recorded.
            expected = str(problem).rstrip().endswith(CONFERENCE_GONE)
            recording.fail(str(problem), expected=expected)

        self._connection.post(_command(recording, "start", path), on_reply)
        self._watch_sizes()

    def _watch_sizes(self) -> None:
        if self._watching is None:
            self._watching = gevent.spawn(self._watch)

    def on_down(self, error: SwitchError) -> None:
        """The socket is lost: nobody's time limit counts what cannot be heard. FreeSWITCH goes on writing."""
        self.stop()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Time limits and the watch over files end; FreeSWITCH goes on writing."""
        for sid in list(self._limits):
            self._forget_limit(sid)
        if self._watching is not None:
            self._watching.kill(block=False)
            self._watching = None

    def reattach(self, rooms: Iterable[Room], seen: Mapping[str, ConferenceSeen]) -> int:
        """Brings recordings and what FreeSWITCH has together; how many differed."""
        differed = 0
        open_rooms = {room.sid: room for room in rooms}
        for recording in self._running.values():
            conference, state = seen.get(recording.call.conference_sid), recording.state
            path = self._files.freeswitch_path(recording.sid)
            began_at = conference.recordings.get(path) if conference else None
            room = open_rooms.get(recording.call.conference_sid)
            if conference is None or (began_at is None and state.started_at):
                differed += 1
                self._finish(recording)
            elif began_at is None:
                differed += 1
                self._order_start(recording)
            elif not state.started_at:
                differed += 1
                self._started(recording, began_at)
            elif state.status in ("in-progress", "paused") and (path in conference.paused) is not (
                state.status == "paused"
            ):
                # FreeSWITCH's recording is to be what ours is.
                differed += 1
                self._post(recording, "pause" if state.status == "paused" else "resume")
            if room is not None and not room.recording and began_at is not None:
                self.stop_recording(recording.call.conference_sid)
        for room in open_rooms.values():
            first = room.first
            unknown = room.sid in seen and room.sid not in self._by_conference
            if room.recording and unknown and first is not None:
                differed += 1
                self.start_recording(room, first)
        if self._running:
            self._watch_sizes()
        return differed

    def stop_recording(self, conference_sid: str) -> None:
        """The end comes with FreeSWITCH's event."""
        recording = self._get(self._by_conference.get(conference_sid, ""))
        if recording is not None:
            recording.change(status="stopped")
            self._limit(recording, CLOSE_SECONDS, "")
            self._post(recording, "stop")

    def _post(self, recording: Recording, action: str) -> None:
        self._connection.post(_command(recording, action, self._files.freeswitch_path(recording.sid)))

    # Pauses

    def get(self, sid: str) -> RecordingState | None:
        """While it is being written."""
        recording = self._get(sid)
        return recording.state if recording is not None else None

    def pause(self, sid: str, behavior: PauseBehavior) -> None:
        """Blocks until FreeSWITCH has done it. Raises SwitchError where it does not, KeyError where it is
        over."""
        recording = self._running[sid]
        if recording.state.status == "paused":
            pauses = paused(recording.state.pauses, behavior, now())
            recording.change(pauses=pauses, paused_by=behavior)
            return
        self._wanted[sid] = behavior
        try:
            self._order(recording, "pause")
        except SwitchError:
            self._wanted.pop(sid, None)
            raise
        self._paused(recording, now())

    def resume(self, sid: str) -> None:
        """As `pause`."""
        recording = self._running[sid]
        self._order(recording, "resume")
        self._resumed(recording, now())

    def _order(self, recording: Recording, action: str) -> None:
        reply = self._connection.send(_command(recording, action, self._files.freeswitch_path(recording.sid)))
        reply.raise_for_error()
        answer = reply.body
        # "+OK Pause recording file …" comes first in any case (conference_api_sub_pauserec).
        if "-ERR" in answer:
            raise CommandFailed(answer[answer.index("-ERR") :].strip())

    def _paused(self, recording: Recording, at: int) -> None:
        """Said by FreeSWITCH, by its clock, or by the answer to the order: whichever comes first."""
        state = recording.state
        if recording.ending or state.status == "stopped":
            return
        if state.status != "paused":
            # One that somebody else ordered leaves nothing in the file.
            behavior = self._wanted.pop(recording.sid, "skip")
            recording.change(status="paused", paused_by=behavior, pauses=paused(state.pauses, behavior, at))
        elif abs(at - state.pauses[-1].began_at) < ORDER_MICROSECONDS and at < now():
            recording.change(pauses=(*state.pauses[:-1], replace(state.pauses[-1], began_at=at)))

    def _resumed(self, recording: Recording, at: int) -> None:
        if not recording.ending and recording.state.status == "paused":
            recording.change(status="in-progress", pauses=resumed(recording.state.pauses, at))

    def room_closed(self, conference_sid: str) -> None:
        recording = self._get(self._by_conference.pop(conference_sid, ""))
        if recording is not None:
            self._limit(recording, CLOSE_SECONDS, "")

    def on_event(self, event: Event) -> None:
        """One of RECORDING_ACTIONS."""
        # …/<sid>.wav, as FreeSWITCH sees it.
        sid = event.header("Path").rpartition("/")[2].partition(".")[0]
        recording = self._get(sid)
        if recording is None:
            return
        if event.action == "start-recording":
            if error := event.header("Error"):
                recording.fail(error)
            else:
                self._started(recording, event.timestamp)
        elif event.action == "stop-recording":
            if event.header("Conference-Size") not in ("", "0") and sid not in self._limits:
                # A full disk, or somebody else's command.
                log.error("recording ended before its conference", room=event.conference, recording=sid)
                recording.cut_short = "FreeSWITCH ended it before its conference"
            self._finish(recording, event.timestamp)
        elif event.action == "pause-recording":
            self._paused(recording, event.timestamp or now())
        elif event.action == "resume-recording":
            self._resumed(recording, event.timestamp or now())

    def _started(self, recording: Recording, at: int) -> None:
        if not recording.state.started_at:
            self._forget_limit(recording.sid)
            recording.started(at)

    # The end

    def _limit(self, recording: Recording, seconds: float, problem: str) -> None:
        """After `seconds` it has ended, and has failed if `problem` says why."""
        self._forget_limit(recording.sid)
        end = partial(recording.fail, problem) if problem else partial(self._finish, recording)
        self._limits[recording.sid] = Deadline(self._connection.ping, seconds, end)

    def _finish(self, recording: Recording, at: int = 0) -> None:
        """The file is closed, since `at` where that is known. A second end is no end."""
        if recording.ending:
            return
        self._forget_limit(recording.sid)
        if at:
            recording.state = replace(recording.state, pauses=resumed(recording.state.pauses, at))
        recording.end()

    def _forget_limit(self, sid: str) -> None:
        limit = self._limits.pop(sid, None)
        if limit is not None:
            limit.cancel()

    # The watchdog

    def _watch(self) -> None:
        """A recording that silently stopped is reported as completed or absent, while its conference goes
        on."""
        while True:
            before = self._sizes()
            gevent.sleep(WATCH_SECONDS)
            if self._still_as(before) and self._freeswitch_writes():
                for sid in self._still_as(before):
                    recording = self._running[sid]
                    recording.log.error("recording stopped by itself")
                    recording.cut_short = "FreeSWITCH wrote nothing to it any more"
                    # It may be written on, into a file that has lost its name.
                    self._post(recording, "stop")
                    self._finish(recording)

    def _sizes(self) -> dict[str, tuple[int, tuple[Pause, ...]]]:
        """The file size of each that is not paused; and its pauses: one that has just ended is no
        standstill."""
        return {
            sid: (self._size(sid), one.state.pauses)
            for sid, one in self._running.items()
            if one.state.started_at and one.state.status != "paused"
        }

    def _still_as(self, before: Mapping[str, object]) -> list[str]:
        return [sid for sid, size in self._sizes().items() if before.get(sid) == size]

    def _freeswitch_writes(self) -> bool:
        """Whether FreeSWITCH has had time to write: a machine that stood still has not written anything."""
        try:
            self._connection.api("global_getvar core_uuid")
        except SwitchError:
            return False
        gevent.sleep(WRITE_SECONDS)
        return self._connection.connected

    def _size(self, sid: str) -> int:
        try:
            return self._files.path(sid).stat().st_size
        except OSError:
            return 0


def _command(recording: Recording, action: str, path: str) -> str:
    return commands.conference(recording.call.conference_sid, "recording", action, path)
