"""A call's place in a room: what the room decides about one participant is done to its leg here."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from gevent.event import AsyncResult
from msgspec import Struct

from orchestrator.clock import now
from orchestrator.conference.machine.dialling import MAX_EARLY
from orchestrator.conference.machine.events import Left, RoomEvent
from orchestrator.conference.machine.state import LeaveReason, Participant, Phase, Rejection, Room
from orchestrator.esl import commands
from orchestrator.esl.background_playback import BackgroundPlayback
from orchestrator.esl.deadline import Deadline
from orchestrator.esl.execution import Execution
from orchestrator.esl.leg import Leg
from orchestrator.logs import get_logger

log = get_logger(__name__)

Dispatch = Callable[[str, RoomEvent], None]
JOIN_SECONDS = 10.0
LEAVE_SECONDS = 5.0


OUTCOME = "outcome"


class Onward(Struct, frozen=True):
    """A document that a waiting caller's wait document is, from the verb on that leads it out of the room."""

    url: str
    content_type: str
    body: bytes
    verb: int


class ConferenceOutcome(NamedTuple):
    """How a Dial to a conference ended: one of the first three, or none where the call ended with it."""

    refused: Rejection | None = None
    left: LeaveReason | None = None
    moved: bool = False
    """A room of the name is on another node by now: the call's own node looks again."""
    onward: Onward | None = None
    """The call goes on with this, on its own node."""
    cookies: tuple[tuple[str, str, str, str], ...] = ()
    """As StoredCall's, where its requests were made on another node."""


