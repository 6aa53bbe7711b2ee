"""One call: its leg, its documents one after the other, and its end."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NoReturn

import gevent
from msgspec.structs import replace

from orchestrator.calls.context import CallContext
from orchestrator.calls.runner import FAILED, OF_A_CALL, DocumentRunner, Rules
from orchestrator.calls.stored_call import StoredCall
from orchestrator.clock import now
from orchestrator.config.applications import Application
from orchestrator.documents.fetch import Fetched, FetchError
from orchestrator.documents.next_action import EndCall, FetchDocument, NextAction, Redirected, RunDocument
from orchestrator.documents.request_parameters import (
    twilio_direction,
)
from orchestrator.esl import commands
from orchestrator.esl.errors import LegGone, Unreachable
from orchestrator.esl.events import Event
from orchestrator.esl.leg import Leg
from orchestrator.logs import get_logger
from orchestrator.timeline.actor import actor

log = get_logger(__name__)

# Until what played has stopped.
QUIET_SECONDS = 5.0


class Call(DocumentRunner):
    """Runs in one greenlet; whatever it waits for ends at once when the caller hangs up.

    `on_event` runs on the socket's reader and `redirect` on a web request's greenlet: neither may block.
    """

    def __init__(
        self,
        leg: Leg,
        application: Application,
        services: CallContext,
        direction: str = "inbound",
        stored: StoredCall | None = None,
        rules: Rules = OF_A_CALL,
    ) -> None:
        super().__init__(leg, application, services, direction, stored, rules)
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

    def go_on_with(self, to: RunDocument) -> NoReturn:
        """By its own greenlet: as `redirect`, unless others are on their way. Raises Redirected."""
        if self._pending_redirect is None:
            self._pending_redirect = to
        raise Redirected

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
        by, key = actor("document")
        self.record("call.status", status="redirected", by=by, key=key)
        if self.stored.dialled_into:
            self.save(dialled_into="")
            self.services.rooms.has_other_instructions(self.sid)
        self.redirect(to)

    def report(self) -> None:
        """Status callbacks: where the API says, else where an inbound call's application does."""
        stored, legs = self.stored, self.services.legs
        if self.relayed is not None:
            return
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
                sent=stored.reported,
                state=self.request_only,
            )
            legs.watch(self.leg.uuid, self._reports)

    def resume(self, headers: dict[str, str]) -> None:
        """The socket is back; `headers` have the state of its leg."""
        self.leg.resume(headers)
        if cause := self.recall("hangup"):
            self.leg.hangup(cause)

    def abandon(self) -> None:
        """Stop steering; the call lives on in FreeSWITCH."""
        self._redirecting = False
        self._abandoned = True
        if self._greenlet is not None:
            self._greenlet.kill(block=False)

    def request_only(self, event: Event, reported: Collection[str]) -> list[tuple[str, str, bytes]]:
        """The rows to store together with a callback about it."""
        self.stored = replace(
            self.stored, reported=tuple(reported), ended=self.stored.ended or "completed" in reported
        )
        return self.rows

    def on_event(self, event: Event) -> None:
        """A callback about its leg. On the socket's reader."""
        if event.name == "CHANNEL_DESTROY":
            self.stored = replace(self.stored, ended=True)
            self._settle()

    def finish_later(self, finish: Callable[[], None]) -> None:
        """Something that is done when the leg is gone, before the call ends."""
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
        if through and self.stored.ended and not (self._unfinished or self._abandoned or self.closed):
            self.closed = True
            self._on_end(self)

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
            end = FAILED._replace(why=f"no usable document, and no other fallback: {error.problem}")
        except Exception:
            self.log.exception("call cannot go on")
            end = FAILED._replace(why="a fault of the orchestrator, which its log shows")
        finally:
            self._redirecting = False
        cause, why = end or EndCall(why="the document is through: none of its verbs leads on")
        if not self.leg.gone:
            self.remember(hangup=cause)
            self.services.call_entries.decided(self.leg.uuid, why)
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
        # A file that is started while another one plays would play inside of it (Leg.break_).
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
