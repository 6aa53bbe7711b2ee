"""What a room sounds like: beeps, who speaks, who is kept apart, when a recording begins and ends."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.conference.machine.effects import (
    AwaitSilence,
    Beep,
    BeepKind,
    Relate,
    SetHold,
    SetMute,
    StartRecording,
    StopRecording,
)
from orchestrator.conference.machine.events import Floor, SetRecording, Silence, Talking
from orchestrator.conference.machine.state import Caller, Participant, Phase, RoomPhase
from orchestrator.conference.machine.transition import Move

# Which of `beep`'s values sound when (telnyx-texml 1.1).
ENTER_BEEPS = ("true", "onEnter")
EXIT_BEEPS = ("true", "onExit")
NOT_RECORDED = {"recording": False, "recording_paused": False}


def settle_in(move: Move, participant: Participant, was: Participant, at: int) -> None:
    """It has just been added; `was` is how it stood before that."""
    others = [other for other in move.inside if other.call_sid != participant.call_sid]
    if not was.told and participant.wish.beep in ENTER_BEEPS:
        beep(move, "enter", others)
    moved_in = was.told and was.phase is Phase.JOINING
    if moved_in or move.room.phase is RoomPhase.INIT:
        # One by one, as they come in: the starter, and those whom the start found waiting.
        _beep_recording(move, participant)
    _keep_coaches_apart(move, participant, others, at)
    if participant.held:
        move.effects.append(hold_of(participant))
    elif participant.wish.muted is not participant.joins_muted:
        move.effects.append(SetMute(participant.member_id, participant.wish.muted))


def hold_of(participant: Participant) -> SetHold:
    return SetHold(
        participant.call_sid,
        participant.member_id,
        participant.held,
        participant.hold_url,
        participant.hold_method,
    )


def _keep_coaches_apart(move: Move, participant: Participant, others: list[Participant], at: int) -> None:
    """A coach is heard by the coached one alone, whoever came first."""
    coached = participant.wish.coach
    for other in others:
        if coached and other.call_sid != coached:
            move.effects.append(Relate(participant.member_id, other.member_id))
        if other.wish.coach and other.wish.coach != participant.call_sid:
            move.effects.append(Relate(other.member_id, participant.member_id))
            speaks_no_more(move, other, at)


def leave_sound(move: Move, participant: Participant, at: int) -> None:
    """It is out already; nobody hears anything of it while the room ends."""
    ends = participant.wish.end_on_exit or not move.participants
    if not participant.member_id or participant.called or move.phase is not RoomPhase.STARTED or ends:
        return
    if participant.wish.beep in EXIT_BEEPS:
        beep(move, "exit", move.inside)
    if participant.talking:
        _listen_for_silence(move, at)


def beep(move: Move, kind: BeepKind, to: list[Participant]) -> None:
    """Into their ears one by one: so the one that it announces never hears it, and no recording has it."""
    members = tuple(other.member_id for other in to if not other.held)
    if members:
        move.effects.append(Beep(kind, members))


def begin_recording(move: Move, by: Caller) -> None:
    if move.room.terms.recording is not None:
        move.fields["recording"] = True
        move.effects.append(StartRecording(by))


def _beep_recording(move: Move, participant: Participant) -> None:
    recording = move.room.terms.recording
    if recording is not None and recording.beep:
        beep(move, "record", [participant])


def talking(move: Move, event: Talking) -> None:
    participant = move.participants.get(event.call_sid)
    if participant is None or participant.phase is not Phase.IN or participant.talking is event.on:
        return
    if event.on and (participant.wish.muted or participant.held):
        # Said just before FreeSWITCH was told; it will not say that this has stopped.
        return
    _speaks(move, participant, event.on, event.at)


def _speaks(move: Move, participant: Participant, on: bool, at: int) -> None:
    participant = move.put(replace(participant, talking=on))
    if move.room.terms.speaker_mode == "talkers":
        name = "participant-speech-start" if on else "participant-speech-stop"
        move.tell(name, at, participant.caller, participant)
    elif on and move.room.floor == participant.call_sid:
        # FreeSWITCH gives the floor to the first who comes, silent or not.
        _tell_dominant_speaker(move, participant, at)
    _listen_for_silence(move, at)


def stops_talking(move: Move, participant: Participant, at: int) -> None:
    """On its way out: each participant-speech-start is followed by its stop, before the leave."""
    if participant.talking and move.room.terms.speaker_mode == "talkers":
        silent = replace(participant, talking=False)
        move.tell("participant-speech-stop", at, participant.caller, silent)


def speaks_no_more(move: Move, participant: Participant, at: int) -> None:
    """FreeSWITCH forgets a speaker whom it mutes, holds or relates, and says nothing (conference_api.c)."""
    if participant.talking:
        _speaks(move, participant, False, at)


def floor(move: Move, event: Floor) -> None:
    if move.room.terms.speaker_mode != "floor":
        return
    participant = move.participants.get(event.call_sid)
    if participant is None or participant.phase is not Phase.IN or move.room.floor == event.call_sid:
        return
    move.fields["floor"] = event.call_sid
    if participant.talking:
        _tell_dominant_speaker(move, participant, event.at)


def _tell_dominant_speaker(move: Move, participant: Participant, at: int) -> None:
    if move.room.dominant != participant.call_sid:
        move.fields["dominant"] = participant.call_sid
        move.tell("participant-speech-start", at, participant.caller, participant)


def _listen_for_silence(move: Move, at: int) -> None:
    """recordingTimeout counts from the moment when nobody speaks any more, once somebody has."""
    recording = move.room.terms.recording
    if recording is None or not recording.timeout or not move.room.recording:
        return
    if any(other.talking for other in move.inside):
        move.fields["silent_since"] = 0
    else:
        move.fields["silent_since"] = at
        move.effects.append(AwaitSilence(at, recording.timeout))


def silence(move: Move, event: Silence) -> None:
    if move.room.recording and not move.room.recording_paused and event.since == move.room.silent_since:
        _stop_recording(move)


def set_recording(move: Move, event: SetRecording) -> None:
    if not move.room.recording:
        return
    if event.to == "stopped":
        _stop_recording(move)
        return
    paused = event.to == "paused"
    if move.room.recording_paused is not paused:
        move.fields["recording_paused"] = paused
        if not paused and move.room.silent_since:
            # A pause is no silence: that counts anew.
            _listen_for_silence(move, event.at)


def _stop_recording(move: Move) -> None:
    move.fields |= NOT_RECORDED
    move.effects.append(StopRecording())
