"""AnnounceUrl: audio, or a document of Play, Say, Pause and Redirect, to one participant or to all."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import gevent
from requests.cookies import RequestsCookieJar

from orchestrator.callbacks.signature import UNSIGNED, Signer
from orchestrator.calls.call import Call
from orchestrator.calls.clock import now
from orchestrator.calls.documents import document_of, is_audio
from orchestrator.calls.fetch import FetchError, shown
from orchestrator.calls.prompt import Prompt
from orchestrator.calls.services import Services
from orchestrator.calls.steps import Fields
from orchestrator.calls.verbs.sound import play_sound, say, times
from orchestrator.conference.events import Announced
from orchestrator.conference.model import Method, Participant, Phase, Room
from orchestrator.freeswitch import commands
from orchestrator.freeswitch.errors import SwitchError
from orchestrator.logs import get_logger
from orchestrator.media.library import AudioError, Sound
from orchestrator.media.speech import SpeechError
from orchestrator.texml import DocumentError, Pause, Play, Redirect, Say

log = get_logger(__name__)

# An announcement is something said once: a document that leads on for ever is not.
MAX_DOCUMENTS = 10
LONGEST_SECONDS = 3600.0


class Announcement(NamedTuple):
    url: str
    method: Method = "POST"


class Failed(Exception):
    """What was to be heard was not heard to its end; the text says why."""


class Announcer:
    """Plays into the conference, so that whoever speaks is still heard. What FreeSWITCH's own voices say is
    spoken on each leg instead, which hears nothing else meanwhile: `conference … say` stops the whole mix for
    200 ms (conference_say in mod_conference.c)."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def start(self, room: Room, who: Participant | None, announcement: Announcement) -> None:
        """Does not block; how it ends is told by a callback."""
        gevent.spawn(self._run, room, who, announcement)

    def _run(self, room: Room, who: Participant | None, announcement: Announcement) -> None:
        call_sid, problem = who.call_sid if who else "", ""
        over = gevent.Timeout(LONGEST_SECONDS)
        try:
            with over:
                self._perform(room.sid, call_sid, announcement, self._fields(room, who))
        except (FetchError, DocumentError, AudioError, SpeechError, SwitchError, Failed) as error:
            problem = str(error)
        except gevent.Timeout as timeout:
            if timeout is not over:
                raise
            problem = f"longer than {LONGEST_SECONDS:g} s"
        if problem:
            log.warning("not announced", room=room.sid, url=shown(announcement.url), problem=problem)
        self._services.rooms.feed(room.sid, Announced(now(), announcement.url, call_sid, problem))

    def _fields(self, room: Room, who: Participant | None) -> Fields:
        call = self._services.calls.get(who.call_sid) if who else None
        own = call.standard_fields() if call else (("AccountSid", room.account_sid),)
        return (*own, ("ConferenceSid", room.sid), ("FriendlyName", room.name))

    def _perform(self, sid: str, call_sid: str, announcement: Announcement, fields: Fields) -> None:
        services, cookies = self._services, RequestsCookieJar()
        room = services.rooms.get(sid)
        signer = services.signer(room.account_sid, room.terms.style) if room else UNSIGNED
        url, method = announcement
        for _ in range(MAX_DOCUMENTS):
            fetched = services.fetcher.fetch(
                url, method, fields, cookies, limits=services.media_limits, signer=signer
            )
            if is_audio(fetched):
                self._play(sid, call_sid, services.library.keep(fetched.content))
                return
            document = document_of(fetched)
            for warning in document.warnings:
                log.warning("announcement", room=sid, problem=str(warning))
            url = ""
            for verb in document.verbs:
                match verb:
                    case Play() if verb.url:
                        address = services.resolve(fetched.url, verb.url)
                        audio = services.fetcher.fetch(
                            address,
                            "GET",
                            (),
                            cookies,
                            limits=services.media_limits,
                            signer=Signer(signer.style),
                        )
                        sound = services.library.keep(audio.content)
                        for _time in times(verb.loop):
                            self._play(sid, call_sid, sound)
                    case Say():
                        self._say(sid, call_sid, verb)
                    case Pause():
                        gevent.sleep(verb.length)
                    case Redirect():
                        url, method = services.resolve(fetched.url, verb.url), verb.method
                        break
                    case _:
                        log.warning("not for an announcement, skipped", room=sid, verb=type(verb).__name__)
            if not url:
                return
        raise Failed(f"more than {MAX_DOCUMENTS} documents, one after the other")

    # To whoever is to hear it and is there

    def _hearers(self, sid: str, call_sid: str) -> list[Participant]:
        """Raises Failed where nobody is left."""
        room = self._services.rooms.get(sid)
        there = [
            one
            for one in (room.participants.values() if room is not None else ())
            if one.phase in (Phase.IN, Phase.WAITING) and call_sid in ("", one.call_sid)
        ]
        if not there:
            raise Failed("left before it was over" if call_sid else "nobody is in the conference")
        return there

    def _play(self, sid: str, call_sid: str, sound: Sound) -> None:
        hearers = self._hearers(sid, call_sid)
        inside = [one for one in hearers if one.phase is Phase.IN]
        if inside:
            to = [inside[0].member_id] if call_sid else []
            reply = self._services.connection.send(commands.conference(sid, "play", sound.path, *to))
            reply.raise_for_error()
        waiting = [one for one in hearers if one.phase is Phase.WAITING]
        self._on_legs(waiting, lambda call: play_sound(call, sound))
        if inside:
            gevent.sleep(sound.seconds)
            self._hearers(sid, call_sid)

    def _say(self, sid: str, call_sid: str, verb: Say) -> None:
        speech = self._services.settings.speech
        if speech.engine == "command":
            voice = speech.voice(verb.voice, verb.language).name
            sound = self._services.speech.sound(verb.text, voice)
            for _ in times(verb.loop):
                self._play(sid, call_sid, sound)
            return
        # Who is on hold hears its music to the end of it.
        hearers = [one for one in self._hearers(sid, call_sid) if not one.held]
        self._on_legs(hearers, lambda call: say(call, verb))
        self._hearers(sid, call_sid)

    def _on_legs(self, hearers: list[Participant], play: Callable[[Call], object]) -> None:
        """On each leg by itself, until all are through or gone."""
        prompts: list[Prompt] = []
        for one in hearers:
            call, seat = self._services.calls.get(one.call_sid), self._services.rooms.seat(one.call_sid)
            if call is not None and seat is not None:
                prompts.append(seat.announce(_once(play, call)))
        for prompt in prompts:
            prompt.wait()


def _once(play: Callable[[Call], object], call: Call) -> Callable[[], None]:
    def run() -> None:
        play(call)

    return run
