"""Counters of calls, rooms and recordings since the start of this process."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from orchestrator.conference.machine.state import EndReason, Participant, Rejection, Room
from orchestrator.histogram import Histogram

CALL_SECONDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
MOS = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.25, 4.5)
LOSS = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
JITTER_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
MAX_CAUSES = 100
"""Of a label: causes come from FreeSWITCH, which has some eighty."""
OTHER = "other"


@dataclass
class CallCounters:
    """Every number only grows."""

    unknown_numbers: int = 0
    """Calls refused because no application has their number."""
    rooms_opened: int = 0
    rooms_started: int = 0
    rooms_ended: Counter[EndReason | None] = field(default_factory=Counter)
    joins: int = 0
    leaves: int = 0
    refusals: Counter[Rejection] = field(default_factory=Counter)
    """Of participants, by their room."""
    recordings: Counter[str] = field(default_factory=Counter)
    """By what they became: in-progress once each, then completed or absent."""
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Calls that are over, or never became one, by outcome and cause."""
    call_seconds: Histogram = field(default_factory=lambda: Histogram(*CALL_SECONDS))
    """From the answer to the end, of those that were answered."""
    documents: Counter[str] = field(default_factory=Counter)
    """Requests for documents by outcome."""
    mos: Histogram = field(default_factory=lambda: Histogram(*MOS))
    loss: Histogram = field(default_factory=lambda: Histogram(*LOSS))
    jitter_seconds: Histogram = field(default_factory=lambda: Histogram(*JITTER_SECONDS))
    silent_legs: int = 0
    """Participants whose RTP stopped coming in."""

    def on_call_ended(self, outcome: str, cause: str) -> None:
        known = (outcome, cause) in self.calls or len(self.calls) < MAX_CAUSES
        self.calls[outcome, cause if known else OTHER] += 1

    def on_quality(self, mos: float, loss_percent: float, jitter_ms: float) -> None:
        """Of a leg that is over, and whose phone sent something."""
        self.mos.observe(mos)
        self.loss.observe(loss_percent / 100)
        self.jitter_seconds.observe(jitter_ms / 1000)

    def on_room(self, before: Room, after: Room) -> None:
        if not after.opened_at:
            return
        self.rooms_opened += not before.opened_at
        self.rooms_started += bool(after.started_at and not before.started_at)
        if after.ended_at and not before.ended_at:
            self.rooms_ended[after.end_reason] += 1

    def on_participant(self, before: Participant | None, after: Participant | None) -> None:
        """None: not there."""
        was_in = before is not None and before.join_sent
        if after is None:
            self.leaves += was_in
        elif after.join_sent and not was_in:
            self.joins += 1
