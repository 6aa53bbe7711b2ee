"""Record: the caller's voice into a file, until a key, silence, or the time is up (telnyx-texml 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.calls.call_recordings import recording_of
from orchestrator.calls.recording import Recording
from orchestrator.calls.steps import Goto, Redirected, Step
from orchestrator.calls.verbs.sound import PLAY_MARGIN_SECONDS
from orchestrator.freeswitch.errors import LegGone
from orchestrator.freeswitch.legs import Execution
from orchestrator.texml import Record

if TYPE_CHECKING:
    from orchestrator.calls.call import Call

BEEP = "tone_stream://%(400,0,1000)"
# FreeSWITCH's record: energy below which a frame is silence.
SILENCE_LEVEL = 200
LONGEST_SECONDS = 14400
# mod_dptools.c, record_function() sets it at the end.
RECORDED = "variable_record_ms"


def record(call: Call, verb: Record) -> Step:
    leg = call.leg
    leg.answer()
    begun = call.recall("recording")
    if verb.play_beep and not begun:
        leg.still()
        leg.execute("playback", BEEP, timeout=PLAY_MARGIN_SECONDS)
    recording = recording_of(call, verb)
    limit = verb.max_length or LONGEST_SECONDS
    # Telnyx's 0 is no silence that ends it, and so is FreeSWITCH's.
    arguments = f"{recording.path_there} {limit} {SILENCE_LEVEL} {verb.timeout}"
    try:
        done = _record(call, verb, recording, arguments).wait(limit + PLAY_MARGIN_SECONDS)
        leg.set(playback_terminators="none")
        recording.end()
        recording.wait()
    except Redirected:
        leg.wait_quiet(PLAY_MARGIN_SECONDS)
        leg.set(playback_terminators="none")
        recording.end()
        raise
    except LegGone:
        # What was said is kept, and told to whoever asked to hear of it.
        call.finish_later(lambda: _told_to_the_action(call, verb, recording))
        raise
    if verb.action is None and not recording.seconds:
        return None
    # Without an action the current document is asked again (Twilio).
    key = done.header("variable_playback_terminator_used")
    return Goto(verb.action or "", verb.method, (*recording.fields(), ("Digits", key)))


def _record(call: Call, verb: Record, recording: Recording, arguments: str) -> Execution:
    leg = call.leg
    if call.recall("recording"):
        if leg.gone or (leg.found == ("record", arguments) and RECORDED not in leg.headers):
            return leg.start("record", arguments)
        # It came to its end while nobody was there to hear of it.
        leg.still()
        return leg.set(playback_terminators="none")
    call.note(recording=recording.sid)
    recording.keep(*call.rows)
    leg.still()
    leg.set(playback_terminators=verb.finish_on_key or "none", record_ms="")
    return leg.start("record", arguments)


def _told_to_the_action(call: Call, verb: Record, recording: Recording) -> None:
    """As at Twilio; whatever it answers, there is nobody left to do it to."""
    recording.wait()
    if verb.action is not None and recording.seconds:
        call.notify(Goto(verb.action, verb.method, (*recording.fields(), ("Digits", "hangup"))))
