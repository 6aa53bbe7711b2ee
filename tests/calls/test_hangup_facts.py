"""The end of a leg as FreeSWITCH says it: SIP status, side, and the reason that its cause does not say."""

from __future__ import annotations

import pytest

from orchestrator.calls.hangup_facts import hangup_facts
from orchestrator.esl.events import HangupEvent

SECOND = 1_000_000
ANSWERED = {"answered_time": str(5 * SECOND), "hangup_time": str(12 * SECOND)}
UNHEARD = {"channel_name": "sofia/texml/a"}


def facts(outbound: bool, decided: str = "", **event: str) -> dict[str, object]:
    headers = {"hangup_cause": "NORMAL_CLEARING", "local_media_port": "16384"} | event
    return dict(hangup_facts(HangupEvent(name="CHANNEL_HANGUP_COMPLETE", **headers), outbound, decided))


@pytest.mark.parametrize(
    ("event", "seconds", "answered"),
    [
        (ANSWERED, 7, True),
        ({"answered_time": "0", "hangup_time": str(12 * SECOND)}, 0, False),
        ({"answered_time": "", "hangup_time": ""}, 0, False),
        ({"answered_time": str(12 * SECOND), "hangup_time": str(5 * SECOND)}, 0, True),
    ],
)
def test_its_length_counts_from_the_answer(event: dict[str, str], seconds: int, answered: bool) -> None:
    found = facts(False, **event)
    assert (found["seconds"], found["answered"]) == (seconds, answered)


@pytest.mark.parametrize(
    ("disposition", "outbound", "decided", "side"),
    [
        ("recv_bye", False, "", "caller"),
        ("recv_bye", True, "", "callee"),
        ("recv_cancel", False, "why", "caller"),
        ("send_bye", False, "why", "orchestrator"),
        ("send_bye", True, "", "FreeSWITCH"),
        ("", False, "", "FreeSWITCH"),
    ],
)
def test_a_side_ended_it(disposition: str, outbound: bool, decided: str, side: str) -> None:
    found = facts(outbound, decided, hangup_disposition=disposition)
    assert (found["side"], found["decided"]) == (side, decided)


@pytest.mark.parametrize(
    ("event", "sip"),
    [
        ({"proto_specific_hangup_cause": "sip:486"}, "486"),
        ({"proto_specific_hangup_cause": "sip:486", "term_status": "200", **ANSWERED}, "200"),
        ({"proto_specific_hangup_cause": "Q.850"}, "480"),
        ({"term_status": "603"}, "603"),
        ({"hangup_cause": "USER_BUSY"}, "486"),
        ({"hangup_cause": "USER_BUSY", **ANSWERED}, ""),
        ({"hangup_cause": "WHATEVER"}, ""),
    ],
)
def test_its_sip_status_is_that_of_its_end(event: dict[str, str], sip: str) -> None:
    assert facts(True, **event)["sip"] == sip


@pytest.mark.parametrize("status", ["sip:401", "sip:403", "sip:407"])
@pytest.mark.parametrize("known", ["auth_username", "gateway_name"])
def test_a_password_that_was_not_accepted_is_the_reason(status: str, known: str) -> None:
    event = {"proto_specific_hangup_cause": status}
    assert facts(True, **event, **{known: "anna"})["reason"] == "password"
    assert facts(True, **event)["reason"] == ""
    assert facts(False, **event, **{known: "anna"})["reason"] == ""
    assert facts(True, proto_specific_hangup_cause="sip:404", **{known: "anna"})["reason"] == ""


@pytest.mark.parametrize(
    ("outbound", "event", "reason"),
    [
        (True, {"hangup_cause": "DESTINATION_OUT_OF_ORDER"}, "rtp-ports"),
        (True, {"hangup_cause": "DESTINATION_OUT_OF_ORDER", "proto_specific_hangup_cause": "sip:502"}, ""),
        (True, {"hangup_cause": "INCOMPATIBLE_DESTINATION", "codec_name": "PCMU"}, ""),
        (False, {"hangup_cause": "INCOMPATIBLE_DESTINATION", "codec_name": "PCMU"}, "rtp-ports"),
        (False, {"hangup_cause": "INCOMPATIBLE_DESTINATION"}, ""),
        (False, {"hangup_cause": "DESTINATION_OUT_OF_ORDER"}, ""),
    ],
)
def test_a_leg_without_a_port_ran_out_of_them(outbound: bool, event: dict[str, str], reason: str) -> None:
    assert facts(outbound, **event, **UNHEARD, local_media_port="")["reason"] == reason
    assert facts(outbound, **event, **UNHEARD)["reason"] == ""
    assert facts(outbound, **event, local_media_port="")["reason"] == ""
