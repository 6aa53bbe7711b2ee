"""The end of a leg, from its CHANNEL_HANGUP_COMPLETE: cause, SIP status, side, and what was decided."""

from __future__ import annotations

from orchestrator.callbacks.call_status import REFUSALS
from orchestrator.esl.events import Event
from orchestrator.store.entries import Fact

_OUT_OF_PORTS = ("DESTINATION_OUT_OF_ORDER", "NORMAL_TEMPORARY_FAILURE")


def hangup_facts(event: Event, outbound: bool, decided: str) -> dict[str, Fact]:
    """`decided`: why the orchestrator hung up; empty where it did not."""
    answered_at = _time(event, "Answered")
    hung_up_at = _time(event, "Hangup") or event.timestamp
    return {
        "cause": event.hangup_cause,
        "sip": sip_status(event, bool(answered_at)),
        "side": side(event, outbound, decided),
        "answered": bool(answered_at),
        "seconds": max(0, hung_up_at - answered_at) // 1_000_000 if answered_at else 0,
        "decided": decided,
    }


def side(event: Event, outbound: bool, decided: str) -> str:
    """Which side ended it: caller, callee, orchestrator or FreeSWITCH; mod_sofia says whether SIP did."""
    disposition = event.header("variable_sip_hangup_disposition")
    if disposition.startswith("recv_"):
        return "callee" if outbound else "caller"
    return "orchestrator" if decided else "FreeSWITCH"


def sip_status(event: Event, answered: bool) -> str:
    """Of an unanswered call the SIP status that refused it; of an answered one that of its end."""
    specific = event.header("variable_proto_specific_hangup_cause")
    if specific.startswith("sip:") and not answered:
        return specific.removeprefix("sip:")
    status = event.header("variable_sip_term_status")
    return status or ("" if answered else REFUSALS.get(event.hangup_cause, ""))


def _time(event: Event, what: str) -> int:
    text = event.header(f"Caller-Channel-{what}-Time")
    return int(text) if text.isdigit() else 0
