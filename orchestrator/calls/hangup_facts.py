"""The end of a leg, from its CHANNEL_HANGUP_COMPLETE: cause, SIP status, side, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.callbacks.call_status import REFUSALS
from orchestrator.esl.events import Event
from orchestrator.store.entries import Fact

OUT_OF_PORTS = "rtp-ports"
_UNAUTHORISED = ("sip:401", "sip:403", "sip:407")
_WITH_PASSWORD = ("variable_sip_auth_username", "variable_sip_gateway_name")


def hangup_facts(event: Event, headers: Mapping[str, str], outbound: bool, decided: str) -> dict[str, Fact]:
    """`headers`: as of hangup_headers. `decided`: why the orchestrator hung up; empty where it did not."""
    answered_at = _time(headers, "Answered")
    hung_up_at = _time(headers, "Hangup") or event.timestamp
    return {
        "cause": event.hangup_cause,
        "sip": sip_status(event, headers, bool(answered_at)),
        "side": side(headers, outbound, decided),
        "answered": bool(answered_at),
        "seconds": max(0, hung_up_at - answered_at) // 1_000_000 if answered_at else 0,
        "decided": decided,
        "reason": _reason(event, headers, outbound),
    }


def side(headers: Mapping[str, str], outbound: bool, decided: str) -> str:
    """Which side ended it: caller, callee, orchestrator or FreeSWITCH; mod_sofia says whether SIP did."""
    disposition = headers.get("variable_sip_hangup_disposition", "")
    if disposition.startswith("recv_"):
        return "callee" if outbound else "caller"
    return "orchestrator" if decided else "FreeSWITCH"


def _reason(event: Event, headers: Mapping[str, str], outbound: bool) -> str:
    if is_out_of_ports(event, headers, outbound):
        return OUT_OF_PORTS
    # Given a password, some ask for it once more, and others forbid the call.
    refused = outbound and headers.get("variable_proto_specific_hangup_cause", "") in _UNAUTHORISED
    return "password" if refused and any(map(headers.get, _WITH_PASSWORD)) else ""


def is_out_of_ports(event: Event, headers: Mapping[str, str], outbound: bool) -> bool:
    """Whether FreeSWITCH had no RTP port for it ("No RTP ports available!" in its log). It reports that as a
    codec error (sofia_media.c), or as a destination out of order (sofia_glue.c): measured with 1.10.12. An
    offer without a common codec leaves no codec behind, and a SIP answer its status."""
    if headers.get("variable_local_media_port", "") or not headers.get("Channel-Name", ""):
        return False
    if outbound:
        no_answer = not headers.get("variable_proto_specific_hangup_cause", "")
        return event.hangup_cause == "DESTINATION_OUT_OF_ORDER" and no_answer
    agreed = bool(headers.get("variable_rtp_use_codec_name", ""))
    return event.hangup_cause == "INCOMPATIBLE_DESTINATION" and agreed


def sip_status(event: Event, headers: Mapping[str, str], answered: bool) -> str:
    """Of an unanswered call the SIP status that refused it; of an answered one that of its end."""
    specific = headers.get("variable_proto_specific_hangup_cause", "")
    if specific.startswith("sip:") and not answered:
        return specific.removeprefix("sip:")
    status = headers.get("variable_sip_term_status", "")
    return status or ("" if answered else REFUSALS.get(event.hangup_cause, ""))


def _time(headers: Mapping[str, str], what: str) -> int:
    text = headers.get(f"Caller-Channel-{what}-Time", "")
    return int(text) if text.isdigit() else 0
