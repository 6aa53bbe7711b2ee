"""A shell and a FreeSWITCH that do what rooms want in any order, late, twice or never."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Literal, Protocol, TypeVar

from orchestrator.conference.machine.effects import (
    AwaitSilence,
    EndCall,
    Join,
    JoinEarly,
    Kick,
    RejectParticipant,
    Release,
)
from orchestrator.conference.machine.events import (
    Added,
    Announce,
    Announced,
    BeginRecording,
    ConferenceLost,
    Dial,
    End,
    Floor,
    Hold,
    HungUp,
    JoinRequest,
    JoinReturned,
    Left,
    Modify,
    Mute,
    Remove,
    Ringing,
    RoomEvent,
    SetRecording,
    Silence,
    Talking,
)
from orchestrator.conference.machine.state import (
    ConferenceOptions,
    EndReason,
    LeaveReason,
    ParticipantOptions,
    Phase,
    RecordingOptions,
)
from orchestrator.types import Beep
from tests.conference.invariants import EVERY_CALLBACK, RoomInvariants
from tests.conference.story import caller

CALLS = ("anna", "bert", "cleo", "dora", "emil")
BEEPS: tuple[Beep, ...] = ("true", "false", "onEnter", "onExit")
PARTICIPANT_OPTIONS = tuple(
    ParticipantOptions(
        start_on_enter=start, end_on_exit=end, label=label, coach=coach, beep=beep, muted=muted
    )
    for start, end, label, coach, beep, muted in product(
        (True, False), (False, False, True), ("", "", "host"), ("", "", "anna"), BEEPS, (False, True)
    )
)
SPEAKER_MODES: tuple[Literal["talking", "floor"], ...] = ("talking", "talking", "floor")
RECORDINGS = (None, RecordingOptions(), RecordingOptions(timeout=5), RecordingOptions(beep=False, timeout=60))
CONFERENCE_OPTIONS = tuple(
    ConferenceOptions(
        max_participants=most, min_participants_to_start=least, recording=recording, speaker_mode=mode
    )
    for most, least, recording, mode in product((2, 3, 250), (1, 1, 2), RECORDINGS, SPEAKER_MODES)
)
CHOOSY = (
    frozenset[str](),
    frozenset({"start", "end"}),
    frozenset({"join", "speaker"}),
    frozenset({"mute", "hold"}),
    EVERY_CALLBACK,
)

T = TypeVar("T")


class Pick(Protocol):
    def __call__(self, among: Sequence[T], /) -> T: ...


class World:
    """Each move picks one thing that can happen and lets it happen; a move with nothing to do does nothing.

    A name's room is its last one: a join after its end is given a new one, while what belongs to the
    old one may still arrive there.
    """

    def __init__(self, pick: Pick) -> None:
        self.pick = pick
        self.rooms: list[RoomInvariants] = []
        self.dialled: dict[str, RoomInvariants] = {}
        """Those whose document has not asked yet, and the room that they were dialled for."""
        self.waiting_for_answer: dict[str, RoomInvariants] = {}
        self.hung_up: set[str] = set()
        self.orders: list[tuple[RoomInvariants, str]] = []
        self.kicks: list[tuple[RoomInvariants, str, str]] = []
        self.hangups: list[str] = []
        self.members: list[tuple[RoomInvariants, str, str]] = []
        self.under_way: list[tuple[RoomInvariants, RoomEvent]] = []
        self.limits: list[Callable[[], None]] = []
        self.silences: list[tuple[RoomInvariants, RoomEvent]] = []
        self.at = 1

    # what callers and customers do

    def ask(self) -> None:
        call_sid = self.pick(CALLS)
        if call_sid in self.waiting_for_answer or call_sid in self.hung_up:
            return
        room = self.dialled.pop(call_sid, None) or self._open_room()
        self.waiting_for_answer[call_sid] = room
        self.dispatch(room, JoinRequest(self.now(), caller(call_sid), self.pick(PARTICIPANT_OPTIONS)))

    def _open_room(self) -> RoomInvariants:
        if not self.rooms or not self.rooms[-1].room.open:
            self.rooms.append(RoomInvariants(self.pick(CONFERENCE_OPTIONS), self.pick(CHOOSY)))
        return self.rooms[-1]

    def dial(self) -> None:
        call_sid = self.pick(CALLS)
        if call_sid in self.waiting_for_answer or call_sid in self.hung_up or call_sid in self.dialled:
            return
        self.dialled[call_sid] = room = self._open_room()
        event = Dial(
            self.now(), caller(call_sid), self.pick(PARTICIPANT_OPTIONS), self.pick((True, True, False))
        )
        self.dispatch(room, event)

    def ring(self) -> None:
        if self.dialled:
            call_sid = self.pick(list(self.dialled))
            event = Ringing(self.now(), call_sid, self.pick((True, False)))
            self.under_way.append((self.dialled[call_sid], event))

    def ask_twice(self) -> None:
        """An event that no right shell sends: it is refused and changes nothing."""
        if self.waiting_for_answer:
            call_sid = self.pick(list(self.waiting_for_answer))
            asked = self.waiting_for_answer[call_sid]
            asked.dispatch(JoinRequest(self.now(), caller(call_sid), self.pick(PARTICIPANT_OPTIONS)))

    def hang_up(self) -> None:
        self._hang_up(self.pick(CALLS))

    def remove(self) -> None:
        if self.rooms:
            reason, hang_up = self.pick(list(LeaveReason)), self.pick((False, False, True))
            self.dispatch(self.pick(self.rooms), Remove(self.now(), self.pick(CALLS), reason, hang_up))

    def mute_or_hold(self) -> None:
        if self.waiting_for_answer:
            call_sid, on = self.pick(list(self.waiting_for_answer)), self.pick((True, False))
            url = self.pick(("", "", "https://example.com/hold"))
            mute, hold = Mute(self.now(), call_sid, on), Hold(self.now(), call_sid, on, url)
            event: RoomEvent = mute if self.pick((True, False)) else hold
            self.dispatch(self.pick(self.rooms), event)

    def modify(self) -> None:
        if self.waiting_for_answer:
            event = Modify(
                self.now(),
                self.pick(list(self.waiting_for_answer)),
                self.pick((None, True, False)),
                self.pick((None, True, False)),
                self.pick((None, "", *CALLS)),
                self.pick((None, None, "", "https://example.com/wait")),
            )
            self.dispatch(self.pick(self.rooms), event)

    def announce(self) -> None:
        if self.rooms:
            room, sid = self.pick(self.rooms), str(self.now())
            self.dispatch(
                room, Announce(self.now(), sid, f"https://example.com/{sid}", self.pick(("", *CALLS)))
            )
            problem = self.pick(("", "nobody answered"))
            self.under_way.append((room, Announced(self.now(), sid, problem)))

    def end(self) -> None:
        if self.rooms:
            why = self.pick((EndReason.VIA_API, EndReason.TIME_EXCEEDED))
            self.dispatch(self.pick(self.rooms), End(self.now(), why))

    def set_recording(self) -> None:
        if self.rooms:
            to = self.pick(("paused", "in-progress", "stopped", "begun"))
            event = BeginRecording(self.now()) if to == "begun" else SetRecording(self.now(), to)
            self.dispatch(self.pick(self.rooms), event)

    # what FreeSWITCH does

    def join(self) -> None:
        order = self._take(self.orders)
        if order is None or order[1] in self.hung_up:
            return
        room, call_sid = order
        member_id = str(self.now())
        self.members.append((room, call_sid, member_id))
        self.under_way.append((room, Added(self.now(), call_sid, member_id)))

    def refuse(self) -> None:
        order = self._take(self.orders)
        if order is not None:
            room, call_sid = order
            event = self.pick((Left, JoinReturned))(self.now(), call_sid)
            self.under_way.append((room, event))

    def kick(self) -> None:
        kick = self._take(self.kicks)
        if kick is not None and kick in self.members:
            self._put_out(kick)

    def carry_out_hangup(self) -> None:
        call_sid = self._take(self.hangups)
        if call_sid is not None:
            self._hang_up(call_sid)

    def talk(self) -> None:
        if self.members:
            room, call_sid, _ = self.pick(self.members)
            self.under_way.append((room, Talking(self.now(), call_sid, self.pick((True, False)))))

    def take_the_floor(self) -> None:
        if self.members:
            room, call_sid, _ = self.pick(self.members)
            self.under_way.append((room, Floor(self.now(), call_sid)))

    def lose_conference(self) -> None:
        if self.rooms:
            room = self.pick(self.rooms)
            self.members = [member for member in self.members if member[0] is not room]
            self.dispatch(room, ConferenceLost(self.now()))

    def lose_freeswitch(self) -> None:
        self.members, self.orders, self.kicks, self.hangups = [], [], [], []
        self.hung_up.update(self.waiting_for_answer, self.dialled)
        self.waiting_for_answer.clear()
        self.dialled.clear()
        for room in self.rooms:
            self.dispatch(room, ConferenceLost(self.now(), gone=True))

    # what becomes of orders and events on their way

    def deliver(self) -> None:
        letter = self._take(self.under_way)
        if letter is not None:
            self.dispatch(*letter)

    def deliver_and_keep(self) -> None:
        if self.under_way:
            self.dispatch(*self.pick(self.under_way))

    def lose(self) -> None:
        lost: list[Callable[[], object]] = [
            lambda: self._take(self.orders),
            lambda: self._take(self.kicks),
            lambda: self._take(self.hangups),
            lambda: self._take(self.under_way),
        ]
        self.pick(lost)()

    def time_is_up(self) -> None:
        limit = self._take(self.limits)
        if limit is not None:
            limit()

    def be_silent(self) -> None:
        silence = self._take(self.silences)
        if silence is not None:
            self.dispatch(*silence)

    MOVES: tuple[tuple[int, Callable[[World], None]], ...] = (
        (6, ask),
        (3, dial),
        (3, ring),
        (1, ask_twice),
        (2, hang_up),
        (2, remove),
        (6, mute_or_hold),
        (4, modify),
        (1, announce),
        (1, end),
        (2, set_recording),
        (6, join),
        (1, refuse),
        (3, kick),
        (2, carry_out_hangup),
        (4, talk),
        (2, be_silent),
        (1, take_the_floor),
        (1, lose_conference),
        (1, lose_freeswitch),
        (9, deliver),
        (2, deliver_and_keep),
        (2, lose),
        (2, time_is_up),
    )

    def comes_to_rest(self) -> None:
        """Nobody does anything any more, and every time limit fires: nobody is left without an answer."""
        how = self.pick(("all hang up", "their time limits", "the API", "all of it gets lost"))
        while self.under_way:
            self.deliver()
        if how == "all hang up":
            for call_sid in CALLS:
                self._hang_up(call_sid)
            while self.under_way:
                self.deliver()
        for room in self.rooms:
            if how == "their time limits":
                for call_sid in CALLS:
                    self.dispatch(room, Remove(self.now(), call_sid))
            elif how == "the API":
                self.dispatch(room, End(self.now()))
            elif how == "all of it gets lost":
                self.dispatch(room, ConferenceLost(self.now(), gone=True))
                self.waiting_for_answer.clear()
        self.limits.reverse()
        while self.limits:
            self.limits.pop()()
        assert self.waiting_for_answer == {}, "forgotten"
        for room in self.rooms:
            assert room.closed, "a room that never ends"

    # the machinery

    def _join_is_late(self, room: RoomInvariants, call_sid: str) -> None:
        participant = room.room.participants.get(call_sid)
        if participant is not None and participant.phase is not Phase.WAITING and not participant.member_id:
            self.dispatch(room, Left(self.now(), call_sid, gone=call_sid in self.hung_up))

    def dispatch(self, room: RoomInvariants, event: RoomEvent) -> None:
        hung_up = [one.call_sid for one in room.room.participants.values() if one.call_over]
        for effect in room.dispatch(event):
            match effect:
                case Join(participant):
                    call_sid = participant.call_sid
                    self.orders.append((room, call_sid))
                    self.limits.append(partial(self._join_is_late, room, call_sid))
                case JoinEarly(participant):
                    self.orders.append((room, participant.call_sid))
                case Kick(call_sid, member_id):
                    self.kicks.append((room, call_sid, member_id))
                    self.limits.append(partial(self.dispatch, room, Left(self.now(), call_sid)))
                case AwaitSilence(since):
                    self.silences.append((room, Silence(self.now(), since)))
                case EndCall(call_sid):
                    self.hangups.append(call_sid)
                    self.limits.append(partial(self.dispatch, room, Left(self.now(), call_sid, gone=True)))
                    if call_sid not in room.room.participants:
                        self._answered(call_sid, room)
                case RejectParticipant(call_sid) | Release(call_sid):
                    self._answered(call_sid, room)
        if isinstance(event, (HungUp, Left)) and (isinstance(event, HungUp) or event.gone):
            hung_up.append(event.call_sid)
        for call_sid in hung_up:
            if call_sid not in room.room.participants:
                self._answered(call_sid, room)

    def _answered(self, call_sid: str, room: RoomInvariants) -> None:
        if self.waiting_for_answer.get(call_sid) is room:
            del self.waiting_for_answer[call_sid]

    def _hang_up(self, call_sid: str) -> None:
        self.hung_up.add(call_sid)
        self.dialled.pop(call_sid, None)
        for member in [member for member in self.members if member[1] == call_sid]:
            self._put_out(member)
        for room in self.rooms:
            self.under_way.append((room, HungUp(self.now(), call_sid)))
            self.under_way.append((room, Left(self.now(), call_sid, gone=True)))

    def _put_out(self, member: tuple[RoomInvariants, str, str]) -> None:
        self.members.remove(member)
        self.under_way.append((member[0], Left(self.now(), member[1])))

    def _take(self, things: list[T]) -> T | None:
        """Picks one, and it is gone from there."""
        if not things:
            return None
        thing = self.pick(things)
        things.remove(thing)
        return thing

    def now(self) -> int:
        self.at += 1
        return self.at
