"""Counters of callbacks since the start of this process."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from orchestrator.histogram import Histogram

Reason = Literal["refused", "unanswered", "unrequestable", "too old", "too many"]
"""Refused: answered, but not with 2xx. Unanswered: nothing came back at the last attempt."""


DELAYS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0)
"""Bounds in seconds; those beyond a few are of messages that had to be tried again."""


def _none_yet() -> dict[Reason, int]:
    return {"refused": 0, "unanswered": 0, "unrequestable": 0, "too old": 0, "too many": 0}


class DeliveryCounters(Struct):
    """Every number only grows."""

    delivered: int = 0
    failed_attempts: int = 0
    """Attempts that did not deliver, the last one of a message included."""
    failed: dict[Reason, int] = field(default_factory=_none_yet)
    retried: int = 0
    """Failed messages that were retried on request."""
    delay: Histogram = field(default_factory=lambda: Histogram(*DELAYS))
    """Seconds of the delivered, from when each came into the outbox (or was retried)."""

    def on_delivered(self, waited_ms: int) -> None:
        self.delivered += 1
        self.delay.observe(waited_ms / 1000)
