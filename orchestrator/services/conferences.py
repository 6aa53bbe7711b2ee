"""Commands of the REST API for conferences and their participants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from orchestrator.calls.originate import DialPurpose, OriginateRequest
from orchestrator.clock import now
from orchestrator.conference.live.records import (
    LeaveRecord,
    RoomRecord,
    decode_leave,
    decode_room,
    room_record,
    row_of_room,
)
from orchestrator.conference.machine.events import BeginRecording, End, Hold, Modify, Mute, Remove, RoomEvent
from orchestrator.conference.machine.state import (
    LeaveReason,
    Participant,
    ParticipantOptions,
    Phase,
    Room,
    RoomPhase,
)
from orchestrator.config.applications import Application
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.generated import conference_document
from orchestrator.lifecycle import Part
from orchestrator.logs import get_logger
from orchestrator.recordings.files import is_sid
from orchestrator.rejection import NotFound, ServiceError
from orchestrator.services.applications import application_of
from orchestrator.services.nodes import Nodes
from orchestrator.store.records import Query
from orchestrator.texml.limits import MAX_ROOM_NAME
from orchestrator.timeline.actor import on_behalf
from orchestrator.types import Method
from orchestrator.verbs.announcements import Announcement, OnAnnounced

log = get_logger(__name__)


class ParticipantUpdate(NamedTuple):
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
    wait_method: Method = "POST"
    announcement: Announcement | None = None


class ParticipantToDial(NamedTuple):
    """Somebody to be dialled into a conference."""

    options: ParticipantOptions
    attributes: Mapping[str, str]
    """The noun's, by name."""
    application: str = ""
    """Its ConnectionId; empty: the conference's, or the account's only one."""
    time_limit: int = 14400
    early_media: bool = False


