"""Does what rooms decided: to the legs of their participants, and to their FreeSWITCH conferences."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import gevent

from orchestrator.calls.clock import now
from orchestrator.calls.room_recordings import RoomRecordings
from orchestrator.calls.seat import Feed, Outcome, Seat
from orchestrator.conference.effects import (
    AwaitSilence,
    Beep,
    BeepKind,
    Close,
    Effect,
    HangUp,
    Join,
    Kick,
    Refuse,
    Relate,
    Release,
    SetHold,
    SetMute,
    StartRecording,
    StartWaiting,
    StopRecording,
    Tell,
)
from orchestrator.conference.events import Silence
from orchestrator.conference.model import Room
from orchestrator.freeswitch import commands
from orchestrator.freeswitch.connection import Connection
from orchestrator.freeswitch.errors import SwitchError, failure
from orchestrator.freeswitch.events import Event as SwitchEvent
from orchestrator.freeswitch.link import Reply
from orchestrator.logs import get_logger

log = get_logger(__name__)

# add-member is sent a moment before FreeSWITCH can address the member (freeswitch sheet, Conferences).
AGAIN_SECONDS = (0.03, 0.2)
# Until whoever joined deaf is related to the coaches, a second try included.
RELATED_SECONDS = 0.05


class Performer:
    """Never blocks."""

    def __init__(
        self,
        connection: Connection,
        recordings: RoomRecordings,
        beeps: Mapping[BeepKind, str],
    ) -> None:
        self._connection = connection
        self._recordings = recordings
        self._beeps = beeps
        self._seats: dict[str, Seat] = {}

    def take(self, seat: Seat) -> None:
        self._seats.setdefault(seat.call_sid, seat)

    def seat(self, call_sid: str) -> Seat | None:
        return self._seats.get(call_sid)

    def perform(self, room: Room, effect: Effect, feed: Feed) -> None:
        match effect:
            case Tell():
                pass  # It went to the outbox with the room itself.
            case StartWaiting(participant):
                self._at(room, participant.call_sid, Seat.start_waiting)
            case Join(participant):
                self._at(room, participant.call_sid, lambda seat: seat.join(room, participant, feed))
            case Kick(call_sid, member_id):
                self._command(room.sid, "kick", member_id)
                self._at(room, call_sid, lambda seat: seat.kicked(feed))
            case HangUp(call_sid):
                self._at(room, call_sid, lambda seat: seat.leg.hangup())
            case Refuse(call_sid, why):
                log.info("refused", room=room.sid, call=call_sid, why=why.value)
                self._finish(room, call_sid, Outcome(refused=why))
            case Release(call_sid, reason):
                self._finish(room, call_sid, Outcome(left=reason))
            case Beep(kind, members):
                for member_id in members:
                    self._command(room.sid, "play", self._beeps[kind], member_id)
            case SetMute(member_id, on):
                self._command(room.sid, "mute" if on else "unmute", member_id)
            case SetHold(call_sid, member_id, on):
                # A hold alone still lets it hear the others, wherever its music pauses.
                self._command(room.sid, "hold" if on else "unhold", member_id)
                self._command(room.sid, "deaf" if on else "undeaf", member_id)
                self._at(room, call_sid, lambda seat: seat.hold(on))
            case Relate(member, other):
                self._command(room.sid, "relate", member, other, "nospeak")
            case StartRecording(by):
                self._recordings.start(room, by)
            case StopRecording():
                self._recordings.stop(room.sid)
            case AwaitSilence(since, seconds):
                self._await_silence(room.sid, since, seconds, feed)
            case Close():
                self._recordings.room_closed(room.sid)

    def entered(self, room: Room, call_sid: str, member_id: str) -> None:
        """It is in, and what the room wanted done about that has been ordered."""
        seat, participant = self._seats.get(call_sid), room.participants.get(call_sid)
        if seat is None or participant is None or seat.room_sid != room.sid:
            return
        if seat.joined_deaf and not participant.held:
            gevent.spawn_later(RELATED_SECONDS, self._command, room.sid, "undeaf", member_id)

    def on_recording_event(self, event: SwitchEvent) -> None:
        self._recordings.on_event(event)

    def dismiss(self, room: Room, call_sid: str) -> None:
        """It is out of the room; if nothing was said of it, its call is gone."""
        self._finish(room, call_sid, Outcome())

    def abandon(self) -> None:
        for seat in self._seats.values():
            seat.abandon()
        self._recordings.abandon()

    def _await_silence(self, sid: str, since: int, seconds: int, feed: Feed) -> None:
        """It has lasted a while before it is known. FreeSWITCH's clock may be ahead of ours."""
        left = seconds - max(0, now() - since) / 1_000_000
        gevent.spawn_later(max(0.0, left), self._silence, sid, since, feed)

    def _silence(self, sid: str, since: int, feed: Feed) -> None:
        feed(sid, Silence(now(), since))

    def _at(self, room: Room, call_sid: str, act: Callable[[Seat], None]) -> None:
        """The call may sit in another room by now."""
        seat = self._seats.get(call_sid)
        if seat is not None and seat.room_sid == room.sid:
            act(seat)

    def _finish(self, room: Room, call_sid: str, outcome: Outcome) -> None:
        seat = self._seats.get(call_sid)
        if seat is not None and seat.room_sid == room.sid:
            del self._seats[call_sid]
            seat.finish(outcome)

    def announce(self, sid: str, path: str, member_id: str = "") -> None:
        """Plays a file, as FreeSWITCH sees it, to everybody in the room, or to one of them.

        What all hear is in the room's recording too; what one hears is not. Who is on hold hears neither.
        """
        self._command(sid, "play", path, *([member_id] if member_id else []))

    def kick_stranger(self, sid: str, member_id: str) -> None:
        self._command(sid, "kick", member_id)

    def _command(self, sid: str, *words: str, again: tuple[float, ...] = AGAIN_SECONDS) -> None:
        def on_reply(reply: Reply | SwitchError) -> None:
            problem = reply if isinstance(reply, SwitchError) else failure(reply.body)
            if problem is None and "not found" not in str(reply).lower():
                return
            if again and not isinstance(reply, SwitchError):
                gevent.spawn_later(again[0], self._repeat, sid, words, again[1:])
            else:
                # A member or a room that is gone by now needs no command.
                log.debug("not done", room=sid, command=words[0], problem=str(problem or reply))

        self._connection.post(commands.conference(sid, *words), on_reply)

    def _repeat(self, sid: str, words: tuple[str, ...], again: tuple[float, ...]) -> None:
        self._command(sid, *words, again=again)
