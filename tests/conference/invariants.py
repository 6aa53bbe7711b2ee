"""Invariants of a room, checked after each event."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from orchestrator.conference.machine.effects import (
    Admit,
    Close,
    Effect,
    EndCall,
    Join,
    JoinEarly,
    Kick,
    RejectParticipant,
    Release,
    Ringback,
    SendCallback,
    StartWaiting,
    StoreLeave,
)
from orchestrator.conference.machine.events import (
    Added,
    Announce,
    Announced,
    ConferenceLost,
    Dial,
    End,
    Hold,
    HungUp,
    JoinRequest,
    JoinReturned,
    Left,
    Modify,
    Mute,
    Remove,
    RoomEvent,
)
from orchestrator.conference.machine.joining import MAX_ORDERS
from orchestrator.conference.machine.state import (
    ConferenceOptions,
    EndReason,
    LeaveReason,
    Participant,
    Phase,
    Rejection,
    Room,
    RoomPhase,
)
from orchestrator.conference.machine.table import StepResult, step
from orchestrator.conference.machine.transition import SUBSCRIPTION
from tests.conference.sound_invariants import SoundInvariants

EVERY_CALLBACK = frozenset(SUBSCRIPTION.values())
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Room).decode


class RoomInvariants:
    """Keeps a room and a book on it: who asked, who was reported as joined, what was reported of the room.

    The room is subscribed to everything, so that nothing escapes the book. Beside it goes one that is
    subscribed to `choosy` alone: it must do the same and report the same, less what nobody wants to hear.
    """

    def __init__(self, conference_options: ConferenceOptions, choosy: frozenset[str] = frozenset()) -> None:
        self.room = _room(replace(conference_options, status_callback_event=EVERY_CALLBACK))
        self.choosy = _room(replace(conference_options, status_callback_event=choosy))
        self.places: dict[str, bool] = {}
        """The participants that have a place, and whether each was reported as joined."""
        self.ever_joined: set[str] = set()
        self.speaking: set[str] = set()
        self.on_hold: set[str] = set()
        self.muted: set[str] = set()
        self.floor = ""
        self.announcing: dict[str, Announce] = {}
        """Without a report of their end yet, by sid."""
        self.rings_back = False
        self.sounds = SoundInvariants()
        self.sequence = 0
        self.asked = self.started = self.ended = self.closed = False

    def dispatch(self, event: RoomEvent) -> list[Effect]:
        before, written = self.room, _encode(self.room)
        outcome = step(before, event)
        after, effects, changed = outcome
        assert _encode(before) == written, "a room was changed in place"
        read = _decode(written)
        assert read == before, "what was written is not what is read"
        assert step(read, event) == outcome, "a room that was read goes on differently"
        calls = before.participants.keys() | after.participants.keys()
        assert changed == {
            call for call in calls if before.participants.get(call) != after.participants.get(call)
        }
        self._choosy_room_agrees(event, outcome)
        self._write_up(event, before, outcome)
        self.sounds.write_up(event, before, outcome)
        self._announcements_end(event, before, outcome)
        self._orders_fit_the_phases(before, outcome)
        self._ringing_is_heard(before, outcome)
        self._the_event_was_heeded(event, before, outcome)
        self._the_room_is_sound(after)
        self.room = after
        return effects

    def _choosy_room_agrees(self, event: RoomEvent, outcome: StepResult) -> None:
        wanted = self.choosy.options.status_callback_event
        expected: list[Effect] = []
        number, reported_at = self.choosy.next_sequence, self.choosy.last_callback_at
        for effect in outcome.effects:
            if isinstance(effect, SendCallback):
                if SUBSCRIPTION[effect.event] not in wanted:
                    continue
                reported_at = max(reported_at, event.at)
                effect = replace(effect, sequence=number, at=reported_at)
                number += 1
            expected.append(effect)
        after, effects, changed = step(self.choosy, event)
        assert (effects, changed) == (expected, outcome.changed)
        assert (after.next_sequence, after.last_callback_at) == (number, reported_at)
        full = outcome.room
        full_terms = replace(
            after,
            options=full.options,
            next_sequence=full.next_sequence,
            last_callback_at=full.last_callback_at,
        )
        assert full_terms == full
        self.choosy = after

    def _write_up(self, event: RoomEvent, before: Room, outcome: StepResult) -> None:
        after, effects, _ = outcome
        refused_now = ""
        if isinstance(event, Dial):
            self.asked = self.asked or before.open
            assert effects == [], "dialling alone is neither heard nor reported"
        if isinstance(event, JoinRequest):
            self.asked = True
            called = before.participants.get(event.caller.call_sid)
            if called is not None and isinstance(effects[0], Kick):
                assert called.member_id, "kicked out of where it was not"
                effects = effects[1:]
            if isinstance(effects[0], RejectParticipant):
                refused_now = event.caller.call_sid
                assert effects[0].call_sid == refused_now
                there = called is not None and called.phase is not Phase.DIALLED
                assert (effects[0].reason is Rejection.JOINED_TWICE) is (before.open and there)
                assert (effects[0].reason is Rejection.ENDED) is (not before.open)
            else:
                assert event.caller.call_sid not in self.places
                self.places[event.caller.call_sid] = False
        answers: dict[str, list[Effect]] = {}
        starter = ""
        stored: list[tuple[str, LeaveReason]] = []
        left: list[tuple[str, LeaveReason]] = []
        for effect in effects[1:] if refused_now else effects:
            assert not self.closed or isinstance(effect, Kick), "something came after the end"
            match effect:
                case StoreLeave(participant, _, reason):
                    stored.append((participant.call_sid, reason))
                case SendCallback():
                    assert effect.sequence == self.sequence
                    self.sequence += 1
                    starter = self._reported(effect, starter)
                    if effect.event == "participant-leave":
                        assert effect.leave_reason is not None
                        left.append((effect.caller.call_sid, effect.leave_reason))
                case RejectParticipant(call_sid) | Release(call_sid) | EndCall(call_sid):
                    answers.setdefault(call_sid, []).append(effect)
                case Close():
                    assert effect is effects[-1]
                    self.closed = True
        assert stored == left, "a leave that lists lack, or that no callback has"
        if starter and starter not in before.unseen:
            assert self.places[starter], "a start reported somebody who is not in"
            may = after.participants[starter].options.start_on_enter
            assert may or after.options.min_participants_to_start > 1, "started by somebody who must not"
        for call_sid in before.participants.keys() - after.participants.keys():
            if before.participants[call_sid].called:
                assert call_sid not in self.places
                assert answers.pop(call_sid, []) == [], "an answer to somebody who has not asked"
                continue
            hang_up = before.participants[call_sid].hang_up or _hung_up_by(event, call_sid)
            gone = _gone(event, call_sid) or before.participants[call_sid].call_over
            self._is_out(call_sid, answers.pop(call_sid, []), gone, hang_up, after)
        for call_sid, rest in answers.items():
            dialled = after.participants[call_sid].called
            assert after.hang_up_on_end or dialled or _hung_up_by(event, call_sid)
            assert all(isinstance(effect, EndCall) for effect in rest), (
                "an answer to somebody who is still in"
            )
        assert self.places == {
            call_sid: one.join_sent for call_sid, one in after.participants.items() if not one.called
        }
        assert all(not one.join_sent for one in after.participants.values() if one.called)

    def _reported(self, callback: SendCallback, starter: str) -> str:
        call_sid = callback.caller.call_sid
        assert not self.ended, "reported after the end"
        match callback.event:
            case "conference-start":
                assert not self.started
                self.started = True
                return call_sid
            case "participant-join":
                if call_sid in self.room.unseen:
                    # Added once its end was known: it joins and leaves in this one step.
                    self.places[call_sid] = False
                assert self.places[call_sid] is False, "joined twice"
                self.places[call_sid] = True
                self.ever_joined.add(call_sid)
                assert callback.participant is not None
                assert self.started or callback.participant.phase is Phase.WAITING, "joined before the start"
                if callback.participant.options.muted:
                    self.muted.add(call_sid)
                if callback.participant.held:
                    self.on_hold.add(call_sid)
            case "participant-leave":
                assert self.places.pop(call_sid), "left without having joined"
                assert call_sid not in self.speaking, "left while it was speaking"
                for those in (self.muted, self.on_hold):
                    those.discard(call_sid)
                if self.floor == call_sid:
                    self.floor = ""
            case "conference-end":
                assert not any(self.places.values())
                assert call_sid in self.ever_joined
                self.ended = True
            case "participant-speech-start" if self.room.options.speaker_mode == "floor":
                assert self.places[call_sid]
                assert call_sid != self.floor
                self.floor = call_sid
            case "participant-speech-start":
                assert self.places[call_sid]
                assert call_sid not in self.speaking
                self.speaking.add(call_sid)
            case "participant-speech-stop":
                self.speaking.remove(call_sid)
            case "participant-mute" | "participant-hold":
                those = self.muted if callback.event == "participant-mute" else self.on_hold
                assert self.places[call_sid]
                assert call_sid not in those
                those.add(call_sid)
            case "participant-unmute":
                self.muted.remove(call_sid)
            case "participant-unhold":
                self.on_hold.remove(call_sid)
            case "participant-modify":
                assert self.places[call_sid]
            case "announcement-end" | "announcement-fail":
                assert callback.announce_url
                assert bool(callback.problem) is (callback.event == "announcement-fail")
                assert callback.participant is None or self.places[call_sid]
            case unknown:
                raise AssertionError(unknown)
        return starter

    def _announcements_end(self, event: RoomEvent, before: Room, outcome: StepResult) -> None:
        """In one callback each, unless nobody may be named."""
        after, effects, _ = outcome
        if isinstance(event, Announce) and before.open:
            to = before.participants.get(event.call_sid)
            there = to is not None and not to.called and to.phase is not Phase.LEAVING
            if not event.call_sid or there:
                self.announcing.setdefault(event.sid, event)
        for callback in effects:
            if not isinstance(callback, SendCallback) or not callback.event.startswith("announcement"):
                continue
            sid = callback.announce_url.rpartition("/")[2]
            announce = self.announcing.pop(sid, None)
            if announce is None:
                assert isinstance(event, Announce), "ended twice, or never began"
                assert (event.sid, callback.event) == (sid, "announcement-fail")
            elif announce.call_sid:
                assert callback.caller.call_sid == announce.call_sid
            assert isinstance(event, Announced) or callback.problem, "ended by itself"
        for sid in self.announcing.keys() - after.announcing.keys():
            to = before.participants.get(self.announcing.pop(sid).call_sid)
            assert not (to.join_sent if to is not None else after.first), "nothing is said of how it ended"
        assert self.announcing.keys() == after.announcing.keys()
        assert not (self.closed and after.announcing)

    def _is_out(self, call_sid: str, answers: list[Effect], gone: bool, hang_up: bool, after: Room) -> None:
        """One answer and no more, unless nobody is left to be answered."""
        was_joined = call_sid not in self.places
        if not was_joined:
            assert self.places.pop(call_sid) is False, "joined, and left without a word"
        if gone:
            assert answers == []
            return
        (answer,) = answers
        expected = (
            EndCall if after.hang_up_on_end or hang_up else Release if was_joined else RejectParticipant
        )
        assert isinstance(answer, expected)

    def _orders_fit_the_phases(self, before: Room, outcome: StepResult) -> None:
        after, effects, _ = outcome
        now = {call_sid: one.phase for call_sid, one in after.participants.items()}
        new = {
            call_sid: phase
            for call_sid, phase in now.items()
            if call_sid not in before.participants or before.participants[call_sid].phase is not phase
        }
        joins = [effect.participant.call_sid for effect in effects if isinstance(effect, Join)]
        waits = [effect.participant.call_sid for effect in effects if isinstance(effect, StartWaiting)]
        again = [call for call in after.participants if _orders(after, call) > _orders(before, call) > 0]
        assert sorted(joins) == sorted(
            again + [call for call, phase in new.items() if phase is Phase.JOINING]
        )
        music = {
            call_sid
            for call_sid, one in after.participants.items()
            if one.phase is Phase.WAITING
            and call_sid not in new
            and _heard(one) != _heard(before.participants[call_sid])
        }
        assert sorted(waits) == sorted(
            call for call, phase in now.items() if phase is Phase.WAITING and (call in new or call in music)
        )
        ordered_out = {effect.call_sid for effect in effects if isinstance(effect, (Kick, EndCall))}
        for call_sid, phase in new.items():
            one = after.participants[call_sid]
            if phase is Phase.LEAVING and (one.member_id or one.called):
                assert call_sid in ordered_out

    def _ringing_is_heard(self, before: Room, outcome: StepResult) -> None:
        """By those inside alone: as a tone, or what the phone itself sends; never of one that is muted."""
        after, effects, _ = outcome
        for effect in effects:
            if isinstance(effect, Ringback):
                assert effect.on is not self.rings_back, "twice the same order"
                self.rings_back = effect.on
        dialled = [one for one in after.participants.values() if one.phase is Phase.DIALLED]
        heard = [one for one in dialled if one.early_media and one.rings]
        inside = any(one.phase is Phase.IN for one in after.participants.values())
        wanted = inside and after.phase is RoomPhase.STARTED and any(not one.ordered_at for one in heard)
        assert self.closed or self.rings_back is wanted
        early = {effect.participant.call_sid for effect in effects if isinstance(effect, JoinEarly)}
        assert early == {
            one.call_sid for one in dialled if one.ordered_at and not _of(before, one.call_sid).ordered_at
        }
        for one in dialled:
            if one.ordered_at:
                assert one in heard
                assert one.rings == "media"
                assert not one.options.muted
                assert not one.options.coach
            assert one.ordered_at or not one.member_id
        for effect in effects:
            if isinstance(effect, Admit):
                was = _of(before, effect.participant.call_sid)
                assert was.phase is Phase.DIALLED
                assert was.member_id == effect.participant.member_id != ""

    def _the_event_was_heeded(self, event: RoomEvent, before: Room, outcome: StepResult) -> None:
        after, effects, _ = outcome
        for call_sid, was in before.participants.items():
            match event:
                case Dial(_, caller) if caller.call_sid == call_sid:
                    assert after is before
                case Left(_, who, False) if who == call_sid and was.called:
                    assert call_sid in after.participants, "out before its call has ended"
                case Remove(_, who, _, hang_up) if who == call_sid and was.phase is Phase.DIALLED:
                    stays = after.participants.get(call_sid)
                    hung_up = hang_up or before.hang_up_on_end
                    assert (stays is not None and stays.phase is Phase.LEAVING) is hung_up
                    assert (EndCall(call_sid) in effects) is hung_up
                case Mute(_, who) | Hold(_, who) | Modify(_, who) if (
                    who == call_sid and was.phase is Phase.DIALLED
                ):
                    assert after is before, "muted, held or modified before it has answered"
                case ConferenceLost(_, False) if was.called:
                    assert not after.participants[call_sid].member_id
                case HungUp(_, who) if who == call_sid:
                    on_its_way = was.ordered_at and not (was.member_id or was.called)
                    assert (call_sid in after.participants) is bool(on_its_way)
                case JoinReturned(_, who) if who == call_sid and was.phase is Phase.JOINING:
                    again = was.orders < MAX_ORDERS
                    assert again is any(isinstance(effect, Join) for effect in effects)
                case JoinReturned(_, who) if who == call_sid and was.called:
                    assert call_sid in after.participants, "out before its call has ended"
                case JoinReturned(_, who) | Left(_, who) if who == call_sid:
                    gone = isinstance(event, Left) and event.gone
                    unsettled = was.phase is Phase.WAITING or (was.call_over and not was.member_id)
                    failed_before = unsettled and not gone
                    assert after is before if failed_before else call_sid not in after.participants
                case Remove(_, who) if who == call_sid and was.phase is Phase.LEAVING:
                    assert after is before, "the first reason to leave counts"
                case Mute(_, who) | Hold(_, who) | Modify(_, who) if (
                    who == call_sid and was.phase is Phase.LEAVING
                ):
                    assert after is before, "muted, held or modified on its way out"
                case Hold(_, who, on, url) if who == call_sid and before.open:
                    held = after.participants[who]
                    assert (held.held, held.hold_url) == (on, url if on else "")
                case Added(_, who, member_id) if (who, Phase.IN, member_id) == (
                    call_sid,
                    was.phase,
                    was.member_id,
                ):
                    assert (after, effects) == (before, [])
                case ConferenceLost(_, gone) if gone or was.member_id:
                    assert call_sid not in after.participants
                case ConferenceLost() if not any(
                    one.options.end_on_exit for one in before.participants.values()
                ):
                    assert after.participants[call_sid] is was
                case End() if before.phase is not RoomPhase.ENDED:
                    assert EndCall(call_sid) in effects
        if isinstance(event, Added):
            found = before.participants.get(event.call_sid)
            expected = found is not None and (
                found.phase in (Phase.JOINING, Phase.IN)
                or (found.phase is Phase.DIALLED and bool(found.ordered_at))
            )
            unseen = event.call_sid in before.unseen and before.phase is not RoomPhase.ENDED
            ended_before = found is None and unseen
            assert (Kick(event.call_sid, event.member_id) in effects) is not (expected or ended_before)
        if isinstance(event, ConferenceLost):
            only_callbacks = all(isinstance(effect, (StoreLeave, SendCallback, Close)) for effect in effects)
            assert only_callbacks or not event.gone, "an order to a FreeSWITCH that is gone"
            assert not any(isinstance(effect, Kick) for effect in effects)
        if isinstance(event, End) and before.phase is not RoomPhase.ENDED:
            assert {EndCall(call_sid) for call_sid in before.participants} <= set(effects)
        if not before.open:
            assert (after.ending_by, after.end_reason) == (before.ending_by, before.end_reason)

    def _the_room_is_sound(self, room: Room) -> None:
        phases = [one.phase for one in room.participants.values()]
        assert sum(not one.called for one in room.participants.values()) <= room.options.max_participants
        assert self.started is bool(room.started_at)
        assert bool(self.ever_joined) is bool(room.opened_at) is (room.first is not None)
        assert self.closed is (room.phase is RoomPhase.ENDED) is bool(room.ended_at)
        assert self.ended is (self.closed and bool(self.ever_joined))
        assert self.closed or phases or not self.asked, "a room that nobody is in does not end"
        if room.phase is RoomPhase.INIT:
            assert not self.started
            assert Phase.IN not in phases
            waiting = [one.options for one in room.participants.values() if one.phase is Phase.WAITING]
            enough = len(waiting) >= room.options.min_participants_to_start
            assert not (enough and any(options.start_on_enter for options in waiting)), (
                "they could start, and wait"
            )
        if room.phase is RoomPhase.STARTED:
            assert self.started
            assert Phase.WAITING not in phases
        if room.phase is RoomPhase.ENDING:
            assert set(phases) == {Phase.LEAVING}
        if self.closed:
            assert phases == []
            assert room.end_reason is not None
            assert room.hang_up_on_end or room.end_reason in (EndReason.MODERATOR_LEFT, EndReason.LAST_LEFT)


def _heard(waiting: Participant) -> tuple[object, ...]:
    """The audio that it is to hear while it waits."""
    if waiting.held:
        return "hold", waiting.hold_url, waiting.hold_method
    return "wait", waiting.options.wait_url, waiting.options.wait_method


def _room(conference_options: ConferenceOptions) -> Room:
    return Room(sid="room", account_sid="account", name="Room 1234", options=conference_options, created_at=1)


def _of(room: Room, call_sid: str) -> Participant:
    return room.participants[call_sid]


def _orders(room: Room, call_sid: str) -> int:
    return room.participants[call_sid].orders if call_sid in room.participants else 0


def _gone(event: RoomEvent, call_sid: str) -> bool:
    if isinstance(event, HungUp):
        return event.call_sid == call_sid
    if isinstance(event, Left):
        return event.gone and event.call_sid == call_sid
    return isinstance(event, ConferenceLost) and event.gone


def _hung_up_by(event: RoomEvent, call_sid: str) -> bool:
    return isinstance(event, Remove) and event.hang_up and event.call_sid == call_sid