class ConferenceService(Part):
    """Every method may raise OutboxError."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._rooms = nodes.rooms
        self._records = nodes.first.context.records

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

    def conference_sid(self, account_sid: str, sid_or_name: str) -> str:
        """Of the conference of this name that lives; anything else is as it was."""
        live = None if is_sid(sid_or_name) else self._rooms.named(account_sid, sid_or_name.strip())
        return sid_or_name if live is None else live.sid

    def end_room(self, account_sid: str, sid: str) -> None:
        """Everybody in it is hung up. An ended one stays as it is."""
        self.room(account_sid, sid)
        live = self._rooms.get(sid)
        for one in live.participants.values() if live is not None else ():
            self._decided(one, "its conference was ended")
        self._rooms.dispatch(sid, End(now()))

    def announce(self, account_sid: str, sid: str, announcement: Announcement) -> str:
        """To all of its participants; the announcement's sid. Raises NotFound, ServiceError."""
        self.room(account_sid, sid)
        room = self._live(sid)
        if all(one.called for one in room.participants.values()):
            raise ServiceError(
                "90033", "No active participants", "Nobody is in the conference.", "/AnnounceUrl"
            )
        return self._start(room, None, announcement)

    def announce_to(self, sid: str, one: Participant, announcement: Announcement) -> str:
        """To `one` as `participant` has just found it; the announcement's sid. Raises ServiceError."""
        _check_answered(one)
        return self._start(self._live(sid), one, announcement)

    def _start(self, room: Room, one: Participant | None, announcement: Announcement) -> str:
        return self._nodes.named(room.node).announcement_player.start(room, one, announcement)

    def on_announced(self, listener: OnAnnounced) -> None:
        """Have `listener` called when an announcement has ended; it must not block."""
        for node in self._nodes:
            node.announcement_player.on_end.append(listener)

    def mute_all(self, account_sid: str, sid: str, on: bool) -> int:
        """Mute, or unmute, all in it; how many were not so. Raises NotFound, ServiceError."""
        self.room(account_sid, sid)
        others = [
            one.call_sid
            for one in _present(self._live(sid)).values()
            if one.phase is not Phase.DIALLED and one.options.muted is not on
        ]
        self._rooms.dispatch(sid, *(Mute(now(), call_sid, on) for call_sid in others))
        return len(others)

    def begin_recording(self, account_sid: str, sid: str) -> bool:
        """Record it from now on; False where it is recorded already. Raises NotFound, ServiceError."""
        self.room(account_sid, sid)
        room = self._live(sid)
        if room.recording:
            return False
        if room.phase is not RoomPhase.STARTED:
            raise ServiceError(
                "90019", "Conference has not started", "It can be recorded once it has started."
            )
        self._rooms.dispatch(sid, BeginRecording(now()))
        return True

    def _live(self, sid: str) -> Room:
        room = self._rooms.get(sid)
        if room is None or not room.open:
            raise ServiceError("90019", "Conference has ended", "The conference has ended.")
        return room

    # Participants

    def participants(self, account_sid: str, sid: str) -> list[Participant]:
        """None once the conference has ended."""
        self.room(account_sid, sid)
        live = self._rooms.get(sid)
        return list(_present(live).values()) if live is not None else []

    def present(self, account_sid: str) -> list[tuple[str, Participant]]:
        """ConferenceSid and participant of all conferences that live."""
        rooms = [room for room in self._rooms if room.account_sid == account_sid]
        return [(room.sid, one) for room in rooms for one in _present(room).values()]

    def find_leaves(self, query: Query) -> list[LeaveRecord]:
        """Participants that have left."""
        return [decode_leave(record.value) for record in self._records.find(query)]

    def participant(self, account_sid: str, sid: str, *names: str) -> Participant:
        """By CallSid, else by label; the first of `names` that is one. Raises NotFound."""
        present = self.participants(account_sid, sid)
        for name in names:
            by_sid = (one for one in present if one.call_sid == name)
            found = next(by_sid, None) or next((one for one in present if one.options.label == name), None)
            if found is not None:
                return found
        raise NotFound

    def update_participant(self, sid: str, one: Participant, changes: ParticipantUpdate) -> Participant:
        """`one` as `participant` has just found it; returned as it is after the changes. Raises NotFound,
        ServiceError."""
        _check_answered(one)
        coach = changes.coach
        if coach and (coach == one.call_sid or not _may_be_coached(self._live(sid), coach)):
            detail = "The call to coach is not in this conference."
            raise ServiceError("13240", "Invalid coach", detail, "/CallSidToCoach")
        self._rooms.dispatch(sid, *_events(one, changes))
        if changes.announcement is not None:
            self._start(self._live(sid), one, changes.announcement)
        updated = self._rooms.participant(one.call_sid)
        if updated is None:
            raise NotFound
        return updated

    def drop(self, sid: str, one: Participant) -> None:
        """Out of the conference, and its call ends."""
        self._decided(one, "taken out of its conference")
        self._rooms.dispatch(sid, Remove(now(), one.call_sid, LeaveReason.UPDATED_VIA_API, hang_up=True))

    def _decided(self, one: Participant, what: str) -> None:
        entries = self._nodes.of_call(one.call_sid).context.call_entries
        entries.decided(one.caller.leg, f"{what} {on_behalf()}")

    def conference_of(self, call_sid: str) -> str:
        """ConferenceSid of the conference that a call takes part in, or waits for; empty: of none."""
        return self._rooms.room_of(call_sid) if self._rooms.participant(call_sid) is not None else ""

    def dial_participant(
        self,
        account_sid: str,
        conference: str,
        participant: ParticipantToDial,
        order: Callable[[Application, Fetched], OriginateRequest],
    ) -> tuple[Participant, str]:
        """Dial somebody into a conference, by its sid or its name; the participant, and the sid."""
        name = self._dialled_to(account_sid, conference)
        live = self._rooms.named(account_sid, name)
        if live is not None:
            _check(live, participant.options)
        elif participant.options.coach:
            raise ServiceError("13240", "Invalid coach", "Nobody is in the conference.", "/CallSidToCoach")
        first = live.first.connection_id if live is not None and live.first is not None else ""
        node = self._nodes.for_room(account_sid, name)
        settings = node.context.settings
        application = application_of(settings, account_sid, participant.application or first)
        try:
            document = conference_document(name, participant.attributes, participant.time_limit)
        except ValueError as error:
            raise ServiceError("10015", "Bad Request", f"Cannot stand in a document: {error}") from None
        place = DialPurpose(account_sid, name, participant.options, participant.early_media)
        caller = node.outbound.dial(order(application, document), place)
        one = self._rooms.participant(caller.call_sid)
        if one is None:
            raise NotFound
        return one, self._rooms.room_of(caller.call_sid)

    def _dialled_to(self, account_sid: str, conference: str) -> str:
        """The name of the conference whose sid or name this is. Raises ServiceError, NotFound."""
        if is_sid(conference):
            room = self.room(account_sid, conference)
            live = self._rooms.get(room.sid)
            if live is None or not live.open:
                raise ServiceError("90019", "Conference has ended", "The conference has ended.")
            return live.name
        name = conference.strip()
        if not name or len(name) > MAX_ROOM_NAME:
            raise NotFound
        return name

    def start(self) -> None:
        """After a restart, once the rooms are back: a conference without a room has ended."""
        over = [
            replace(
                room, status="completed", ended_at=now(), updated_at=now(), end_reason="last-participant-left"
            )
            for node in self._nodes
            for room in (decode_room(record.value) for record in node.context.store.alive("conference"))
            if self._rooms.get(room.sid) is None
        ]
        if over:
            self._records.put([row_of_room(room) for room in over])


