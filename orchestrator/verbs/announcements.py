"""AnnounceUrl: audio, or a document of Play, Say, Pause and Redirect, to one participant or to all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple
from weakref import WeakValueDictionary

import gevent
from gevent.lock import BoundedSemaphore
from requests.cookies import RequestsCookieJar

from orchestrator.callbacks.signature import UNSIGNED, Signer
from orchestrator.calls.call import Call
from orchestrator.calls.context import CallContext
from orchestrator.calls.registry import CallRegistry
from orchestrator.clock import now
from orchestrator.conference.machine.announcements import LEFT
from orchestrator.conference.machine.events import Announce, Announced
from orchestrator.conference.machine.state import Participant, Phase, Room
from orchestrator.documents.document import document_of, is_audio, not_audio
from orchestrator.documents.fetch import FetchError
from orchestrator.esl import commands
from orchestrator.esl.background_playback import BackgroundPlayback
from orchestrator.esl.errors import SwitchError
from orchestrator.logs import get_logger
from orchestrator.media.audio_cache import AudioError, AudioFile
from orchestrator.media.text_to_speech import SpeechError
from orchestrator.net.logged_url import shown
from orchestrator.sids import new_sid
from orchestrator.texml import Document, DocumentError, Pause, Play, Redirect, Say
from orchestrator.timeline.actor import actor
from orchestrator.timeline.entry import Level
from orchestrator.timeline.recorder import Subject
from orchestrator.types import Fields, Method
from orchestrator.verbs.play import play_sound, say, times

log = get_logger(__name__)

# An announcement is something said once: a document that leads on for ever is not.
MAX_DOCUMENTS = 10
LONGEST_SECONDS = 3600.0
# Flite speaks some twelve characters a second. A text that takes a tenth of that was not spoken.
SPOKEN_SECONDS_A_CHARACTER = 0.008
NOBODY = "nobody is in the conference"


class Announcement(NamedTuple):
    url: str
    method: Method = "POST"


class AnnouncementEnd(NamedTuple):
    """How one ended."""

    sid: str
    account_sid: str
    conference_sid: str
    url: str
    problem: str
    """Empty: it was heard."""


OnAnnounced = Callable[[AnnouncementEnd], None]


class AnnouncementFailed(Exception):
    """An announcement was not heard to its end; the text says why."""


class AnnouncementPlayer:
    """Plays into the conference, so that speakers are still heard. A participant outside the mix, because it
    waits or is on hold, hears it on its own leg, over its music. Speech of FreeSWITCH's own voices is
    spoken on each leg instead, which hears nothing else meanwhile: `conference … say` stops the whole mix for
    200 ms (conference_say in mod_conference.c)."""

    def __init__(self, services: CallContext, calls: CallRegistry) -> None:
        self._services = services
        self._calls = calls
        self.on_end: list[OnAnnounced] = []
        """Each is called when an announcement has ended, and must not block."""
        self._queues: WeakValueDictionary[tuple[str, str], BoundedSemaphore] = WeakValueDictionary()

    def start(self, room: Room, who: Participant | None, announcement: Announcement) -> str:
        """Its sid. Does not block; a callback and `on_end` report its end."""
        call_sid = who.call_sid if who else ""
        sid = new_sid()
        run = _Run(self._services, self._calls, room.sid, call_sid, self._fields(room, who))
        self._services.rooms.dispatch(room.sid, Announce(now(), sid, announcement.url, call_sid))
        # FreeSWITCH plays one after the other: each begins when the one before has ended.
        key = room.sid, call_sid
        queue = self._queues.setdefault(key, BoundedSemaphore())
        about = self._services.timeline.about(room.account_sid, call_sid, room.sid)
        asked = actor("api")
        about.add("conference.announcement", url=announcement.url, by=asked.by, key=asked.key)
        gevent.spawn(self._run, sid, run, announcement, queue, about)
        return sid

    def _run(
        self, sid: str, run: _Run, announcement: Announcement, queue: BoundedSemaphore, about: Subject
    ) -> None:
        problem = ""
        over = gevent.Timeout(LONGEST_SECONDS)
        try:
            with queue, over:
                run.perform(announcement)
        except (FetchError, DocumentError, AudioError, SpeechError, SwitchError, AnnouncementFailed) as error:
            problem = str(error)
        except gevent.Timeout as timeout:
            if timeout is not over:
                raise
            problem = f"longer than {LONGEST_SECONDS:g} s"
        level: Level = "warning" if problem else "info"
        for each in (about, *self._listeners(run.sid, about)):
            each.add("conference.announcement", level=level, url=announcement.url, problem=problem, over=True)
        if problem:
            log.warning("not announced", room=run.sid, url=shown(announcement.url), problem=problem)
        self._services.rooms.dispatch(run.sid, Announced(now(), sid, problem))
        end = AnnouncementEnd(sid, about.account, run.sid, shown(announcement.url), problem)
        for listener in self.on_end:
            listener(end)

    def _listeners(self, sid: str, about: Subject) -> Iterable[Subject]:
        """Those that one to all was for: it belongs to their calls, and once to the conference."""
        room = self._services.rooms.get(sid)
        if about.call or room is None:
            return ()
        return [about._replace(call=call_sid, conference="") for call_sid in room.participants]

    def _fields(self, room: Room, who: Participant | None) -> Fields:
        call = self._calls.running(who.call_sid) if who else None
        own = call.standard_fields() if call else (("AccountSid", room.account_sid),)
        return (*own, ("ConferenceSid", room.sid), ("FriendlyName", room.name))


class _Run:
    """One announcement on its way. Raises AnnouncementFailed where no addressee heard it
    to its end.

    Runs in a greenlet of its own, and blocks while it plays.
    """

    def __init__(
        self, services: CallContext, calls: CallRegistry, sid: str, call_sid: str, fields: Fields
    ) -> None:
        self._calls = calls
        self.sid = sid
        self._services = services
        self._call_sid = call_sid
        self._fields = fields
        self._cookies = RequestsCookieJar()
        self._sounds = 0
        self._style = UNSIGNED.style

    def perform(self, announcement: Announcement) -> None:
        services = self._services
        room = services.rooms.get(self.sid)
        signer = services.signer(room.account_sid, room.options.style) if room else UNSIGNED
        self._style = signer.style
        url, method = announcement
        for _ in range(MAX_DOCUMENTS):
            try:
                fetched = services.fetcher.fetch(
                    url, method, self._fields, self._cookies, limits=services.media_limits, signer=signer
                )
            except FetchError as error:
                first = url == announcement.url
                raise error.with_hint("AnnounceMethod" if first else "the Redirect's method") from error
            if is_audio(fetched):
                self._play(services.audio_cache.keep(fetched.content))
                return
            document = document_of(fetched)
            for warning in document.warnings:
                log.warning("announcement", room=self.sid, problem=str(warning))
            redirect = self._run(document, fetched.url)
            if redirect is None:
                if not self._sounds:
                    raise AnnouncementFailed("there is nothing to be heard in it")
                return
            url, method = services.resolve(fetched.url, redirect.url), redirect.method
        raise AnnouncementFailed(f"more than {MAX_DOCUMENTS} documents, one after the other")

    def _run(self, document: Document, base: str) -> Redirect | None:
        """Where it leads on to."""
        for verb in document.verbs:
            match verb:
                case Play() if verb.url:
                    sound = self._sound_of(verb, base)
                    for _time in times(verb.loop):
                        self._play(sound)
                case Say():
                    self._say(verb)
                case Pause():
                    gevent.sleep(verb.length)
                case Redirect():
                    return verb
                case _:
                    log.warning("not for an announcement, skipped", room=self.sid, verb=type(verb).__name__)
        return None

    def _sound_of(self, verb: Play, base: str) -> AudioFile:
        """Its audio, or that of its failoverUrl. Raises FetchError and AudioError."""
        try:
            return self._sound(verb.url, base)
        except (FetchError, AudioError) as error:
            if verb.failover_url is None:
                raise
            log.warning("nothing played", room=self.sid, url=shown(verb.url), problem=str(error))
        return self._sound(verb.failover_url, base)

    def _sound(self, url: str, base: str) -> AudioFile:
        services = self._services
        # Audio is not signed: it may lie anywhere.
        unsigned, limits = Signer(self._style), services.media_limits
        address = services.resolve(base, url)
        audio = services.fetcher.fetch(address, "GET", (), self._cookies, limits=limits, signer=unsigned)
        if problem := not_audio(audio):
            raise AudioError(f"{shown(audio.url)}: {problem}")
        return services.audio_cache.keep(audio.content)

    # To the addressees that are there

    def _hearers(self) -> dict[str, Participant]:
        """By CallSid."""
        room = self._services.rooms.get(self.sid)
        return {
            one.call_sid: one
            for one in (room.participants.values() if room is not None else ())
            if one.phase in (Phase.IN, Phase.WAITING) and self._call_sid in ("", one.call_sid)
        }

    def _play(self, sound: AudioFile) -> None:
        hearers = self._hearers()
        inside = [one for one in hearers.values() if _hears_the_mix(one)]
        if inside:
            to = [inside[0].member_id] if self._call_sid else []
            reply = self._services.connection.send(commands.conference(self.sid, "play", sound.path, *to))
            reply.raise_for_error()
        until = time.monotonic() + sound.seconds
        others = [one for one in hearers.values() if not _hears_the_mix(one)]
        heard = self._on_legs(others, lambda call: play_sound(call, sound))
        if inside:
            gevent.sleep(max(0.0, until - time.monotonic()))
        after = self._hearers()
        self._check(hearers, heard or any(_stayed(one, after) for one in inside))

    def _say(self, verb: Say) -> None:
        speech = self._services.settings.speech
        if speech.engine == "command":
            voice = speech.voice(verb.voice, verb.language).name
            sound = self._services.text_to_speech.sound(verb.text, voice)
            for _ in times(verb.loop):
                self._play(sound)
            return
        hearers = self._hearers()
        begun = time.monotonic()
        heard = self._on_legs(list(hearers.values()), lambda call: say(call, verb))
        if heard and time.monotonic() - begun < SPOKEN_SECONDS_A_CHARACTER * len(verb.text):
            raise AnnouncementFailed("FreeSWITCH has spoken nothing: mod_flite may not be loaded")
        self._check(hearers, heard)

    def _check(self, hearers: dict[str, Participant], heard: bool) -> None:
        """Raises AnnouncementFailed, unless somebody heard it to its end."""
        self._sounds += 1
        if heard:
            return
        if not self._call_sid:
            raise AnnouncementFailed("nobody in the conference heard it to its end" if hearers else NOBODY)
        room = self._services.rooms.get(self.sid)
        now = room.participants.get(self._call_sid) if room is not None else None
        before = hearers.get(self._call_sid)
        if now is None:
            raise AnnouncementFailed(LEFT)
        if before is None:
            raise AnnouncementFailed("it was on its way into the conference, or out of it")
        if before.phase is not now.phase:
            raise AnnouncementFailed("cut off by the start of the conference")
        if before.holds != now.holds:
            raise AnnouncementFailed("cut off by a hold, or by its end")
        raise AnnouncementFailed("not heard to its end")

    def _on_legs(self, hearers: list[Participant], play: Callable[[Call], object]) -> bool:
        """On each leg by itself, until all are through or gone; whether one heard it to its end."""
        playbacks: list[BackgroundPlayback] = []
        for one in hearers:
            call, participant_leg = (
                self._calls.running(one.call_sid),
                self._services.rooms.participant_leg(one.call_sid),
            )
            if call is not None and participant_leg is not None:
                playbacks.append(participant_leg.announce(_once(play, call)))
        for playback in playbacks:
            playback.wait()
        return any(playback.played for playback in playbacks)


def _hears_the_mix(participant: Participant) -> bool:
    return participant.phase is Phase.IN and not participant.held


def _stayed(before: Participant, after: dict[str, Participant]) -> bool:
    """Whether it heard the mix all the time."""
    now = after.get(before.call_sid)
    return now is not None and (now.member_id, now.holds) == (before.member_id, before.holds)


def _once(play: Callable[[Call], object], call: Call) -> Callable[[], None]:
    def run() -> None:
        try:
            play(call)
        except AudioError as error:
            call.warn("announcement not played", problem=str(error))
            raise gevent.GreenletExit from error

    return run
