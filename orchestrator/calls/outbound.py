"""Calls that the API makes: FreeSWITCH dials, and whoever answers is given instructions like any caller.

A participant that is dialled gets a document with a Dial to its conference, so that it is taken in, steered
and taken up after a restart as everybody else is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import uuid4

import gevent
from msgspec import Struct
from msgspec.structs import replace

from orchestrator.calls.call import Call
from orchestrator.calls.clock import now
from orchestrator.calls.endpoints import Route, caller_id, route_to
from orchestrator.calls.fetch import Fetched
from orchestrator.calls.kept import KeptCall
from orchestrator.calls.refusal import Refused
from orchestrator.calls.services import Services
from orchestrator.calls.sids import call_sid_of
from orchestrator.calls.steps import Goto
from orchestrator.calls.verbs.sound import DIGIT_MS
from orchestrator.conference.model import Caller, Participant, Phase, Wish
from orchestrator.config.applications import Application
from orchestrator.config.dialling import CallerIdRefused
from orchestrator.freeswitch import commands
from orchestrator.freeswitch.errors import CommandFailed, SwitchError
from orchestrator.freeswitch.events import Event
from orchestrator.logs import get_logger
from orchestrator.numbering.phone import NotANumber

log = get_logger(__name__)

# Beyond the time to ring: FreeSWITCH's answer to the order itself.
ORDER_SECONDS = 30.0
# Somebody who has answered and whom nobody takes is not left in silence.
TAKE_SECONDS = 60
# From the answer until it is seen in its conference.
ENTER_MICROSECONDS = 5_000_000
# Telnyx's numbers and titles.
NO_NUMBER = "10016", "Phone number must be in +E164 format"
BAD_REQUEST = "10015", "Bad Request"
TIME_LIMIT, INTO = "time limit", "into"
NOT_IN_A_QUOTED_STRING = re.compile(r'["\\\x00-\x1f\x7f]')
# What FreeSWITCH cannot even begin to dial has no leg whose events would tell.
NO_LEG_CAUSE = "NORMAL_TEMPORARY_FAILURE"


class Order(NamedTuple):
    """One call to be made."""

    application: Application
    to: str
    from_: str
    then: Goto | Fetched
    name: str = ""
    """Shown to the callee beside the number."""
    number: str = ""
    """Shown to the callee; empty: `from_`."""
    reason: str = ""
    """Of the call, for the callee's phone."""
    digits: str = ""
    """Pressed once it has answered; `w` waits for half a second."""
    timeout: int = 30
    """Seconds to ring."""
    time_limit: int = 14400
    """Seconds from the answer."""
    headers: tuple[tuple[str, str], ...] = ()
    """SIP headers of the INVITE, each an X- one."""
    username: str = ""
    password: str = ""
    fallback: Goto | None = None
    report: Goto | None = None
    report_events: tuple[str, ...] = ("completed",)
    on_answer: Callable[[Call], None] = lambda call: None


class Dialled(Struct, frozen=True):
    """Somebody who is called into a conference and is not in it yet."""

    participant: Participant
    conference_sid: str
    answered_at: int = 0


