"""What the REST API asks of calls and rooms: each question with the account that asks.

What is another account's is not there (`NotFound`); what cannot be done is `Refused`, in Telnyx's words.
"""

from __future__ import annotations

from typing import get_args

from msgspec.structs import replace

from orchestrator.callbacks.records import Query
from orchestrator.calls.announcing import Announcement, Announcer
from orchestrator.calls.callbook import CallRecord
from orchestrator.calls.clock import now
from orchestrator.calls.refusal import NotFound, Refused
from orchestrator.calls.room_records import (
    RecordingRecord,
    RoomRecord,
    decode_recording,
    decode_room,
    room_record,
    row_of_recording,
)
from orchestrator.calls.services import Services
from orchestrator.conference.events import End
from orchestrator.conference.model import Participant, Phase, Room
from orchestrator.logs import get_logger
from orchestrator.media.audio import in_thread
from orchestrator.media.recording_files import RecordingKind, is_sid

log = get_logger(__name__)

PLAYABLE = ("completed", "stopped")


class Control:
    """Every method may raise OutboxError."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._rooms = services.rooms
        self._records = services.records
        self._book = services.book
        self._announcer = Announcer(services)

    # Conferences

    def find_rooms(self, query: Query) -> list[RoomRecord]:
        return [decode_room(record.value) for record in self._records.find(query)]

    def room(self, account_sid: str, sid: str) -> RoomRecord:
        live = self._rooms.get(sid)
        if live is not None:
            if live.account_sid != account_sid:
                raise NotFound
            return room_record(live)
        record = self._records.one("conference", account_sid, sid)
        if record is None:
            raise NotFound
        return decode_room(record.value)

    def end_room(self, account_sid: str, sid: str) -> None:
        """Everybody in it is hung up (1.8). One that is over stays as it is."""
        self.room(account_sid, sid)
        self._rooms.feed(sid, End(now()))

    def announce(self, account_sid: str, sid: str, who: str | None, announcement: Announcement) -> None:
        """To one participant, or to all."""
        self.room(account_sid, sid)
        one = self.participant(account_sid, sid, who) if who is not None else None
        room = self._live(sid)
        if not room.participants:
            raise Refused("90033", "No active participants", "Nobody is in the conference.", "/AnnounceUrl")
        self._announcer.start(room, one, announcement)

    def _live(self, sid: str) -> Room:
        room = self._rooms.get(sid)
        if room is None or not room.open:
            raise Refused("90019", "Conference has ended", "The conference is over.")
        return room

    # Participants

    def participants(self, account_sid: str, sid: str) -> list[Participant]:
        """Nobody once the conference is over (6.3)."""
        self.room(account_sid, sid)
        live = self._rooms.get(sid)
        return list(_present(live).values()) if live is not None else []

    def participant(self, account_sid: str, sid: str, who: str) -> Participant:
        """By CallSid, else by label."""
        present = self.participants(account_sid, sid)
        by_sid = (one for one in present if one.call_sid == who)
        found = next(by_sid, None) or next((one for one in present if one.wish.label == who), None)
        if found is None:
            raise NotFound
        return found

    # Calls

    def find_calls(self, query: Query) -> list[CallRecord]:
        self._book.flush()
        return self._book.read(self._records.find(query))

    def call(self, account_sid: str, sid: str) -> CallRecord:
        found = self._book.get(account_sid, sid)
        if found is None:
            raise NotFound
        return found

    # Recordings

    def find_recordings(self, query: Query) -> list[RecordingRecord]:
        return [decode_recording(record.value) for record in self._records.find(query)]

    def recording(self, account_sid: str, sid: str) -> RecordingRecord:
        record = self._records.one("recording", account_sid, sid)
        if record is None or record.status == "deleted":
            raise NotFound
        return decode_recording(record.value)

    def media_url(self, recording: RecordingRecord) -> str:
        """Where it can be heard; empty as long as it cannot, or where there is nothing to hear."""
        if recording.status not in PLAYABLE or not recording.duration:
            return ""
        return self._services.recording_url(recording.sid, "mp3" if recording.kind == "mp3" else "wav")

    def delete_recording(self, account_sid: str, sid: str) -> None:
        recording = self.recording(account_sid, sid)
        if recording.status in ("in-progress", "paused"):
            raise Refused("90062", "Recording in progress", "It can be deleted once it is completed.")
        in_thread(self._unlink, sid)
        self._records.put([row_of_recording(replace(recording, status="deleted", updated_at=now()))])
        log.info("recording deleted through the API", recording=sid)

    def _unlink(self, sid: str) -> None:
        assert is_sid(sid)
        for kind in get_args(RecordingKind):
            self._services.recording_path(sid, kind).unlink(missing_ok=True)


def _present(room: Room) -> dict[str, Participant]:
    if not room.open:
        return {}
    return {sid: one for sid, one in room.participants.items() if one.phase is not Phase.LEAVING}
