"""Say, Play and Pause: what a caller hears, or does not."""

from __future__ import annotations

from itertools import count

import gevent

from orchestrator.callbacks.signature import Signer
from orchestrator.calls.runner import DocumentRunner
from orchestrator.clock import now
from orchestrator.documents.document import not_audio
from orchestrator.documents.fetch import FetchError
from orchestrator.documents.next_action import EndCall, NextAction
from orchestrator.esl import commands
from orchestrator.esl.dtmf import send_digits
from orchestrator.media.audio_cache import AudioError, AudioFile
from orchestrator.media.text_to_speech import SpeechError
from orchestrator.net.logged_url import shown
from orchestrator.texml import Pause, Play, Say
from orchestrator.texml.ring_tones import RING_TONES
from orchestrator.verbs.ring_tone import ringing

# On top of what plays: opening the file, and a FreeSWITCH under load.
PLAY_MARGIN_SECONDS = 10.0
# Flite speaks some twelve characters a second; a text is given four times that.
SPEAK_SECONDS_A_CHARACTER = 0.35
FOR_EVER = 0
# mod_dptools.c, playback_function(): the response where it could not play.
NOT_PLAYED = ("FILE NOT FOUND", "PLAYBACK ERROR")
# A phone takes in no media before it has seen the 200 OK.
MEDIA_SECONDS = 0.3


def times(loop: int) -> range | count[int]:
    """0 is for ever, as the vendors have it."""
    return count() if loop == FOR_EVER else range(loop)


def say(call: DocumentRunner, verb: Say) -> NextAction:
    call.leg.answer()
    speech = call.services.settings.speech
    voice, as_asked = speech.voice(verb.voice, verb.language)
    if not as_asked:
        call.warn("voice not there", voice=verb.voice, language=verb.language, line=verb.line, used=voice)
    if speech.engine == "flite":
        _speak(call, verb, voice)
        return None
    try:
        sound = call.services.text_to_speech.sound(verb.text, voice)
        for _ in times(verb.loop):
            play_sound(call, sound)
    except (SpeechError, AudioError) as error:
        call.fault("nothing said", problem=str(error), line=verb.line)
        call.sounds_failed += 1
    return None


def _speak(call: DocumentRunner, verb: Say, voice: str) -> None:
    text = commands.speakable(verb.text).strip()
    if not text:
        return
    limit = PLAY_MARGIN_SECONDS + SPEAK_SECONDS_A_CHARACTER * len(text)
    for _ in times(verb.loop):
        call.rules.before_sound()
        call.leg.execute("speak", f"flite|{voice}|{text}", timeout=limit)
        if verb.loop == FOR_EVER:
            # Without mod_flite it is through at once: that must not become a busy loop.
            gevent.sleep(MEDIA_SECONDS)


def play(call: DocumentRunner, verb: Play) -> NextAction:
    answering = call.leg.answer()
    if verb.digits:
        answering.wait()
        gevent.sleep(MEDIA_SECONDS)
        send_digits(call.leg, verb.digits)
        return None
    if verb.ring_tone and not verb.url:
        _ring(call, verb.ring_tone, verb.loop)
        return None
    if _play_any(call, verb):
        return None
    call.sounds_failed += 1
    if verb.continue_on_error or not call.rules.ends_with_a_sound:
        return None
    call.warn("the call ends with its Play", line=verb.line)
    return EndCall(why=f"Play (line {verb.line}) could not be played, and continueOnError is false")


def resume_play(call: DocumentRunner, verb: Play) -> NextAction:
    """The very file that plays still is not started again (Leg.start); any other is ended by `play_sound`."""
    return play(call, verb)


def _play_any(call: DocumentRunner, verb: Play) -> bool:
    """Whether its audio, or that of its failoverUrl, was played."""
    for url in filter(None, (verb.url, verb.failover_url)):
        try:
            play_url(call, call.services.resolve(call.document_url, url), verb.loop)
        except (FetchError, AudioError) as error:
            call.warn("nothing played", url=shown(url), problem=str(error), line=verb.line)
        else:
            return True
    return False


def _ring(call: DocumentRunner, code: str, loop: int) -> None:
    limit = PLAY_MARGIN_SECONDS + RING_TONES[code].seconds
    for _ in times(loop):
        call.rules.before_sound()
        call.leg.execute("playback", ringing(code, loops=1), timeout=limit)


def pause(call: DocumentRunner, verb: Pause) -> NextAction:
    """Does not answer: a call may ring a while longer."""
    gevent.sleep(verb.length)
    return None


def resume_pause(call: DocumentRunner, verb: Pause) -> NextAction:
    """For what is left of it."""
    call.leg.stop_leftover_playback()
    gevent.sleep(max(0.0, verb.length - (now() - call.stored.since) / 1_000_000))
    return None


def play_url(call: DocumentRunner, url: str, loop: int = 1) -> None:
    """Raises FetchError or AudioError."""
    sound = fetch_sound(call, url)
    for _ in times(loop):
        play_sound(call, sound)


def fetch_sound(call: DocumentRunner, url: str) -> AudioFile:
    """Raises FetchError or AudioError."""
    services = call.services
    # Audio is not signed: it may lie anywhere.
    unsigned = Signer(call.style)
    fetched = services.fetcher.fetch(
        url, "GET", (), call.cookies, limits=services.media_limits, signer=unsigned
    )
    if problem := not_audio(fetched):
        raise AudioError(f"{shown(fetched.url)}: {problem}")
    return services.audio_cache.keep(fetched.content)


def play_sound(call: DocumentRunner, sound: AudioFile) -> None:
    """Raises AudioError where FreeSWITCH cannot: most often the directory is not where it looks."""
    call.rules.before_sound()
    if call.leg.current_application[0] and call.leg.current_application != ("playback", sound.path):
        call.leg.stop_leftover_playback()
    done = call.leg.execute("playback", sound.path, timeout=sound.seconds + PLAY_MARGIN_SECONDS)
    response = done.header("Application-Response")
    if response.startswith(NOT_PLAYED):
        raise AudioError(f"FreeSWITCH: {response}: {sound.path}")
