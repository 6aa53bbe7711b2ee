"""What a caller hears until its conference starts (waitUrl), and on hold (HoldUrl)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, NoReturn

import gevent

from orchestrator.calls.call import QUICK_DOCUMENTS, Call
from orchestrator.calls.stored_call import StoredCall, WaitStore
from orchestrator.clock import Alarm, now
from orchestrator.conference.live.participant_leg import ParticipantLeg
from orchestrator.conference.machine.events import Remove
from orchestrator.conference.machine.state import Participant
from orchestrator.documents.document import is_audio
from orchestrator.documents.fetch import Fetched, FetchError, Limits
from orchestrator.documents.next_action import EndCall, FetchDocument, NextAction, RunDocument
from orchestrator.esl.errors import CommandTimeout
from orchestrator.media.audio_cache import AudioError, AudioFile
from orchestrator.net.logged_url import shown
from orchestrator.texml import (
    Conference,
    Dial,
    DocumentError,
    Gather,
    Hangup,
    Leave,
    Play,
    Record,
    Reject,
    Say,
    Verb,
)
from orchestrator.types import Fields
from orchestrator.verbs.play import play_sound

# A document that leads on by itself is not asked for more often than this, however little it plays.
ASK_AGAIN_SECONDS = 1.0
ANSWERED_SECONDS = 2.0
_IN_THE_CONFERENCE = (
    "a participant on hold is in the conference: only Play, Say, Pause and Redirect run there"
)


class Wait(NamedTuple):
    """Which of the two it is, and in which conference."""

    attribute: str
    seat: ParticipantLeg
    name: str
    """Of the conference."""
    refused: dict[type[Verb], str]
    """Why a verb does not run there."""


def wait_music(
    call: Call, participant_leg: ParticipantLeg, noun: Conference, participant: Participant
) -> None:
    """As the noun says, unless the API has said otherwise."""
    # A document is asked for about a call that is answered.
    with suppress(CommandTimeout):
        call.leg.answer().wait(ANSWERED_SECONDS)
    options = participant.options
    url, method = (
        (noun.wait_url, noun.wait_method)
        if options.wait_url is None
        else (options.wait_url, options.wait_method)
    )
    if url == "":
        return
    wait = Wait("waitUrl", participant_leg, noun.name, {})
    store = WaitStore(
        call.services.write_buffer, f"{participant_leg.room_sid} {participant.asked_at} {method} {url}"
    )
    _music(call, wait, url, method, store)


def hold_music(call: Call, participant_leg: ParticipantLeg, noun: Conference, url: str, method: str) -> None:
    """For a participant on hold. Without a URL it is the usual music."""
    refused: dict[type[Verb], str] = dict.fromkeys(
        (Dial, Gather, Hangup, Leave, Record, Reject), _IN_THE_CONFERENCE
    )
    wait = Wait("HoldUrl", participant_leg, noun.name, refused)
    _music(call, wait, url or None, method, None)


def _music(call: Call, wait: Wait, url: str | None, method: str, store: WaitStore | None) -> None:
    if url is not None:
        url = call.services.resolve(call.document_url, url)
        try:
            WaitDocument(call, wait, FetchDocument(url, method), store).run()
        except (FetchError, DocumentError, AudioError) as error:
            call.log.warning(
                f"{wait.attribute} failed, the default music plays", url=shown(url), problem=str(error)
            )
    _loop(call, wait.seat, call.services.hold_music())


def _loop(call: Call, participant_leg: ParticipantLeg, sound: AudioFile) -> None:
    while True:
        participant_leg.wait_for_announcements()
        play_sound(call, sound)


class WaitDocument(Call):
    """Runs documents beside its call, on the same leg, while that waits in `ParticipantLeg.wait`.

    It has a position of its own on disk, so that a restart goes on in the middle of a Gather.
    """

    ends_with_a_sound = False

    def __init__(self, call: Call, wait: Wait, first: FetchDocument, store: WaitStore | None) -> None:
        """`first` is absolute. Without a `keeper` it begins anew after a restart."""
        uuid = call.leg.uuid
        begins = StoredCall(uuid, call.application.name, call.caller, call.direction, next=first)
        stored = store.resumed(uuid) if store is not None else None
        super().__init__(call.leg, call.application, call.services, call.direction, stored or begins)
        self.resumed = stored is not None
        self.caller, self.origin, self.parent_call_sid = call.caller, call.origin, call.parent_call_sid
        # Those of the call: who set one there gets it back here, and the other way round. Its own are on
        # disk with its place, and not with that of the call.
        call.cookies.update(self.cookies)
        self.cookies = call.cookies
        if store is not None:
            self.store = store
        self._stored = store is not None
        self._call = call
        self._wait = wait
        self._first = first
        self._pressed = False
        """Whether keys led to the document that is asked for next."""
        self._heard = self._not_played = 0
        """Sounds of the round that is under way: played, and failed."""

    def run(self) -> NoReturn:
        """Audio is looped; a document is run, asked for again, and run again.

        Raises FetchError, DocumentError and AudioError.
        """
        step = self._first_step()
        while True:
            if self.documents(step) is not None:
                self._out(hang_up=True)
            if self._not_played and not self._heard:
                self.log.warning(
                    f"nothing that {self._wait.attribute} names could be played, the default music plays"
                )
                play_sound(self, self.services.hold_music())
            self._heard = self._not_played = 0
            step = self._first

    def documents(self, step: NextAction) -> EndCall | None:
        """At most one a second, unless it is keys that lead on."""
        quick = 0
        while isinstance(step, FetchDocument):
            began = time.monotonic()
            self._about_to_ask(step)
            step = self._run_document(step)
            took = time.monotonic() - began
            quick = quick + 1 if took < ASK_AGAIN_SECONDS else 0
            if not self._pressed or quick > QUICK_DOCUMENTS:
                gevent.sleep(max(0.0, ASK_AGAIN_SECONDS - took))
        return step

    def _run_document(self, step: FetchDocument) -> NextAction:
        fetched = self._ask(self.services.resolve(self.document_url, step.url), step.method, step.fields)
        if is_audio(fetched):
            _loop(self, self._wait.seat, self.services.audio_cache.keep(fetched.content))
        return self.run_verbs(self.read(fetched, step.url).verbs)

    def method_of(self, url: str) -> str:
        if url == self._first.url:
            return self._wait.attribute.replace("Url", "Method")
        return super().method_of(url)

    def _first_step(self) -> NextAction:
        # What plays still is of this wait: whoever plays next ends it, or goes on with it.
        if self.stored.next is not None:
            return self.stored.next
        return self.run_verbs(self._verbs(), self.stored.verb)

    def run_verb(self, verb: Verb) -> NextAction:
        # The conference may have started in this very turn.
        self.leg.check_blocked()
        name = type(verb).__name__
        if why := self._wait.refused.get(type(verb)):
            self.log.warning(
                f"{name} in a document for {self._wait.attribute}, skipped: {why}", line=verb.line
            )
            return None
        if isinstance(verb, Leave):
            self._out()
        if isinstance(verb, (Dial, Record)):
            self.log.info("leaves the conference that it waits for", verb=name, line=verb.line)
            self._go_on_with_this_document()
        failed = self._not_played
        step = super().run_verb(verb)
        self._pressed = isinstance(verb, Gather) and step is not None
        self._heard += isinstance(verb, (Play, Say)) and self._not_played == failed
        return step

    def before_sound(self) -> None:
        self._wait.seat.wait_for_announcements()

    def sound_failed(self) -> None:
        self._not_played += 1

    def _out(self, *, hang_up: bool = False) -> NoReturn:
        """Its Dial is over, and its own document goes on; or its call ends too."""
        self._then(lambda: self._leave(hang_up=hang_up))

    def _go_on_with_this_document(self) -> NoReturn:
        """As the call's own, from this verb on."""
        onward = RunDocument(self._document(), self.stored.verb)
        self._then(lambda: self._leave_for(onward))

    def _then(self, act: Callable[[], None]) -> NoReturn:
        # On the hub: what a room decides is not done by a greenlet that it shuts out (Leg.block_greenlet).
        self.leg.check_blocked()
        Alarm(0.0, act)
        raise gevent.GreenletExit

    def _leave(self, *, hang_up: bool = False) -> None:
        self.services.rooms.dispatch(self._wait.seat.room_sid, Remove(now(), self.sid, hang_up=hang_up))

    def _leave_for(self, onward: RunDocument) -> None:
        """The leave and the new position are on disk together, or neither is."""
        room = self.services.rooms.get(self._wait.seat.room_sid)
        if self._call.redirected or room is None or self.sid not in room.participants:
            return
        # First, so that its greenlet hears of that before it hears that its Dial is over.
        self._call.redirect(onward)
        write_buffer = self.services.write_buffer
        write_buffer.begin_batch()
        try:
            self._leave()
            self._call.in_document(*onward)
        finally:
            write_buffer.commit_batch()

    # What it is asked for with, and how

    @property
    def limits(self) -> Limits:
        return self.services.media_limits

    def standard_fields(self) -> Fields:
        return (
            *super().standard_fields(),
            ("ConferenceSid", self._wait.seat.room_sid),
            ("FriendlyName", self._wait.name),
        )

    # On disk

    def _write(self, document: Fetched | None = None, forget: Sequence[tuple[str, str]] = ()) -> None:
        """What a conference decides is about the call, and stays."""
        if self._stored:
            self.store.put(self.stored, document)

    @property
    def rows(self) -> list[tuple[str, str, bytes]]:
        return []
