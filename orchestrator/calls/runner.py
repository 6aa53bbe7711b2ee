"""The one interpreter of documents: fetches one after the other and runs its verbs.

A call's own documents, those that a caller hears while it waits or is on hold, and a callee's before it is
connected differ in their `Rules` alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import gevent

from orchestrator.callbacks.signature import Signer
from orchestrator.callbacks.style import callback_style
from orchestrator.calls.context import CallContext
from orchestrator.calls.document_entries import asked
from orchestrator.calls.state import CallState
from orchestrator.calls.stored_call import StoredCall
from orchestrator.calls.verb_entries import VerbEntries
from orchestrator.calls.verb_executor import Act
from orchestrator.config.applications import Application
from orchestrator.config.dialect import Dialect
from orchestrator.documents.defaults import document_defaults
from orchestrator.documents.document import document_of, is_audio
from orchestrator.documents.fetch import Fetched, FetchError, Limits
from orchestrator.documents.next_action import EndCall, FetchDocument, NextAction
from orchestrator.documents.request_parameters import (
    Origin,
    caller_of,
    origin_of,
    sip_header_fields,
    standard_fields,
)
from orchestrator.esl.errors import Unreachable
from orchestrator.esl.leg import Leg
from orchestrator.logs import get_logger, of_node
from orchestrator.net.logged_url import shown
from orchestrator.routing import identities
from orchestrator.sids import call_sid_of
from orchestrator.texml import Document, DocumentError, Gather, Play, Say, Verb
from orchestrator.types import CallbackStyle, Fields

log = get_logger(__name__)

# Documents that send a call in circles without playing, asking or dialling anything are slowed down after the
# first few, and ended after some more; a menu or a queue that goes round for hours is not.
QUICK_SECONDS = 1.0
QUICK_DOCUMENTS = 10
MAX_QUICK_DOCUMENTS = 50
FAILED = EndCall("NORMAL_TEMPORARY_FAILURE", "it cannot go on")


@dataclass(frozen=True)
class Rules:
    """Where documents differ; the defaults are those of a call's own."""

    refused: Mapping[type[Verb], str] = field(default_factory=dict)
    """Why a verb is skipped."""
    leads_out: Mapping[type[Verb], Callable[[Verb], NoReturn]] = field(default_factory=dict)
    """Called in place of running a verb: it ends this interpretation."""
    endless: bool = False
    """One that leads on by itself is asked for once a second, for ever; else it is ended after a while."""
    fallback: bool = True
    """The application's fallback URL is tried."""
    on_audio: Callable[[Fetched], NoReturn] | None = None
    """Called with audio in place of a document. None: it is played once."""
    methods: Mapping[str, str] = field(default_factory=dict)
    """By URL, the setting or attribute that gives its method."""
    fields: Fields = ()
    """Of each request, on top of the standard parameters."""
    ends_with_a_sound: bool = True
    """Whether a Play that failed may end the call, where it is to."""
    can_break: bool = True
    """Whether what plays may be cut off with nothing else ending by it."""
    purpose: str = ""
    """Of its requests, for the timeline; empty of a call's own document."""
    before_sound: Callable[[], None] = lambda: None
    """Waits until something may be played on the leg."""


OF_A_CALL = Rules()
OF_ITS_OWN_NODE = frozenset({"verb.begin", "verb.end", "call.status"})
"""Entries of a call that takes part in a room of another node: there they would stand twice."""


