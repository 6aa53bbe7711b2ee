"""Record: the caller's voice into a file, until a key, silence, or the time is up."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.calls.call import Call
from orchestrator.calls.recorded_call import recording_of
from orchestrator.documents.next_action import FetchDocument, NextAction, Redirected
from orchestrator.esl.errors import LegGone
from orchestrator.esl.execution import Execution
from orchestrator.recordings.call_recording import CallRecording
from orchestrator.texml import Record
from orchestrator.verbs.play import PLAY_MARGIN_SECONDS

BEEP = "tone_stream://%(400,0,1000)"
# FreeSWITCH's record: energy below which a frame is silence.
SILENCE_LEVEL = 200
LONGEST_SECONDS = 14400
# mod_dptools.c, record_function() sets it at the end.
RECORDED = "variable_record_ms"
Start = Callable[[Call, Record, CallRecording, str], Execution]


def record(call: Call, verb: Record) -> NextAction:
    leg = call.leg
    leg.answer()
    if verb.play_beep:
        leg.stop_leftover_playback()
        leg.execute("playback", BEEP, timeout=PLAY_MARGIN_SECONDS)
    return _wait(call, verb, recording_of(call, verb), _start)


def resume_record(call: Call, verb: Record) -> NextAction:
    """With the recording that was begun, if one was."""
    if not call.recall("recording"):
        return record(call, verb)
    call.leg.answer()
    return _wait(call, verb, recording_of(call, verb), _resume)


def _wait(call: Call, verb: Record, recording: CallRecording, start: Start) -> NextAction:
    """Wait for its end; return the next action."""
    leg, limit = call.leg, verb.max_length or LONGEST_SECONDS
    # Telnyx's 0 is no silence that ends it, and so is FreeSWITCH's.
    arguments = f"{recording.freeswitch_path} {limit} {SILENCE_LEVEL} {verb.timeout}"
    try:
        done = start(call, verb, recording, arguments).wait(limit + PLAY_MARGIN_SECONDS)
        leg.set(playback_terminators="none")
        recording.end()
        recording.wait()
    except Redirected:
        leg.stop_playback_and_wait(PLAY_MARGIN_SECONDS)
        leg.set(playback_terminators="none")
        recording.end()
        raise
    except LegGone:
        # The recording so far is kept, and its callback sent.
        call.finish_later(lambda: _request_action(call, verb, recording))
        raise
    if verb.action is None and not recording.seconds:
        return None
    # Without an action the current document is asked again (Twilio).
    key = done.header("variable_playback_terminator_used")
    return FetchDocument(verb.action or "", verb.method, (*recording.fields(), ("Digits", key)))


def _resume(call: Call, verb: Record, recording: CallRecording, arguments: str) -> Execution:
    leg = call.leg
    if leg.gone or (leg.current_application == ("record", arguments) and RECORDED not in leg.headers):
        return leg.start("record", arguments)
    # It came to its end while nobody was there to hear of it.
    leg.stop_leftover_playback()
    return leg.set(playback_terminators="none")


def _start(call: Call, verb: Record, recording: CallRecording, arguments: str) -> Execution:
    leg = call.leg
    call.note(recording=recording.sid)
    recording.keep(*call.rows)
    leg.stop_leftover_playback()
    leg.set(playback_terminators=verb.finish_on_key or "none", record_ms="")
    return leg.start("record", arguments)


def _request_action(call: Call, verb: Record, recording: CallRecording) -> None:
    """As at Twilio; whatever it answers, there is nobody left to do it to."""
    recording.wait()
    if verb.action is not None and recording.seconds:
        call.notify(FetchDocument(verb.action, verb.method, (*recording.fields(), ("Digits", "hangup"))))
