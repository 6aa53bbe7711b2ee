"""Every live room: feeds its state machine, writes what it decided to disk, then has it done.

A room changes only in `_drain`, which never yields to another greenlet: one change at a time, and what one
change causes is on disk, callbacks and all, before a command or a callback of it leaves this process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

import msgspec
from msgspec.structs import replace

from orchestrator.callbacks.payloads import conference_fields
from orchestrator.clock import now
from orchestrator.conference.live.effect_executor import Performer
from orchestrator.conference.live.participant_leg import OUTCOME, Outcome, Seat
from orchestrator.conference.live.records import room_record, row_of_room, status_of
from orchestrator.conference.live.talk_debounce import Debounce
from orchestrator.conference.live.transition_log import log_transition
from orchestrator.conference.machine.effects import Effect, HangUp, Refuse, Release, Tell
from orchestrator.conference.machine.events import (
    Added,
    Announced,
    Ask,
    Dial,
    Event,
    Floor,
    Left,
    Lost,
    Mute,
    Remove,
    Ringing,
)
from orchestrator.conference.machine.state import (
    Caller,
    LeaveReason,
    Participant,
    Phase,
    Refusal,
    Room,
    RoomTerms,
    Wish,
)
from orchestrator.conference.machine.table import step
from orchestrator.config.keys import MUTES
from orchestrator.counters import CallTally
from orchestrator.esl.events import Event as SwitchEvent
from orchestrator.esl.legs import FOUND, Legs
from orchestrator.fsconfig.conference_profiles import KEY
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.recordings.conference_recorder import RECORDING_ACTIONS
from orchestrator.sids import call_sid_of, has_call_sid, new_sid
from orchestrator.store.message import Message
from orchestrator.store.write_behind import Journal

ROOM, PARTICIPANT = "room", "participant"
ENDS = (Release, Refuse, HangUp)
# FreeSWITCH says it after 40 quiet frames of 20 ms (hangover in conference_loop.c).
STOP_TALKING_MICROSECONDS = 800_000


class Rooms(Part):
    """All rooms of one FreeSWITCH node; by account and name those that still let people in."""

    def __init__(
        self,
        node: str,
        performer: Performer,
        legs: Legs,
        journal: Journal,
        debounce: tuple[float, float],
        tally: CallTally,
    ) -> None:
        """`node`: the FreeSWITCH node's name."""
        self._node = node
        self._performer = performer
        self._legs = legs
        self._journal = journal
        self._tally = tally
        start, stop = debounce
        self._speech = Debounce(start, max(0.0, stop - STOP_TALKING_MICROSECONDS / 1e6), self.feed)
        self._rooms: dict[str, Room] = {}
        self._by_name: dict[tuple[str, str], str] = {}
        self._where: dict[str, str] = {}
        """The room that each call is in, by CallSid."""
        self._instances: dict[str, str] = {}
        """Conference-Unique-ID of the FreeSWITCH conference that each room is in."""
        self._inbox: deque[tuple[str, Event]] = deque()
        self._draining = False
        self._abandoned = False
        self._cut_off: list[tuple[str, str]] = []
        """Announcements that the last run of ours left: the room's sid and theirs."""
        self._encode = msgspec.json.Encoder().encode
        self.on_change: list[Callable[[Room], None]] = []
        """Each called with each room that is another than before; none may block."""
        self._changed: dict[str, Room] = {}

    def __len__(self) -> int:
        return len(self._rooms)

    def get(self, sid: str) -> Room | None:
        """A room that lives."""
        return self._rooms.get(sid)

    def seat(self, call_sid: str) -> Seat | None:
        return self._performer.seat(call_sid)

    def named(self, account_sid: str, name: str) -> Room | None:
        """The room that who dials the name would get into."""
        return self._rooms.get(self._by_name.get((account_sid, name), ""))

    def __iter__(self) -> Iterator[Room]:
        return iter(list(self._rooms.values()))

    def start(self) -> None:
        """With what the last run of ours left; before anything else is done."""
        for sid, value in self._journal.load(ROOM):
            self._rooms[sid] = msgspec.json.decode(value, type=Room)
        members: dict[str, dict[str, Participant]] = {}
        for key, value in self._journal.load(PARTICIPANT):
            sid, _, call_sid = key.partition("/")
            if sid in self._rooms:
                members.setdefault(sid, {})[call_sid] = msgspec.json.decode(value, type=Participant)
                self._where[call_sid] = sid
        for sid, room in self._rooms.items():
            present = members.get(sid, {})
            # In the order in which they asked, which names of rows do not keep.
            ordered = sorted(present.values(), key=lambda one: one.asked_at)
            self._rooms[sid] = room = replace(room, participants={one.call_sid: one for one in ordered})
            if room.open:
                self._by_name[room.account_sid, room.name] = sid
            self._cut_off += [(sid, announcement) for announcement in room.announcing]

    def fail_announcements_of_the_last_run(self) -> None:
        """Whoever played them is gone. Once all has been compared with FreeSWITCH."""
        cut_off, self._cut_off = self._cut_off, []
        for sid, announcement in cut_off:
            self.feed(sid, Announced(now(), announcement, "cut off by a restart"))

    def ask(
        self,
        seat: Seat,
        caller: Caller,
        wish: Wish,
        account_sid: str,
        name: str,
        terms: RoomTerms,
        profile: str,
        dialled_into: str = "",
    ) -> None:
        """Ask for a place in the room of this name, opened if need be. The answer comes to the seat.

        Somebody whom the API dialled asks the room that it was `dialled_into`, and no other of that name.
        """
        if dialled_into and self._where.get(caller.call_sid) != dialled_into:
            seat.finish(Outcome(refused=Refusal.ENDED))
            return
        sid = self._where.get(caller.call_sid)
        if sid is None or self._rooms[sid].name != name:
            self.has_other_instructions(caller.call_sid)
            sid = self.open(account_sid, name)
        room = self._rooms[sid]
        if not any(not one.called for one in room.participants.values()) and not room.opened_at:
            self._rooms[sid] = replace(room, terms=terms, profile=profile)
        seat.room_sid = sid
        self._performer.take(seat)
        self.feed(sid, Ask(now(), caller, wish))

    def open(self, account_sid: str, name: str) -> str:
        """The sid of the room that whoever asks for this name gets into."""
        sid = self._by_name.get((account_sid, name))
        if sid is None:
            sid = self._by_name[account_sid, name] = new_sid()
            self._rooms[sid] = Room(
                sid=sid,
                account_sid=account_sid,
                name=name,
                terms=RoomTerms(),
                created_at=now(),
                node=self._node,
            )
        return sid

    # Those whom the API dials

    def dial(self, account_sid: str, name: str, caller: Caller, wish: Wish, early_media: bool) -> Room:
        """Somebody is about to be dialled into the room of this name, which is opened if need be."""
        sid = self.open(account_sid, name)
        self.feed(sid, Dial(now(), caller, wish, early_media))
        return self._rooms[sid]

    def rings(self, call_sid: str, at: int, *, media: bool = False) -> None:
        """The phone of somebody dialled; `media`: it sends sound of its own, and its leg is parked."""
        sid = self._where.get(call_sid)
        if sid is not None:
            self.feed(sid, Ringing(at or now(), call_sid, media))

    def has_other_instructions(self, call_sid: str) -> None:
        """Somebody dialled does not come into the room that it was dialled for."""
        one = self.participant(call_sid)
        if one is not None and one.phase is Phase.DIALLED:
            event = Remove(now(), call_sid, LeaveReason.UPDATED_VIA_API)
            self.feed(self._where[call_sid], event)

    def participant(self, call_sid: str) -> Participant | None:
        """As whom this call takes part, or is to, in whichever room."""
        room = self._rooms.get(self._where.get(call_sid, ""))
        return room.participants[call_sid] if room is not None else None

    def room_of(self, call_sid: str) -> str:
        """The sid of the room that this call takes part in, or was dialled for; empty if none."""
        return self._where.get(call_sid, "")

    def is_about_to_enter(self, call_sid: str) -> bool:
        """Whether it has been ordered into a FreeSWITCH conference and has not been seen there yet."""
        one = self.participant(call_sid)
        return one is not None and one.phase is Phase.JOINING

    def take_up(self, seat: Seat) -> bool:
        """The seat of a call that sat in a room before a restart; False if it never asked for one."""
        sid, one = self._where.get(seat.call_sid), self.participant(seat.call_sid)
        if one is not None and one.called:
            return False
        if sid is not None:
            seat.room_sid = sid
            self._performer.take(seat)
            self.carry_on(self._rooms[sid], seat.call_sid)
            return True
        kept = self._journal.get(OUTCOME, seat.call_sid)
        if kept is not None:
            seat.finish(msgspec.json.decode(kept, type=Outcome))
        return kept is not None

    def carry_on(self, room: Room, call_sid: str) -> None:
        """Orders about a participant that may have been lost are given again."""
        participant = room.participants.get(call_sid)
        if participant is not None:
            self._performer.take_up(room, participant, self.feed)

    def note_instance(self, sid: str, instance: str) -> None:
        """Of the FreeSWITCH conference that the room is in."""
        self._instances[sid] = instance

    def feed(self, sid: str, *events: Event) -> None:
        for event in events:
            self._inbox.append((sid, event))
        if not self._draining:
            self._draining = True
            try:
                self._drain()
            finally:
                self._draining = False

    @property
    def profiles_in_use(self) -> set[str]:
        """Of the rooms that live, as FreeSWITCH names them."""
        return {room.profile for room in self._rooms.values()}

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Stop steering; conferences live on in FreeSWITCH. What timers still say changes no room."""
        self._abandoned = True
        self._performer.stop()

    # From FreeSWITCH

    def on_conference_event(self, event: SwitchEvent) -> None:
        """conference::maintenance. What concerns no room of ours is let pass."""
        sid = event.conference
        if event.action in RECORDING_ACTIONS:
            # A recording may outlast its room.
            self._performer.on_recording_event(event)
        if sid not in self._rooms:
            if event.action == "add-member" and self._legs.get(event.uuid) is not None:
                # The order to join was given up, its room has ended, and then FreeSWITCH carried it out.
                self._performer.kick_stranger(sid, event.member_id)
            return
        if event.uuid and not has_call_sid(event.uuid):
            if event.action == "add-member":
                self._performer.kick_stranger(sid, event.member_id)
            return
        at = event.timestamp or now()
        match event.action:
            case "add-member":
                self._instances[sid] = _instance(event)
                call_sid = call_sid_of(event.uuid)
                seat = self._performer.seat(call_sid)
                if seat is not None and seat.room_sid == sid:
                    seat.settled()
                self.feed(sid, Added(at, call_sid, event.member_id))
                if sid in self._rooms:
                    self._performer.entered(self._rooms[sid], call_sid, event.member_id)
            case "del-member":
                self.feed(sid, Left(at, call_sid_of(event.uuid)))
            case "start-talking":
                self._speech.heard(sid, call_sid_of(event.uuid), True, at)
            case "stop-talking":
                self._speech.heard(sid, call_sid_of(event.uuid), False, at - STOP_TALKING_MICROSECONDS)
            case "dtmf":
                self._on_key(sid, call_sid_of(event.uuid), event.header("Data"), at)
            case "floor-change" if event.uuid:
                self.feed(sid, Floor(at, call_sid_of(event.uuid)))
            case "conference-destroy" if _instance(event) == self._instances.get(sid):
                # Else an earlier one of that name: its last member left while the next was on its way in.
                self.feed(sid, Lost(at))

    def _on_key(self, sid: str, call_sid: str, data: str, at: int) -> None:
        """A participant muted itself: `caller_controls` of the room's profile."""
        participant = self._rooms[sid].participants.get(call_sid)
        if participant is not None and data.removeprefix(KEY) in MUTES:
            on = {"mute on": True, "mute off": False}.get(data.removeprefix(KEY), not participant.wish.muted)
            self.feed(sid, Mute(at, call_sid, on))

    def on_join_returned(self, event: SwitchEvent) -> None:
        """CHANNEL_EXECUTE_COMPLETE: `conference` is through, with a kick or without having let the leg in."""
        if event.application != "conference" or not has_call_sid(event.uuid):
            return
        call_sid = call_sid_of(event.uuid)
        seat, one = self._performer.seat(call_sid), self.participant(call_sid)
        if seat is None and one is not None and one.called:
            self.feed(self._where[call_sid], Left(event.timestamp or now(), call_sid))
        if seat and seat.joining and seat.joining.uuid in (event.application_uuid, FOUND):
            self.feed(seat.room_sid, Left(event.timestamp or now(), seat.call_sid))

    def on_leg_hangup(self, event: SwitchEvent) -> None:
        """CHANNEL_HANGUP of whichever leg."""
        self.on_hangup(event.uuid, event.timestamp)

    def on_hangup(self, uuid: str, at: int = 0) -> None:
        """The leg is gone; `at` in microseconds, 0 if nobody saw when."""
        if not has_call_sid(uuid):
            return
        call_sid = call_sid_of(uuid)
        sid = self._where.get(call_sid)
        if sid is not None:
            self.feed(sid, Left(at or now(), call_sid, gone=True))

    # One change after the other

    def _drain(self) -> None:
        while self._inbox and not self._abandoned:
            effects: list[tuple[Room, Effect]] = []
            out: list[tuple[Room, str]] = []
            while self._inbox:
                sid, event = self._inbox.popleft()
                room = self._rooms.get(sid)
                if room is not None:
                    effects.extend(self._step(room, event, out))
            self._journal.commit()
            self._journal.when_committed(partial(self._perform, effects, out))

    def _perform(self, effects: list[tuple[Room, Effect]], out: list[tuple[Room, str]]) -> None:
        """What was decided is in the store: now it is done."""
        changed, self._changed = self._changed, {}
        for room in changed.values():
            for listener in self.on_change:
                listener(room)
        for room, effect in effects:
            self._performer.perform(room, effect, self.feed)
        for room, call_sid in out:
            self._performer.dismiss(room, call_sid)

    def _step(self, room: Room, event: Event, out: list[tuple[Room, str]]) -> list[tuple[Room, Effect]]:
        after, effects, changed = step(room, event)
        log_transition(room, event, after, changed)
        if after is not room:
            self._keep(room, after)
            for call_sid in changed:
                key = f"{room.sid}/{call_sid}"
                participant = after.participants.get(call_sid)
                self._tally.on_participant(room.participants.get(call_sid), participant)
                if participant is None:
                    self._journal.delete(PARTICIPANT, key)
                    if self._where.get(call_sid) == room.sid:
                        del self._where[call_sid]
                    self._speech.forget(call_sid)
                    out.append((after, call_sid))
                else:
                    self._where[call_sid] = room.sid
                    self._journal.put(PARTICIPANT, key, self._encode(participant))
        todo: list[tuple[Room, Effect]] = []
        for effect in effects:
            if isinstance(effect, Tell):
                self._journal.tell(self._message(after, effect))
                continue
            todo.append((after, effect))
            if isinstance(effect, ENDS) and effect.call_sid not in after.participants:
                # Its call goes on with that, after a restart too.
                self._journal.put(OUTCOME, effect.call_sid, self._encode(outcome_of(effect)))
            if isinstance(effect, Refuse):
                self._tally.refusals[effect.why] += 1
        return todo

    def _keep(self, room: Room, after: Room) -> None:
        self._tally.on_room(room, after)
        self._changed[room.sid] = after
        another = after.phase is not room.phase and status_of(after) != status_of(room)
        new = not (room.opened_at or room.dialled_at)
        if (after.opened_at or after.dialled_at) and (another or new):
            self._journal.record(row_of_room(room_record(after)))
        if room.open and not after.open:
            self._by_name.pop((room.account_sid, room.name), None)
        if after.ended_at:
            del self._rooms[room.sid]
            self._instances.pop(room.sid, None)
            self._journal.delete(ROOM, room.sid)
        else:
            self._rooms[room.sid] = after
            self._journal.put(ROOM, room.sid, self._encode(replace(after, participants={})))

    def _message(self, room: Room, tell: Tell) -> Message:
        return Message(
            queue=room.sid,
            url=room.terms.status_callback,
            method=room.terms.status_callback_method,
            fields=conference_fields(room, tell, room.terms.style),
            account_sid=room.account_sid,
            event=tell.event,
            sequence=tell.sequence,
            created_at=tell.at,
            signatures=room.terms.style.signatures,
            user_agent=room.terms.style.user_agent,
        )


def outcome_of(effect: Release | Refuse | HangUp) -> Outcome:
    match effect:
        case Release(_, reason):
            return Outcome(left=reason)
        case Refuse(_, why):
            return Outcome(refused=why)
    return Outcome()


def _instance(event: SwitchEvent) -> str:
    return event.header("Conference-Unique-ID")
