"""Every live room: feeds its state machine, commits what it decided, then has it done.

A room changes only in `_drain`, which never yields to another greenlet: one change at a time, and what one
change causes is in the store, callbacks and all, before a command or a callback of it leaves this process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

import msgspec
from msgspec.structs import replace

from orchestrator.callbacks.payloads import conference_fields
from orchestrator.clock import now
from orchestrator.conference.live.effect_executor import EffectExecutor
from orchestrator.conference.live.participant_leg import OUTCOME, ConferenceOutcome, ParticipantLeg
from orchestrator.conference.live.records import room_record, row_of_leave, row_of_room, status_of
from orchestrator.conference.live.transition_entries import UNRECORDED, add_rejection, add_transition
from orchestrator.conference.live.transition_log import log_transition
from orchestrator.conference.machine.effects import (
    Effect,
    EndCall,
    RejectParticipant,
    Release,
    SendCallback,
    StoreLeave,
)
from orchestrator.conference.machine.events import (
    Announced,
    Dial,
    HungUp,
    JoinRequest,
    Left,
    Remove,
    Ringing,
    RoomEvent,
)
from orchestrator.conference.machine.state import (
    Caller,
    ConferenceOptions,
    LeaveReason,
    Participant,
    ParticipantOptions,
    Phase,
    Rejection,
    Room,
)
from orchestrator.conference.machine.table import step
from orchestrator.counters import CallCounters
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.sids import call_sid_of, has_call_sid, new_sid
from orchestrator.store.message import Message
from orchestrator.store.write_behind import WriteBehindBuffer
from orchestrator.timeline.recorder import Timeline

ROOM, PARTICIPANT = "room", "participant"
ENDS = (Release, RejectParticipant, EndCall)


class Rooms(Part):
    """All rooms of one FreeSWITCH node; by account and name those that still admit participants.

    `dispatch` is called by the socket's reader, by calls and by the web server, each on its own greenlet. A
    step (`_drain`) must not yield: it is what makes a lock unnecessary.
    """

    def __init__(
        self,
        node: str,
        executor: EffectExecutor,
        write_buffer: WriteBehindBuffer,
        counters: CallCounters,
        timeline: Timeline,
    ) -> None:
        """`node`: the FreeSWITCH node's name."""
        self._node = node
        self._executor = executor
        self._write_buffer = write_buffer
        self._counters = counters
        self._timeline = timeline
        self._rooms: dict[str, Room] = {}
        self._by_name: dict[tuple[str, str], str] = {}
        self._room_by_call: dict[str, str] = {}
        """The room that each call is in, by CallSid."""
        self._inbox: deque[tuple[str, RoomEvent]] = deque()
        self._draining = False
        self._abandoned = False
        self._cut_off: list[tuple[str, str]] = []
        """Announcements that the last run of ours left: the room's sid and theirs."""
        self._encode = msgspec.json.Encoder().encode
        self.on_change: list[Callable[[Room], None]] = []
        """Each called with each room that is another than before; none may block."""
        self.on_removed: list[Callable[[str], None]] = []
        """Each called with the CallSid of each participant that its room has no longer; none may block."""
        self._changed: dict[str, Room] = {}

    def __len__(self) -> int:
        return len(self._rooms)

    def get(self, sid: str) -> Room | None:
        """A room that lives."""
        return self._rooms.get(sid)

    def participant_leg(self, call_sid: str) -> ParticipantLeg | None:
        return self._executor.participant_leg(call_sid)

    def named(self, account_sid: str, name: str) -> Room | None:
        """The room that who dials the name would get into."""
        return self._rooms.get(self._by_name.get((account_sid, name), ""))

    def __iter__(self) -> Iterator[Room]:
        return iter(list(self._rooms.values()))

    def start(self) -> None:
        """With what the last run of ours left; before anything else is done."""
        for sid, value in self._write_buffer.load(ROOM):
            self._rooms[sid] = msgspec.json.decode(value, type=Room)
        members: dict[str, dict[str, Participant]] = {}
        for key, value in self._write_buffer.load(PARTICIPANT):
            sid, _, call_sid = key.partition("/")
            if sid in self._rooms:
                members.setdefault(sid, {})[call_sid] = msgspec.json.decode(value, type=Participant)
                self._room_by_call[call_sid] = sid
        for sid, room in self._rooms.items():
            present = members.get(sid, {})
            # In the order in which they asked, which names of rows do not keep.
            ordered = sorted(present.values(), key=lambda one: one.asked_at)
            self._rooms[sid] = room = replace(room, participants={one.call_sid: one for one in ordered})
            if room.open:
                self._by_name[room.account_sid, room.name] = sid
            self._cut_off += [(sid, announcement) for announcement in room.announcing]

    def fail_announcements_of_the_last_run(self) -> None:
        """Their players are gone. Once all has been compared with FreeSWITCH."""
        cut_off, self._cut_off = self._cut_off, []
        for sid, announcement in cut_off:
            self.dispatch(sid, Announced(now(), announcement, "cut off by a restart"))

    def request_join(
        self,
        participant_leg: ParticipantLeg,
        caller: Caller,
        options: ParticipantOptions,
        account_sid: str,
        name: str,
        conference_options: ConferenceOptions,
        profile: str,
        dialled_into: str = "",
    ) -> None:
        """Ask for a place in the room of this name, opened if need be. The answer comes to the participant
        leg.

        A participant that the API dialled asks the room that it was `dialled_into`, and no other of that
        name.
        """
        if dialled_into and self._room_by_call.get(caller.call_sid) != dialled_into:
            participant_leg.finish(ConferenceOutcome(refused=Rejection.ENDED))
            return
        sid = self._room_by_call.get(caller.call_sid)
        if sid is None or self._rooms[sid].name != name:
            self.has_other_instructions(caller.call_sid)
            sid = self.open(account_sid, name)
        room = self._rooms[sid]
        if not any(not one.called for one in room.participants.values()) and not room.opened_at:
            self._rooms[sid] = replace(room, options=conference_options, profile=profile)
        participant_leg.room_sid = sid
        self._executor.add(participant_leg)
        self.dispatch(sid, JoinRequest(now(), caller, options))

    def open(self, account_sid: str, name: str) -> str:
        """The sid of the room that a caller with this name gets into."""
        sid = self._by_name.get((account_sid, name))
        if sid is None:
            sid = self._by_name[account_sid, name] = new_sid()
            self._rooms[sid] = Room(
                sid=sid,
                account_sid=account_sid,
                name=name,
                options=ConferenceOptions(),
                created_at=now(),
                node=self._node,
            )
        return sid

    # Participants that the API dials

    def dial(
        self, account_sid: str, name: str, caller: Caller, options: ParticipantOptions, early_media: bool
    ) -> Room:
        """Somebody is about to be dialled into the room of this name, which is opened if need be."""
        sid = self.open(account_sid, name)
        self.dispatch(sid, Dial(now(), caller, options, early_media))
        return self._rooms[sid]

    def phone_rings(self, call_sid: str, at: int, *, media: bool = False) -> None:
        """The phone of somebody dialled; `media`: it sends sound of its own, and its leg is parked."""
        sid = self._room_by_call.get(call_sid)
        if sid is not None:
            self.dispatch(sid, Ringing(at or now(), call_sid, media))

    def has_other_instructions(self, call_sid: str) -> None:
        """Somebody dialled does not come into the room that it was dialled for."""
        one = self.participant(call_sid)
        if one is not None and one.phase is Phase.DIALLED:
            event = Remove(now(), call_sid, LeaveReason.UPDATED_VIA_API)
            self.dispatch(self._room_by_call[call_sid], event)

    def participant(self, call_sid: str) -> Participant | None:
        """The participant of this call, joined or pending, in any room."""
        room = self._rooms.get(self._room_by_call.get(call_sid, ""))
        return room.participants[call_sid] if room is not None else None

    @property
    def participant_count(self) -> int:
        """Of all rooms, pending ones included."""
        return len(self._room_by_call)

    def room_of(self, call_sid: str) -> str:
        """The sid of the room that this call takes part in, or was dialled for; empty if none."""
        return self._room_by_call.get(call_sid, "")

    def is_joining(self, call_sid: str) -> bool:
        """Whether it has been ordered into a FreeSWITCH conference and has not been seen there yet."""
        one = self.participant(call_sid)
        return one is not None and one.phase is Phase.JOINING

    def remembers(self, call_sid: str) -> bool:
        """Whether a call of the last run had asked for a room here."""
        one = self.participant(call_sid)
        if one is not None:
            return not one.called
        return self._write_buffer.get(OUTCOME, call_sid) is not None

    def resume(self, participant_leg: ParticipantLeg) -> bool:
        """Restore the participant leg of a call that was in a room before a restart; False if it never asked
        for one."""
        sid, one = (
            self._room_by_call.get(participant_leg.call_sid),
            self.participant(participant_leg.call_sid),
        )
        if one is not None and one.called:
            return False
        if sid is not None:
            participant_leg.room_sid = sid
            self._executor.add(participant_leg)
            self.resend_orders(self._rooms[sid], participant_leg.call_sid)
            return True
        stored = self._write_buffer.get(OUTCOME, participant_leg.call_sid)
        if stored is not None:
            participant_leg.finish(msgspec.json.decode(stored, type=ConferenceOutcome))
        return stored is not None

    def resend_orders(self, room: Room, call_sid: str) -> None:
        """Orders about a participant that may have been lost are given again."""
        participant = room.participants.get(call_sid)
        if participant is not None:
            self._executor.resume(room, participant, self.dispatch)

    def dispatch(self, sid: str, *events: RoomEvent) -> None:
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
        """Stop steering; conferences live on in FreeSWITCH. Timers that still fire change no room."""
        self._abandoned = True
        self._executor.stop()

    def leg_gone(self, uuid: str, at: int = 0, *, more_to_come: bool = False) -> None:
        """A participant has left with its call. `at`: microseconds, 0 if nobody saw when; `more_to_come`:
        FreeSWITCH has the member still, and will say so when it goes."""
        sid = self._room_by_call.get(call_sid_of(uuid)) if has_call_sid(uuid) else None
        if sid is not None:
            ended = HungUp if more_to_come else partial(Left, gone=True)
            self.dispatch(sid, ended(at or now(), call_sid_of(uuid)))

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
            self._write_buffer.commit()
            self._perform(effects, out)

    def _perform(self, effects: list[tuple[Room, Effect]], out: list[tuple[Room, str]]) -> None:
        """The decisions are committed: now carry them out. Commands that leave this process wait for the
        store (OutputGate)."""
        changed, self._changed = self._changed, {}
        for room in changed.values():
            for listener in self.on_change:
                listener(room)
        for room, effect in effects:
            self._executor.execute(room, effect, self.dispatch)
        for room, call_sid in out:
            self._executor.participant_left(room, call_sid)

    def _step(self, room: Room, event: RoomEvent, out: list[tuple[Room, str]]) -> list[tuple[Room, Effect]]:
        after, effects, changed = step(room, event)
        log_transition(room, event, after, changed)
        if (changed or after.phase is not room.phase) and type(event) not in UNRECORDED:
            add_transition(self._timeline, room, event, after, changed)
        if after is not room:
            self._store(room, after)
            for call_sid in changed:
                key = f"{room.sid}/{call_sid}"
                participant = after.participants.get(call_sid)
                self._counters.on_participant(room.participants.get(call_sid), participant)
                if participant is None:
                    self._write_buffer.delete(PARTICIPANT, key)
                    if self._room_by_call.get(call_sid) == room.sid:
                        del self._room_by_call[call_sid]
                    for removed in self.on_removed:
                        removed(call_sid)
                    out.append((after, call_sid))
                else:
                    self._room_by_call[call_sid] = room.sid
                    self._write_buffer.put(PARTICIPANT, key, self._encode(participant))
        todo: list[tuple[Room, Effect]] = []
        for effect in effects:
            if isinstance(effect, SendCallback):
                self._write_buffer.add_message(self._message(after, effect))
                continue
            if isinstance(effect, StoreLeave):
                self._write_buffer.record(row_of_leave(after, effect))
                continue
            todo.append((after, effect))
            if isinstance(effect, ENDS) and effect.call_sid not in after.participants:
                # Its call goes on with that, after a restart too.
                self._write_buffer.put(OUTCOME, effect.call_sid, self._encode(conference_outcome_of(effect)))
            if isinstance(effect, RejectParticipant):
                self._counters.refusals[effect.reason] += 1
                add_rejection(self._timeline, after, effect)
        return todo

    def _store(self, room: Room, after: Room) -> None:
        self._counters.on_room(room, after)
        self._changed[room.sid] = after
        another = after.phase is not room.phase and status_of(after) != status_of(room)
        new = not (room.opened_at or room.dialled_at)
        if (after.opened_at or after.dialled_at) and (another or new):
            self._write_buffer.record(row_of_room(room_record(after)))
        if room.open and not after.open:
            self._by_name.pop((room.account_sid, room.name), None)
        if after.ended_at:
            del self._rooms[room.sid]
            self._write_buffer.delete(ROOM, room.sid)
        else:
            self._rooms[room.sid] = after
            self._write_buffer.put(ROOM, room.sid, self._encode(replace(after, participants={})))

    def _message(self, room: Room, callback: SendCallback) -> Message:
        return Message(
            queue=room.sid,
            url=room.options.status_callback,
            method=room.options.status_callback_method,
            fields=conference_fields(room, callback, room.options.style),
            account_sid=room.account_sid,
            event=callback.event,
            sequence=callback.sequence,
            created_at=callback.at,
            signatures=room.options.style.signatures,
            user_agent=room.options.style.user_agent,
        )


def conference_outcome_of(effect: Release | RejectParticipant | EndCall) -> ConferenceOutcome:
    match effect:
        case Release(_, reason):
            return ConferenceOutcome(left=reason)
        case RejectParticipant(_, why):
            return ConferenceOutcome(refused=why)
    return ConferenceOutcome()
