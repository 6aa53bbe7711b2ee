"""The calls of one node: accepted, resumed after a restart, and released when nothing of them is left."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from msgspec.structs import replace

from orchestrator.calls import inband_digits
from orchestrator.calls.admission import AdmissionControl
from orchestrator.calls.browser_calls import by_browser, identity_headers
from orchestrator.calls.call import Call
from orchestrator.calls.context import CallContext
from orchestrator.calls.one_time_tokens import REFUSED, TokenRefused
from orchestrator.calls.relays import by_relay
from orchestrator.calls.stored_call import StoredCall
from orchestrator.calls.unbridge import CalleeRedirect
from orchestrator.config.applications import Application
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.generated import conference_document
from orchestrator.esl import commands
from orchestrator.esl.events import Event
from orchestrator.esl.leg import Leg
from orchestrator.esl.snapshot import DOCTOR_NUMBER, delete_hangup_record
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger
from orchestrator.net.logged_url import shown
from orchestrator.routing.endpoints import trunk_to
from orchestrator.routing.identities import called

log = get_logger(__name__)

NO_NUMBER = "UNALLOCATED_NUMBER"
BROWSER_TIME_LIMIT = 14400
"""Seconds of a Dial into a conference from the console, as Dial's own default."""


class CallRegistry(Part):
    def __init__(self, services: CallContext, admission: AdmissionControl) -> None:
        self._services = services
        self._admission = admission
        self._calls: dict[str, Call] = {}
        """By leg; one whose leg is gone stays until nothing of it is left to be done."""
        self._running: dict[str, Call] = {}
        """By CallSid: those whose documents run."""
        self._unresumed: dict[str, StoredCall] = {}
        """By leg: what the last run of ours left, until it is compared with what FreeSWITCH has."""

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._calls.values()))

    def start(self) -> None:
        """With what the last run of ours left; before the first event."""
        self._unresumed = {call.leg: call for call in self._services.call_store.load()}

    @property
    def unresumed(self) -> Collection[str]:
        """Legs of calls of the last run that nobody has gone on with yet."""
        return self._unresumed.keys()

    def take_unresumed(self) -> dict[str, StoredCall]:
        """Calls of the last run, by leg: the caller of this resumes them."""
        stored, self._unresumed = self._unresumed, {}
        return stored

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Stop steering them all; they live on in FreeSWITCH."""
        for call in self:
            call.abandon()

    def accept(self, leg: Leg) -> None:
        """A leg that came in and is parked."""
        services = self._services
        services.legs.watch(leg.uuid, self._finish_from_hangup_record)
        limit = self._admission.limit_hit(leg)
        if limit is not None:
            self._reject(leg, "overload", "503", limit=f"admission.{limit.value}")
            return
        if by_browser(leg.headers):
            self._accept_browsers(leg)
            return
        if by_relay(leg.headers):
            self._accept_relayed(leg)
            return
        region = services.settings.region_of_calls_from(leg.headers.get("Caller-Network-Addr", ""))
        number = called(leg.headers, region)
        application = services.settings.application_for(number, region)
        if application is None:
            services.counters.unknown_numbers += 1
            log.warning("no application for this number, and no default one", leg=leg.uuid, number=number)
            leg.hangup(NO_NUMBER)
            self._reject(leg, "no-application", "404", number=number)
            return
        address = leg.headers.get("Caller-Network-Addr", "")
        self._take(leg, application, number, address, services.settings.caller(address))

    def _reject(self, leg: Leg, reason: str, sip: str, **facts: str) -> None:
        headers = leg.headers
        rejected = self._services.call_entries.rejected
        rejected.add(leg.uuid, lambda name: headers.get(name, ""), reason, sip, **facts)

    def _accept_browsers(self, leg: Leg) -> None:
        """One from the console's page: its token says whose it is, and where it goes."""
        services = self._services
        try:
            target = services.browser_calls.redeem(leg.headers.get("Caller-Destination-Number", ""), leg.uuid)
        except TokenRefused as refused:
            log.warning("a call from the console was refused with 403", leg=leg.uuid, problem=str(refused))
            leg.hangup(REFUSED)
            leg.headers = {}
            self._reject(leg, "token", "403", problem=str(refused))
            return
        leg.headers = identity_headers(target.caller, target.to)
        application = services.settings.applications.get(target.application)
        if application is None:
            log.warning("its application is no longer in the settings", leg=leg.uuid, number=target.to)
            leg.hangup(NO_NUMBER)
            self._reject(leg, "application-gone", "404", number=target.to, application=target.application)
            return
        room = target.conference
        document = conference_document(room, {}, BROWSER_TIME_LIMIT) if room else None
        self._take(leg, application, target.to, "", "console", document)

    def _accept_relayed(self, leg: Leg) -> None:
        """One of another node: its token says whose it is, and which room of ours it is for."""
        services, node = self._services, self._services.node.name
        token = leg.headers.get("Caller-Destination-Number", "")
        if token == DOCTOR_NUMBER:
            return  # its call, which it ends
        try:
            target = services.relays.redeem(token, node)
            application = services.settings.applications.get(target.call.application)
            if application is None or target.call.leg != leg.uuid:
                raise TokenRefused("unknown")
        except TokenRefused as refused:
            log.warning("a call of another node was refused with 403", leg=leg.uuid, problem=str(refused))
            leg.hangup(REFUSED)
            self._reject(leg, "token", "403", problem=str(refused))
            return
        services.connection.post(commands.ring(leg.uuid))
        call = Call(leg, application, services, target.call.direction, target.call)
        call.resumed = False
        services.connection.post(commands.api("sched_del", leg.uuid))
        assert call.relayed is not None
        call.log.info("call of another node", room=target.room, caller_node=call.relayed.node)
        call.redirect(target.document)
        self._start(call)

    def _take(
        self,
        leg: Leg,
        application: Application,
        number: str,
        address: str,
        came_from: str,
        document: Fetched | None = None,
    ) -> None:
        """`address`, and the trunk or network that it is of: whence it came. `document` runs in place of the
        application's first."""
        services = self._services
        if not leg.answered:
            # At once, so that the caller hears ringing while the document is fetched, and its carrier waits.
            services.connection.post(commands.ring(leg.uuid))
        call = Call(leg, application, services)
        trunk = services.settings.trunk_from(address)
        if trunk is not None and trunk.media == "direct":
            call.stored = replace(call.stored, direct_media=True)
        inband_digits.detect(services.settings, services.connection, leg)
        # The dialplan hangs up a call that nobody takes; this one is taken.
        services.connection.post(commands.api("sched_del", leg.uuid))
        services.call_records.open(call.caller, call.account_sid, name=call.origin.name)
        call.log.info(
            "call",
            number=number,
            caller=call.caller.from_,
            application=application.name,
            came_from=came_from,
        )
        call.record(
            "call.arrived",
            caller=call.caller.from_,
            called=number,
            application=application.name,
            address=address,
            came_from=came_from,
        )
        if document is not None:
            call.redirect(document)
        self._start(call)

    def resume(self, stored: StoredCall, leg: Leg) -> None:
        """Goes on with a call of the last run. Its leg may be gone."""
        application = self.claim(stored)
        if stored.relayed is None:
            self._services.timeline.add(
                "call.resumed",
                account=application.account if application is not None else "",
                call=stored.caller.call_sid,
                gone=leg.gone,
                document=shown(stored.document_url),
            )
        if application is None:
            return
        if by_browser(leg.headers):
            leg.headers = identity_headers(stored.caller.from_, stored.caller.to)
        if stored.leaves_bridge:
            CalleeRedirect(self._services, application, stored, self.start_dialled).order()
        else:
            self._start(Call(leg, application, self._services, stored.direction, stored))

    def claim(self, stored: StoredCall) -> Application | None:
        """Looks after a leg of the last run from now on: its application. None: it is hung up, since that is
        no longer in the settings."""
        services = self._services
        services.legs.watch(stored.leg, self._finish_from_hangup_record)
        application = services.settings.applications.get(stored.application)
        if application is None:
            log.error(
                "its application is no longer in the settings", leg=stored.leg, application=stored.application
            )
            services.connection.post(commands.kill(stored.leg, NO_NUMBER))
            return None
        if stored.direction == "outbound" and stored.relayed is None:
            trunk = trunk_to(services.settings, application, stored.caller.to)
            services.outbound_limits.resume(stored.leg, application.account, trunk, services.node.name)
        return application

    def start_dialled(self, call: Call) -> None:
        """One that was dialled, and has answered."""
        self._services.legs.watch(call.leg.uuid, self._finish_from_hangup_record)
        self._start(call)

    def _start(self, call: Call) -> None:
        uuid = call.leg.uuid
        call.report()
        self._services.legs.watch(uuid, call.on_event)
        self._calls[uuid] = call
        self._running[call.sid] = call
        if call.relayed is not None:
            self._services.relays.take(call.sid)
        call.start(self._on_end, self._on_through)

    def running(self, call_sid: str) -> Call | None:
        """The one whose documents run, for other instructions."""
        return self._running.get(call_sid)

    def is_running(self, call_sid: str) -> bool:
        return call_sid in self._running

    def _on_through(self, call: Call) -> None:
        if self._running.get(call.sid) is call:
            del self._running[call.sid]

    def _on_end(self, call: Call) -> None:
        self._calls.pop(call.leg.uuid, None)
        self._services.call_store.forget(call.leg.uuid, call.sid)
        if call.relayed is not None:
            self._services.relays.ended(call.sid)
        else:
            self._services.outbound_limits.over(call.leg.uuid)

    def _finish_from_hangup_record(self, event: Event) -> None:
        if event.name == "CHANNEL_DESTROY":
            delete_hangup_record(self._services.connection.later.post, event.uuid)
