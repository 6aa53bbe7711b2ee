"""The end of a leg, from its CHANNEL_HANGUP_COMPLETE: cause, SIP status, side, and what was decided."""

from __future__ import annotations

from orchestrator.callbacks.call_status import REFUSALS
from orchestrator.esl.events import HangupEvent
from orchestrator.store.entries import Fact

OUT_OF_PORTS = "rtp-ports"
_UNAUTHORISED = ("sip:401", "sip:403", "sip:407")


def hangup_facts(event: HangupEvent, outbound: bool, decided: str) -> dict[str, Fact]:
    """`decided`: why the orchestrator hung up; empty where it did not."""
    answered_at = _time(event.answered_time)
    hung_up_at = _time(event.hangup_time) or event.timestamp
    return {
        "cause": event.hangup_cause,
        "sip": sip_status(event, bool(answered_at)),
        "side": side(event, outbound, decided),
        "answered": bool(answered_at),
        "seconds": max(0, hung_up_at - answered_at) // 1_000_000 if answered_at else 0,
        "decided": decided,
        "reason": _reason(event, outbound),
    }


def side(event: HangupEvent, outbound: bool, decided: str) -> str:
    """Which side ended it: caller, callee, orchestrator or FreeSWITCH; mod_sofia says whether SIP did."""
    if event.hangup_disposition.startswith("recv_"):
        return "callee" if outbound else "caller"
    return "orchestrator" if decided else "FreeSWITCH"


def _reason(event: HangupEvent, outbound: bool) -> str:
    if is_out_of_ports(event, outbound):
        return OUT_OF_PORTS
    # Given a password, some ask for it once more, and others forbid the call.
    refused = outbound and event.proto_specific_hangup_cause in _UNAUTHORISED
    return "password" if refused and (event.auth_username or event.gateway_name) else ""


def is_out_of_ports(event: HangupEvent, outbound: bool) -> bool:
    """Whether FreeSWITCH had no RTP port for it ("No RTP ports available!" in its log). It reports that as a
    codec error (sofia_media.c), or as a destination out of order (sofia_glue.c): measured with 1.10.12. An
    offer without a common codec leaves no codec behind, and a SIP answer its status."""
    if event.local_media_port or not event.channel_name:
        return False
    if outbound:
        return event.hangup_cause == "DESTINATION_OUT_OF_ORDER" and not event.proto_specific_hangup_cause
    return event.hangup_cause == "INCOMPATIBLE_DESTINATION" and bool(event.codec_name)


def sip_status(event: HangupEvent, answered: bool) -> str:
    """Of an unanswered call the SIP status that refused it; of an answered one that of its end."""
    specific = event.proto_specific_hangup_cause
    if specific.startswith("sip:") and not answered:
        return specific.removeprefix("sip:")
    return event.term_status or ("" if answered else REFUSALS.get(event.hangup_cause, ""))


def _time(text: str) -> int:
    return int(text) if text.isdigit() else 0
