"""One call: its leg, its documents one after the other, and its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

import gevent
from msgspec.structs import replace

from orchestrator.callbacks.signature import Signer
from orchestrator.callbacks.style import callback_style
from orchestrator.calls.context import CallContext
from orchestrator.calls.state import CallState
from orchestrator.calls.stored_call import StoredCall
from orchestrator.calls.verb_executor import Act
from orchestrator.clock import now
from orchestrator.config.applications import Application
from orchestrator.config.dialect import Dialect
from orchestrator.documents.defaults import document_defaults
from orchestrator.documents.document import document_of
from orchestrator.documents.fetch import Fetched, FetchError, Limits
from orchestrator.documents.next_action import EndCall, FetchDocument, NextAction, Redirected, RunDocument
from orchestrator.documents.request_parameters import (
    Origin,
    caller_of,
    origin_of,
    sip_header_fields,
    standard_fields,
    twilio_direction,
)
from orchestrator.esl import commands
from orchestrator.esl.errors import LegGone, Unreachable
from orchestrator.esl.events import Event
from orchestrator.esl.legs import Leg
from orchestrator.logs import get_logger
from orchestrator.net.logged_url import shown
from orchestrator.routing import identities
from orchestrator.sids import call_sid_of
from orchestrator.texml import Document, DocumentError, Verb
from orchestrator.types import CallbackStyle, Fields

log = get_logger(__name__)

# Documents that send a call in circles without playing, asking or dialling anything are slowed down after the
# first few, and ended after some more; a menu or a queue that goes round for hours is not.
QUICK_SECONDS = 1.0
QUICK_DOCUMENTS = 10
MAX_QUICK_DOCUMENTS = 50
# Until what played has stopped.
QUIET_SECONDS = 5.0
FAILED = EndCall("NORMAL_TEMPORARY_FAILURE")


class Call(CallState):
    """Runs in one greenlet; whatever it waits for ends at once when the caller hangs up."""

    ends_with_a_sound = True
    """Whether a Play that failed may end the call, where it is to."""
    can_break = True
    """Whether what plays may be cut off with nothing else ending by it."""

    def __init__(
        self,
        leg: Leg,
        application: Application,
        services: CallContext,
        direction: str = "inbound",
        stored: StoredCall | None = None,
    ) -> None:
        """`kept`: where it stood when the last run of ours ended."""
        sid = call_sid_of(leg.uuid)
        settings, headers = services.settings, leg.headers
        address = headers.get("Caller-Network-Addr", "")
        region = settings.region_of_calls_from(address)
        identity = identities.caller(headers, region, trusted=settings.trusts(address))
        fields = services.style_of(application).request_fields
        begins = StoredCall(
            leg.uuid,
            application.name,
            caller_of(sid, leg.uuid, application.connection_id, headers, region, identity, fields),
            direction,
            next=FetchDocument(application.voice_url, application.voice_method),
        )
        super().__init__(sid, stored or begins, services.call_store)
        self.leg = leg
        self.application = application
        self.account_sid = application.account
        self.services = services
        self.direction = direction
        self.parent_call_sid = self.stored.parent_call_sid
        """By whose document it was dialled; empty of any other."""
        self.sip_headers = sip_header_fields(headers, identity.withheld)
        self.origin = origin_of(headers, region, identity) if direction == "inbound" else Origin()
        self.resumed = stored is not None
        """Whether the verb that runs was begun by the last run of ours, or with a socket since lost."""
        self.caller = self.stored.caller
        self.document_url = self.stored.document_url or application.voice_url
        self.log = log.bind(call=self.sid)
        self._greenlet: gevent.Greenlet[..., None] | None = None
        self._redirecting = False
        self._abandoned = False
        self._unfinished = 0
        self._on_end: Callable[[Call], None] = lambda call: None
        self._on_through: Callable[[Call], None] = lambda call: None
        self._pending_redirect: FetchDocument | RunDocument | None = None
        self._reports: Callable[[Event], None] | None = None

    def start(
        self, on_end: Callable[[Call], None], on_through: Callable[[Call], None] = lambda call: None
    ) -> None:
        """`on_end` is called when its leg is gone altogether and nothing of it is left to be done,
        `on_through` when its documents are through."""
        self._on_end, self._on_through = on_end, on_through
        self.save()
        self.leg.on_hangup.append(self._on_hangup)
        self._greenlet = gevent.spawn(self._run)
        self._greenlet.rawlink(lambda greenlet: self._ended())

    def _ended(self) -> None:
        self._on_through(self)
        self._settle()

    @property
    def redirected(self) -> bool:
        """Whether other instructions are on their way to it."""
        return self._pending_redirect is not None

    def redirect(self, to: FetchDocument | Fetched | RunDocument) -> None:
        """New instructions in place of whatever it does: a Dial that ends by it asks for no action.

        A document has been looked at: it can be used.
        """
        under_way = self.redirected
        self._pending_redirect = RunDocument(to) if isinstance(to, Fetched) else to
        if self._redirecting and not under_way and self._greenlet is not None:
            self._greenlet.kill(Redirected(), block=False)

    def limit(self, seconds: int, answered_at: int) -> None:
        """Hung up `seconds` after its answer, by FreeSWITCH's own clock: a restart of ours changes nothing.

        `answered_at` in microseconds since the epoch; 0: it counts from now.
        """
        left = seconds - max(0, now() - (answered_at or now())) // 1_000_000
        connection, uuid = self.services.connection, self.leg.uuid
        connection.post(commands.api("sched_del", uuid))
        connection.post(commands.api("sched_hangup", f"+{max(0, left)}", uuid, "ALLOTTED_TIMEOUT"))

    def instruct(self, to: FetchDocument | Fetched) -> None:
        """As `redirect`, over the API: it does not come any more into the conference it was dialled for."""
        if self.stored.dialled_into:
            self.save(dialled_into="")
            self.services.rooms.has_other_instructions(self.sid)
        self.redirect(to)

    def report(self) -> None:
        """Status callbacks: where the API says, else where an inbound call's application does."""
        stored, legs = self.stored, self.services.legs
        to = stored.report
        if to is None and self.direction == "inbound" and self.application.status_callback:
            to = FetchDocument(self.application.status_callback, self.application.status_callback_method)
        if self._reports is not None:
            legs.unwatch(self.leg.uuid, self._reports)
            self._reports = None
        if to is not None and not stored.ended:
            self._reports = self.services.status.follow(
                self.caller,
                self.account_sid,
                to.url,
                "GET" if to.method == "GET" else "POST",
                stored.report_events,
                self.style,
                twilio_direction(self.direction, self.parent_call_sid),
                parent_call_sid=self.parent_call_sid,
                told=stored.reported,
                state=self.request_only,
            )
            legs.watch(self.leg.uuid, self._reports)

    def resume(self, headers: dict[str, str]) -> None:
        """The socket is back; `headers` tell how its leg stands."""
        self.leg.resume(headers)
        if cause := self.recall("hangup"):
            self.leg.hangup(cause)

    def abandon(self) -> None:
        """Stop steering; the call lives on in FreeSWITCH."""
        self._redirecting = False
        self._abandoned = True
        if self._greenlet is not None:
            self._greenlet.kill(block=False)

    def request_only(self, event: Event, told: Collection[str]) -> list[tuple[str, str, bytes]]:
        """Something is being told of it: what to write down with that."""
        self.stored = replace(
            self.stored, reported=tuple(told), ended=self.stored.ended or "completed" in told
        )
        return self.rows

    def on_event(self, event: Event) -> None:
        """What is told of its leg. On the socket's reader."""
        if event.name == "CHANNEL_DESTROY":
            self.stored = replace(self.stored, ended=True)
            self._settle()

    def finish_later(self, finish: Callable[[], None]) -> None:
        """Something that is done when the leg is gone, before the call is over."""
        self._unfinished += 1

        def run() -> None:
            try:
                finish()
            finally:
                self._unfinished -= 1
                self._settle()

        gevent.spawn(run)

    def _settle(self) -> None:
        through = self._greenlet is not None and self._greenlet.ready()
        if through and self.stored.ended and not (self._unfinished or self._abandoned or self.over):
            self.over = True
            self._on_end(self)

    @property
    def status(self) -> str:
        """CallStatus as instructions are asked for."""
        if self.leg.gone:
            return "completed"
        return "in-progress" if self.leg.answered else "ringing"

    def _on_hangup(self, leg: Leg) -> None:
        # A wait on the leg ends by itself; a fetch, a pause or a wait for the room is ended here.
        if self._redirecting and self._greenlet is not None:
            self._greenlet.kill(LegGone(f"{leg.uuid} hung up: {leg.hangup_cause}"), block=False)

    def _run(self) -> None:
        if self.leg.gone and not self.resumed:
            # It hung up between its CHANNEL_PARK and this greenlet's first turn.
            return
        self._redirecting = not self.leg.gone
        try:
            end = self._perform()
        except LegGone as gone:
            self.log.debug("call is gone", reason=str(gone))
            return
        except FetchError as error:
            self.log.error("no instructions", url=error.url, problem=error.problem)
            end = FAILED
        except Exception:
            self.log.exception("call cannot go on")
            end = FAILED
        finally:
            self._redirecting = False
        cause = (end or EndCall()).cause
        if not self.leg.gone:
            self.remember(hangup=cause)
        self.leg.hangup(cause)

    def _perform(self) -> EndCall | None:
        stored = self.stored
        if cause := self.recall("hangup"):
            return EndCall(cause)
        if self.leg.gone:
            # Nothing is asked any more for who is gone; what was being recorded is brought to its end.
            if stored.next is None:
                self._finish_verb(self._verbs()[stored.verb :][:1])
            return None
        while True:
            try:
                return self._resume_document() if self._pending_redirect is None else self._follow_redirect()
            except Redirected:
                self.log.info("redirected")
            except Unreachable:
                self._wait_for_freeswitch("")

    def _resume_document(self) -> EndCall | None:
        return self.documents(self._first_step())

    def _follow_redirect(self) -> EndCall | None:
        self.resumed = False
        self.leg.stop_leftover_playback()
        # What is started while something plays would play inside of it (Leg.break_).
        self.leg.stop_playback_and_wait(QUIET_SECONDS)
        to, self._pending_redirect = self._pending_redirect, None
        assert to is not None
        if isinstance(to, FetchDocument):
            return self.documents(to)
        fetched = to.document._replace(url=to.document.url or self.document_url)
        self.document_url = fetched.url
        self.in_document(fetched, to.verb)
        return self.documents(self.run_verbs(self._document_of(fetched).verbs, to.verb))

    def _first_step(self) -> NextAction:
        stored = self.stored
        if stored.next is None:
            return self.run_verbs(self._verbs(), stored.verb)
        self.leg.stop_leftover_playback()
        if stored.document_url:
            return stored.next
        return self.run_verbs(self.first_document(stored.next).verbs)

    def _verbs(self) -> tuple[Verb, ...]:
        """Of the document that it was in. Raises FetchError."""
        return self._document_of(self._document()).verbs

    def _document(self) -> Fetched:
        """That it is in, or was in. Raises FetchError."""
        fetched = self.store.document(self.leg.uuid)
        if fetched is None:
            raise FetchError(self.stored.document_url, "the document it was in is not on disk")
        return fetched

    # Documents

    def documents(self, step: NextAction) -> EndCall | None:
        """One document after the other until one says so, or none leads on. Raises FetchError, LegGone."""
        quick = 0
        while isinstance(step, FetchDocument):
            if quick == MAX_QUICK_DOCUMENTS:
                self.log.error("documents lead in circles", url=shown(self.document_url))
                return FAILED
            began = time.monotonic()
            self._about_to_ask(step)
            step = self.run_verbs(self.fetch(step).verbs)
            took = time.monotonic() - began
            quick = quick + 1 if took < QUICK_SECONDS else 0
            if quick > QUICK_DOCUMENTS:
                gevent.sleep(QUICK_SECONDS - took)
        return step

    def first_document(self, action: FetchDocument) -> Document:
        """Its time limit counts the fallback's too: a caller does not ring for ever. Raises FetchError."""
        seconds = self.application.first_command_timeout_secs
        over = gevent.Timeout(seconds)
        try:
            with over:
                return self.fetch(action)
        except gevent.Timeout as timeout:
            if timeout is not over:
                raise
            raise FetchError(action.url, f"no instructions within {seconds:g} s") from None

    def run_verbs(self, verbs: tuple[Verb, ...], first: int = 0) -> NextAction:
        for index, verb in enumerate(verbs[first:], first):
            if not self.resumed:
                self._at_verb(index)
            step = self.run_verb(verb)
            if step is not None:
                return step
        return None

    def _finish_verb(self, verbs: tuple[Verb, ...]) -> None:
        for verb in verbs:
            finish = self.services.verbs[type(verb)].finish
            if finish is not None:
                self._carry_out(verb, finish, finish)

    def run_verb(self, verb: Verb) -> NextAction:
        """A lost event socket does not end a call: its verb is resumed once FreeSWITCH is back."""
        executor = self.services.verbs[type(verb)]
        return self._carry_out(verb, executor.run, executor.resume)

    def _carry_out(self, verb: Verb, run: Act, resume: Act) -> NextAction:
        while True:
            try:
                step = (resume if self.resumed else run)(self, verb)
            except Unreachable:
                self._wait_for_freeswitch(type(verb).__name__)
            else:
                self.resumed = False
                return step

    def _wait_for_freeswitch(self, verb: str) -> None:
        self.log.warning("lost FreeSWITCH", verb=verb)
        self.services.wait_until_connected()
        self.resumed = True

    def fetch(self, action: FetchDocument) -> Document:
        """The document at `goto`, or at the application's fallback URL once. Raises FetchError."""
        url = self.services.resolve(self.document_url, action.url)
        try:
            return self._fetch(url, action.method, action.fields)
        except FetchError as error:
            fallback = self.fallback
            if fallback is None or fallback.url == url:
                raise
            self.log.warning("instructions failed, trying the fallback", url=error.url, problem=error.problem)
            failed: Fields = (("ErrorUrl", url), ("ErrorMessage", error.problem))
            return self._fetch(fallback.url, fallback.method, (*action.fields, *failed))

    @property
    def fallback(self) -> FetchDocument | None:
        application = self.application
        if self.stored.fallback is not None or not application.voice_fallback_url:
            return self.stored.fallback
        return FetchDocument(application.voice_fallback_url, application.voice_fallback_method)

    def _fetch(self, url: str, method: str, fields: Fields) -> Document:
        return self.read(self._ask(url, method, fields), url)

    def read(self, fetched: Fetched, url: str) -> Document:
        """What was fetched, as the document that it is in from now on. `url` is what was asked for.

        Raises FetchError.
        """
        try:
            document = self._document_of(fetched)
        except DocumentError as error:
            raise FetchError(url, str(error)) from error
        for warning in document.warnings:
            self.log.warning("document", problem=str(warning))
        self.document_url = fetched.url
        self.in_document(fetched)
        return document

    def notify(self, action: FetchDocument) -> None:
        """A request whose answer is not followed, for a call that is over."""
        try:
            self._ask(self.services.resolve(self.document_url, action.url), action.method, action.fields)
        except FetchError as error:
            self.log.warning("not told", url=error.url, problem=error.problem)

    def _ask(self, url: str, method: str, fields: Fields) -> Fetched:
        try:
            return self.services.fetcher.fetch(
                url,
                method,
                (*self.standard_fields(), *fields),
                self.cookies,
                limits=self.limits,
                signer=self.signer,
            )
        except FetchError as error:
            raise error.with_hint(self.method_of(url)) from error

    def method_of(self, url: str) -> str:
        """What says how `url` is requested: a setting, or the attribute beside it."""
        application = self.application
        if url == application.voice_fallback_url and not self.stored.fallback:
            return "voice_fallback_method"
        if url == application.voice_url and not self.stored.document_url:
            return "voice_method"
        return "the method beside its URL"

    @property
    def dialect(self) -> Dialect:
        """What holds for its application where the vendors differ, as the settings of this moment say."""
        return self.services.settings.dialect(self.application)

    def _document_of(self, fetched: Fetched) -> Document:
        """Raises DocumentError."""
        dialect = self.dialect
        return document_of(fetched, document_defaults(dialect), templates=dialect.templates)

    @property
    def style(self) -> CallbackStyle:
        """Of its requests for documents and its callbacks."""
        return callback_style(self.dialect)

    @property
    def signer(self) -> Signer:
        return self.services.signer(self.account_sid, self.style)

    @property
    def limits(self) -> Limits:
        """Of what is asked for instructions."""
        return self.services.fetcher.limits

    def before_sound(self) -> None:
        """Waits until something may be played on its leg."""

    def sound_failed(self) -> None:
        """Something that its document plays or says could not be heard."""

    def standard_fields(self) -> Fields:
        return standard_fields(
            self.caller,
            self.account_sid,
            self.status,
            self.direction,
            self.sip_headers,
            self.style,
            self.origin,
            self.parent_call_sid,
        )
