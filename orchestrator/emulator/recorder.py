"""`record`: the phone's voice into a WAV file (switch_ivr_record_file)."""

from __future__ import annotations

import math
from pathlib import Path

from orchestrator.emulator.playback import Ended, frames
from orchestrator.emulator.session import Session
from orchestrator.emulator.sound import RATE, Score, write_wav


def record(session: Session, argument: str) -> None:
    """`<path> [<limit s> [<threshold> [<silence hits, s>]]]`; a terminator ends it and is not in the file."""
    words = argument.split()
    if not words:
        return
    path = Path(words[0])
    limit = float(words[1].lstrip("+")) if len(words) > 1 else 0.0
    threshold = int(words[2]) if len(words) > 2 else 0
    silence = int(words[3]) if len(words) > 3 else 0
    session.set("playback_terminator_used", None)
    try:
        write_wav(path, Score().render(0))
    except OSError:
        session.hangup("DESTINATION_OUT_OF_ORDER")
        return
    clock = session.core.clock
    score = Score()
    began = clock.now()
    session.set("silence_hits_exhausted", "false")
    session.fire("RECORD_START", [("Record-File-Path", str(path))])
    end = began + limit if limit else math.inf
    quiet_since = began
    last = began
    while True:
        voice = session.phone.speaking if session.phone else None
        until = min(end, clock.now() + 0.1) if threshold and silence else end
        turned = session.phone.turns if session.phone else 0
        ended = _until_turn(session, until, turned)
        now = clock.now()
        if voice is not None:
            score.add(last - began, now - began, voice)
            quiet_since = now
        last = now
        if ended is not None and ended is not Ended.SUCCESS:
            break
        if now >= end:
            break
        if threshold and silence and now - quiet_since >= silence:
            session.set("silence_hits_exhausted", "true")
            break
    seconds = clock.now() - began
    write_wav(path, score.render(seconds))
    milliseconds = int(seconds * 1000) // 20 * 20
    session.update(
        {
            "record_record_file_size": str(path.stat().st_size),
            "record_file_size": str(path.stat().st_size),
            "record_seconds": str(milliseconds // 1000),
            "record_ms": str(milliseconds),
            "record_samples": str(milliseconds * RATE // 1000),
        }
    )
    session.fire("RECORD_STOP", [("Record-File-Path", str(path))])


def _until_turn(session: Session, until: float, turned: int) -> Ended | None:
    """Frames until `until`, or until the phone starts or stops speaking (None)."""
    step = 0.1
    while True:
        stop = min(until, session.core.clock.now() + step)
        ended = frames(session, stop, reads_digits=True)
        if ended is not Ended.SUCCESS or stop >= until:
            return ended
        if session.phone and session.phone.turns != turned:
            return None