def _events(one: Participant, changes: ParticipantUpdate) -> list[RoomEvent]:
    """One for each kind of change that is asked for."""
    events: list[RoomEvent] = []
    if changes.muted is not None:
        events.append(Mute(now(), one.call_sid, changes.muted))
    if (hold := _hold(one, changes)) is not None:
        events.append(hold)
    options = changes.end_on_exit, changes.beep_on_exit, changes.coach, changes.wait_url
    if any(option is not None for option in options):
        events.append(Modify(now(), one.call_sid, *options, changes.wait_method))
    return events


def _hold(one: Participant, changes: ParticipantUpdate) -> Hold | None:
    """Other music alone is for somebody who is on hold already."""
    on = one.held if changes.hold is None else changes.hold
    if changes.hold is None and (changes.hold_url is None or not one.held):
        return None
    if on and changes.hold_url is None and one.held:
        return None
    return Hold(now(), one.call_sid, on, changes.hold_url or "", changes.hold_method)


def _check(room: Room, options: ParticipantOptions) -> None:
    """The checks before any phone rings. Raises ServiceError."""
    if sum(not one.called for one in room.participants.values()) >= room.options.max_participants:
        raise ServiceError(
            "90032", "Conference is full", "The conference has as many participants as it may have."
        )
    if options.label and any(one.options.label == options.label for one in room.participants.values()):
        raise ServiceError(
            "16025", "Duplicate participant label", "Another participant has this label.", "/Label"
        )
    if options.coach and not _may_be_coached(room, options.coach):
        detail = "The call to coach is not in this conference."
        raise ServiceError("13240", "Invalid coach", detail, "/CallSidToCoach")


def _check_answered(one: Participant) -> None:
    """Raises ServiceError."""
    if one.phase is Phase.DIALLED:
        raise ServiceError("90034", "Call not answered", "It can be changed once it has answered.")


def _present(room: Room) -> dict[str, Participant]:
    if not room.open:
        return {}
    return {sid: one for sid, one in room.participants.items() if one.phase is not Phase.LEAVING}


def _may_be_coached(room: Room, call_sid: str) -> bool:
    one = _present(room).get(call_sid)
    return one is not None and not one.called
