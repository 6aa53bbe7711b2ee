"""What a caller hears until its conference starts (waitUrl, telnyx-texml 1.2). Runs until it is stopped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import gevent

from orchestrator.calls.documents import document_of, is_audio
from orchestrator.calls.fetch import FetchError, shown
from orchestrator.calls.steps import Goto
from orchestrator.calls.verbs.sound import pause, play_sound, play_url, say
from orchestrator.conference.model import Wish
from orchestrator.media.library import AudioError, Sound
from orchestrator.texml import Conference, Document, DocumentError, Pause, Play, Redirect, Say

if TYPE_CHECKING:
    from orchestrator.calls.call import Call

# A document is not asked for more often than this, however little it plays.
ASK_AGAIN_SECONDS = 1.0


def wait_music(call: Call, noun: Conference, wish: Wish) -> None:
    """As the noun says, unless the API has said otherwise."""
    call.leg.answer()
    url, method = (
        (noun.wait_url, noun.wait_method) if wish.wait_url is None else (wish.wait_url, wish.wait_method)
    )
    if url == "":
        return
    _music(call, "waitUrl", url, method)


def hold_music(call: Call, url: str, method: str) -> None:
    """For somebody on hold: runs until it is stopped. Without a URL it is the usual music."""
    _music(call, "HoldUrl", url or None, method)


def _music(call: Call, what: str, url: str | None, method: str) -> None:
    if url is not None:
        url = call.services.resolve(call.document_url, url)
        try:
            _perform(call, Goto(url, method))
        except (FetchError, DocumentError, AudioError) as error:
            call.log.warning(f"{what} failed, the default music plays", url=shown(url), problem=str(error))
    _loop(call, call.services.hold_music())


def _loop(call: Call, sound: Sound) -> None:
    while True:
        play_sound(call, sound)


def _perform(call: Call, goto: Goto) -> None:
    """Audio is looped; a document is run, asked for again, and run again."""
    while True:
        asked = time.monotonic()
        fetched = call.services.fetcher.fetch(
            goto.url,
            goto.method,
            call.standard_fields(),
            call.cookies,
            limits=call.services.media_limits,
            signer=call.signer,
        )
        if is_audio(fetched):
            _loop(call, call.services.library.keep(fetched.content))
        document = document_of(fetched)
        for warning in document.warnings:
            call.log.warning("wait document", problem=str(warning))
        goto = _run(call, document, fetched.url, goto)
        gevent.sleep(max(0.0, asked + ASK_AGAIN_SECONDS - time.monotonic()))


def _run(call: Call, document: Document, base: str, again: Goto) -> Goto:
    """What to ask for next: where a Redirect leads, else the same once more."""
    for verb in document.verbs:
        match verb:
            case Play() if verb.url:
                play_url(call, call.services.resolve(base, verb.url), verb.loop)
            case Say():
                say(call, verb)
            case Pause():
                pause(call, verb)
            case Redirect():
                return Goto(call.services.resolve(base, verb.url), verb.method)
            case _:
                call.log.warning("not for those who wait, skipped", verb=type(verb).__name__, line=verb.line)
    return again
