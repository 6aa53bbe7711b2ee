"""Calls that the API makes: FreeSWITCH dials, and the answered leg runs instructions like any caller.

A participant that is dialled gets a document with a Dial to its conference, so that it is taken in, steered
and resumed after a restart like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import uuid4

import gevent

from orchestrator.calls import inband_digits
from orchestrator.calls.call import Call
from orchestrator.calls.context import CallContext
from orchestrator.calls.registry import CallRegistry
from orchestrator.calls.stored_call import StoredCall
from orchestrator.clock import now
from orchestrator.conference.machine.state import Caller, ParticipantOptions, Phase
from orchestrator.config.applications import Application
from orchestrator.config.trunks import CallerIdRefused
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.next_action import FetchDocument
from orchestrator.esl import commands
from orchestrator.esl.dtmf import DIGIT_MS
from orchestrator.esl.errors import CommandFailed, SwitchError
from orchestrator.esl.events import Event
from orchestrator.esl.legs import Leg
from orchestrator.logs import get_logger
from orchestrator.numbering.phone import NotANumber
from orchestrator.rejection import ServiceError
from orchestrator.routing.caller_id import CallerId, caller_id, reported, shown_by
from orchestrator.routing.caller_id import variables as identity_variables
from orchestrator.routing.endpoints import Route, route_to
from orchestrator.sids import call_sid_of

log = get_logger(__name__)

# Beyond the time to ring: FreeSWITCH's answer to the order itself.
ORDER_SECONDS = 30.0
# An answered leg that no greenlet takes is not left in silence.
TAKE_SECONDS = 60
# Telnyx's numbers and titles.
NO_NUMBER = "10016", "Phone number must be in +E164 format"
BAD_REQUEST = "10015", "Bad Request"
TIME_LIMIT, SUPERVISES = "time limit", "supervises"
NOT_IN_A_QUOTED_STRING = re.compile(r'["\\\x00-\x1f\x7f]')
# Events of one that is not hung up.
STILL_COMING = frozenset(
    {"CHANNEL_CREATE", "CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_ANSWER", "CHANNEL_PARK"}
)
# A call that FreeSWITCH cannot even begin to dial has no leg and no events.
NO_LEG_CAUSE = "NORMAL_TEMPORARY_FAILURE"


class Supervised(NamedTuple):
    """A call that another one listens to, without a conference: FreeSWITCH does it alone, to the end of
    either."""

    leg: str
    heard_by_it: bool
    """Whether it hears the supervisor."""
    heard_by_other: bool
    """Whether the one that it is bridged to does."""

    @property
    def variables(self) -> dict[str, str]:
        """As eavesdrop_function in mod_dptools.c reads them: its A-leg is who speaks on this leg."""
        return {
            "eavesdrop_enable_dtmf": "false",
            "eavesdrop_whisper_bleg": str(self.heard_by_it).lower(),
            "eavesdrop_whisper_aleg": str(self.heard_by_other).lower(),
        }


class OriginateRequest(NamedTuple):
    """One call to be made."""

    application: Application
    to: str
    from_: str
    then: FetchDocument | Fetched
    name: str = ""
    """Shown to the callee beside the number."""
    name_from: str = "CallerId"
    """The parameter that says the name."""
    number: str = ""
    """Shown to the callee; empty: `from_`."""
    reason: str = ""
    """Of the call, for the callee's phone."""
    digits: str = ""
    """Pressed once it has answered; `w` waits for half a second."""
    supervises: Supervised | None = None
    """A call that it listens to, in place of instructions."""
    timeout: int = 30
    """Seconds to ring."""
    time_limit: int = 14400
    """Seconds from the answer."""
    headers: tuple[tuple[str, str], ...] = ()
    """SIP headers of the INVITE, each an X- one."""
    username: str = ""
    password: str = ""
    fallback: FetchDocument | None = None
    report: FetchDocument | None = None
    report_events: tuple[str, ...] = ("completed",)
    on_answer: Callable[[Call], None] = lambda call: None