class Outbound:
    def __init__(self, services: Services, start: Callable[[Call], None]) -> None:
        """`start` takes a call that was answered into the house."""
        self._services = services
        self._start = start
        self._dialled: dict[str, Dialled] = {}
        self._legs: dict[str, str] = {}
        """CallSid -> Unique-ID of those that ring."""
        self.on_gone: Callable[[str], None] = lambda conference_sid: None
        """Called when the call of somebody who was called into a conference is over."""

    # Those on their way into a conference

    def into(self, conference_sid: str) -> dict[str, Participant]:
        return {
            sid: one.participant
            for sid, one in list(self._dialled.items())
            if one.conference_sid == conference_sid and not self._arrived(sid, one)
        }

    def _arrived(self, sid: str, one: Dialled) -> bool:
        late = one.answered_at and one.answered_at < now() - ENTER_MICROSECONDS
        if self._services.rooms.seat(sid) is None and not late:
            return False
        self._dialled.pop(sid, None)
        return True

    def hang_up(self, sid: str) -> bool:
        """Whether it was one of those on their way."""
        one, leg = self._dialled.get(sid), self._legs.get(sid)
        if one is None or leg is None:
            return False
        self._services.connection.post(commands.kill(leg))
        return True

    # Calls

    def dial(self, order: Order, wish: Wish | None = None, conference_sid: str = "") -> Caller:
        """Does not wait for an answer. Raises Refused."""
        settings, uuid = self._services.settings, str(uuid4())
        if not self._services.connection.connected:
            raise Refused("10007", "Unexpected error", "FreeSWITCH is not connected.", status=503)
        most = settings.intake.max_calls
        if len(self._services.legs) + len(self._legs) >= most:
            detail = f"There are as many calls as there may be: intake.max_calls is {most}."
            raise Refused("10007", "Unexpected error", detail, status=503)
        try:
            route = route_to(settings, order.application, order.to)
        except ValueError as error:
            log.warning("not dialled", to=order.to, problem=str(error))
            code, title = NO_NUMBER if isinstance(error, NotANumber) else BAD_REQUEST
            raise Refused(code, title, f"Cannot be dialled: {error}", "/To") from None
        # One number is shown, whichever of the two it is: the trunk's rule is about that one.
        asked = self._caller_id(order, route, "/From", order.from_)
        if order.number:
            asked = self._caller_id(order, route, "/CallerId", order.number)
        try:
            shown = route.trunk.shows(asked) if route.trunk else asked
            order = order._replace(to=route.to, from_=shown)
            command = self._command(order, uuid, route)
            self._services.tolls.admit(uuid, order.application.account, route)
        except ValueError as error:
            log.warning("not dialled", to=route.to, problem=str(error))
            wrong = "/CallerId" if order.number else "/From"
            pointer = wrong if isinstance(error, CallerIdRefused) else "/To"
            raise Refused(*BAD_REQUEST, f"Cannot be dialled: {error}", pointer) from None
        caller = Caller(
            call_sid=call_sid_of(uuid),
            leg=uuid,
            connection_id=order.application.connection_id,
            from_=order.from_,
            to=order.to,
        )
        self._services.book.open(
            caller, order.application.account, outbound=True, status="queued", name=order.name
        )
        if wish is not None:
            participant = Participant(caller, wish, Phase.JOINING, asked_at=now(), changed_at=now())
            self._dialled[caller.call_sid] = Dialled(participant, conference_sid)
        self._legs[caller.call_sid] = uuid
        ringing = _Ringing(self, order, caller, conference_sid)
        ringing.keep()
        self._services.switchboard.watch(uuid, ringing.on_event)
        gevent.spawn(ringing.ring, command)
        log.info("dialled through the API", call=caller.call_sid, to=order.to, room=conference_sid)
        return caller

    def _caller_id(self, order: Order, route: Route, pointer: str, text: str) -> str:
        """In its normal form. Raises Refused, which names the parameter."""
        try:
            return caller_id(self._services.settings, order.application, text)
        except NotANumber as error:
            log.warning("not dialled", to=route.to, caller_id=text, problem=str(error))
            raise Refused(*NO_NUMBER, f"Cannot be shown: {error}", pointer) from None

    def ringing(self) -> list[str]:
        """Legs of those that have not answered, as far as we have heard."""
        return list(self._legs.values())

    def take_up(self, kept: KeptCall, application: Application) -> None:
        """One that rang when the last run of ours ended."""
        facts = kept.facts
        order = Order(
            application,
            kept.caller.to,
            kept.caller.from_,
            kept.next or self._services.keeper.document(kept.leg) or Goto(application.voice_url),
            time_limit=int(facts[TIME_LIMIT]),
            fallback=kept.fallback,
            report=kept.report,
            report_events=kept.report_events,
        )
        ringing = _Ringing(self, order, kept.caller, facts[INTO], kept.reported)
        self._legs[kept.caller.call_sid] = kept.leg
        self._services.switchboard.watch(kept.leg, ringing.on_event)

    def _command(self, order: Order, uuid: str, route: Route) -> str:
        """Raises ValueError for what cannot stand in a dial string."""
        number = route.trunk.sent(order.from_) if route.trunk else order.from_
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
            "origination_caller_id_number": number,
            "origination_caller_id_name": order.name or number,
            "originate_timeout": str(order.timeout),
            # A 302 of a callee would lead past the trunk and allowed_hosts, to whomever it names.
            "outbound_redirect_fatal": "true",
            "ignore_early_media": "true",
            "app_disable_expand_variables": "true",
            "hangup_after_conference": "false",
            "hangup_after_bridge": "false",
            "park_after_bridge": "false",
            "continue_on_fail": "true",
            "playback_terminators": "none",
            "sip_copy_custom_headers": "false",
            "execute_on_answer": f"sched_hangup +{TAKE_SECONDS} {NO_LEG_CAUSE}",
            **{f"sip_h_{name}": value for name, value in order.headers},
            **more,
        }
        dial = commands.dial_string([commands.Destination(route.endpoint, own)], shared)
        return commands.originate(dial, "park")

    def answered(self, order: Order, caller: Caller, headers: dict[str, str], told: Collection[str]) -> Call:
        """Its leg is parked, and waits for instructions."""
        services, sid = self._services, caller.call_sid
        self._legs.pop(sid, None)
        one = self._dialled.get(sid)
        if one is not None:
            self._dialled[sid] = replace(one, answered_at=now())
        leg = services.legs.adopt(caller.leg, headers)
        leg.answered = True
        services.connection.post(commands.api("sched_del", caller.leg))
        # Ours from here on, also for a later run.
        services.connection.post(commands.setvar(caller.leg, "texml_guard", "1"))
        kept = KeptCall(
            caller.leg,
            order.application.name,
            caller,
            "outbound",
            next=order.then if isinstance(order.then, Goto) else None,
            fallback=order.fallback,
            report=order.report,
            report_events=order.report_events,
            reported=tuple(told),
        )
        call = Call(leg, order.application, services, "outbound", kept)
        call.taken_up = False
        if isinstance(order.then, Fetched):
            call.redirect(order.then)
        self._start(call)
        # FreeSWITCH's own clock: it runs on over a restart of ours.
        limit = commands.api("sched_hangup", f"+{order.time_limit}", caller.leg, "ALLOTTED_TIMEOUT")
        services.connection.post(limit)
        order.on_answer(call)
        return call

    def gone(self, caller: Caller, conference_sid: str) -> None:
        if self._legs.get(caller.call_sid) is not None:
            # It never was a call of ours that anybody else looks after.
            self._services.keeper.forget(caller.leg, caller.call_sid)
        self._legs.pop(caller.call_sid, None)
        self._dialled.pop(caller.call_sid, None)
        if conference_sid:
            self.on_gone(conference_sid)

    def failed(self, caller: Caller, cause: str) -> None:
        """There never was a leg: its end is told as if there had been."""
        for name in ("CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"):
            event = Event(name=name, uuid=caller.leg, timestamp=now(), hangup_cause=cause)
            self._services.book.on_event(event)
            self._services.switchboard.on_event(event)


