"""Recordings of conferences: begun with the room, ended with it or by silence, with exactly one of two ends.

FreeSWITCH's events tell what became of the file, and may come after the room is over; so a recording has a
life of its own. What is under way is on disk, like the rooms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import gevent
import msgspec
from msgspec.structs import replace

from orchestrator.callbacks.payloads import RecordingStatus
from orchestrator.clock import now
from orchestrator.conference.machine.state import Caller, Room
from orchestrator.counters import CallCounters
from orchestrator.esl import commands
from orchestrator.esl.connection import Connection
from orchestrator.esl.deadline import Deadline
from orchestrator.esl.errors import CommandFailed, CommandTimeout, SwitchError, Unreachable, failure
from orchestrator.esl.events import Event
from orchestrator.esl.session import Reply
from orchestrator.esl.snapshot import ConferenceSeen
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger
from orchestrator.recordings.conference_recording import (
    ConferenceRecording,
    bring_into_form,
    message_of,
    record_of,
)
from orchestrator.recordings.files import RecordingFiles
from orchestrator.recordings.model import PauseBehavior
from orchestrator.recordings.pauses import Pause, paused, resumed
from orchestrator.sids import new_sid
from orchestrator.store.message import Message
from orchestrator.store.write_behind import WriteBehindBuffer

log = get_logger(__name__)

RECORDING = "recording"
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


class ConferenceRecorder(Part):
    def __init__(
        self,
        connection: Connection,
        write_buffer: WriteBehindBuffer,
        files: RecordingFiles,
        counters: CallCounters,
    ) -> None:
        self._connection = connection
        self._write_buffer = write_buffer
        self._files = files
        self._counters = counters
        self._running: dict[str, ConferenceRecording] = {}
        self._measured: set[str] = set()
        """Whose files are closed and looked at."""
        self._by_conference: dict[str, str] = {}
        self._limits: dict[str, Deadline] = {}
        self._wanted: dict[str, PauseBehavior] = {}
        """Of pauses that were ordered just now."""
        self._watching: gevent.Greenlet[..., None] | None = None

    def __len__(self) -> int:
        return len(self._running)

    def __contains__(self, sid: str) -> bool:
        """Whether it is one that is yet to be completed or absent."""
        return sid in self._running or sid in self._measured

    def missing(self, seen: Mapping[str, ConferenceSeen]) -> list[str]:
        """Sids of those that FreeSWITCH writes no longer, though it never said so."""
        found = []
        for sid, recording in self._running.items():
            conference = seen.get(recording.conference_sid)
            written = conference is not None and self._files.freeswitch_path(sid) in conference.recordings
            if recording.started_at and not written and sid not in self._limits:
                found.append(sid)
        return found

    def start(self) -> None:
        """With what the last run of ours left; before anything else is done."""
        for sid, value in self._write_buffer.load(RECORDING):
            recording = self._running[sid] = msgspec.json.decode(value, type=ConferenceRecording)
            self._by_conference[recording.conference_sid] = sid

    def start_recording(self, room: Room, by: Caller) -> None:
        conference_options = room.options.recording
        assert conference_options is not None
        recording = ConferenceRecording(
            new_sid(),
            room.sid,
            room.account_sid,
            by,
            conference_options,
            asked_at=now(),
            style=room.options.style,
        )
        self._keep(recording)
        self._by_conference[room.sid] = recording.sid
        self._order_start(recording)

    def _order_start(self, recording: ConferenceRecording) -> None:
        self._limit(recording.sid, START_SECONDS, "FreeSWITCH did not begin it")
        path = self._files.freeswitch_path(recording.sid)

        def on_reply(reply: Reply | SwitchError) -> None:
            if isinstance(reply, (Unreachable, CommandTimeout)):
                # Perhaps it was begun: that is looked up when FreeSWITCH is back.
                return
            problem = reply if isinstance(reply, SwitchError) else failure(reply.body)
            if problem is not None:
                self._fail(recording.sid, str(problem))

        command = commands.conference(recording.conference_sid, "recording", "start", path)
        self._connection.post(command, on_reply)
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
        for recording in list(self._running.values()):
            conference = seen.get(recording.conference_sid)
            path = self._files.freeswitch_path(recording.sid)
            began_at = conference.recordings.get(path) if conference else None
            room = open_rooms.get(recording.conference_sid)
            if conference is None or (began_at is None and recording.started_at):
                differed += 1
                self._finish(recording.sid)
            elif began_at is None:
                differed += 1
                self._order_start(recording)
            elif not recording.started_at:
                differed += 1
                self._started(recording, began_at)
            elif recording.status in ("in-progress", "paused") and (path in conference.paused) is not (
                recording.status == "paused"
            ):
                differed += 1
                self._pause_again(recording)
            if room is not None and not room.recording and began_at is not None:
                self.stop_recording(recording.conference_sid)
        for room in open_rooms.values():
            first = room.first
            unknown = room.sid in seen and room.sid not in self._by_conference
            if room.recording and unknown and first is not None:
                differed += 1
                self.start_recording(room, first)
        if self._running:
            self._watch_sizes()
        return differed

    def _pause_again(self, recording: ConferenceRecording) -> None:
        """FreeSWITCH's recording is to be what ours is."""
        action = "pause" if recording.status == "paused" else "resume"
        path = self._files.freeswitch_path(recording.sid)
        self._connection.post(commands.conference(recording.conference_sid, "recording", action, path))

    def stop_recording(self, conference_sid: str) -> None:
        """The end comes with FreeSWITCH's event."""
        sid = self._by_conference.get(conference_sid)
        recording = self._running.get(sid) if sid is not None else None
        if sid is not None and recording is not None:
            self._keep(replace(recording, status="stopped"))
            self._limit(sid, CLOSE_SECONDS, "")
            self._order_stop(conference_sid, sid)

    def _order_stop(self, conference_sid: str, sid: str) -> None:
        path = self._files.freeswitch_path(sid)
        self._connection.post(commands.conference(conference_sid, "recording", "stop", path))

    # Pauses

    def get(self, sid: str) -> ConferenceRecording | None:
        """While it is being written."""
        return self._running.get(sid)

    def pause(self, sid: str, behavior: PauseBehavior) -> None:
        """Blocks until FreeSWITCH has done it. Raises SwitchError where it does not, KeyError where it is
        over."""
        recording = self._running[sid]
        if recording.status == "paused":
            self._keep(replace(recording, pauses=paused(recording.pauses, behavior, now())))
            return
        self._wanted[sid] = behavior
        try:
            self._order(recording, "pause")
        except SwitchError:
            self._wanted.pop(sid, None)
            raise
        self._paused(sid, now())

    def resume(self, sid: str) -> None:
        """As `pause`."""
        self._order(self._running[sid], "resume")
        self._resumed(sid, now())

    def _order(self, recording: ConferenceRecording, action: str) -> None:
        path = self._files.freeswitch_path(recording.sid)
        command = commands.conference(recording.conference_sid, "recording", action, path)
        reply = self._connection.send(command)
        reply.raise_for_error()
        answer = reply.body
        # "+OK Pause recording file …" comes first in any case (conference_api_sub_pauserec).
        if "-ERR" in answer:
            raise CommandFailed(answer[answer.index("-ERR") :].strip())

    def _paused(self, sid: str, at: int) -> None:
        """Said by FreeSWITCH, by its clock, or by the answer to the order: whichever comes first."""
        recording = self._running.get(sid)
        if recording is None or recording.status == "stopped":
            return
        if recording.status != "paused":
            # One that somebody else ordered leaves nothing in the file.
            pauses = paused(recording.pauses, self._wanted.pop(sid, "skip"), at)
            self._keep(replace(recording, status="paused", pauses=pauses))
        elif abs(at - recording.pauses[-1].began_at) < ORDER_MICROSECONDS and at < now():
            pauses = (*recording.pauses[:-1], replace(recording.pauses[-1], began_at=at))
            self._keep(replace(recording, pauses=pauses))

    def _resumed(self, sid: str, at: int) -> None:
        recording = self._running.get(sid)
        if recording is not None and recording.status == "paused":
            pauses = resumed(recording.pauses, at)
            self._keep(replace(recording, status="in-progress", pauses=pauses))

    def room_closed(self, conference_sid: str) -> None:
        sid = self._by_conference.pop(conference_sid, None)
        if sid is not None and sid in self._running:
            self._limit(sid, CLOSE_SECONDS, "")

    def on_event(self, event: Event) -> None:
        """One of RECORDING_ACTIONS."""
        # …/<sid>.wav, as FreeSWITCH sees it.
        sid = event.header("Path").rpartition("/")[2].partition(".")[0]
        recording = self._running.get(sid)
        if recording is None:
            return
        if event.action == "start-recording":
            if error := event.header("Error"):
                self._fail(sid, error)
            elif not recording.started_at:
                self._started(recording, event.timestamp or now())
        elif event.action == "stop-recording":
            if event.header("Conference-Size") not in ("", "0") and sid not in self._limits:
                # A full disk, or somebody else's command.
                log.error("recording ended before its conference", room=event.conference, recording=sid)
            self._finish(sid, event.timestamp)
        elif event.action == "pause-recording":
            self._paused(sid, event.timestamp or now())
        elif event.action == "resume-recording":
            self._resumed(sid, event.timestamp or now())

    def _started(self, recording: ConferenceRecording, at: int) -> None:
        self._forget_limit(recording.sid)
        started = replace(recording, started_at=at)
        self._counters.recordings["in-progress"] += 1
        self._keep(started, [message_of(self._files, started, "in-progress")])

    # The end

    def _limit(self, sid: str, seconds: float, problem: str) -> None:
        """After `seconds` it has ended, and has failed if `problem` says why."""
        self._forget_limit(sid)
        end = (self._fail, sid, problem) if problem else (self._finish, sid)
        self._limits[sid] = Deadline(self._connection.ping, seconds, *end)

    def _fail(self, sid: str, problem: str) -> None:
        recording = self._running.get(sid)
        if recording is not None:
            log.error("not recorded", room=recording.conference_sid, recording=sid, problem=problem)
            self._end(recording, "absent", 0.0)

    def _finish(self, sid: str, at: int = 0) -> None:
        """The file is closed, since `at` where that is known. Measuring and trimming it takes a while; a
        second end meanwhile is no end."""
        recording = self._running.pop(sid, None)
        if recording is None:
            return
        pauses = resumed(recording.pauses, at) if at else recording.pauses
        recording = replace(recording, status="processing", pauses=pauses)
        self._write(recording)
        self._forget_limit(sid)
        self._measured.add(sid)
        gevent.spawn(self._measure, recording)

    def _measure(self, recording: ConferenceRecording) -> None:
        path = self._files.path(recording.sid)
        try:
            seconds = bring_into_form(recording, path, self._write)
        except Exception as error:  # noqa: BLE001
            # Whatever it was: a recording that is said to be in progress for ever is worse.
            log.error(
                "no recording", room=recording.conference_sid, recording=recording.sid, problem=str(error)
            )
            seconds = 0.0
        self._end(recording, "completed" if seconds else "absent", seconds)

    def _end(self, recording: ConferenceRecording, status: RecordingStatus, seconds: float) -> None:
        sid = recording.sid
        log.info(
            "recording over", room=recording.conference_sid, recording=sid, status=status, seconds=seconds
        )
        self._running.pop(sid, None)
        self._measured.discard(sid)
        self._forget_limit(sid)
        self._by_conference.pop(recording.conference_sid, None)
        self._counters.recordings[status] += 1
        ended = replace(recording, status=status, duration=seconds)
        messages = [message for message in [message_of(self._files, ended, status)] if message is not None]
        self._write_buffer.commit(messages, (), [(RECORDING, sid)], [record_of(ended)])

    def _forget_limit(self, sid: str) -> None:
        limit = self._limits.pop(sid, None)
        if limit is not None:
            limit.cancel()

    def _keep(self, recording: ConferenceRecording, told: list[Message | None] | None = None) -> None:
        self._running[recording.sid] = recording
        self._write(recording, told)

    def _write(self, recording: ConferenceRecording, told: list[Message | None] | None = None) -> None:
        messages = [message for message in told or [] if message is not None]
        put = [(RECORDING, recording.sid, msgspec.json.encode(recording))]
        self._write_buffer.commit(messages, put, records=[record_of(recording)])

    # The watchdog

    def _watch(self) -> None:
        """A recording that silently stopped is told as what it has become, while its conference goes on."""
        while True:
            before = self._sizes()
            gevent.sleep(WATCH_SECONDS)
            if self._still_as(before) and self._freeswitch_writes():
                for sid in self._still_as(before):
                    recording = self._running[sid]
                    log.error("recording stopped by itself", room=recording.conference_sid, recording=sid)
                    # It may be written on, into a file that has lost its name.
                    self._order_stop(recording.conference_sid, sid)
                    self._finish(sid)

    def _sizes(self) -> dict[str, tuple[int, tuple[Pause, ...]]]:
        """What grows of each that is not paused; and its pauses: one that has just ended is no standstill."""
        return {
            sid: (self._size(sid), one.pauses)
            for sid, one in self._running.items()
            if one.started_at and one.status != "paused"
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
