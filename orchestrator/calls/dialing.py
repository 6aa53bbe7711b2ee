"""The core of every call that is placed, by REST or by a Dial: the number shown, its leg's variables, its
limits and its status callbacks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

from orchestrator.callbacks.twilio_fields import TwilioDirection
from orchestrator.calls import inband_digits
from orchestrator.calls.context import CallContext
from orchestrator.conference.machine.state import Caller
from orchestrator.documents.next_action import FetchDocument
from orchestrator.esl.events import Event
from orchestrator.routing.caller_id import CallerId, reported, shown_by
from orchestrator.routing.caller_id import variables as identity_variables
from orchestrator.routing.endpoints import Route
from orchestrator.sids import call_sid_of
from orchestrator.types import CallbackStyle, RequestFields

# Of all legs of a dial string.
SHARED: Final = {
    # A 302 of a callee would lead past the trunk and allowed_hosts, to any address.
    "outbound_redirect_fatal": "true",
    "app_disable_expand_variables": "true",
    # With instructions of its own a callee is a call like any other.
    "hangup_after_conference": "false",
    "hangup_after_bridge": "false",
    "park_after_bridge": "false",
    "continue_on_fail": "true",
    "playback_terminators": "none",
    "sip_copy_custom_headers": "false",
}


class LegToDial(NamedTuple):
    uuid: str
    route: Route
    shown: CallerId
    """As the trunk allows it."""
    number: str
    """That calls, as the application knows it."""

    def caller(self, connection_id: str) -> Caller:
        return Caller(call_sid_of(self.uuid), self.uuid, connection_id, self.number, self.route.to)

    def own_variables(self, timeout: int, credentials: tuple[str, str] | None) -> dict[str, str]:
        """Of this leg alone. `timeout`: seconds to ring."""
        own = {"origination_uuid": self.uuid, "leg_timeout": str(timeout)}
        if credentials is not None:
            own["sip_auth_username"], own["sip_auth_password"] = credentials
        return own

    def identity(self, name: str | None) -> dict[str, str]:
        """The caller id and the headers for the callee, as its trunk requires. `name`: beside the number."""
        trunk = self.route.trunk
        return identity_variables(trunk, self.shown, name) | inband_digits.variables(trunk)


def leg_to_dial(uuid: str, route: Route, asked: CallerId, fields: RequestFields) -> LegToDial:
    """Raises CallerIdRefused."""
    shown = shown_by(route.trunk, asked)
    return LegToDial(uuid, route, shown, reported(shown.number, fields))


def admit(services: CallContext, leg: LegToDial, account_sid: str, *, resumed: bool = False) -> None:
    """Counts it among the account's and the trunk's calls. Raises OutboundLimitReached, unless it was
    admitted by the last run of ours."""
    limits, node = services.outbound_limits, services.node.name
    if resumed:
        limits.resume(leg.uuid, account_sid, leg.route.trunk, node)
    else:
        limits.admit(leg.uuid, account_sid, leg.route, node)


def follow(
    services: CallContext,
    caller: Caller,
    account_sid: str,
    report: FetchDocument | None,
    events: Collection[str],
    style: CallbackStyle,
    direction: TwilioDirection,
    sent: Collection[str],
    state: Callable[[Event, Collection[str]], Sequence[tuple[str, str, bytes]]],
    parent_call_sid: str = "",
) -> Callable[[Event], None]:
    """A listener for the leg's events that sends the status callbacks. `sent`: by the last run of ours."""
    if report is None:
        return lambda event: None
    return services.status.follow(
        caller,
        account_sid,
        report.url,
        "GET" if report.method == "GET" else "POST",
        events,
        style,
        direction,
        parent_call_sid,
        sent,
        state,
    )
