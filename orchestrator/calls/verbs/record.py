"""Record: the caller's voice into a file, until a key, silence, or the time is up (telnyx-texml section 5)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.calls.sids import new_sid
from orchestrator.calls.steps import Goto, Step
from orchestrator.calls.verbs.sound import PLAY_MARGIN_SECONDS
from orchestrator.media.audio import AudioError, seconds_of
from orchestrator.texml import Record

if TYPE_CHECKING:
    from orchestrator.calls.call import Call

BEEP = "tone_stream://%(400,0,1000)"
# FreeSWITCH's record: energy below which a frame is silence.
SILENCE_LEVEL = 200
LONGEST_SECONDS = 14400


def record(call: Call, verb: Record) -> Step:
    leg, services = call.leg, call.services
    leg.answer()
    if verb.play_beep:
        leg.execute("playback", BEEP, timeout=PLAY_MARGIN_SECONDS)
    sid = new_sid()
    path = services.recording_path(sid)
    limit = verb.max_length or LONGEST_SECONDS
    leg.set(playback_terminators=verb.finish_on_key or "none")
    try:
        argument = f"{services.node.there(path)} {limit} {SILENCE_LEVEL} {verb.timeout}".removesuffix(" 0")
        done = leg.execute("record", argument, timeout=limit + PLAY_MARGIN_SECONDS)
    finally:
        if not leg.gone:
            leg.set(playback_terminators="none")
    seconds = _seconds(call, path)
    headers = done.headers()
    fields = [
        ("RecordingSid", sid),
        ("RecordingDuration", str(round(seconds))),
        ("RecordingUrl", services.recording_url(sid)),
        ("Digits", headers.get("variable_playback_terminator_used", "")),
    ]
    if verb.action is None and not seconds:
        return None
    # Without an action the current document is asked again (Twilio).
    return Goto(verb.action or "", verb.method, tuple(fields))


def _seconds(call: Call, path: Path) -> float:
    try:
        return seconds_of(path)
    except AudioError as error:
        call.log.error("no recording", problem=str(error))
        return 0.0
