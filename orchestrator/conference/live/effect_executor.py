"""Does what rooms decided: to the legs of their participants, and to their FreeSWITCH conferences."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.clock import Alarm, now
from orchestrator.conference.live.member_commands import MemberCommands
from orchestrator.conference.live.participant_leg import (
    ConferenceOutcome,
    Dispatch,
    ParticipantLeg,
    join_early,
)
from orchestrator.conference.live.tone_player import TonePlayer
from orchestrator.conference.machine.dialling import needs_ringback
from orchestrator.conference.machine.effects import (
    Admit,
    AwaitSilence,
    Close,
    Effect,
    EndCall,
    Join,
    JoinEarly,
    Kick,
    PlayBeep,
    RejectParticipant,
    RelateNospeak,
    Release,
    Ringback,
    SetHold,
    SetMute,
    StartRecording,
    StartWaiting,
    StopRecording,
)
from orchestrator.conference.machine.events import Silence
from orchestrator.conference.machine.state import Participant, Phase, Room
from orchestrator.esl import commands
from orchestrator.esl.deadline import GRACE_SECONDS, Deadline
from orchestrator.esl.errors import SwitchError
from orchestrator.esl.events import Event as SwitchEvent
from orchestrator.esl.legs import Legs
from orchestrator.esl.snapshot import Member
from orchestrator.logs import get_logger, of_node
from orchestrator.recordings.conference_recorder import ConferenceRecorder

log = get_logger(__name__)

# Until a participant that joined deaf is related to the coaches, a second try included.
RELATED_SECONDS = 0.05
# As the caller of a Dial hears it whose `ringTone` says nothing else.
RINGBACK = "tone_stream://%(2000,4000,440,480);loops=-1"


class EffectExecutor:
    """Never blocks.

    Called by `Rooms` after a commit, on the greenlet that dispatched the event, often the socket's reader.
    """

    def __init__(
        self,
        members: MemberCommands,
        recordings: ConferenceRecorder,
        tone_player: TonePlayer,
        legs: Legs,
    ) -> None:
        self._members = members
        self._recorder = recordings
        self._tone_player = tone_player
        self._legs = legs
        self._participant_legs: dict[str, ParticipantLeg] = {}

    def add(self, participant_leg: ParticipantLeg) -> None:
        self._participant_legs.setdefault(participant_leg.call_sid, participant_leg)

    def participant_leg(self, call_sid: str) -> ParticipantLeg | None:
        return self._participant_legs.get(call_sid)

    def execute(self, room: Room, effect: Effect, dispatch: Dispatch) -> None:
        match effect:
            case StartWaiting(participant):
                self._on_leg(
                    room,
                    participant.call_sid,
                    lambda participant_leg: participant_leg.start_waiting(participant),
                )
            case Join(participant, early):
                self._on_leg(
                    room,
                    participant.call_sid,
                    lambda participant_leg: participant_leg.join(room, participant, dispatch, early),
                )
            case JoinEarly(participant):
                self._join_early(room, participant)
            case Admit(participant):
                self._admit(room, participant)
            case Ringback(on):
                self._ring_back(room, on)
            case Kick(call_sid, member_id):
                self._members.order(room.sid, member_id, "kick", member_id)
                if call_sid in room.participants:
                    # Else the member id is another one's by now, and its call may be waiting in this very
                    # room again.
                    self._on_leg(
                        room, call_sid, lambda participant_leg: participant_leg.await_leave(dispatch)
                    )
            case EndCall(call_sid):
                self._hang_up(room, call_sid)
            case RejectParticipant(call_sid, why):
                log.info("refused", room=room.sid, call=call_sid, why=why.value, **of_node(room.node))
                self._finish(room, call_sid, ConferenceOutcome(refused=why))
            case Release(call_sid, reason):
                self._finish(room, call_sid, ConferenceOutcome(left=reason))
            case PlayBeep(kind, members):
                self._tone_player.beep(room.sid, kind, members)
            case SetMute(member_id, on):
                self._members.order(room.sid, member_id, "mute" if on else "unmute", member_id)
            case SetHold(call_sid, member_id, on, url, method):
                # A hold alone still lets it hear the others, wherever its music pauses.
                self._members.order(room.sid, member_id, "hold" if on else "unhold", member_id)
                self._members.order(room.sid, member_id, "deaf" if on else "undeaf", member_id)
                self._on_leg(room, call_sid, lambda participant_leg: participant_leg.hold(on, url, method))
            case RelateNospeak(member, other, on):
                self._members.order(room.sid, member, "relate", member, other, "nospeak" if on else "clear")
            case StartRecording(by):
                self._recorder.start_recording(room, by)
            case StopRecording():
                self._recorder.stop_recording(room.sid)
            case AwaitSilence(since, seconds):
                self._await_silence(room.sid, since, seconds, dispatch)
            case Close():
                self._recorder.room_closed(room.sid)
                self._tone_player.room_closed(room.sid)

    def resume(self, room: Room, participant: Participant, dispatch: Dispatch) -> None:
        """After a restart or a lost socket: orders that may have been lost are given again."""
        if participant.phase is Phase.LEAVING and (room.hang_up_on_end or participant.hang_up):
            self._hang_up(room, participant.call_sid)
        elif participant.called and participant.ordered_at and not participant.member_id:
            self._join_early(room, participant)
        elif participant.phase is Phase.LEAVING and participant.member_id:
            self._members.order(room.sid, participant.member_id, "kick", participant.member_id)
        self._on_leg(
            room,
            participant.call_sid,
            lambda participant_leg: participant_leg.resume(room, participant, dispatch),
        )

    def resume_room(self, room: Room, dispatch: Dispatch) -> None:
        """State of several of them: the listeners of a coach, and the silence of all."""
        if needs_ringback(room):
            self._ring_back(room, True)
        inside = [one for one in room.participants.values() if one.phase is Phase.IN]
        for coach in inside:
            for other in inside:
                if coach.options.coach and other.call_sid not in (coach.call_sid, coach.options.coach):
                    self._members.order(
                        room.sid, coach.member_id, "relate", coach.member_id, other.member_id, "nospeak"
                    )
        conference_options = room.options.recording
        if (
            room.recording
            and conference_options is not None
            and conference_options.timeout
            and room.silent_since
        ):
            self._await_silence(room.sid, room.silent_since, conference_options.timeout, dispatch)

    def reconcile(self, room: Room, participant: Participant, seen: Member) -> int:
        """Makes FreeSWITCH's member what its participant is; how many orders that took."""
        hears, member_id, orders = not participant.held, participant.member_id, 0
        if seen.hold is not participant.held:
            self._members.order(room.sid, member_id, "hold" if participant.held else "unhold", member_id)
            orders += 1
        if not participant.held and seen.can_hear is not hears:
            self._members.order(room.sid, member_id, "undeaf" if hears else "deaf", member_id)
            orders += 1
        if not participant.held and seen.can_speak is not speaks(participant):
            order = "unmute" if speaks(participant) else "mute"
            self._members.order(room.sid, member_id, order, member_id)
            orders += 1
        return orders

    def on_down(self, error: SwitchError) -> None:
        """The socket is lost: nobody's time limit counts what cannot be heard."""
        for participant_leg in self._participant_legs.values():
            participant_leg.cancel_deadline()

    def joined(self, room: Room, call_sid: str, member_id: str) -> None:
        """It is in, and what the room wanted done about that has been ordered."""
        participant_leg, participant = self._participant_legs.get(call_sid), room.participants.get(call_sid)
        if participant_leg is None or participant is None or participant_leg.room_sid != room.sid:
            return
        if participant_leg.joined_deaf and not participant.held:
            Alarm(RELATED_SECONDS, self._members.order, room.sid, member_id, "undeaf", member_id)

    def on_recording_event(self, event: SwitchEvent) -> None:
        self._recorder.on_event(event)

    def conference_emptied(self, sid: str) -> None:
        """Its last member has left; the room may go on in another of that name."""
        self._recorder.room_closed(sid)

    def participant_left(self, room: Room, call_sid: str) -> None:
        """It is out of the room; if nothing was said of it, its call is gone."""
        self._finish(room, call_sid, ConferenceOutcome())

    def stop(self) -> None:
        for participant_leg in self._participant_legs.values():
            participant_leg.abandon()

    def _await_silence(self, sid: str, since: int, seconds: int, dispatch: Dispatch) -> None:
        """It has lasted a while before it is known. FreeSWITCH's clock may be ahead of ours. That somebody
        spoke may be on its way to us: the last second is the deadline's own."""
        left = seconds - GRACE_SECONDS - max(0, now() - since) / 1_000_000
        Deadline(self._members.ping, max(0.0, left), self._silence, sid, since, dispatch)

    def _silence(self, sid: str, since: int, dispatch: Dispatch) -> None:
        dispatch(sid, Silence(now(), since))

    def _join_early(self, room: Room, participant: Participant) -> None:
        leg = self._legs.get(participant.caller.leg)
        if leg is not None:
            join_early(leg, room)

    def _admit(self, room: Room, participant: Participant) -> None:
        self._on_leg(room, participant.call_sid, lambda participant_leg: participant_leg.admit(room))
        coaches = any(
            one.options.coach not in ("", participant.call_sid) for one in room.participants.values()
        )
        member_id = participant.member_id
        Alarm(
            RELATED_SECONDS if coaches else 0.0, self._members.order, room.sid, member_id, "undeaf", member_id
        )

    def _ring_back(self, room: Room, on: bool) -> None:
        """To all of them, beside whatever else is played: FreeSWITCH has one such sound for a conference."""
        self._members.order(room.sid, "", *(("play", RINGBACK, "async") if on else ("stop", "async")))

    def _hang_up(self, room: Room, call_sid: str) -> None:
        """Also one that has no participant leg: its phone rings, or its document has not asked yet."""
        participant_leg, participant = self._participant_legs.get(call_sid), room.participants.get(call_sid)
        if participant_leg is not None and participant_leg.room_sid == room.sid:
            participant_leg.leg.hangup()
        elif participant is not None:
            self._legs.connection.post(commands.kill(participant.caller.leg))

    def _on_leg(self, room: Room, call_sid: str, act: Callable[[ParticipantLeg], None]) -> None:
        """The call may sit in another room by now."""
        participant_leg = self._participant_legs.get(call_sid)
        if participant_leg is not None and participant_leg.room_sid == room.sid:
            act(participant_leg)

    def _finish(self, room: Room, call_sid: str, outcome: ConferenceOutcome) -> None:
        participant_leg = self._participant_legs.get(call_sid)
        if participant_leg is not None and participant_leg.room_sid == room.sid:
            del self._participant_legs[call_sid]
            participant_leg.finish(outcome)

    def announce(self, sid: str, path: str, member_id: str = "") -> None:
        """Plays a file, as FreeSWITCH sees it, to everybody in the room, or to one of them.

        Audio to all is in the room's recording too; audio to one is not. A participant on hold hears neither.
        """
        self._members.order(sid, member_id, "play", path, *([member_id] if member_id else []))

    def kick_unknown_member(self, sid: str, member_id: str) -> None:
        self._members.order(sid, member_id, "kick", member_id)


def speaks(participant: Participant) -> bool:
    """Whether FreeSWITCH is to have its member speak; one on hold is none that speaks."""
    return not (participant.options.muted or participant.held)
