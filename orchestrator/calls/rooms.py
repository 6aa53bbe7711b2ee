"""Every live room: feeds its state machine, writes what it decided to disk, then has it done.

A room changes only in `_drain`, which never yields to another greenlet: one change at a time, and what one
change causes is on disk, callbacks and all, before anything of it is done or sent.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import gevent
import msgspec

from orchestrator.callbacks.outbox import Message, Outbox, OutboxError
from orchestrator.callbacks.payloads import PayloadSettings, conference_fields
from orchestrator.calls.seat import JOIN_SECONDS, LEAVE_SECONDS, Outcome, Seat
from orchestrator.calls.sids import call_sid_of, new_sid
from orchestrator.conference.effects import (
    Close,
    Effect,
    HangUp,
    Join,
    Kick,
    Refuse,
    Release,
    StartWaiting,
    Tell,
)
from orchestrator.conference.events import Added, Ask, Event, Left, Lost, Talking
from orchestrator.conference.model import Caller, Room, RoomTerms, Wish
from orchestrator.conference.room import step
from orchestrator.freeswitch import commands
from orchestrator.freeswitch.connection import Connection
from orchestrator.freeswitch.errors import SwitchError
from orchestrator.freeswitch.events import Event as SwitchEvent
from orchestrator.freeswitch.legs import Legs
from orchestrator.freeswitch.link import Reply
from orchestrator.logs import get_logger

log = get_logger(__name__)

ROOM, PARTICIPANT = "room", "participant"
# add-member is sent a moment before FreeSWITCH can address the member (freeswitch sheet, Conferences).
KICK_AGAIN_SECONDS = 0.05


class Rooms:
    """All rooms of one FreeSWITCH node; by account and name those that still let people in."""

    def __init__(
        self,
        connection: Connection,
        legs: Legs,
        outbox: Outbox,
        payload: PayloadSettings,
        on_messages: Callable[[list[Message]], None],
    ) -> None:
        self._connection = connection
        self._legs = legs
        self._outbox = outbox
        self._payload = payload
        self._on_messages = on_messages
        self._rooms: dict[str, Room] = {}
        self._by_name: dict[tuple[str, str], str] = {}
        self._seats: dict[str, Seat] = {}
        self._inbox: deque[tuple[str, Event]] = deque()
        self._draining = False
        self._messages: list[Message] = []
        self._put: dict[tuple[str, str], bytes] = {}
        self._delete: set[tuple[str, str]] = set()
        self._encode = msgspec.json.Encoder().encode

    def __len__(self) -> int:
        return len(self._rooms)

    def ask(
        self,
        seat: Seat,
        caller: Caller,
        wish: Wish,
        account_sid: str,
        name: str,
        terms: RoomTerms,
        profile: str,
    ) -> None:
        """Ask for a place in the room of this name, opened if need be. The answer comes to the seat."""
        sid = self._by_name.get((account_sid, name))
        if sid is None:
            sid = new_sid()
            self._rooms[sid] = Room(
                sid=sid, account_sid=account_sid, name=name, terms=terms, profile=profile, created_at=now()
            )
            self._by_name[account_sid, name] = sid
        seat.room_sid = sid
        self._seats.setdefault(caller.call_sid, seat)
        self.feed(sid, Ask(now(), caller, wish))

    def feed(self, sid: str, event: Event) -> None:
        self._inbox.append((sid, event))
        if not self._draining:
            self._draining = True
            try:
                self._drain()
            finally:
                self._draining = False

    def abandon(self) -> None:
        """Stop steering; conferences live on in FreeSWITCH."""
        for seat in self._seats.values():
            seat.abandon()

    # --- from FreeSWITCH -----------------------------------------------------------------------------

    def on_conference_event(self, event: SwitchEvent) -> None:
        """conference::maintenance. What concerns no room of ours is let pass."""
        sid = event.conference
        if sid not in self._rooms:
            if event.action == "add-member" and event.member_id:
                self._expel_stranger(event)
            return
        at = event.timestamp or now()
        match event.action:
            case "add-member":
                self._with_seat(call_sid_of(event.uuid), Seat.settled)
                self.feed(sid, Added(at, call_sid_of(event.uuid), event.member_id))
            case "del-member":
                self.feed(sid, Left(at, call_sid_of(event.uuid)))
            case "start-talking" | "stop-talking":
                self.feed(sid, Talking(at, call_sid_of(event.uuid), event.action == "start-talking"))
            case "conference-destroy":
                self.feed(sid, Lost(at))

    def on_join_returned(self, event: SwitchEvent) -> None:
        """The `conference` application is through: with a kick, or without having let the leg in."""
        seat = self._seats.get(call_sid_of(event.uuid))
        if seat and seat.joining and seat.joining.uuid == event.application_uuid:
            self.feed(seat.room_sid, Left(event.timestamp or now(), seat.call_sid))

    def on_hangup(self, event: SwitchEvent) -> None:
        seat = self._seats.get(call_sid_of(event.uuid))
        if seat:
            self.feed(seat.room_sid, Left(event.timestamp or now(), seat.call_sid, gone=True))

    def on_leg_lost(self, uuid: str) -> None:
        """Gone while nobody listened."""
        seat = self._seats.get(call_sid_of(uuid))
        if seat:
            self.feed(seat.room_sid, Left(now(), seat.call_sid, gone=True))

    def on_switch_restarted(self) -> None:
        """Another FreeSWITCH answers: what the old one had is gone."""
        for sid in list(self._rooms):
            self.feed(sid, Lost(now(), gone=True))

    def _expel_stranger(self, event: SwitchEvent) -> None:
        """The order to join was given up, its room has ended, and then FreeSWITCH carried it out."""
        if self._legs.get(event.uuid) is not None:
            self._kick(event.conference, event.member_id)

    # --- one change after the other ------------------------------------------------------------------

    def _drain(self) -> None:
        while self._inbox:
            effects: list[tuple[Room, Effect]] = []
            out: list[str] = []
            while self._inbox:
                sid, event = self._inbox.popleft()
                room = self._rooms.get(sid)
                if room is not None:
                    effects.extend(self._step(room, event, out))
            self._write()
            for room, effect in effects:
                self._carry_out(room, effect)
            for call_sid in out:
                self._finish(call_sid, Outcome())

    def _step(self, room: Room, event: Event, out: list[str]) -> list[tuple[Room, Effect]]:
        after, effects, changed = step(room, event)
        if after is room:
            return [(after, effect) for effect in effects]
        self._rooms[room.sid] = after
        if room.open and not after.open:
            self._by_name.pop((room.account_sid, room.name), None)
        self._put[ROOM, room.sid] = self._encode(msgspec.structs.replace(after, participants={}))
        for call_sid in changed:
            key = PARTICIPANT, f"{room.sid}/{call_sid}"
            participant = after.participants.get(call_sid)
            if participant is None:
                self._put.pop(key, None)
                self._delete.add(key)
                out.append(call_sid)
            else:
                self._delete.discard(key)
                self._put[key] = self._encode(participant)
        for effect in effects:
            if isinstance(effect, Tell):
                self._messages.append(self._message(after, effect))
        return [(after, effect) for effect in effects]

    def _message(self, room: Room, tell: Tell) -> Message:
        return Message(
            queue=room.sid,
            url=room.terms.status_callback,
            method=room.terms.status_callback_method,
            fields=conference_fields(room, tell, self._payload),
            account_sid=room.account_sid,
            event=tell.event,
            sequence=tell.sequence,
            created_at=tell.at,
        )

    def _write(self) -> None:
        """A disk that fails loses nothing as long as this process lives: the next change writes it all."""
        if not (self._messages or self._put or self._delete):
            return
        messages = self._messages
        try:
            self._outbox.commit(
                messages,
                [(kind, key, value) for (kind, key), value in self._put.items()],
                list(self._delete),
            )
        except OutboxError:
            log.exception("rooms could not be written: they go on in memory")
            return
        self._messages, self._put, self._delete = [], {}, set()
        if messages:
            self._on_messages(messages)

    # --- effects -------------------------------------------------------------------------------------

    def _carry_out(self, room: Room, effect: Effect) -> None:
        match effect:
            case Tell():
                pass
            case StartWaiting(participant):
                self._with_seat(participant.call_sid, Seat.start_waiting)
            case Join(participant):
                self._with_seat(participant.call_sid, lambda seat: seat.join(room, participant, self))
            case Kick(call_sid, member_id):
                self._kick(room.sid, member_id)
                self._with_seat(call_sid, lambda seat: seat.limit(LEAVE_SECONDS, self.leave_overdue))
            case HangUp(call_sid):
                self._with_seat(call_sid, lambda seat: seat.leg.hangup())
            case Refuse(call_sid, why):
                log.info("refused", why=why.value, room=room.sid, call=call_sid)
                self._finish(call_sid, Outcome(refused=why))
            case Release(call_sid, reason):
                self._finish(call_sid, Outcome(left=reason))
            case Close():
                self._close(room)

    def _with_seat(self, call_sid: str, act: Callable[[Seat], None]) -> None:
        seat = self._seats.get(call_sid)
        if seat is not None:
            act(seat)

    def _finish(self, call_sid: str, outcome: Outcome) -> None:
        seat = self._seats.pop(call_sid, None)
        if seat is not None:
            seat.finish(outcome)

    def _close(self, room: Room) -> None:
        self._rooms.pop(room.sid, None)
        self._by_name.pop((room.account_sid, room.name), None)
        self._delete.add((ROOM, room.sid))
        self._put.pop((ROOM, room.sid), None)

    def _kick(self, sid: str, member_id: str, again: bool = True) -> None:
        def on_reply(reply: Reply | SwitchError) -> None:
            if again and not isinstance(reply, SwitchError) and not reply.body.startswith("+OK"):
                gevent.spawn_later(KICK_AGAIN_SECONDS, self._kick, sid, member_id, False)

        self._connection.post(commands.conference(sid, "kick", member_id), on_reply)

    # --- time limits ---------------------------------------------------------------------------------

    def join_overdue(self, seat: Seat) -> None:
        log.error("not in after", seconds=JOIN_SECONDS, room=seat.room_sid, call=seat.call_sid)
        self.feed(seat.room_sid, Left(now(), seat.call_sid))

    def leave_overdue(self, seat: Seat) -> None:
        """Whom FreeSWITCH does not let go of is hung up."""
        log.error("not out after", seconds=LEAVE_SECONDS, room=seat.room_sid, call=seat.call_sid)
        seat.leg.hangup()
        self.feed(seat.room_sid, Left(now(), seat.call_sid, gone=True))


def now() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000
