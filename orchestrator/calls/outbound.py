"""Calls that the API makes: FreeSWITCH dials, and the answered leg runs instructions like any caller.

A participant that is dialled gets a document with a Dial to its conference, so that it is taken in, steered
and resumed after a restart like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from uuid import uuid4

import gevent

from orchestrator.calls.call import Call
from orchestrator.calls.context import CallContext
from orchestrator.calls.dialing import admit, follow, leg_to_dial
from orchestrator.calls.originate import (
    BAD_REQUEST,
    NO_LEG_CAUSE,
    NO_NUMBER,
    DialPurpose,
    OriginateRequest,
    Supervised,
    originate_command,
    reject_unsendable,
)
from orchestrator.calls.registry import CallRegistry
from orchestrator.calls.stored_call import StoredCall
from orchestrator.clock import now
from orchestrator.conference.machine.state import Caller, Phase
from orchestrator.config.trunks import CallerIdRefused
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.next_action import FetchDocument
from orchestrator.esl import commands
from orchestrator.esl.errors import CommandFailed, SwitchError
from orchestrator.esl.events import Event
from orchestrator.esl.leg import Leg
from orchestrator.logs import get_logger
from orchestrator.numbering.phone import NotANumber
from orchestrator.rejection import ServiceError
from orchestrator.routing.caller_id import CallerId, caller_id
from orchestrator.routing.endpoints import Route, route_to
from orchestrator.timeline.actor import actor

log = get_logger(__name__)

# Beyond the time to ring: FreeSWITCH's answer to the order itself.
ORDER_SECONDS = 30.0
TIME_LIMIT, SUPERVISES = "time limit", "supervises"
# Events of one that is not hung up.
STILL_COMING = frozenset(
    {"CHANNEL_CREATE", "CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_ANSWER", "CHANNEL_PARK"}
)


class Outbound:
    """Places and follows calls that the API asks for. `dial` and `hang_up` are called on a web request's
    greenlet and do not wait for the phone; each call that rings has a greenlet for its originate command, and
    gets its leg's events on the socket's reader, where nothing blocks.
    """

    def __init__(self, services: CallContext, calls: CallRegistry) -> None:
        self._services = services
        self._calls = calls
        self._ringing: dict[str, _Ringing] = {}
        """Those that have not answered, by CallSid."""

    def hang_up(self, sid: str) -> bool:
        """Whether it was one that has not answered; it ends whatever happens to its leg in this moment."""
        ringing = self._ringing.get(sid)
        if ringing is None:
            return False
        ringing.call_off()
        return True

    # Calls

    def dial(self, order: OriginateRequest, place: DialPurpose | None = None) -> Caller:
        """Does not wait for an answer. Raises ServiceError."""
        settings, uuid = self._services.settings, str(uuid4())
        if not self._services.connection.connected:
            raise ServiceError("10007", "Unexpected error", "FreeSWITCH is not connected.", status=503)
        most = settings.admission.max_calls
        silent = sum(self._services.legs.get(leg) is None for leg in self.ringing())
        if len(self._services.legs) + silent >= most:
            detail = f"There are as many calls as there may be: admission.max_calls is {most}."
            raise ServiceError("10007", "Unexpected error", detail, status=503)
        try:
            route = route_to(settings, order.application, order.to)
        except ValueError as error:
            log.warning("not dialled", to=order.to, problem=str(error))
            code, title = NO_NUMBER if isinstance(error, NotANumber) else BAD_REQUEST
            raise ServiceError(code, title, f"Cannot be dialled: {error}", "/To") from None
        # One number is shown, whichever of the two it is: the trunk's rule is about that one.
        asked = self._caller_id(order, route, "/From", order.from_)
        if order.number:
            asked = self._caller_id(order, route, "/CallerId", order.number)
        reject_unsendable(order)
        try:
            fields = self._services.style_of(order.application).request_fields
            leg = leg_to_dial(uuid, route, CallerId(asked), fields)
            order = order._replace(to=route.to, from_=leg.number)
            early_media = place is not None and place.early_media and place.can_be_heard
            command = originate_command(order, leg, early_media=early_media)
            admit(self._services, leg, order.application.account)
        except ValueError as error:
            log.warning("not dialled", to=route.to, problem=str(error))
            wrong = "/CallerId" if order.number else "/From"
            pointer = wrong if isinstance(error, CallerIdRefused) else "/To"
            raise ServiceError(*BAD_REQUEST, f"Cannot be dialled: {error}", pointer) from None
        caller = leg.caller(order.application.connection_id)
        self._services.call_records.open(
            caller, order.application.account, outbound=True, status="queued", name=order.name
        )
        by, key = actor("api")
        self._services.timeline.add(
            "call.dialled",
            account=order.application.account,
            call=caller.call_sid,
            caller=caller.from_,
            called=order.to,
            application=order.application.name,
            trunk=route.trunk.name if route.trunk is not None else "",
            by=by,
            key=key,
        )
        room = ""
        if place is not None:
            # It is in the room before FreeSWITCH hears of it: what ends the room from here on ends it too.
            room = self._services.rooms.dial(
                place.account_sid, place.room, caller, place.options, place.early_media
            ).sid
        ringing = self._ringing[caller.call_sid] = _Ringing(self, order, caller, room)
        ringing.keep()
        self._services.legs.watch(uuid, ringing.on_event)
        gevent.spawn(ringing.ring, command)
        log.info("dialled through the API", call=caller.call_sid, to=order.to, room=room)
        return caller

    def _caller_id(self, order: OriginateRequest, route: Route, pointer: str, text: str) -> str:
        """In its normal form. Raises ServiceError, which names the parameter."""
        try:
            return caller_id(self._services.settings, order.application, text)
        except NotANumber as error:
            log.warning("not dialled", to=route.to, caller_id=text, problem=str(error))
            raise ServiceError(*NO_NUMBER, f"Cannot be shown: {error}", pointer) from None

    def ringing(self) -> list[str]:
        """Legs of those that have not answered, as far as we have heard."""
        return [one.leg for one in self._ringing.values()]

    def resume(self, stored: StoredCall) -> None:
        """One that rang when the last run of ours ended."""
        application, facts = self._calls.claim(stored), stored.facts
        if application is None:
            return
        order = OriginateRequest(
            application,
            stored.caller.to,
            stored.caller.from_,
            stored.next
            or self._services.call_store.document(stored.leg)
            or FetchDocument(application.voice_url, application.voice_method),
            time_limit=int(facts[TIME_LIMIT]),
            fallback=stored.fallback,
            report=stored.report,
            report_events=stored.report_events,
            supervises=_supervised_of(facts.get(SUPERVISES, "")),
        )
        ringing = _Ringing(self, order, stored.caller, stored.dialled_into, stored.reported)
        self._ringing[stored.caller.call_sid] = ringing
        self._services.legs.watch(stored.leg, ringing.on_event)

    def parked_early(self, caller: Caller, headers: dict[str, str]) -> None:
        """It has not answered, but its leg is parked: what its phone sends can be heard."""
        self._adopt(caller, headers)
        self._services.rooms.phone_rings(caller.call_sid, now(), media=True)

    def _adopt(self, caller: Caller, headers: dict[str, str]) -> Leg:
        legs = self._services.legs
        known = legs.get(caller.leg) is not None
        leg = legs.adopt(caller.leg, headers)
        application = headers.get("variable_current_application", "")
        if not known and application == "conference":
            # The last run of ours ordered it there.
            leg.adopt(application, headers.get("variable_current_application_data", ""))
        return leg

    def answered(
        self,
        order: OriginateRequest,
        caller: Caller,
        headers: dict[str, str],
        reported: Collection[str],
        room: str,
    ) -> Call:
        """Its leg is parked, or in the FreeSWITCH conference already, and waits for instructions."""
        services, sid = self._services, caller.call_sid
        self._ringing.pop(sid, None)
        leg = self._adopt(caller, headers)
        leg.answered = True
        services.connection.post(commands.api("sched_del", caller.leg))
        # Ours from here on, also for a later run.
        services.connection.post(commands.setvar(caller.leg, "texml_guard", "1"))
        stored = StoredCall(
            caller.leg,
            order.application.name,
            caller,
            "outbound",
            next=order.then if isinstance(order.then, FetchDocument) else None,
            fallback=order.fallback,
            report=order.report,
            report_events=order.report_events,
            reported=tuple(reported),
            dialled_into=room,
        )
        call = Call(leg, order.application, services, "outbound", stored)
        call.resumed = False
        if isinstance(order.then, Fetched):
            call.redirect(order.then)
        self._calls.start_dialled(call)
        # FreeSWITCH's own clock: it runs on over a restart of ours.
        limit = commands.api("sched_hangup", f"+{order.time_limit}", caller.leg, "ALLOTTED_TIMEOUT")
        services.connection.post(limit)
        order.on_answer(call)
        return call

    def gone(self, caller: Caller) -> None:
        if self._ringing.pop(caller.call_sid, None) is not None:
            # It never was a call of ours that anybody else looks after.
            self._services.call_store.forget(caller.leg, caller.call_sid)

    def failed(self, caller: Caller, cause: str) -> None:
        """There never was a leg: its end is reported as if there had been."""
        for name in ("CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"):
            event = Event(name=name, uuid=caller.leg, timestamp=now(), hangup_cause=cause)
            self._services.in_turn(event)


def _fact_of(supervised: Supervised | None) -> str:
    return f"{supervised.leg} {supervised.heard_by_it} {supervised.heard_by_other}" if supervised else ""


def _supervised_of(fact: str) -> Supervised | None:
    if not fact:
        return None
    leg, heard_by_it, heard_by_other = fact.split()
    return Supervised(leg, heard_by_it == "True", heard_by_other == "True")


class _Ringing:
    """One call until it is answered or has failed."""

    def __init__(
        self,
        outbound: Outbound,
        order: OriginateRequest,
        caller: Caller,
        room: str,
        reported: Sequence[str] = (),
    ) -> None:
        """`room`: sid of the conference that it is dialled for; empty if none."""
        self.leg = caller.leg
        self._room = room
        self._outbound = outbound
        self._request = order
        self._caller = caller
        self._services = outbound._services
        self._reported = reported
        self._call: Call | None = None
        self._seen = self._parked = self._has_answered = self._called_off = False
        self._report = self._follow()

    def _follow(self) -> Callable[[Event], None]:
        order = self._request
        return follow(
            self._services,
            self._caller,
            order.application.account,
            order.report,
            order.report_events,
            self._services.style_of(order.application),
            "outbound-api",
            self._reported,
            self._state,
        )

    def _state(self, event: Event, reported: Collection[str]) -> Sequence[tuple[str, str, bytes]]:
        self._reported = tuple(reported)
        return () if "completed" in reported else [self._services.call_store.row(self._kept())]

    def keep(self) -> None:
        """On disk, for the next run of ours."""
        then = self._request.then
        self._services.call_store.put(self._kept(), then if isinstance(then, Fetched) else None)

    def _kept(self) -> StoredCall:
        order = self._request
        return StoredCall(
            self._caller.leg,
            order.application.name,
            self._caller,
            "outbound",
            next=order.then if isinstance(order.then, FetchDocument) else None,
            facts={TIME_LIMIT: str(order.time_limit), SUPERVISES: _fact_of(order.supervises)},
            dialled_into=self._room,
            fallback=order.fallback,
            report=order.report,
            report_events=order.report_events,
            reported=tuple(self._reported),
            ringing=True,
        )

    def on_event(self, event: Event) -> None:
        """On the socket's reader; never blocks."""
        self._seen = True
        if self._call is None:
            # From the answer on the call itself reports.
            self._report(event)
            self._follow_ringing(event)
        if event.name in ("CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"):
            self._services.outbound_limits.ended(self.leg)
            self._outbound.gone(self._caller)

    def _follow_ringing(self, event: Event) -> None:
        if event.name in STILL_COMING and self._is_unwanted():
            # The order to hang up came before FreeSWITCH had a leg, or it is on its way.
            self._services.connection.post(commands.kill(self.leg))
            return
        match event.name:
            case "CHANNEL_PROGRESS" | "CHANNEL_PROGRESS_MEDIA":
                self._services.rooms.phone_rings(self._caller.call_sid, event.timestamp)
            case "CHANNEL_ANSWER" | "CHANNEL_PARK" if self._request.supervises is not None:
                # FreeSWITCH runs it. It does not park: that is said of one that was found answered.
                self._has_answered = True
            case "CHANNEL_ANSWER":
                self._has_answered = True
                if self._parked:
                    self._answered(event)
            case "CHANNEL_PARK":
                self._parked = True
                headers = event.headers()
                # Its answer may have overtaken the news that it is parked.
                if self._has_answered or headers.get("Answer-State") == "answered":
                    self._answered(event)
                else:
                    self._outbound.parked_early(self._caller, headers)

    def _answered(self, event: Event) -> None:
        self._call = self._outbound.answered(
            self._request, self._caller, event.headers(), self._reported, self._room
        )

    def _is_unwanted(self) -> bool:
        """Called off, or out of the room that it was dialled for, or about to be."""
        if self._called_off or not self._room:
            return self._called_off
        one = self._services.rooms.participant(self._caller.call_sid)
        return one is None or one.phase is Phase.LEAVING

    def call_off(self) -> None:
        self._called_off = True
        self._services.connection.post(commands.kill(self.leg))

    def ring(self, command: str) -> None:
        problem, cause = "", NO_LEG_CAUSE
        connection = self._services.connection
        try:
            connection.bgapi(command, self._request.timeout + ORDER_SECONDS)
            return
        except CommandFailed as error:
            problem = str(error)
            cause = problem.removeprefix("-ERR").strip() or cause
        except SwitchError as error:
            problem = str(error)
            if not connection.connected:
                # It may ring all the same; what is seen at the next connect decides.
                return
            connection.post(commands.kill(self.leg))
        log.info("not answered", call=self._caller.call_sid, problem=problem)
        if not self._seen:
            self._outbound.failed(self._caller, cause)
