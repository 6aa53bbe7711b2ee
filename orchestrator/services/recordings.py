"""Commands of the REST API for recordings: of calls and of conferences alike."""

from __future__ import annotations

from typing import get_args

from msgspec.structs import replace

from orchestrator.calls.call import Call
from orchestrator.calls.recorded_call import recorded_call
from orchestrator.clock import now
from orchestrator.conference.machine.events import SetRecording
from orchestrator.esl.errors import SwitchError
from orchestrator.logs import get_logger
from orchestrator.media.audio import in_thread
from orchestrator.recordings.files import RecordingKind, is_sid
from orchestrator.recordings.model import ChangedStatus, RecordingState
from orchestrator.recordings.pauses import PauseBehavior
from orchestrator.recordings.records import OPEN_STATUSES, RecordingRecord, decode_recording, row_of_recording
from orchestrator.rejection import NotFound, ServiceError
from orchestrator.services.nodes import NodeParts, Nodes
from orchestrator.store.records import Query

log = get_logger(__name__)

CURRENT = "Twilio.CURRENT"
"""In place of a recording's sid: the newest that is being written."""
WRITTEN = ("in-progress", "paused")
NEWEST = 100


class RecordingService:
    """Every method may raise OutboxError."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._records = nodes.first.context.records

    def start_recording(
        self, account_sid: str, call_sid: str, state: RecordingState, *, beep: bool = False
    ) -> RecordingRecord:
        """Raises NotFound, ServiceError."""
        if self._nodes.call(account_sid, call_sid) is None:
            raise NotFound
        node = self._nodes.of_call(call_sid)
        call = node.calls.running(call_sid)
        if call is None or call.leg.gone:
            raise ServiceError(
                "90018", "Call has already ended", "The call has ended, or is not one that can be recorded."
            )
        node.call_recordings.start_recording(call.leg, recorded_call(call), state, beep=beep)
        return self.recording(account_sid, state.sid)

    def start_soon(self, call: Call, state: RecordingState) -> None:
        """Does not block; where it cannot be recorded, an absent recording is reported."""
        node = self._nodes.named(call.services.node.name)
        node.call_recordings.start_soon(call.leg, recorded_call(call), state)

    def find_recordings(self, query: Query) -> list[RecordingRecord]:
        return [decode_recording(record.value) for record in self._records.find(query)]

    def recording(self, account_sid: str, sid: str, *, deleted: bool = False) -> RecordingRecord:
        """`deleted`: also one of which only this is left. Raises NotFound."""
        record = self._records.one("recording", account_sid, sid)
        if record is None or (record.status == "deleted" and not deleted):
            raise NotFound
        return decode_recording(record.value)

    def is_recording(self, sid: str) -> bool:
        """Whether it is one that is neither completed nor absent."""
        return any(_is_recording(node, sid) for node in self._nodes)

    def recording_of(
        self, account_sid: str, sid: str, *, call_sid: str = "", conference_sid: str = ""
    ) -> RecordingRecord:
        """One of this call or of this conference; `sid` may be `CURRENT`. Raises NotFound."""
        if sid == CURRENT:
            return self._current(account_sid, call_sid, conference_sid)
        found = self.recording(account_sid, sid)
        if (conference_sid and found.conference_sid != conference_sid) or (
            call_sid and found.call_sid != call_sid
        ):
            raise NotFound
        return found

    def current_of_call(self, account_sid: str, call_sid: str) -> RecordingRecord | None:
        """The newest of this call that is being written, not of a conference."""
        query = Query("recording", account_sid, {"call_sid": call_sid, "conference_sid": ""}, limit=NEWEST)
        return next((found for found in self.find_recordings(query) if found.status in WRITTEN), None)

    def _current(self, account_sid: str, call_sid: str, conference_sid: str) -> RecordingRecord:
        equal = {"conference_sid": conference_sid} | ({"call_sid": call_sid} if call_sid else {})
        for found in self.find_recordings(Query("recording", account_sid, equal, limit=NEWEST)):
            if found.status in WRITTEN:
                return found
        raise NotFound

    def change_recording(
        self, recording: RecordingRecord, status: ChangedStatus, behavior: PauseBehavior
    ) -> RecordingRecord:
        """Pauses it, goes on with it or ends it; as it is now. Raises ServiceError."""
        if recording.conference_sid:
            self._change_of_conference(recording, status, behavior)
        else:
            node = self._nodes.of_call(recording.call_sid)
            node.call_recordings.change(recording.sid, status, behavior)
        log.info("recording changed through the API", recording=recording.sid, status=status)
        return self.recording(recording.account_sid, recording.sid)

    def _change_of_conference(
        self, record: RecordingRecord, status: ChangedStatus, behavior: PauseBehavior
    ) -> None:
        sid = record.sid
        recordings = self._nodes.of_room(record.conference_sid).context.conference_recorder
        recording = recordings.get(sid)
        if recording is None or (recording.status == "stopped" and status != "stopped"):
            raise ServiceError("90018", "Recording has ended", "Nothing of it can be changed.")
        if status != "stopped":
            if not recording.started_at:
                raise ServiceError("90018", "Recording has not begun", "FreeSWITCH has not begun it yet.")
            try:
                if status == "paused" and (recording.status, recording.paused_by) != (status, behavior):
                    recordings.pause(sid, behavior)
                elif status == "in-progress" and recording.status == "paused":
                    recordings.resume(sid)
            except (SwitchError, KeyError) as error:
                detail = f"FreeSWITCH did not do it: {error}"
                raise ServiceError("90018", "Recording cannot be changed", detail) from None
        self._nodes.rooms.dispatch(record.conference_sid, SetRecording(now(), status))

    def media_url(self, recording: RecordingRecord) -> str:
        """Where it can be heard; empty as long as it cannot, or where there is nothing to hear."""
        if recording.status != "completed" or not recording.duration:
            return ""
        return self._nodes.first.context.call_recorder.files.url(
            recording.sid, "mp3" if recording.kind == "mp3" else "wav"
        )

    def delete_recording(self, recording: RecordingRecord) -> None:
        """Raises ServiceError."""
        if recording.status in OPEN_STATUSES:
            raise ServiceError("90062", "Recording in progress", "It can be deleted once it is completed.")
        in_thread(self._unlink, recording.sid)
        self._records.put([row_of_recording(replace(recording, status="deleted", updated_at=now()))])
        log.info("recording deleted through the API", recording=recording.sid)

    def _unlink(self, sid: str) -> None:
        assert is_sid(sid)
        for node in self._nodes:
            for kind in get_args(RecordingKind):
                node.context.call_recorder.files.path(sid, kind).unlink(missing_ok=True)


def _is_recording(node: NodeParts, sid: str) -> bool:
    of_call = node.context.recordings.get(sid)
    return sid in node.context.conference_recorder or (of_call is not None and not of_call.state.ended)
