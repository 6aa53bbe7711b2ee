"""What the REST API asks of calls and rooms: each question with the account that asks.

What is another account's is not there (`NotFound`); what cannot be done is `Refused`, in Telnyx's words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, get_args

import gevent
from msgspec.structs import replace

from orchestrator.callbacks.records import Query
from orchestrator.calls.announcing import Announcement, Announcer
from orchestrator.calls.call import Call
from orchestrator.calls.call_recordings import CallRecordings
from orchestrator.calls.callbook import CallRecord
from orchestrator.calls.clock import now
from orchestrator.calls.fetch import Fetched
from orchestrator.calls.invitation import invitation
from orchestrator.calls.outbound import Order, Outbound
from orchestrator.calls.refusal import NotFound, Refused
from orchestrator.calls.room_records import (
    RecordingRecord,
    RoomRecord,
    decode_recording,
    decode_room,
    room_record,
    row_of_recording,
    row_of_room,
)
from orchestrator.calls.services import Services
from orchestrator.calls.steps import Goto
from orchestrator.conference.events import End, Event, Hold, Modify, Mute, Remove
from orchestrator.conference.model import LeaveReason, Method, Participant, Phase, Room, Wish
from orchestrator.config.applications import Application
from orchestrator.freeswitch import commands
from orchestrator.logs import get_logger
from orchestrator.media.audio import in_thread
from orchestrator.media.recording_files import RecordingKind, is_sid
from orchestrator.texml import Dial
from orchestrator.texml.limits import MAX_ROOM_NAME

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


class Guest(NamedTuple):
    """Somebody to be dialled into a conference."""

    wish: Wish
    attributes: Mapping[str, str]
    """The noun's, by name."""
    application: str = ""
    """Its ConnectionId; empty: the conference's, or the account's only one."""
    time_limit: int = 14400


