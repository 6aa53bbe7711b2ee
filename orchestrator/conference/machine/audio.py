"""The audio of a room: beeps, speakers, coaching, begin and end of a recording."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.conference.machine.effects import (
    AwaitSilence,
    BeepKind,
    PlayBeep,
    RelateNospeak,
    SetHold,
    SetMute,
    StartRecording,
    StopRecording,
)
from orchestrator.conference.machine.events import BeginRecording, Floor, SetRecording, Silence, Talking
from orchestrator.conference.machine.state import Caller, Participant, Phase, RecordingOptions, RoomPhase
from orchestrator.conference.machine.transition import Transition

# The values of `beep` that sound on enter and on exit.
ENTER_BEEPS = ("true", "onEnter")
EXIT_BEEPS = ("true", "onExit")
NOT_RECORDED = {"recording": False, "recording_paused": False}


def apply_options_after_join(
    transition: Transition, participant: Participant, was: Participant, at: int
) -> None:
    """It has just been added; `was` is how it stood before that."""
    others = [other for other in transition.inside if other.call_sid != participant.call_sid]
    if not was.join_sent and participant.options.beep in ENTER_BEEPS:
        beep(transition, "enter", others)
    moved_in = was.join_sent and was.phase is Phase.JOINING
    if moved_in or transition.room.phase is RoomPhase.INIT:
        # One by one, as they come in: the starter, and the participants that waited for the start.
        beep_recording(transition, participant)
    _keep_coaches_apart(transition, participant, others, at)
    if participant.held:
        transition.effects.append(hold_of(participant))
    elif participant.options.muted is not participant.joins_muted:
        transition.effects.append(SetMute(participant.member_id, participant.options.muted))


def hold_of(participant: Participant) -> SetHold:
    return SetHold(
        participant.call_sid,
        participant.member_id,
        participant.held,
        participant.hold_url,
        participant.hold_method,
    )


def _keep_coaches_apart(
    transition: Transition, participant: Participant, others: list[Participant], at: int
) -> None:
    """A coach is heard by the coached one alone, in whatever order they came."""
    coached = participant.options.coach
    for other in others:
        if coached and other.call_sid != coached:
            transition.effects.append(RelateNospeak(participant.member_id, other.member_id))
        if other.options.coach and other.options.coach != participant.call_sid:
            transition.effects.append(RelateNospeak(other.member_id, participant.member_id))
            stop_talking_unreported(transition, other, at)


def stop_audio(transition: Transition, participant: Participant, at: int) -> None:
    """It is out already; nobody hears anything of it while the room ends."""
    ends = participant.options.end_on_exit or not transition.participants
    if not participant.member_id or participant.called or transition.phase is not RoomPhase.STARTED or ends:
        return
    if participant.options.beep in EXIT_BEEPS:
        beep(transition, "exit", transition.inside)
    if participant.talking:
        _watch_for_silence(transition, at)


def beep(transition: Transition, kind: BeepKind, to: list[Participant]) -> None:
    """To each member by itself: so the participant that it announces does not hear it, and no recording has
    it."""
    members = tuple(other.member_id for other in to if not other.held)
    if members:
        transition.effects.append(PlayBeep(kind, members))


def begin_recording(transition: Transition, by: Caller) -> None:
    if transition.room.options.recording is not None:
        transition.fields["recording"] = True
        transition.effects.append(StartRecording(by))


def begin_recording_now(transition: Transition, event: BeginRecording) -> None:
    """Through the API, of one that is not recorded, or no longer."""
    inside = transition.inside
    if transition.room.recording or not inside:
        return
    options = transition.room.options
    recording = options.recording or RecordingOptions()
    transition.fields |= {
        "options": replace(options, recording=recording),
        "recording": True,
        "recording_paused": False,
        "silent_since": 0,
    }
    transition.effects.append(StartRecording(inside[0].caller))
    if recording.beep:
        beep(transition, "record", inside)


def renew_recording(transition: Transition, by: Caller | None) -> None:
    """The recording ended with the conference that it was of; the new one has its own."""
    if transition.room.recording and by is not None:
        transition.fields |= {"recording_paused": False, "silent_since": 0}
        transition.effects.append(StartRecording(by))


def beep_recording(transition: Transition, participant: Participant) -> None:
    recording = transition.room.options.recording
    if recording is not None and recording.beep:
        beep(transition, "record", [participant])


def talking(transition: Transition, event: Talking) -> None:
    participant = transition.participants.get(event.call_sid)
    if participant is None or participant.phase is not Phase.IN or participant.talking is event.on:
        return
    if event.on and (participant.options.muted or participant.held):
        # Reported just before FreeSWITCH got the command; it will not report that this has stopped.
        return
    _set_talking(transition, participant, event.on, event.at)


def _set_talking(transition: Transition, participant: Participant, on: bool, at: int) -> None:
    participant = transition.put(replace(participant, talking=on))
    if transition.room.options.speaker_mode == "talking":
        name = "participant-speech-start" if on else "participant-speech-stop"
        transition.send_callback(name, at, participant.caller, participant)
    elif on and transition.room.floor == participant.call_sid:
        # FreeSWITCH gives the floor to the first who comes, silent or not.
        _report_active_speaker(transition, participant, at)
    _watch_for_silence(transition, at)


def stop_talking(transition: Transition, participant: Participant, at: int) -> None:
    """Before it leaves: each participant-speech-start is followed by its stop, before the leave."""
    if participant.talking and transition.room.options.speaker_mode == "talking":
        silent = replace(participant, talking=False)
        transition.send_callback("participant-speech-stop", at, participant.caller, silent)


def stop_talking_unreported(transition: Transition, participant: Participant, at: int) -> None:
    """FreeSWITCH forgets a speaker that it mutes, holds or relates, without an event (conference_api.c)."""
    if participant.talking:
        _set_talking(transition, participant, False, at)


def floor(transition: Transition, event: Floor) -> None:
    if transition.room.options.speaker_mode != "floor":
        return
    participant = transition.participants.get(event.call_sid)
    if participant is None or participant.phase is not Phase.IN or transition.room.floor == event.call_sid:
        return
    transition.fields["floor"] = event.call_sid
    if participant.talking:
        _report_active_speaker(transition, participant, event.at)


def _report_active_speaker(transition: Transition, participant: Participant, at: int) -> None:
    if transition.room.active_speaker != participant.call_sid:
        transition.fields["active_speaker"] = participant.call_sid
        transition.send_callback("participant-speech-start", at, participant.caller, participant)


def _watch_for_silence(transition: Transition, at: int) -> None:
    """recordingTimeout counts from the moment when nobody speaks any more, once somebody has."""
    recording = transition.room.options.recording
    if recording is None or not recording.timeout or not transition.room.recording:
        return
    if any(other.talking for other in transition.inside):
        transition.fields["silent_since"] = 0
    else:
        transition.fields["silent_since"] = at
        transition.effects.append(AwaitSilence(at, recording.timeout))


def silence(transition: Transition, event: Silence) -> None:
    if (
        transition.room.recording
        and not transition.room.recording_paused
        and event.since == transition.room.silent_since
    ):
        _stop_recording(transition)


def set_recording(transition: Transition, event: SetRecording) -> None:
    if not transition.room.recording:
        return
    if event.to == "stopped":
        _stop_recording(transition)
        return
    paused = event.to == "paused"
    if transition.room.recording_paused is not paused:
        transition.fields["recording_paused"] = paused
        if not paused and transition.room.silent_since:
            # A pause is no silence: that counts anew.
            _watch_for_silence(transition, event.at)


def _stop_recording(transition: Transition) -> None:
    transition.fields |= NOT_RECORDED
    transition.effects.append(StopRecording())
