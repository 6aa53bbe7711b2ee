"""Counters of requests for documents and audio."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from orchestrator.histogram import DELAYS, Histogram

FetchOutcome = Literal["ok", "status", "timeout", "transport", "body", "url", "abandoned"]
"""status: not 2xx; transport: no whole answer; body: too long or unreadable; url: none that may be asked, or
redirected too often; abandoned: the result was no longer needed."""


class FetchCounters:
    """Of documents and audio."""

    def __init__(self) -> None:
        self.outcomes: Counter[FetchOutcome] = Counter()
        self.seconds = Histogram(*DELAYS)

    def count(self, outcome: FetchOutcome, seconds: float) -> None:
        self.outcomes[outcome] += 1
        self.seconds.observe(seconds)
