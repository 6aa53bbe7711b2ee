"""What became of requests for documents and audio, in plain numbers."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from orchestrator.histogram import DELAYS, Histogram

FetchOutcome = Literal["ok", "status", "timeout", "transport", "body", "url", "abandoned"]
"""status: not 2xx; transport: no whole answer; body: too long or unreadable; url: none that may be asked, or
redirected too often; abandoned: whoever waited for it did not want it any more."""


class FetchCounters:
    """Of documents and audio."""

    def __init__(self) -> None:
        self.outcomes: Counter[FetchOutcome] = Counter()
        self.seconds = Histogram(*DELAYS)

    def count(self, outcome: FetchOutcome, seconds: float) -> None:
        self.outcomes[outcome] += 1
        self.seconds.observe(seconds)
