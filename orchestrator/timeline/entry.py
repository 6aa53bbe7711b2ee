"""Entries of the timeline, and their kinds; docs/timeline.md lists them with their facts."""

from __future__ import annotations

from typing import Final

from orchestrator.store.entries import Entry, Fact, Facts, Level

__all__ = ["KINDS", "Entry", "Fact", "Facts", "Level"]

KINDS: Final = (
    "call.arrived",
    "call.dialled",
    "call.rejected",
    "call.resumed",
    "call.status",
    "call.hangup",
    "call.callee",
    "document.request",
    "document.answer",
    "document.failed",
    "document.warning",
    "verb.begin",
    "verb.end",
    "verb.warning",
    "conference.waiting",
    "conference.join",
    "conference.leave",
    "conference.start",
    "conference.end",
    "conference.change",
    "conference.rejected",
    "conference.announcement",
    "recording.start",
    "recording.completed",
    "recording.absent",
    "recording.paused",
    "recording.resumed",
    "callback.attempt",
    "callback.failed",
    "dtmf",
    "media.quality",
    "media.silent",
    "media.heard",
    "api.command",
    "timeline.full",
)
