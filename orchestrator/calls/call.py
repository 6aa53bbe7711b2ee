"""One call: its leg, its documents one after the other, and its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import gevent
from requests.cookies import RequestsCookieJar

from orchestrator.calls.documents import document_of
from orchestrator.calls.fetch import Fetched, FetchError
from orchestrator.calls.request import caller_of, sip_header_fields, standard_fields
from orchestrator.calls.sids import call_sid_of
from orchestrator.calls.steps import Fields, Goto, HangUp, Redirected, Step
from orchestrator.calls.verbs import run_verb
from orchestrator.conference.model import Method
from orchestrator.freeswitch.errors import Disconnected, LegGone
from orchestrator.freeswitch.events import Event
from orchestrator.freeswitch.legs import Leg
from orchestrator.logs import get_logger
from orchestrator.texml import Document, DocumentError, Verb

if TYPE_CHECKING:
    from orchestrator.calls.services import Services
    from orchestrator.config.applications import Application

log = get_logger(__name__)

# Documents that send a call in circles without playing, asking or dialling anything are slowed down after the
# first few, and ended after some more; a menu or a queue that goes round for hours is not.
QUICK_SECONDS = 1.0
QUICK_DOCUMENTS = 10
MAX_QUICK_DOCUMENTS = 50
# Until what played has stopped, in steps of one media frame.
QUIET_SECONDS = 5.0
FRAME_SECONDS = 0.02
FAILED = HangUp("NORMAL_TEMPORARY_FAILURE")


class Call:
    """Runs in one greenlet; whatever it waits for ends at once when the caller hangs up."""

    steerable = True
    """Whether the API may give it other instructions."""
    can_break = True
    """Whether what plays may be cut off with nothing else ending by it."""

    def __init__(
        self, leg: Leg, application: Application, services: Services, direction: str = "inbound"
    ) -> None:
        self.leg = leg
        self.sid = call_sid_of(leg.uuid)
        self.application = application
        self.account_sid = application.account
        self.services = services
        self.direction = direction
        self.caller = caller_of(self.sid, leg.uuid, application.connection_id, leg.headers)
        self.sip_headers = sip_header_fields(leg.headers)
        self.cookies = RequestsCookieJar()
        self.document_url = application.voice_url
        self.log = log.bind(call=self.sid)
        self.fallback: Goto | None = None
        """Where instructions are when their own place fails; none: the application's."""
        if application.voice_fallback_url:
            self.fallback = Goto(application.voice_fallback_url, application.voice_fallback_method)
        self._greenlet: gevent.Greenlet[..., None] | None = None
        self._steering = False
        self._elsewhere: Goto | Fetched | None = None
        self._reports: Callable[[Event], None] | None = None

    def start(self, on_end: Callable[[Call], None]) -> None:
        self.leg.on_hangup.append(self._on_hangup)
        if self.steerable:
            self.services.calls[self.sid] = self
        self._greenlet = gevent.spawn(self._run)
        self._greenlet.link(lambda greenlet: self._ended(on_end))

    def _ended(self, on_end: Callable[[Call], None]) -> None:
        if self.services.calls.get(self.sid) is self:
            del self.services.calls[self.sid]
        on_end(self)

    def redirect(self, to: Goto | Fetched) -> None:
        """New instructions in place of whatever it does: a Dial that ends by it asks for no action.

        A document has been looked at: it can be used.
        """
        under_way, self._elsewhere = self._elsewhere is not None, to
        if self._steering and not under_way and self._greenlet is not None:
            self._greenlet.kill(Redirected(), block=False)

    def reports_to(self, url: str, method: str, events: Collection[str]) -> None:
        """Status callbacks, in place of those so far."""
        switchboard = self.services.switchboard
        if self._reports is not None:
            switchboard.unwatch(self.leg.uuid, self._reports)
        verb: Method = "GET" if method == "GET" else "POST"
        self._reports = self.services.status.follow(self.caller, self.account_sid, url, verb, events)
        switchboard.watch(self.leg.uuid, self._reports)

    def abandon(self) -> None:
        """Stop steering; the call lives on in FreeSWITCH."""
        self._steering = False
        if self._greenlet is not None:
            self._greenlet.kill(block=False)

    @property
    def status(self) -> str:
        """CallStatus as instructions are asked for."""
        if self.leg.gone:
            return "completed"
        return "in-progress" if self.leg.answered else "ringing"

    def _on_hangup(self, leg: Leg) -> None:
        # A wait on the leg ends by itself; a fetch, a pause or a wait for the room is ended here.
        if self._steering and self._greenlet is not None:
            self._greenlet.kill(LegGone(f"{leg.uuid} hung up: {leg.hangup_cause}"), block=False)

    def _run(self) -> None:
        if self.leg.gone:
            # It hung up between its CHANNEL_PARK and this greenlet's first turn.
            return
        self._steering = True
        try:
            end = self._steered()
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
            self._steering = False
        self.leg.hangup((end or HangUp()).cause)

    def _steered(self) -> HangUp | None:
        """By its own instructions, and by whatever comes in their place."""
        run = self.begin
        while True:
            try:
                if self._elsewhere is None:
                    return run()
                return self._go_elsewhere()
            except Redirected:
                self.log.info("redirected")

    def begin(self) -> HangUp | None:
        first = self.first_document(Goto(self.application.voice_url, self.application.voice_method))
        return self.documents(self.run_verbs(first.verbs))

    def _go_elsewhere(self) -> HangUp | None:
        until = time.monotonic() + QUIET_SECONDS
        while self.leg.playing and time.monotonic() < until:
            # What is started while something plays would play inside of it (Leg.break_).
            self.leg.break_()
            gevent.sleep(FRAME_SECONDS)
        to, self._elsewhere = self._elsewhere, None
        assert to is not None
        if isinstance(to, Goto):
            return self.documents(to)
        self.document_url = to.url or self.document_url
        return self.documents(self.run_verbs(document_of(to).verbs))

    # Documents

    def documents(self, step: Step) -> HangUp | None:
        """One document after the other until one says so, or none leads on. Raises FetchError, LegGone."""
        quick = 0
        while quick < MAX_QUICK_DOCUMENTS:
            if not isinstance(step, Goto):
                return step
            began = time.monotonic()
            step = self.run_verbs(self.fetch(step).verbs)
            took = time.monotonic() - began
            quick = quick + 1 if took < QUICK_SECONDS else 0
            if quick > QUICK_DOCUMENTS:
                gevent.sleep(QUICK_SECONDS - took)
        self.log.error("documents lead in circles", url=self.document_url)
        return FAILED

    def first_document(self, goto: Goto) -> Document:
        """Its time limit counts the fallback's too: a caller does not ring for ever. Raises FetchError."""
        seconds = self.application.first_command_timeout_secs
        over = gevent.Timeout(seconds)
        try:
            with over:
                return self.fetch(goto)
        except gevent.Timeout as timeout:
            if timeout is not over:
                raise
            raise FetchError(goto.url, f"no instructions within {seconds:g} s") from None

    def run_verbs(self, verbs: tuple[Verb, ...]) -> Step:
        for verb in verbs:
            step = self.run_verb(verb)
            if step is not None:
                return step
        return None

    def run_verb(self, verb: Verb) -> Step:
        """A lost event socket does not end a call: its verb is run again once FreeSWITCH is back."""
        while True:
            try:
                return run_verb(self, verb)
            except Disconnected:
                self.log.warning("lost FreeSWITCH", verb=type(verb).__name__)
                self.services.wait_until_connected()

    def fetch(self, goto: Goto) -> Document:
        """The document at `goto`, or at the application's fallback URL once. Raises FetchError."""
        url = self.services.resolve(self.document_url, goto.url)
        try:
            return self._fetch(url, goto.method, goto.fields)
        except FetchError as error:
            fallback = self.fallback
            if fallback is None or fallback.url == url:
                raise
            self.log.warning("instructions failed, trying the fallback", url=url, problem=error.problem)
            failed: Fields = (("ErrorUrl", url), ("ErrorMessage", error.problem))
            return self._fetch(fallback.url, fallback.method, (*goto.fields, *failed))

    def _fetch(self, url: str, method: str, fields: Fields) -> Document:
        fetched = self._ask(url, method, fields)
        try:
            document = document_of(fetched)
        except DocumentError as error:
            raise FetchError(url, str(error)) from error
        for warning in document.warnings:
            self.log.warning("document", problem=str(warning))
        self.document_url = fetched.url
        return document

    def notify(self, goto: Goto) -> None:
        """A request whose answer is not followed, for a call that is over."""
        try:
            self._ask(self.services.resolve(self.document_url, goto.url), goto.method, goto.fields)
        except FetchError as error:
            self.log.warning("not told", url=error.url, problem=error.problem)

    def _ask(self, url: str, method: str, fields: Fields) -> Fetched:
        return self.services.fetcher.fetch(
            url,
            method,
            (*self.standard_fields(), *fields),
            self.cookies,
            key=self.services.signing_key(self.account_sid),
        )

    def standard_fields(self) -> Fields:
        return standard_fields(
            self.caller,
            self.account_sid,
            self.status,
            self.direction,
            self.sip_headers,
            self.services.settings.callbacks.twilio_extras,
        )
