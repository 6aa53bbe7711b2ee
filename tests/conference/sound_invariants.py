"""The sound of FreeSWITCH if it carried out a room's effects, checked after each event."""

from __future__ import annotations

from orchestrator.conference.machine.effects import (
    AwaitSilence,
    Join,
    JoinEarly,
    PlayBeep,
    RelateNospeak,
    SendCallback,
    SetHold,
    SetMute,
    StartRecording,
    StopRecording,
)
from orchestrator.conference.machine.events import (
    Added,
    BeginRecording,
    ConferenceLost,
    HungUp,
    JoinRequest,
    JoinReturned,
    Left,
    RoomEvent,
    SetRecording,
    Silence,
)
from orchestrator.conference.machine.state import Participant, Phase, Room, RoomPhase
from orchestrator.conference.machine.table import StepResult

ENDS = (HungUp, JoinReturned, Left)


class SoundInvariants:
    """The members that are muted, on hold and not heard by others, by FreeSWITCH's numbers for them."""

    def __init__(self) -> None:
        self.joins_muted: dict[str, bool] = {}
        self.muted: dict[str, bool] = {}
        self.held: dict[str, bool] = {}
        self.unheard: set[tuple[str, str]] = set()
        self.reported_at = 0
        self.recordings = 0
        self.paused = False
        self.recording = self.somebody_spoke = False
        self.silence_awaited = 0

    def write_up(self, event: RoomEvent, before: Room, outcome: StepResult) -> None:
        after, effects, _ = outcome
        inside = {one.member_id: one for one in after.participants.values() if one.phase is Phase.IN}
        self._come_and_go(event, before, after)
        # One that begins while it ends is not recorded.
        starts = before.phase is RoomPhase.INIT and bool(after.started_at)
        renewed = isinstance(event, Added) and event.renewed and before.recording
        renewed = renewed and before.phase is not RoomPhase.ENDED
        begun = isinstance(event, BeginRecording) and before.phase is RoomPhase.STARTED
        begun = begun and not before.recording and bool(inside)
        if begun:
            # It counts anew: a silence from before is none of this recording.
            self.recordings, self.paused, self.silence_awaited = 0, False, 0
            self.somebody_spoke = False
        assert any(isinstance(effect, StartRecording) for effect in effects) is (
            renewed or begun or (starts and after.options.recording is not None)
        )
        stays = isinstance(event, Added) and event.call_sid in after.participants
        if starts and stays and after.options.recording and after.options.recording.beep:
            assert isinstance(event, Added)
            starter = after.participants[event.call_sid]
            spared = starter.held or starter.phase is Phase.LEAVING
            assert spared or PlayBeep("record", (event.member_id,)) in effects
        for effect in effects:
            match effect:
                case SendCallback():
                    assert effect.at == max(self.reported_at, event.at), "the time goes back"
                    self.reported_at = effect.at
                case Join(participant):
                    options, call_sid = participant.options, participant.call_sid
                    was = before.participants.get(call_sid)
                    if was is None or not was.ordered_at:
                        assert participant.joins_muted is (options.muted or bool(options.coach))
                        self.joins_muted[call_sid] = participant.joins_muted
                case JoinEarly(participant):
                    options = participant.options
                    assert not any((participant.joins_muted, options.muted, options.coach))
                    self.joins_muted[participant.call_sid] = False
                case PlayBeep():
                    self._beeps(effect, event, before, inside, starts)
                case SetMute(member_id, on):
                    assert not inside[member_id].held, "a mute that would end a hold"
                    assert on or not self._hearers_not_meant(inside[member_id], inside)
                    self.muted[member_id] = on
                case SetHold(call_sid, member_id, on):
                    assert inside[member_id].call_sid == call_sid
                    self.held[member_id] = on
                    self.muted[member_id] = False  # An effect of FreeSWITCH's unhold.
                case RelateNospeak(member, other, on):
                    assert {member, other} <= inside.keys()
                    comes = isinstance(event, (Added, JoinRequest))
                    assert ((member, other) in self.unheard) is not on or comes
                    (self.unheard.add if on else self.unheard.discard)((member, other))
                case StartRecording():
                    self.recording = True
                    self.recordings += 1
                    assert self.recordings == 1
                case StopRecording():
                    assert self.recording
                    if isinstance(event, Silence):
                        assert event.since == self.silence_awaited
                        assert not self.paused, "a pause taken for silence"
                    else:
                        assert isinstance(event, SetRecording)
                        assert event.to == "stopped"
                    self.recording = False
                case AwaitSilence(since, seconds):
                    assert self.recording
                    assert self.somebody_spoke
                    assert not any(one.talking for one in inside.values()), "silence, and somebody speaks"
                    assert after.options.recording is not None
                    assert (since, seconds) == (event.at, after.options.recording.timeout)
                    self.silence_awaited = since
        if isinstance(event, SetRecording) and self.recording and after.phase is RoomPhase.STARTED:
            self.paused = event.to == "paused"
        orders = (PlayBeep, SetMute, SetHold, RelateNospeak, StopRecording, AwaitSilence)
        assert after.phase is RoomPhase.STARTED or not any(isinstance(effect, orders) for effect in effects)
        if isinstance(event, ConferenceLost) or after.phase is RoomPhase.ENDED:
            self.recording = False
        self._everybody_is_heard_as_wished(inside)
        self._silence_is_awaited(after, inside)

    def _come_and_go(self, event: RoomEvent, before: Room, after: Room) -> None:
        was = {one.member_id for one in before.participants.values()}
        now = {one.member_id: one.call_sid for one in after.participants.values() if one.member_id}
        for member_id in was - now.keys():
            self.muted.pop(member_id, None)
            self.held.pop(member_id, None)
            self.unheard = {pair for pair in self.unheard if member_id not in pair}
        for member_id in now.keys() - was:
            assert isinstance(event, Added)
            self.muted[member_id] = self.joins_muted[now[member_id]]
            self.held[member_id] = False

    def _beeps(
        self, beep: PlayBeep, event: RoomEvent, before: Room, inside: dict[str, Participant], starts: bool
    ) -> None:
        assert beep.members
        assert not any(inside[member_id].held for member_id in beep.members)
        if isinstance(event, BeginRecording):
            assert beep.kind == "record"
            assert beep.members == tuple(one.member_id for one in inside.values() if not one.held)
            return
        assert isinstance(event, (Added, JoinRequest, *ENDS))
        was = before.participants[event.caller.call_sid if isinstance(event, JoinRequest) else event.call_sid]
        match beep.kind:
            case "enter":
                assert isinstance(event, Added) or was.member_id
                assert not was.join_sent
                assert not starts
                member_id = event.member_id if isinstance(event, Added) else was.member_id
                assert member_id not in beep.members, "it hears its own beep"
                assert was.options.beep in ("true", "onEnter")
            case "exit":
                assert isinstance(event, ENDS)
                assert was.options.beep in ("true", "onExit")
            case "record":
                assert isinstance(event, Added)
                assert before.options.recording is not None
                assert before.options.recording.beep
                assert beep.members == (event.member_id,)
                assert starts or was.join_sent or event.renewed

    def _hearers_not_meant(self, speaker: Participant, inside: dict[str, Participant]) -> list[str]:
        """The members that hear a coach and are not coached by it."""
        if not speaker.options.coach:
            return []
        return [
            other.member_id
            for other in inside.values()
            if other.call_sid not in (speaker.call_sid, speaker.options.coach)
            and (speaker.member_id, other.member_id) not in self.unheard
        ]

    def _everybody_is_heard_as_wished(self, inside: dict[str, Participant]) -> None:
        for member_id, one in inside.items():
            assert self.held[member_id] is one.held
            assert one.held or self.muted[member_id] is one.options.muted
            assert not self._hearers_not_meant(one, inside)
        for member, other in self.unheard:
            if member in inside and other in inside:
                assert inside[member].options.coach not in ("", inside[other].call_sid), "heard too little"

    def _silence_is_awaited(self, room: Room, inside: dict[str, Participant]) -> None:
        if any(one.talking for one in inside.values()):
            self.somebody_spoke, self.silence_awaited = True, 0
        assert room.recording is self.recording
        assert room.recording_paused is (self.paused and self.recording)
        assert not any(one.talking and (one.options.muted or one.held) for one in inside.values())
        timed = self.recording and room.options.recording is not None and room.options.recording.timeout
        quiet = not any(one.talking for one in room.participants.values())
        if timed and quiet and self.somebody_spoke and room.phase is RoomPhase.STARTED:
            assert self.silence_awaited
