"""Counters of calls, rooms and recordings since the start of this process."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from orchestrator.conference.machine.state import EndReason, Participant, Rejection, Room


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
