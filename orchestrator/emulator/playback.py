"""Applications that play to one leg (switch_ivr_play_say.c)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

from orchestrator.emulator.session import Session
from orchestrator.emulator.sound import RATE, Playing, Sound, SoundNotFound, open_sound, speech


class Ended(Enum):
    """How a loop over frames ended, named as in FreeSWITCH."""

    SUCCESS = "success"
    BREAK = "break"
    GONE = "gone"
    NOT_FOUND = "not found"


def terminators(session: Session) -> str:
    named = session.get("playback_terminators") or "*"
    return {"any": "1234567890*#", "none": ""}.get(named.lower(), named)


def _terminated(session: Session) -> bool:
    """Take one digit; true when it is one that ends what plays."""
    digit = session.next_digit()
    if digit in terminators(session):
        session.set("playback_terminator_used", digit)
        return True
    return False


def frames(session: Session, until: float, *, reads_digits: bool) -> Ended:
    """Run until the emulated moment `until`, obeying breaks, queued commands and digits on the way."""
    while True:
        if session.down:
            return Ended.GONE
        if session.breaking:
            session.breaking = 0
            return Ended.BREAK
        if session.core.clock.now() >= until:
            return Ended.SUCCESS
        session.run_messages()
        if session.down or session.breaking:
            continue
        if reads_digits and session.digits:
            if _terminated(session):
                return Ended.BREAK
            continue
        session.wait(until)


def _play(session: Session, name: str, sound: Sound, *, reads_digits: bool) -> Ended:
    clock = session.core.clock
    playing = Playing(name, sound, clock.now())
    session.play(playing)
    ended = frames(session, playing.began + sound.duration, reads_digits=reads_digits)
    session.stop_playing(playing)
    if ended is Ended.SUCCESS:
        session.end_frame()
    elapsed = min(clock.now() - playing.began, sound.duration)
    samples = int(math.ceil(round(elapsed / 0.02, 3)) * 0.02 * RATE)
    if sound.duration < math.inf:
        samples = min(samples, int(sound.duration * RATE))
    session.update(
        {
            "playback_last_offset_pos": str(samples),
            "playback_seconds": str(samples // RATE),
            "playback_ms": str(samples * 1000 // RATE),
            "playback_samples": str(samples),
        }
    )
    return ended


def play_file(session: Session, name: str, *, reads_digits: bool = True) -> Ended:
    """switch_ivr_play_file: PLAYBACK_START, the sound, PLAYBACK_STOP."""
    if not name or not session.media_up:
        return Ended.GONE
    if name.lower().startswith("say:"):
        return _play(session, name[4:], speech(name[4:]), reads_digits=reads_digits)
    try:
        sound = open_sound(name)
    except SoundNotFound:
        return Ended.NOT_FOUND
    kind = re.match(r"(local_stream|tone_stream)://", name)
    path = [("Playback-File-Type", kind[1])] if kind else []
    path.append(("Playback-File-Path", name))
    session.fire("PLAYBACK_START", path)
    ended = _play(session, name, sound, reads_digits=reads_digits)
    status = "break" if ended is Ended.BREAK else "done"
    session.fire("PLAYBACK_STOP", [*path, ("Playback-Status", status)])
    return ended


def _respond(session: Session, ended: Ended) -> None:
    text = {Ended.NOT_FOUND: "FILE NOT FOUND", Ended.GONE: "PLAYBACK ERROR"}.get(ended, "FILE PLAYED")
    session.set("current_application_response", text)


def playback(session: Session, argument: str) -> None:
    session.set("playback_terminator_used", None)
    _respond(session, play_file(session, argument.partition("@@")[0]))


def speak(session: Session, argument: str) -> None:
    """`[engine|voice|]text`; a voice-less call without tts_engine hangs up, as FreeSWITCH does."""
    words = argument.split("|", 2)
    engine = words[0] if len(words) == 3 else session.get("tts_engine")
    voice = words[-2] if len(words) > 1 else session.get("tts_voice")
    if not argument:
        return
    if not engine or not voice:
        session.hangup("DESTINATION_OUT_OF_ORDER")
        return
    session.set("playback_terminator_used", None)
    text = words[-1]
    sound = speech(text)
    playing = Playing(text, sound, session.core.clock.now())
    session.play(playing)
    frames(session, playing.began + sound.duration, reads_digits=True)
    session.stop_playing(playing)


def sleep(session: Session, argument: str) -> None:
    """Milliseconds. A digit ends it and stays queued, unless `sleep_eat_digits` is set (switch_ivr_sleep)."""
    match = re.match(r"\s*(\d+)", argument)
    if not match:
        return
    eats = session.true("sleep_eat_digits")
    until = session.core.clock.now() + int(match[1]) / 1000
    while True:
        if eats:
            frames(session, until, reads_digits=True)
            return
        if session.down or session.core.clock.now() >= until or session.breaking:
            session.breaking = 0
            return
        session.run_messages()
        if session.digits or session.down or session.breaking:
            session.breaking = 0
            return
        session.wait(until)


@contextmanager
def ringback(session: Session) -> Iterator[None]:
    """The caller's sound while others ring: `ringback`, or `transfer_ringback` once it is answered."""
    name = session.get("transfer_ringback" if session.answered else "ringback")
    playing: Playing | None = None
    if name and (session.answered or session.pre_answer()):
        try:
            playing = Playing(name, open_sound(name), session.core.clock.now())
            session.play(playing)
        except SoundNotFound:
            playing = None
    try:
        yield
    finally:
        if playing is not None:
            session.stop_playing(playing)
