"""Say, Play and Pause: what a caller hears, or does not."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import gevent

from orchestrator.calls.fetch import FetchError
from orchestrator.calls.steps import Step
from orchestrator.freeswitch import commands
from orchestrator.media.library import AudioError, Sound
from orchestrator.media.speech import SpeechError
from orchestrator.texml import Pause, Play, Say

if TYPE_CHECKING:
    from orchestrator.calls.call import Call

# On top of what plays: opening the file, and a FreeSWITCH under load.
PLAY_MARGIN_SECONDS = 10.0
# Flite speaks some twelve characters a second; a text is given four times that.
SPEAK_SECONDS_A_CHARACTER = 0.35
FOR_EVER = 0


def times(loop: int) -> range | count[int]:
    """0 is for ever, as the vendors have it."""
    return count() if loop == FOR_EVER else range(loop)


def say(call: Call, verb: Say) -> Step:
    call.leg.answer()
    speech = call.services.settings.speech
    voice = speech.voice(verb.voice)
    sound: Sound | None = None
    if speech.engine == "command":
        try:
            sound = call.services.speech.sound(verb.text, voice)
        except SpeechError as error:
            call.log.error("nothing said", problem=str(error))
            return None
    for _ in times(verb.loop):
        if sound is not None:
            play_sound(call, sound)
        else:
            limit = PLAY_MARGIN_SECONDS + SPEAK_SECONDS_A_CHARACTER * len(verb.text)
            call.leg.execute("speak", f"flite|{voice}|{commands.speakable(verb.text)}", timeout=limit)
    return None


def play(call: Call, verb: Play) -> Step:
    call.leg.answer()
    if verb.digits:
        # FreeSWITCH's W is a second's pause and w half a one, as in TeXML.
        call.leg.execute("send_dtmf", verb.digits, timeout=PLAY_MARGIN_SECONDS + len(verb.digits))
        return None
    try:
        play_url(call, call.services.resolve(call.document_url, verb.url), verb.loop)
    except (FetchError, AudioError) as error:
        call.log.error("nothing played", url=verb.url, problem=str(error))
    return None


def pause(call: Call, verb: Pause) -> Step:
    """Does not answer: a call may ring a while longer."""
    gevent.sleep(verb.length)
    return None


def play_url(call: Call, url: str, loop: int = 1) -> None:
    """Raises FetchError or AudioError."""
    services = call.services
    fetched = services.fetcher.fetch(url, "GET", (), call.cookies, limits=services.media_limits)
    sound = services.library.keep(fetched.body)
    for _ in times(loop):
        play_sound(call, sound)


def play_sound(call: Call, sound: Sound) -> None:
    call.leg.execute("playback", sound.path, timeout=sound.seconds + PLAY_MARGIN_SECONDS)
