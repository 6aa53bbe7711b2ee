"""The audio of a caller until its conference starts (waitUrl), and on hold (HoldUrl)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, NoReturn

import gevent

from orchestrator.calls.call import Call
from orchestrator.calls.runner import DocumentRunner, Rules
from orchestrator.calls.stored_call import StoredCall, Unstored, WaitStore
from orchestrator.clock import Alarm, now
from orchestrator.conference.live.participant_leg import Onward, ParticipantLeg
from orchestrator.conference.machine.events import Remove
from orchestrator.conference.machine.state import Participant
from orchestrator.documents.fetch import Fetched, FetchError
from orchestrator.documents.next_action import FetchDocument, NextAction, RunDocument
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
    Record,
    Reject,
    Verb,
)
from orchestrator.verbs.play import play_sound

ANSWERED_SECONDS = 2.0
_IN_THE_CONFERENCE = (
    "a participant on hold is in the conference: only Play, Say, Pause and Redirect run there"
)


class Wait(NamedTuple):
    """Which of the two it is, and in which conference."""

    attribute: str
    participant_leg: ParticipantLeg
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


def _music(call: Call, wait: Wait, url: str | None, method: str, store: WaitStore | None) -> NoReturn:
    if url is not None:
        url = call.services.resolve(call.document_url, url)
        try:
            WaitDocument(call, wait, FetchDocument(url, method), store).run()
        except (FetchError, DocumentError, AudioError) as error:
            call.warn(f"{wait.attribute} failed, the default music plays", url=shown(url), problem=str(error))
    _loop(call, wait.participant_leg, call.services.hold_music())


def _loop(call: DocumentRunner, participant_leg: ParticipantLeg, sound: AudioFile) -> NoReturn:
    while True:
        participant_leg.wait_for_announcements()
        play_sound(call, sound)


class WaitDocument(DocumentRunner):
    """Runs documents beside its call, on the same leg, while that waits in `ParticipantLeg.wait`.

    It has a position of its own on disk, so that a restart goes on in the middle of a Gather.

    `run` blocks, in a greenlet beside the call's own; a redirect or the start of the conference ends that.
    """

    def __init__(self, call: Call, wait: Wait, first: FetchDocument, store: WaitStore | None) -> None:
        """`first` is absolute. Without a `store` it begins anew after a restart."""
        uuid = call.leg.uuid
        begins = StoredCall(uuid, call.application.name, call.caller, call.direction, next=first)
        stored = store.resumed(uuid) if store is not None else None
        super().__init__(
            call.leg,
            call.application,
            call.services,
            call.direction,
            stored or begins,
            self._rules(call, wait, first.url),
        )
        self.resumed = stored is not None
        self.caller, self.origin, self.parent_call_sid = call.caller, call.origin, call.parent_call_sid
        # Those of the call: who set one there gets it back here, and the other way round. Its own are on
        # disk with its place, and not with that of the call.
        call.cookies.update(self.cookies)
        self.cookies = call.cookies
        self.store = store or Unstored(call.services.write_buffer)
        self._call = call
        self._wait = wait
        self._first = first

    def run(self) -> NoReturn:
        """Audio is looped; a document is run, asked for again, and run again.

        Raises FetchError, DocumentError and AudioError.
        """
        step = self._first_step()
        while True:
            if self.documents(step) is not None:
                self._out(hang_up=True)
            if self.sounds_failed and not self.sounds_played:
                self.warn(
                    f"nothing that {self._wait.attribute} names could be played, the default music plays"
                )
                play_sound(self, self.services.hold_music())
            self.sounds_played = self.sounds_failed = 0
            step = self._first

    def _rules(self, call: Call, wait: Wait, url: str) -> Rules:
        def loop(fetched: Fetched) -> NoReturn:
            _loop(self, wait.participant_leg, self.services.audio_cache.keep(fetched.content))

        return Rules(
            refused={
                verb: f"{verb.__name__} in a document for {wait.attribute}, skipped: {why}"
                for verb, why in wait.refused.items()
            },
            leads_out={Leave: lambda verb: self._out(), Dial: self._go_on_with, Record: self._go_on_with},
            endless=True,
            fallback=False,
            on_audio=loop,
            methods={url: wait.attribute.replace("Url", "Method")},
            fields=(("ConferenceSid", wait.participant_leg.room_sid), ("FriendlyName", wait.name)),
            ends_with_a_sound=False,
            before_sound=wait.participant_leg.wait_for_announcements,
        )

    def _first_step(self) -> NextAction:
        # The current playback is of this wait: the next one ends it, or goes on with it.
        if self.stored.next is not None:
            return self.stored.next
        return self.run_verbs(self._verbs(), self.stored.verb)

    def _out(self, *, hang_up: bool = False) -> NoReturn:
        """Its Dial has ended, and its own document goes on; or its call ends too."""
        self._then(lambda: self._leave(hang_up=hang_up))

    def _go_on_with(self, verb: Verb) -> NoReturn:
        """This document goes on as the call's own, from this verb on."""
        name = type(verb).__name__
        self.log.info("leaves the conference that it waits for", verb=name, line=verb.line)
        onward = RunDocument(self._document(), self.stored.verb)
        self._then(lambda: self._leave_for(onward))

    def _then(self, act: Callable[[], None]) -> NoReturn:
        # On the hub: what a room decides is not done by a greenlet that it shuts out (Leg.block_greenlet).
        self.leg.check_blocked()
        Alarm(0.0, act)
        raise gevent.GreenletExit

    def _leave(self, *, hang_up: bool = False) -> None:
        self.services.rooms.dispatch(
            self._wait.participant_leg.room_sid, Remove(now(), self.sid, hang_up=hang_up)
        )

    def _leave_for(self, onward: RunDocument) -> None:
        """The leave and the new position are on disk together, or neither is."""
        room = self.services.rooms.get(self._wait.participant_leg.room_sid)
        if self._call.redirected or room is None or self.sid not in room.participants:
            return
        relayed = self._call.relayed is not None
        if not relayed:
            # First, so that its greenlet gets that before the end of its Dial.
            self._call.redirect(onward)
        write_buffer = self.services.write_buffer
        write_buffer.begin_batch()
        try:
            if relayed:
                # Its own node goes on with it.
                document, verb = onward
                found = Onward(document.url, document.content_type, document.body, verb)
                self._call.save(onward=found)
            self._leave()
            if not relayed:
                self._call.in_document(*onward)
        finally:
            write_buffer.commit_batch()
