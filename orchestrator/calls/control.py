"""What the REST API asks of calls and rooms: each question with the account that asks.

What is another account's is not there (`NotFound`); what cannot be done is `Refused`, in Telnyx's words.
"""

from __future__ import annotations

from typing import NamedTuple, get_args

from msgspec.structs import replace

from orchestrator.callbacks.records import Query
from orchestrator.calls.announcing import Announcement, Announcer
from orchestrator.calls.callbook import CallRecord
from orchestrator.calls.clock import now
from orchestrator.calls.fetch import Fetched
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
from orchestrator.calls.steps import Goto
from orchestrator.conference.events import End, Event, Hold, Modify, Mute, Remove
from orchestrator.conference.model import LeaveReason, Method, Participant, Phase, Room
from orchestrator.freeswitch import commands
from orchestrator.logs import get_logger
from orchestrator.media.audio import in_thread
from orchestrator.media.recording_files import RecordingKind, is_sid

log = get_logger(__name__)

PLAYABLE = ("completed", "stopped")


class Changes(NamedTuple):
    """To one participant; None is as before."""

    muted: bool | None = None
    hold: bool | None = None
    hold_url: str | None = None
    hold_method: Method = "GET"
    end_on_exit: bool | None = None
    beep_on_exit: bool | None = None
    coach: str | None = None
    """Empty: nobody any more."""
    wait_url: str | None = None
    announcement: Announcement | None = None


class CallChanges(NamedTuple):
    """To one call; None is as before."""

    hang_up: bool = False
    to: Goto | Fetched | None = None
    fallback: Goto | None = None
    report: Goto | None = None
    """Where its status callbacks go."""
    events: tuple[str, ...] = ("completed",)


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

    def update_participant(self, account_sid: str, sid: str, who: str, changes: Changes) -> Participant:
        one = self.participant(account_sid, sid, who)
        self._live(sid)
        call_sid, coach = one.call_sid, changes.coach
        if coach and (coach == call_sid or coach not in _present(self._live(sid))):
            detail = "The call to coach is not in this conference."
            raise Refused("13240", "Invalid coach", detail, "/CallSidToCoach")
        events: list[Event] = []
        if changes.muted is not None:
            events.append(Mute(now(), call_sid, changes.muted))
        if (hold := _hold(one, changes)) is not None:
            events.append(hold)
        events.append(
            Modify(
                now(),
                call_sid,
                changes.end_on_exit,
                changes.beep_on_exit,
                coach,
                changes.wait_url,
            )
        )
        for event in events:
            self._rooms.feed(sid, event)
        if changes.announcement is not None:
            self.announce(account_sid, sid, call_sid, changes.announcement)
        return self.participant(account_sid, sid, call_sid)

    def drop(self, account_sid: str, sid: str, who: str) -> None:
        """Out of the conference, and its call ends."""
        one = self.participant(account_sid, sid, who)
        self._rooms.feed(sid, Remove(now(), one.call_sid, LeaveReason.UPDATED_VIA_API, hang_up=True))

    # Calls

    def update_call(self, account_sid: str, sid: str, changes: CallChanges) -> CallRecord:
        record = self.call(account_sid, sid)
        if record.ended_at:
            raise Refused("90018", "Call has already ended", "The call is over.")
        if changes.hang_up:
            self._hang_up(record)
            return self.call(account_sid, sid)
        call = self._services.calls.get(sid)
        if call is None and (changes.to is not None or changes.report is not None):
            detail = "The call is connected by another call's Dial: hang it up, or update that one."
            raise Refused("90034", "Call cannot be updated", detail)
        if call is not None:
            if changes.report is not None:
                call.keep(report=changes.report, report_events=changes.events)
                call.report()
            if changes.fallback is not None:
                call.keep(fallback=changes.fallback)
            if changes.to is not None:
                log.info("redirected through the API", call=sid)
                call.redirect(changes.to)
        return self.call(account_sid, sid)

    def _hang_up(self, record: CallRecord) -> None:
        seat = self._rooms.seat(record.sid)
        if seat is not None:
            event = Remove(now(), record.sid, LeaveReason.UPDATED_VIA_API, hang_up=True)
            self._rooms.feed(seat.room_sid, event)
        else:
            self._services.connection.post(commands.kill(record.leg))

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


def _hold(one: Participant, changes: Changes) -> Hold | None:
    """Other music alone is for somebody who is on hold already."""
    on = one.held if changes.hold is None else changes.hold
    if changes.hold is None and (changes.hold_url is None or not one.held):
        return None
    if on and changes.hold_url is None and one.held:
        return None
    return Hold(now(), one.call_sid, on, changes.hold_url or "", changes.hold_method)


def _present(room: Room) -> dict[str, Participant]:
    if not room.open:
        return {}
    return {sid: one for sid, one in room.participants.items() if one.phase is not Phase.LEAVING}
