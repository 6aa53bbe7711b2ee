"""What the REST API asks of calls and recordings."""

from __future__ import annotations

from typing import NamedTuple, get_args

from msgspec.structs import replace

from orchestrator.callbacks.records import Query
from orchestrator.calls.call import Call
from orchestrator.calls.callbook import CallRecord
from orchestrator.calls.clock import now
from orchestrator.calls.desk import Desk
from orchestrator.calls.fetch import Fetched
from orchestrator.calls.outbound import Order
from orchestrator.calls.refusal import NotFound, Refused
from orchestrator.calls.room_records import (
    OPEN_STATUSES,
    RecordingRecord,
    decode_recording,
    row_of_recording,
)
from orchestrator.calls.steps import Goto
from orchestrator.calls.tape import PauseBehavior, Tape
from orchestrator.conference.events import Remove
from orchestrator.conference.model import LeaveReason
from orchestrator.freeswitch import commands
from orchestrator.logs import get_logger
from orchestrator.media.audio import in_thread
from orchestrator.media.recording_files import RecordingKind, is_sid
from orchestrator.numbering.uri import is_address, party

log = get_logger(__name__)

PLAYABLE = ("completed",)


class CallChanges(NamedTuple):
    """To one call; None is as before."""

    hang_up: bool = False
    to: Goto | Fetched | None = None
    fallback: Goto | None = None
    report: Goto | None = None
    """Where its status callbacks go."""
    events: tuple[str, ...] = ("completed",)
    time_limit: int | None = None
    """Seconds from its answer."""


class CallControl(Desk):
    # Calls

    def create_call(self, order: Order) -> CallRecord:
        caller = self._outbound.dial(order)
        return self.call(order.application.account, caller.call_sid)

    def start_recording(
        self, account_sid: str, call_sid: str, tape: Tape, *, beep: bool = False
    ) -> RecordingRecord:
        self.call(account_sid, call_sid)
        call = self._services.calls.get(call_sid)
        if call is None or call.leg.gone:
            raise Refused(
                "90018", "Call has already ended", "The call is over, or not one that can be recorded."
            )
        self.call_recordings.start(call, tape, beep=beep)
        return self.recording(account_sid, tape.sid)

    def record_from_answer(self, call: Call, tape: Tape) -> None:
        """For a call that was dialled to be recorded; it goes on all the same where it cannot be."""
        self.call_recordings.start_soon(call, tape)

    def change_recording(
        self, account_sid: str, call_sid: str, sid: str, status: str, behavior: PauseBehavior
    ) -> RecordingRecord:
        """Raises NotFound, Refused."""
        found = self.recording(account_sid, sid)
        if found.call_sid != call_sid or found.conference_sid:
            raise NotFound
        self.call_recordings.change(sid, status, behavior)
        return self.recording(account_sid, sid)

    def update_call(self, account_sid: str, sid: str, changes: CallChanges) -> CallRecord:
        record = self.call(account_sid, sid)
        if record.ended_at:
            raise Refused("90018", "Call has already ended", "The call is over.")
        if changes.hang_up:
            self._hang_up(record)
            return self.call(account_sid, sid)
        call = self._services.calls.get(sid)
        asked = (changes.to, changes.report, changes.fallback, changes.time_limit)
        if call is None and any(change is not None for change in asked):
            detail = "The call is connected by another call's Dial: hang it up, or update that one."
            raise Refused("90034", "Call cannot be updated", detail)
        if call is not None:
            if changes.report is not None:
                call.keep(report=changes.report, report_events=changes.events)
                call.report()
            if changes.fallback is not None:
                call.keep(fallback=changes.fallback)
            if changes.time_limit is not None:
                call.limit(changes.time_limit, record.answered_at)
            if changes.to is not None:
                log.info("redirected through the API", call=sid)
                call.instruct(changes.to)
        return self.call(account_sid, sid)

    def _hang_up(self, record: CallRecord) -> None:
        room_sid = self._rooms.room_of(record.sid)
        if room_sid:
            self._rooms.feed(room_sid, Remove(now(), record.sid, LeaveReason.UPDATED_VIA_API, hang_up=True))
        elif not self._outbound.hang_up(record.sid):
            self._services.connection.post(commands.kill(record.leg))

    def normal_number(self, text: str) -> str:
        """A number that calls are looked for by, as it stands in their records."""
        if is_address(text) and not text.lower().startswith("tel:"):
            return text
        return party(text, self._services.settings.default_region)

    def find_calls(self, query: Query) -> list[CallRecord]:
        self._book.flush()
        return self._book.read(self._records.find(query))

    def delete_call(self, account_sid: str, sid: str) -> None:
        """What is known of it; its recordings stay. Raises NotFound, Refused."""
        if not self.call(account_sid, sid).ended_at:
            raise Refused("90034", "Call cannot be deleted", "It can be deleted once it is over.")
        self._book.flush()
        self._records.delete("call", sid)
        log.info("call deleted through the API", call=sid)

    def call(self, account_sid: str, sid: str) -> CallRecord:
        found = self._book.get(account_sid, sid)
        if found is None:
            raise NotFound
        return found

    # Recordings

    def find_recordings(self, query: Query) -> list[RecordingRecord]:
        return [decode_recording(record.value) for record in self._records.find(query)]

    def recording(self, account_sid: str, sid: str, *, deleted: bool = False) -> RecordingRecord:
        """`deleted`: also one of which only this is left."""
        record = self._records.one("recording", account_sid, sid)
        if record is None or (record.status == "deleted" and not deleted):
            raise NotFound
        return decode_recording(record.value)

    def media_url(self, recording: RecordingRecord) -> str:
        """Where it can be heard; empty as long as it cannot, or where there is nothing to hear."""
        if recording.status not in PLAYABLE or not recording.duration:
            return ""
        return self._services.recording_url(recording.sid, "mp3" if recording.kind == "mp3" else "wav")

    def delete_recording(self, account_sid: str, sid: str) -> None:
        recording = self.recording(account_sid, sid)
        if recording.status in OPEN_STATUSES:
            raise Refused("90062", "Recording in progress", "It can be deleted once it is completed.")
        in_thread(self._unlink, sid)
        self._records.put([row_of_recording(replace(recording, status="deleted", updated_at=now()))])
        log.info("recording deleted through the API", recording=sid)

    def _unlink(self, sid: str) -> None:
        assert is_sid(sid)
        for kind in get_args(RecordingKind):
            self._services.recording_path(sid, kind).unlink(missing_ok=True)
