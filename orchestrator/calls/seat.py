"""A call's place in a room: what the room decides about one participant is done to its leg here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import gevent
from gevent.event import AsyncResult

from orchestrator.calls.prompt import Prompt
from orchestrator.conference.model import LeaveReason, Participant, Refusal, Room
from orchestrator.freeswitch.legs import Execution, Leg

if TYPE_CHECKING:
    from orchestrator.calls.rooms import Rooms

JOIN_SECONDS = 10.0
LEAVE_SECONDS = 5.0


class Outcome(NamedTuple):
    """How a Dial to a conference ended: one of the two, or neither where the call is gone."""

    refused: Refusal | None = None
    left: LeaveReason | None = None


class Seat:
    """Never blocks, except in `wait`."""

    def __init__(self, call_sid: str, leg: Leg, wait_music: Callable[[], None]) -> None:
        self.call_sid = call_sid
        self.leg = leg
        self.room_sid = ""
        self.joining: Execution | None = None
        self._wait_music = wait_music
        self._waiting: Prompt | None = None
        self._deadline: gevent.Greenlet[..., None] | None = None
        self._outcome: AsyncResult[Outcome] = AsyncResult()

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """The Dial's end; None after `timeout` seconds without it."""
        self._outcome.wait(timeout)
        return self._outcome.value

    def start_waiting(self) -> None:
        self._waiting = Prompt(self.leg, self._wait_music)

    def join(self, room: Room, participant: Participant, rooms: Rooms) -> None:
        """Music off, into the FreeSWITCH conference: one write to the socket, one media frame."""
        if self._waiting is not None:
            self._waiting.stop()
        flags = "mute" if participant.wish.muted else ""
        self.leg.set(
            conference_member_flags=flags,
            conference_max_members=str(room.terms.max_participants),
        )
        self.joining = self.leg.start("conference", f"{room.sid}@{room.profile}")
        self.limit(JOIN_SECONDS, rooms.join_overdue)

    def limit(self, seconds: float, overdue: Callable[[Seat], None]) -> None:
        """`overdue` is called with this seat unless `settled` comes first."""
        self.settled()
        self._deadline = gevent.spawn_later(seconds, overdue, self)

    def settled(self) -> None:
        if self._deadline is not None:
            self._deadline.kill(block=False)
            self._deadline = None

    def abandon(self) -> None:
        """Nothing more is done to the leg."""
        self.settled()
        if self._waiting is not None:
            self._waiting.abandon()

    def finish(self, outcome: Outcome) -> None:
        self.settled()
        if self._waiting is not None:
            self._waiting.stop()
            if self.leg.playing:
                # The break came before the music started, which then played on beneath the conference.
                self.leg.break_()
        self._outcome.set(outcome)