class _Ringing:
    """One call until it is answered or has failed."""

    def __init__(
        self,
        outbound: Outbound,
        order: Order,
        caller: Caller,
        conference_sid: str,
        told: Sequence[str] = (),
    ) -> None:
        self._conference_sid = conference_sid
        self._outbound = outbound
        self._order = order
        self._caller = caller
        self._services = outbound._services
        self._told = told
        self._call: Call | None = None
        self._seen = False
        self._tell = self._follow()

    def _follow(self) -> Callable[[Event], None]:
        order, report = self._order, self._order.report
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
            told=self._told,
            state=self._state,
        )

    def _state(self, event: Event, told: Collection[str]) -> Sequence[tuple[str, str, bytes]]:
        self._told = tuple(told)
        return () if "completed" in told else [self._services.keeper.row(self._kept())]

    def keep(self) -> None:
        """On disk, for the next run of ours."""
        then = self._order.then
        self._services.keeper.put(self._kept(), then if isinstance(then, Fetched) else None)

    def _kept(self) -> KeptCall:
        order = self._order
        return KeptCall(
            self._caller.leg,
            order.application.name,
            self._caller,
            "outbound",
            next=order.then if isinstance(order.then, Goto) else None,
            facts={TIME_LIMIT: str(order.time_limit), INTO: self._conference_sid},
            fallback=order.fallback,
            report=order.report,
            report_events=order.report_events,
            reported=tuple(self._told),
            ringing=True,
        )

    def on_event(self, event: Event) -> None:
        """On the socket's reader; never blocks."""
        self._seen = True
        if self._call is None:
            # From the answer on the call itself tells.
            self._tell(event)
        match event.name:
            case "CHANNEL_PARK" if self._call is None:
                self._call = self._outbound.answered(self._order, self._caller, event.headers(), self._told)
            case "CHANNEL_HANGUP_COMPLETE" | "CHANNEL_DESTROY":
                self._services.tolls.over(self._caller.leg)
                self._outbound.gone(self._caller, self._conference_sid)

    def ring(self, command: str) -> None:
        problem, cause = "", NO_LEG_CAUSE
        connection = self._services.connection
        try:
            connection.bgapi(command, self._order.timeout + ORDER_SECONDS)
            return
        except CommandFailed as error:
            problem = str(error)
            cause = problem.removeprefix("-ERR").strip() or cause
        except SwitchError as error:
            problem = str(error)
            if not connection.connected:
                # It may ring all the same; what is seen at the next connect decides.
                return
            connection.post(commands.kill(self._caller.leg))
        log.info("not answered", call=self._caller.call_sid, problem=problem)
        if not self._seen:
            self._outbound.failed(self._caller, cause)
