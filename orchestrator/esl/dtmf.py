"""Keys sent on a leg, as RFC 4733 events or however its far end takes them."""

from __future__ import annotations

import gevent

from orchestrator.esl.leg import Leg

DIGIT_MS = 120
# A digit with the gap after it: FreeSWITCH ends the gap of 40 ms with the next packet of sound it sends, at
# the latest after ten times as long (switch_rtp.c, set_dtmf_delay); a call that plays nothing sends none.
DIGIT_SECONDS = 0.6
PAUSE_SECONDS = {"w": 0.5, "W": 1.0}


def send_digits(leg: Leg, digits: str) -> None:
    """Until the last one is out: FreeSWITCH only queues them, and a hangup would cut them off."""
    leg.execute("send_dtmf", f"{digits}@{DIGIT_MS}")
    gevent.sleep(sum(PAUSE_SECONDS.get(digit, DIGIT_SECONDS) for digit in digits))
