"""The recordings of calls: those that the API begins, pauses and ends, whatever the call does meanwhile,
and the completion of all of them after a restart."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from orchestrator.esl import snapshot
from orchestrator.esl.errors import SwitchError
from orchestrator.esl.leg import Leg
from orchestrator.esl.snapshot import Snapshot
from orchestrator.lifecycle import Part
from orchestrator.logs import get_logger
from orchestrator.recordings.call_recording import CallRecorder, CallRecording
from orchestrator.recordings.files import RecordingKind
from orchestrator.recordings.model import (
    CALL_RECORDING,
    ChangedStatus,
    OpenRecording,
    RecordedCall,
    RecordingState,
    Source,
)
from orchestrator.recordings.pauses import PauseBehavior
from orchestrator.recordings.records import RecordingRecord, decode_recording
from orchestrator.rejection import ServiceError
from orchestrator.store.interface import NodeStore

log = get_logger(__name__)

BEEP = "tone_stream://%(200,0,1000)"
# The leg's thread takes its orders with every frame.
START_SECONDS = 5.0


class CallRecordings(Part):
    def __init__(self, recorder: CallRecorder, store: NodeStore) -> None:
        self._recorder = recorder
        self._store = store

    def start_recording(self, leg: Leg, call: RecordedCall, state: RecordingState, *, beep: bool) -> None:
        """Returns when FreeSWITCH writes it, or will as soon as the leg comes to it. Raises ServiceError."""
        recording = CallRecording(self._recorder, call, state)
        recording.keep()
        recording.start(leg, refusable=True)
        recording.begun.wait(START_SECONDS)
        if recording.failed:
            recording.forget()
            detail = f"FreeSWITCH did not begin it: {leg.hangup_cause or 'its log says why'}"
            raise ServiceError("90018", "Call cannot be recorded", detail)
        recording.accept()
        if beep:
            leg.start("playback", BEEP)
        log.info("recording begun through the API", call=call.call_sid, recording=state.sid)

    def start_soon(self, leg: Leg, call: RecordedCall, state: RecordingState) -> None:
        """Does not block; where it cannot be recorded, an absent callback is sent."""
        recording = CallRecording(self._recorder, call, state)
        recording.keep()
        recording.start(leg)

    def change(self, sid: str, status: ChangedStatus, behavior: PauseBehavior) -> None:
        """Raises ServiceError."""
        recording = self._recorder.open.get(sid)
        if recording is None or recording.ending:
            raise ServiceError("90018", "Recording has ended", "Nothing of it can be changed.")
        state = recording.state
        if status == state.status and not (status == "paused" and behavior != state.paused_by):
            return
        if state.status == "stopped":
            raise ServiceError(
                "90018", "Recording has ended", "It was stopped: nothing of it can be changed."
            )
        if status == "stopped":
            recording.stop()
            return
        if state.source == "RecordVerb":
            detail = "The verb Record records the caller's own message: it can be stopped, not paused."
            raise ServiceError("90018", "Recording cannot be paused", detail)
        try:
            if status == "paused":
                recording.pause(behavior)
            else:
                recording.resume()
        except SwitchError as error:
            detail = f"FreeSWITCH did not do it: {error}"
            raise ServiceError("90018", "Recording cannot be changed", detail) from None

    # Over a restart, or a lost socket

    def start(self) -> None:
        """With what the last run of ours left; before the first event."""
        for _, value in self._recorder.context.write_buffer.load(CALL_RECORDING):
            stored = msgspec.json.decode(value, type=OpenRecording)
            CallRecording(self._recorder, stored.call, stored.state)

    def compare(self, seen: Snapshot, connected: bool) -> int:
        """Brings them and what FreeSWITCH has together; how many differed. Raises SwitchError.

        `connected`: just now. Else orders of a moment ago may be on their way.
        """
        differed = 0
        for recording in list(self._recorder.open.values()):
            headers = seen.legs.get(recording.call.leg)
            if recording.ending:
                continue
            if headers is None:
                differed += 1
                recording.end()
            elif connected:
                differed += self._compare(recording, headers)
        return differed

    def _compare(self, recording: CallRecording, headers: Mapping[str, str]) -> bool:
        state, path = recording.state, str(recording.freeswitch_path)
        if _is_written(self._recorder, recording, headers, path):
            if state.status == "stopped":
                recording.order_stop()
                return True
            if not state.started_at and not state.from_answer:
                recording.started()
                return True
            return False
        leg = self._recorder.legs.get(recording.call.leg)
        if not state.started_at and state.source != "RecordVerb" and leg is not None:
            # The order was lost.
            recording.start(leg)
        elif state.started_at:
            recording.end()
        return True

    def without_an_end(self) -> list[RecordingRecord]:
        """Those that are listed as open though nobody brings them to an end. None while the database fails,
        since then the list is older than what happened; those of conferences too. Raises OutboxError."""
        if self._recorder.context.write_buffer.failing:
            return []
        listed = [decode_recording(row.value) for row in self._store.alive("recording")]
        return [record for record in listed if record.sid not in self._recorder.open]

    def missing(self, channels: Collection[str]) -> list[str]:
        """Sids of those whose leg is none of FreeSWITCH's any more."""
        return [
            recording.sid
            for recording in self._recorder.open.values()
            if not recording.ending and recording.call.leg not in channels
        ]

    def end(self, records: Collection[RecordingRecord]) -> None:
        """Completed or absent, by what there is of their files."""
        for record in records:
            log.error("a recording that nobody ended", recording=record.sid, call=record.call_sid)
            call = RecordedCall("", record.call_sid, record.account_sid, conference_sid=record.conference_sid)
            CallRecording(self._recorder, call, _recording_state_from(record)).end()


def _is_written(
    recorder: CallRecorder, recording: CallRecording, headers: Mapping[str, str], path: str
) -> bool:
    if recording.state.source == "RecordVerb":
        running = headers.get("variable_current_application_data", "").split(" ")[0] == path
        return running and not headers.get("variable_current_application_response")
    return path in snapshot.list_recordings(recorder.connection, recording.call.leg)


def _recording_state_from(record: RecordingRecord) -> RecordingState:
    return RecordingState(
        record.sid,
        msgspec.convert(record.source, Source),
        kind=msgspec.convert(record.kind, RecordingKind),
        channels="dual" if record.channels > 1 else "single",
        asked_at=record.created_at,
        started_at=record.started_at,
    )