class DialPurpose(NamedTuple):
    """The purpose of a dialled call: to take part in a conference."""

    account_sid: str
    room: str
    """Its name."""
    options: ParticipantOptions
    early_media: bool = False
    """Those in the conference are to hear how its phone rings."""


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
        _reject_unsendable(order)
        try:
            shown = shown_by(route.trunk, CallerId(asked))
            fields = self._services.style_of(order.application).request_fields
            order = order._replace(to=route.to, from_=reported(shown.number, fields))
            command = self._command(order, uuid, route, shown, place)
            self._services.outbound_limits.admit(
                uuid, order.application.account, route, self._services.node.name
            )
        except ValueError as error:
            log.warning("not dialled", to=route.to, problem=str(error))
            wrong = "/CallerId" if order.number else "/From"
            pointer = wrong if isinstance(error, CallerIdRefused) else "/To"
            raise ServiceError(*BAD_REQUEST, f"Cannot be dialled: {error}", pointer) from None
        caller = Caller(
            call_sid=call_sid_of(uuid),
            leg=uuid,
            connection_id=order.application.connection_id,
            from_=order.from_,
            to=order.to,
        )
        self._services.call_records.open(
            caller, order.application.account, outbound=True, status="queued", name=order.name
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
            or FetchDocument(application.voice_url),
            time_limit=int(facts[TIME_LIMIT]),
            fallback=stored.fallback,
            report=stored.report,
            report_events=stored.report_events,
            supervises=_supervised_of(facts.get(SUPERVISES, "")),
        )
        ringing = _Ringing(self, order, stored.caller, stored.dialled_into, stored.reported)
        self._ringing[stored.caller.call_sid] = ringing
        self._services.legs.watch(stored.leg, ringing.on_event)

    def _command(
        self, order: OriginateRequest, uuid: str, route: Route, shown: CallerId, place: DialPurpose | None
    ) -> str:
        """Raises ValueError for what cannot stand in a dial string."""
        own: dict[str, str] = {"origination_uuid": uuid, "leg_timeout": str(order.timeout)}
        if order.username and order.password:
            own |= {"sip_auth_username": order.username, "sip_auth_password": order.password}
        more: dict[str, str] = {}
        if order.digits:
            # A variable whose name begins so is looked at too (switch_channel_execute_on).
            more["execute_on_answer_digits"] = f"send_dtmf {order.digits}@{DIGIT_MS}"
        if order.reason:
            reason = NOT_IN_A_QUOTED_STRING.sub("", order.reason)
            more["sip_h_Call-Info"] = f'<data:>;purpose=jcard;call-reason="{reason}"'
        shared: Mapping[str, str] = {
            **identity_variables(route.trunk, shown, order.name),
            "originate_timeout": str(order.timeout),
            # A 302 of a callee would lead past the trunk and allowed_hosts, to any address.
            "outbound_redirect_fatal": "true",
            **(_ringing_variables(order, place) if order.supervises is None else _supervising(order)),
            "app_disable_expand_variables": "true",
            "hangup_after_conference": "false",
            "hangup_after_bridge": "false",
            "park_after_bridge": "false",
            "continue_on_fail": "true",
            "playback_terminators": "none",
            "hold_music": "silence",
            "sip_copy_custom_headers": "false",
            **inband_digits.variables(route.trunk),
            **{f"sip_h_{name}": value for name, value in order.headers},
            **more,
        }
        dial = commands.dial_string([commands.DialTarget(route.endpoint, own)], shared)
        if order.supervises is not None:
            return commands.originate(dial, "eavesdrop", order.supervises.leg)
        return commands.originate(dial, "park")

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
        told: Collection[str],
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
            reported=tuple(told),
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


def _reject_unsendable(order: OriginateRequest) -> None:
    """Raises ServiceError, which names the parameter and not its value: that may be a password."""
    texts = [
        (order.name_from, "name", order.name, commands.for_all),
        ("CallReason", "reason", order.reason, commands.for_all),
        ("SipAuthUsername", "username", order.username, commands.for_one),
        ("SipAuthPassword", "password", order.password, commands.for_one),
        *(("CustomHeaders", name, value, commands.for_all) for name, value in order.headers),
    ]
    for parameter, what, value, check in texts:
        try:
            check(what, value)
        except ValueError:
            log.warning("not dialled", to=order.to, problem=f"{parameter}: {what} cannot be sent")
            detail = f"The {what} has characters that FreeSWITCH cannot send."
            raise ServiceError(*BAD_REQUEST, detail, f"/{parameter}") from None


def _ringing_variables(order: OriginateRequest, place: DialPurpose | None) -> dict[str, str]:
    """Hang up an answered leg that no greenlet takes, and in the end one that only rings."""
    take = f"sched_hangup +{TAKE_SECONDS} {NO_LEG_CAUSE}"
    if place is None or not place.early_media or place.options.muted or place.options.coach:
        return {"ignore_early_media": "true", "execute_on_answer": take}
    # `originate` is through with the first sound of the far end, and its time limit with it.
    return {
        "execute_on_pre_answer": f"sched_hangup +{order.timeout} NO_ANSWER",
        "execute_on_answer_1": "sched_cancel",
        "execute_on_answer_2": take,
    }


def _fact_of(supervised: Supervised | None) -> str:
    return f"{supervised.leg} {supervised.heard_by_it} {supervised.heard_by_other}" if supervised else ""


def _supervised_of(fact: str) -> Supervised | None:
    if not fact:
        return None
    leg, heard_by_it, heard_by_other = fact.split()
    return Supervised(leg, heard_by_it == "True", heard_by_other == "True")


def _supervising(order: OriginateRequest) -> dict[str, str]:
    """Nobody takes it: it is through with its only application."""
    assert order.supervises is not None
    limit = f"sched_hangup +{order.time_limit} ALLOTTED_TIMEOUT"
    return {"ignore_early_media": "true", "execute_on_answer": limit, **order.supervises.variables}


class _Ringing:
    """One call until it is answered or has failed."""

    def __init__(
        self,
        outbound: Outbound,
        order: OriginateRequest,
        caller: Caller,
        room: str,
        told: Sequence[str] = (),
    ) -> None:
        """`room`: sid of the conference that it is dialled for; empty if none."""
        self.leg = caller.leg
        self._room = room
        self._outbound = outbound
        self._request = order
        self._caller = caller
        self._services = outbound._services
        self._reported = told
        self._call: Call | None = None
        self._seen = self._parked = self._has_answered = self._called_off = False
        self._report = self._follow()

    def _follow(self) -> Callable[[Event], None]:
        order, report = self._request, self._request.report
        if report is None:
            return lambda event: None
        return self._services.status.follow(
            self._caller,
            order.application.account,
            report.url,
            "GET" if report.method == "GET" else "POST",
            order.report_events,
            self._services.style_of(order.application),
            "outbound-api",
            sent=self._reported,
            state=self._state,
        )

    def _state(self, event: Event, told: Collection[str]) -> Sequence[tuple[str, str, bytes]]:
        self._reported = tuple(told)
        return () if "completed" in told else [self._services.call_store.row(self._kept())]

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
            self._services.outbound_limits.over(self.leg)
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
