"""A call that the API asks for: what is asked, and FreeSWITCH's command for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from orchestrator.calls.call import Call
from orchestrator.calls.dialing import SHARED, LegToDial
from orchestrator.conference.machine.state import ParticipantOptions
from orchestrator.config.applications import Application
from orchestrator.documents.fetch import Fetched
from orchestrator.documents.next_action import FetchDocument
from orchestrator.esl import commands
from orchestrator.esl.dtmf import DIGIT_MS
from orchestrator.logs import get_logger
from orchestrator.rejection import ServiceError

log = get_logger(__name__)

# An answered leg that no greenlet takes is not left in silence.
TAKE_SECONDS = 60
# Telnyx's numbers and titles.
NO_NUMBER = "10016", "Phone number must be in +E164 format"
BAD_REQUEST = "10015", "Bad Request"
NOT_IN_A_QUOTED_STRING = re.compile(r'["\\\x00-\x1f\x7f]')
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

    @property
    def can_be_heard(self) -> bool:
        return not (self.options.muted or self.options.coach)


def originate_command(order: OriginateRequest, leg: LegToDial, *, early_media: bool) -> str:
    """For a call by REST. `early_media`: those in the conference are to hear how its phone rings.

    Raises ValueError for what cannot stand in a dial string."""
    credentials = (order.username, order.password) if order.username and order.password else None
    own = leg.own_variables(order.timeout, credentials)
    more: dict[str, str] = {}
    if order.digits:
        # A variable whose name begins so is looked at too (switch_channel_execute_on).
        more["execute_on_answer_digits"] = f"send_dtmf {order.digits}@{DIGIT_MS}"
    if order.reason:
        reason = NOT_IN_A_QUOTED_STRING.sub("", order.reason)
        more["sip_h_Call-Info"] = f'<data:>;purpose=jcard;call-reason="{reason}"'
    ringing = _ringing_variables(order, early_media) if order.supervises is None else _supervising(order)
    shared = {
        **SHARED,
        "hold_music": "silence",
        **leg.identity(order.name),
        "originate_timeout": str(order.timeout),
        **ringing,
        **{f"sip_h_{name}": value for name, value in order.headers},
        **more,
    }
    dial = commands.dial_string([commands.DialTarget(leg.route.endpoint, own)], shared)
    if order.supervises is not None:
        return commands.originate(dial, "eavesdrop", order.supervises.leg)
    return commands.originate(dial, "park")


def reject_unsendable(order: OriginateRequest) -> None:
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


def _ringing_variables(order: OriginateRequest, early_media: bool) -> dict[str, str]:
    """Hang up an answered leg that no greenlet takes, and in the end one that only rings."""
    take = f"sched_hangup +{TAKE_SECONDS} {NO_LEG_CAUSE}"
    if not early_media:
        return {"ignore_early_media": "true", "execute_on_answer": take}
    # `originate` is through with the first sound of the far end, and its time limit with it.
    return {
        "execute_on_pre_answer": f"sched_hangup +{order.timeout} NO_ANSWER",
        "execute_on_answer_1": "sched_cancel",
        "execute_on_answer_2": take,
    }


def _supervising(order: OriginateRequest) -> dict[str, str]:
    """Nobody takes it: it is through with its only application."""
    assert order.supervises is not None
    limit = f"sched_hangup +{order.time_limit} ALLOTTED_TIMEOUT"
    return {"ignore_early_media": "true", "execute_on_answer": limit, **order.supervises.variables}