class DocumentRunner(CallState):
    """Blocks the greenlet that runs it; whatever it waits for ends when the leg is gone.

    Everything here runs on the greenlet of the call or wait that it belongs to, and may block in a verb.
    """

    def __init__(
        self,
        leg: Leg,
        application: Application,
        services: CallContext,
        direction: str,
        stored: StoredCall | None,
        rules: Rules,
    ) -> None:
        """`stored`: where it stood when the last run of ours ended."""
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
        self.relayed = self.stored.relayed
        """Of a call of another node, which takes part in a room of ours; None: it is this node's own."""
        if self.relayed is not None:
            self.sip_headers, self.origin = self.relayed.sip_headers, self.relayed.origin
        self.resumed = stored is not None
        """Whether the verb that runs was begun by the last run of ours, or with a socket since lost."""
        self.caller = self.stored.caller
        self.document_url = self.stored.document_url or application.voice_url
        self.log = log.bind(call=self.sid, **of_node(self.services.node.name))
        self.rules = rules
        self.led_by_keys = False
        """Whether keys led to the document that is asked for next."""
        self.sounds_played = self.sounds_failed = 0

    @property
    def status(self) -> str:
        """CallStatus as instructions are asked for."""
        if self.leg.gone:
            return "completed"
        return "in-progress" if self.leg.answered else "ringing"

    def documents(self, step: NextAction) -> EndCall | None:
        """One document after the other until one says so, or none leads on. Raises FetchError, LegGone."""
        quick = 0
        while isinstance(step, FetchDocument):
            if quick == MAX_QUICK_DOCUMENTS and not self.rules.endless:
                self.log.error("documents lead in circles", url=shown(self.document_url))
                return FAILED._replace(
                    why=f"{quick} documents in a row led on at once, without anything to hear or to dial"
                )
            began = time.monotonic()
            self._about_to_ask(step)
            step = self.run_verbs(self.fetch(step).verbs)
            took = time.monotonic() - began
            quick = quick + 1 if took < QUICK_SECONDS else 0
            if quick > (0 if self.rules.endless and not self.led_by_keys else QUICK_DOCUMENTS):
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

    def _verbs(self) -> tuple[Verb, ...]:
        """Of the document that it was in. Raises FetchError."""
        return self._document_of(self._document()).verbs

    def _document(self) -> Fetched:
        """That it is in, or was in. Raises FetchError."""
        fetched = self.store.document(self.leg.uuid)
        if fetched is None:
            raise FetchError(self.stored.document_url, "the document it was in is not on disk")
        return fetched

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
        # The conference that a document waits for may have started in this very turn.
        self.leg.check_blocked()
        if why := self.rules.refused.get(type(verb)):
            self.warn(why, verb=type(verb).__name__, line=verb.line)
            return None
        if lead_out := self.rules.leads_out.get(type(verb)):
            lead_out(verb)
        executor, failed = self.services.verbs[type(verb)], self.sounds_failed
        step = self._carry_out(verb, executor.run, executor.resume)
        self.led_by_keys = isinstance(verb, Gather) and step is not None
        self.sounds_played += isinstance(verb, (Play, Say)) and self.sounds_failed == failed
        return step

    def _carry_out(self, verb: Verb, run: Act, resume: Act) -> NextAction:
        with VerbEntries(self.record, verb) as entries:
            while True:
                try:
                    step = (resume if self.resumed else run)(self, verb)
                except Unreachable:
                    self._wait_for_freeswitch(type(verb).__name__)
                else:
                    self.resumed = False
                    entries.step = step
                    return step

    def _wait_for_freeswitch(self, verb: str) -> None:
        self.log.warning("lost FreeSWITCH", verb=verb)
        self.record("call.status", level="warning", status="lost-freeswitch", verb=verb)
        self.services.wait_until_connected()
        self.resumed = True

    def fetch(self, action: FetchDocument) -> Document:
        """The document at `goto`, or at the application's fallback URL once. Raises FetchError."""
        url = self.services.resolve(self.document_url, action.url)
        try:
            return self._fetch(url, action.method, action.fields)
        except FetchError as error:
            fallback = self.fallback
            if not self.rules.fallback or fallback is None or fallback.url == url:
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
        fetched = self._ask(url, method, fields)
        if self.rules.on_audio is not None and is_audio(fetched):
            self.rules.on_audio(fetched)
        return self.read(fetched, url)

    def read(self, fetched: Fetched, url: str) -> Document:
        """The fetched answer as the document that runs from now on. `url` is the requested one.

        Raises FetchError.
        """
        try:
            document = self._document_of(fetched)
        except DocumentError as error:
            self.services.counters.documents["document"] += 1
            problem, line = error.message, error.line
            self.record(
                "document.failed", level="error", url=url, problem=problem, line=line, outcome="document"
            )
            raise FetchError(url, str(error)) from error
        for warning in document.warnings:
            self.log.warning("document", problem=str(warning))
            problem = str(warning).removeprefix(f"{warning.source or 'document'}:{warning.line}: ")
            self.record(
                "document.warning", level="warning", line=warning.line, problem=problem, url=fetched.url
            )
        self.document_url = fetched.url
        self.in_document(fetched)
        return document

    def notify(self, action: FetchDocument) -> None:
        """A request whose answer is not followed, for a call that has ended."""
        try:
            self._ask(self.services.resolve(self.document_url, action.url), action.method, action.fields)
        except FetchError as error:
            self.log.warning("not requested", url=error.url, problem=error.problem)

    def _ask(self, url: str, method: str, fields: Fields) -> Fetched:
        asked_fields = (*self.standard_fields(), *fields)

        def fetch() -> Fetched:
            fetcher, limits, signer = self.services.fetcher, self.limits, self.signer
            try:
                return fetcher.fetch(url, method, asked_fields, self.cookies, limits=limits, signer=signer)
            except FetchError as error:
                raise error.with_hint(self.method_of(url)) from error

        return asked(
            self.record,
            self.services.counters.documents,
            self._purpose(url),
            url,
            method,
            asked_fields,
            fetch,
        )

    def _purpose(self, url: str) -> str:
        """Of a request, where it is not the call's own document."""
        if self.rules.purpose:
            return self.rules.purpose
        fallback = self.fallback
        return "the fallback" if fallback is not None and fallback.url == url else ""

    def warn(self, what: str, **facts: Any) -> None:
        """Something is not done as its document says: for the log, and for the call's timeline."""
        self.log.warning(what, **facts)
        self.record("verb.warning", level="warning", what=what, **facts)

    def fault(self, what: str, **facts: Any) -> None:
        """As `warn`, of something that is not done at all."""
        self.log.error(what, **facts)
        self.record("verb.warning", level="error", what=what, **facts)

    def record(self, kind: str, /, **facts: Any) -> None:
        """An entry in the call's timeline, as Timeline.add."""
        if self.relayed is not None and kind in OF_ITS_OWN_NODE:
            return
        self.services.timeline.add(kind, account=self.account_sid, call=self.sid, **facts)

    def method_of(self, url: str) -> str:
        """The setting or attribute that gives the method of `url`."""
        application = self.application
        if url in self.rules.methods:
            return self.rules.methods[url]
        if url == application.voice_fallback_url and not self.stored.fallback:
            return "voice_fallback_method"
        if url == application.voice_url and not self.stored.document_url:
            return "voice_method"
        return "the method beside its URL"

    @property
    def dialect(self) -> Dialect:
        """Its application's values of settings in which the vendors differ, at this moment."""
        return self.services.current.dialect(self.application)

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
        return self.services.media_limits if self.rules.on_audio else self.services.fetcher.limits

    def standard_fields(self) -> Fields:
        fields = standard_fields(
            self.caller,
            self.account_sid,
            self.status,
            self.direction,
            self.sip_headers,
            self.style,
            self.origin,
            self.parent_call_sid,
        )
        return (*fields, *self.rules.fields)