class ParticipantLeg:
    """Never blocks, except in `wait`.

    The effect executor calls it, on the greenlet of the step; `wait` is the call's own.
    """

    def __init__(
        self,
        call_sid: str,
        leg: Leg,
        wait_music: Callable[[Participant], None],
        hold_music: Callable[[str, str], None],
    ) -> None:
        """`wait_music` is what a participant hears that waits, `hold_music` follows a URL and its method."""
        self.call_sid = call_sid
        self.leg = leg
        self.room_sid = ""
        self.joining: Execution | None = None
        self.joined_deaf = False
        self._wait_music = wait_music
        self._hold_music = hold_music
        self._waiting: BackgroundPlayback | None = None
        self._holding: BackgroundPlayback | None = None
        self._announcing: list[BackgroundPlayback] = []
        self._deadline: Deadline | None = None
        self._outcome: AsyncResult[ConferenceOutcome] = AsyncResult()

    def wait(self, timeout: float | None = None) -> ConferenceOutcome | None:
        """The Dial's end; None after `timeout` seconds without it."""
        self._outcome.wait(timeout)
        return self._outcome.value

    def start_waiting(self, participant: Participant) -> None:
        """Play its audio until the conference starts: on hold as in the conference."""
        self._stop_announcements()

        def play() -> None:
            if participant.held:
                self._hold_music(participant.hold_url, participant.hold_method)
            else:
                self._wait_music(participant)

        self._waiting = self._after(self._waiting, play)

    def _after(self, before: BackgroundPlayback | None, play: Callable[[], None]) -> BackgroundPlayback:
        """`play` in place of what plays, once that has ended: it would run inside of it."""
        if before is None or before.ended:
            return BackgroundPlayback(self.leg, play)
        before.stop()

        def play_on() -> None:
            before.finish()
            play()

        return BackgroundPlayback(self.leg, play_on)

    def resume(self, room: Room, participant: Participant, dispatch: Dispatch) -> None:
        """After a restart or a lost socket: what its phase asks for, unless that is being done."""
        match participant.phase:
            case Phase.WAITING:
                if self._waiting is None or self._waiting.ended:
                    self.start_waiting(participant)
            case Phase.JOINING:
                app, arguments = self.leg.current_application
                if app == "conference" and arguments.startswith(room.sid):
                    # Joining, or refused by now: FreeSWITCH does not say.
                    self.joining = self.leg.start(app, arguments)
                    self._set_deadline(JOIN_SECONDS, self._join_overdue, dispatch)
                else:
                    self.join(room, participant, dispatch)
            case Phase.IN:
                if participant.held and (self._holding is None or self._holding.ended):
                    self.hold(True, participant.hold_url, participant.hold_method)
            case Phase.LEAVING:
                self.await_leave(dispatch)

    def admit(self, room: Room) -> None:
        """It was taken into the FreeSWITCH conference while its phone rang."""
        self.joined_deaf = True
        self.joining = self.leg.started("conference", _conference_argument(room))

    def join(self, room: Room, participant: Participant, dispatch: Dispatch, early: bool = False) -> None:
        """Music off, into the FreeSWITCH conference: one write to the socket, one media frame."""
        self._stop_announcements()
        if early:
            self.admit(room)
            self._set_deadline(JOIN_SECONDS, self._join_overdue, dispatch)
            return
        if self._waiting is not None:
            self._waiting.stop()
        # A coach is unmuted once everybody else has been shut off from it; who comes into a room with a coach
        # is deaf until then, and who comes in on hold until that ends.
        self.joined_deaf = participant.held or any(
            other.options.coach not in ("", participant.call_sid)
            for other in room.participants.values()
            if other.call_sid != participant.call_sid
        )
        flags = ["mute"] if participant.options.muted or participant.options.coach else []
        flags += ["deaf"] if self.joined_deaf else []
        self.leg.start("multiset", _join_variables("|".join(flags), room.options.max_participants))
        self.joining = self.leg.start("conference", _conference_argument(room))
        self._set_deadline(JOIN_SECONDS, self._join_overdue, dispatch)

    def await_leave(self, dispatch: Dispatch) -> None:
        """A leg that FreeSWITCH does not let go of is hung up."""
        # It lets go of nobody who hears music of ours: its output thread plays that.
        self.hold(False)
        self._set_deadline(LEAVE_SECONDS, self._leave_overdue, dispatch)

    def hold(self, on: bool, url: str = "", method: str = "GET") -> None:
        """Its own music, on its own leg, over the conference that it does not hear."""
        self._stop_announcements()
        if on:
            self._holding = self._after(self._holding, lambda: self._hold_music(url, method))
        elif self._holding is not None:
            self._holding.stop()
            self._holding = None

    def announce(self, play: Callable[[], None]) -> BackgroundPlayback:
        """`play` on its own leg, over whatever it hears, behind what is announced to it already.

        It is cut off when its participant goes in or out, and when what it is heard over changes.
        """
        before = self._announcing = [one for one in self._announcing if not one.ended]

        def play_behind() -> None:
            for one in before:
                one.wait()
            play()

        playback = BackgroundPlayback(self.leg, play_behind)
        self._announcing = [*before, playback]
        return playback

    def wait_for_announcements(self) -> None:
        """Until nothing is announced on its leg: what is started meanwhile would play inside of that."""
        for one in self._announcing:
            one.wait()

    def _stop_announcements(self) -> None:
        for one in self._announcing:
            one.stop()
        self._announcing = []

    def _set_deadline(self, seconds: float, overdue: Callable[[Dispatch], None], dispatch: Dispatch) -> None:
        self.cancel_deadline()
        self._deadline = self.leg.deadline(seconds, overdue, dispatch)

    def _join_overdue(self, dispatch: Dispatch) -> None:
        self._deadline = None
        log.error("not in the conference", room=self.room_sid, call=self.call_sid, seconds=JOIN_SECONDS)
        dispatch(self.room_sid, Left(now(), self.call_sid, gone=self.leg.gone))

    def _leave_overdue(self, dispatch: Dispatch) -> None:
        self._deadline = None
        log.error("not out of the conference", room=self.room_sid, call=self.call_sid, seconds=LEAVE_SECONDS)
        self.leg.hangup()
        dispatch(self.room_sid, Left(now(), self.call_sid, gone=True))

    def cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    @property
    def _playbacks(self) -> list[BackgroundPlayback]:
        all_ = (self._waiting, self._holding, *self._announcing)
        return [playback for playback in all_ if playback is not None]

    def abandon(self) -> None:
        """Nothing more is done to the leg."""
        self.cancel_deadline()
        for playback in self._playbacks:
            playback.abandon()

    def finish(self, outcome: ConferenceOutcome) -> None:
        self.cancel_deadline()
        for playback in self._playbacks:
            playback.stop()
        if self.leg.playing:
            # A break came before the music started, which then played on beneath the conference.
            self.leg.break_()
        if outcome.left is not None and not self.leg.gone:
            # A leg's conference variables are of the one that it was last ordered into: should we die
            # between storing a command and sending it, this stay is not taken for that one.
            self.leg.start("multiset", _OUTSIDE)
        self._outcome.set(outcome)


def join_early(leg: Leg, room: Room) -> None:
    """Into the FreeSWITCH conference while its phone rings: it hears nobody until it is admitted."""
    if leg.started("conference", _conference_argument(room)) is None:
        leg.start("multiset", _join_variables("deaf", room.options.max_participants))
        leg.start("conference", _conference_argument(room))


def _conference_argument(room: Room) -> str:
    return f"{room.sid}@{room.profile}"


@lru_cache(maxsize=64)
def _join_variables(flags: str, most: int) -> str:
    """The variables that `conference` reads on the leg."""
    return commands.multiset(
        {
            "conference_member_flags": flags,
            "conference_max_members": str(most + MAX_EARLY),
            # Of an earlier conference: the hangup record shows whether it got into this one.
            "conference_member_id": "",
        }
    )


_OUTSIDE: Final = commands.multiset({"conference_member_id": ""})