class Control:
    """Every method may raise OutboxError."""

    def __init__(self, services: Services, start: Callable[[Call], None]) -> None:
        """`start` takes a call that was dialled and answered into the house."""
        self._services = services
        self._rooms = services.rooms
        self._records = services.records
        self._book = services.book
        self._announcer = Announcer(services)
        self._outbound = Outbound(services, start)
        self._outbound.on_gone = self._nobody_came
        self._tapes = CallRecordings(services)

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
        for call_sid in self._outbound.into(sid):
            self._outbound.hang_up(call_sid)
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
        present = _present(live) if live is not None else {}
        return list((self._outbound.into(sid) | present).values())

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
        if one.call_sid in self._outbound.into(sid):
            raise Refused("90034", "Call not answered", "It can be changed once it has answered.")
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
        if self._outbound.hang_up(one.call_sid):
            return
        self._rooms.feed(sid, Remove(now(), one.call_sid, LeaveReason.UPDATED_VIA_API, hang_up=True))

    def invite(
        self, account_sid: str, conference: str, guest: Guest, order: Callable[[Application, Fetched], Order]
    ) -> tuple[Participant, str]:
        """Dial somebody into a conference, by its sid or its name; the participant, and the sid."""
        room = self._invited_to(account_sid, conference)
        live = self._rooms.get(room.sid)
        if live is not None:
            _check(live, guest.wish)
        elif guest.wish.coach:
            raise Refused("13240", "Invalid coach", "Nobody is in the conference.", "/CallSidToCoach")
        first = live.first.connection_id if live is not None and live.first is not None else ""
        application = self.application(account_sid, guest.application or first)
        document = invitation(room.name, guest.attributes, guest.time_limit)
        asked = order(application, document)
        by_sid = conference == room.sid
        then = asked.on_answer
        asked = asked._replace(on_answer=lambda call: self._answered(call, room, by_sid, then))
        caller = self._outbound.dial(asked, guest.wish, room.sid)
        if live is None:
            self._records.put([row_of_room(room)])
        return self.participant(account_sid, room.sid, caller.call_sid), room.sid

    def _invited_to(self, account_sid: str, conference: str) -> RoomRecord:
        if is_sid(conference):
            room = self.room(account_sid, conference)
            if room.ended_at:
                raise Refused("90019", "Conference has ended", "The conference is over.")
            return room
        name = conference.strip()
        if not name or len(name) > MAX_ROOM_NAME:
            raise NotFound
        live = self._rooms.named(account_sid, name)
        if live is not None:
            return room_record(live)
        sid = self._rooms.reserve(account_sid, name)
        known = self._records.one("conference", account_sid, sid)
        at = now()
        return decode_room(known.value) if known else RoomRecord(sid, account_sid, name, at, at)

    def _answered(self, call: Call, room: RoomRecord, by_sid: bool, then: Callable[[Call], None]) -> None:
        live = self._rooms.named(room.account_sid, room.name)
        if by_sid and room.status != "init" and (live is None or live.sid != room.sid):
            log.info("the conference is over, hung up", call=call.sid, room=room.sid)
            call.leg.hangup()
        else:
            then(call)

    def _nobody_came(self, sid: str) -> None:
        """A conference that was only reserved is over with the last who was called into it."""
        if self._outbound.into(sid) or self._rooms.get(sid) is not None:
            return
        self._rooms.give_up(sid)
        self._close_reserved(sid)

    def _close_reserved(self, sid: str = "") -> None:
        """One, or after a restart every one that no room came of."""
        over = [
            replace(
                room, status="completed", ended_at=now(), updated_at=now(), end_reason="last-participant-left"
            )
            for room in (decode_room(record.value) for record in self._records.alive("conference"))
            if sid in ("", room.sid) and self._rooms.get(room.sid) is None
        ]
        if over:
            self._records.put([row_of_room(room) for room in over])

    def tidy(self) -> None:
        """After a restart, once the rooms are back: what was being dialled then is forgotten."""
        self._close_reserved()

    def application(self, account_sid: str, connection_id: str) -> Application:
        """Of this account: the one asked for, or its only one. Raises Refused."""
        own = [one for one in self._services.settings.applications.values() if one.account == account_sid]
        found = [one for one in own if connection_id in (one.connection_id, one.name)]
        if found or (not connection_id and len(own) == 1):
            return (found or own)[0]
        detail = (
            f"There is no application {connection_id}." if connection_id else "Can't be blank: ApplicationSid"
        )
        raise Refused("10004", "Missing required parameter", detail, "/ApplicationSid")

    # Calls

    def create_call(self, order: Order) -> CallRecord:
        caller = self._outbound.dial(order)
        return self.call(order.application.account, caller.call_sid)

    def start_recording(
        self, account_sid: str, call_sid: str, terms: Dial, *, beep: bool = False
    ) -> RecordingRecord:
        self.call(account_sid, call_sid)
        call = self._services.calls.get(call_sid)
        if call is None or call.leg.gone:
            raise Refused(
                "90018", "Call has already ended", "The call is over, or not one that can be recorded."
            )
        sid = self._tapes.start(call, terms, "StartCallRecordingAPI", beep=beep)
        return self.recording(account_sid, sid)

    def record_from_answer(self, call: Call, terms: Dial) -> None:
        """For a call that was dialled to be recorded; it goes on all the same where it cannot be."""
        gevent.spawn(self._record, call, terms)

    def _record(self, call: Call, terms: Dial) -> None:
        try:
            self._tapes.start(call, terms, "OutboundAPI")
        except Refused as refusal:
            log.error("not recorded", call=call.sid, problem=str(refusal))

    def change_recording(self, account_sid: str, call_sid: str, sid: str, status: str) -> RecordingRecord:
        self.recording(account_sid, sid)
        self._tapes.change(call_sid, sid, status)
        return self.recording(account_sid, sid)

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


def _check(room: Room, wish: Wish) -> None:
    """What can be known before anybody is rung. Raises Refused."""
    if len(room.participants) >= room.terms.max_participants:
        raise Refused(
            "90032", "Conference is full", "The conference has as many participants as it may have."
        )
    if wish.label and any(one.wish.label == wish.label for one in room.participants.values()):
        raise Refused("16025", "Duplicate participant label", "Another participant has this label.", "/Label")
    if wish.coach and wish.coach not in _present(room):
        detail = "The call to coach is not in this conference."
        raise Refused("13240", "Invalid coach", detail, "/CallSidToCoach")


def _present(room: Room) -> dict[str, Participant]:
    if not room.open:
        return {}
    return {sid: one for sid, one in room.participants.items() if one.phase is not Phase.LEAVING}
