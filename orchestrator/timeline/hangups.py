"""The end of a call in plain English: cause, side, decision, and what helps."""

from __future__ import annotations

from typing import Final

from orchestrator.timeline.entry import Fact, Facts

# NORMAL_CLEARING and ORIGINATOR_CANCEL say no more than the side that hung up.
CAUSES: Final[dict[str, str]] = {
    "ALLOTTED_TIMEOUT": "its time limit was reached",
    "CALL_REJECTED": "the call was rejected",
    "DESTINATION_OUT_OF_ORDER": "the destination is out of order",
    "INCOMPATIBLE_DESTINATION": "the two sides have no codec in common",
    "INVALID_NUMBER_FORMAT": "the number was not understood",
    "LOSE_RACE": "another phone answered first",
    "MANAGER_REQUEST": "FreeSWITCH was ordered to end it",
    "MEDIA_TIMEOUT": "no audio came from the phone for too long",
    "NETWORK_OUT_OF_ORDER": "the network is out of order",
    "NORMAL_TEMPORARY_FAILURE": "a temporary failure",
    "NO_ANSWER": "nobody answered",
    "NO_ROUTE_DESTINATION": "there is no route to the destination",
    "NO_USER_RESPONSE": "the phone did not respond",
    "PROGRESS_TIMEOUT": "the phone neither rang nor answered in time",
    "RECOVERY_ON_TIMER_EXPIRE": "the phone stopped answering SIP",
    "SERVICE_NOT_IMPLEMENTED": "the service is not implemented",
    "SUBSCRIBER_ABSENT": "the phone is not registered",
    "SWITCH_CONGESTION": "too much is to be done",
    "SYSTEM_SHUTDOWN": "FreeSWITCH was shut down",
    "UNALLOCATED_NUMBER": "there is no such number",
    "USER_BUSY": "busy",
    "USER_NOT_REGISTERED": "the phone is not registered",
    "WRONG_CALL_STATE": "the call could not be set up in its state",
}
_SIDES: Final = {
    "caller": "The caller hung up",
    "callee": "The callee hung up",
    "orchestrator": "The orchestrator hung up",
    "FreeSWITCH": "FreeSWITCH ended the call",
}
REMEDIES: Final[dict[str, str]] = {
    "address": "To allow it, add the address to a trunk's `addresses` or to `sip.networks` in the settings, "
    "then `orchestrator render` and reload",
    "no-application": "Add the number to `numbers` in the settings, or set `default_application`",
    "overload": "The log says which limit of `admission` was reached; the carrier may try elsewhere",
    "rtp-ports": "Widen `rtp-start-port` and `rtp-end-port` in FreeSWITCH's switch.conf.xml: each leg "
    "needs two ports",
    "password": "User name and password are in the Sip noun, or in the trunk's settings",
    "no-call-sid": "Use the dialplan of freeswitch-conf, which refuses Unique-IDs that are no UUIDs",
    "token": "Each token is good for one call, within a minute and while the page is open: call again",
    "replaces": "An INVITE with Replaces would take over another call, which is never allowed",
}
REASONS: Final[dict[str, str]] = {
    "address": "address {address} belongs to no trunk and no network that may call",
    "no-application": "no application has number {number}, and there is no default application",
    "overload": "there is too much to do ({limit})",
    "rtp-ports": "FreeSWITCH ran out of RTP ports (rtp-start-port..rtp-end-port)",
    "password": "the other side did not accept our user name and password, or does not allow this call",
    "no-call-sid": "its Unique-ID is no UUID",
    "replaces": "it would replace another call",
    "token": "it came from the console's page, and {problem}",
    "application-gone": "its application {application} is no longer in the settings",
}


def hangup(facts: Facts) -> str:
    """Of a `call.hangup`."""
    cause = _fact(facts, "cause")
    side = _SIDES.get(_fact(facts, "side"), "The call ended")
    sip = f", SIP {_fact(facts, 'sip')}" if _fact(facts, "sip") else ""
    seconds = f" after {_fact(facts, 'seconds')} s" if facts.get("answered") else " before it was answered"
    reason = _fact(facts, "reason")
    # The cause alone misleads where more is known.
    meaning = "" if reason in REASONS else CAUSES.get(cause, "")
    text = f"{side}{seconds}: {cause}{sip}{f' ({meaning})' if meaning else ''}."
    if reason in REASONS:
        why = _filled(REASONS[reason], facts)
        text += f" {why[0].upper()}{why[1:]}.{_remedy(reason)}"
    if decided := _fact(facts, "decided"):
        text += f" Reason: {decided}."
    return text


def callee_ended(facts: Facts) -> str:
    """Of a `call.callee`."""
    return f"Call to {_fact(facts, 'called')} ended. {hangup(facts)}"


def rejected(facts: Facts) -> str:
    """Of a `call.rejected`."""
    reason, sip = _fact(facts, "reason"), _fact(facts, "sip")
    head = f"Call from {_fact(facts, 'caller') or 'an unknown number'}"
    number = f" to {_fact(facts, 'number')}" if _fact(facts, "number") else ""
    address = f" from {_fact(facts, 'address')}" if _fact(facts, "address") else ""
    times = facts.get("times")
    number += f", and {times - 1} more like it" if isinstance(times, int) and times > 1 else ""
    why = _filled(REASONS.get(reason, reason or "unknown"), facts)
    return f"{head}{number}{address} refused{f' with SIP {sip}' if sip else ''}: {why}.{_remedy(reason)}"


def why_rejected(facts: Facts) -> tuple[str, str]:
    """Of a `call.rejected`: why, and what helps; each empty where nothing is known."""
    reason = _fact(facts, "reason")
    return _filled(REASONS.get(reason, reason), facts), REMEDIES.get(reason, "")


def _remedy(reason: str) -> str:
    return f" {REMEDIES[reason]}." if reason in REMEDIES else ""


def _filled(text: str, facts: Facts) -> str:
    named = {name: _text(fact) for name, fact in facts.items()}
    return text.format_map(_Facts(named))


class _Facts(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "?"


def _fact(facts: Facts, name: str) -> str:
    return _text(facts.get(name))


def _text(fact: Fact) -> str:
    return "" if fact is None else str(fact)
