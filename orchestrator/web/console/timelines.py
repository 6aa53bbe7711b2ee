"""Timelines of calls and conferences as the page draws them, and documents that were asked for again."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.services.timeline import DryRun
from orchestrator.timeline.entry import Entry
from orchestrator.timeline.sentences import sentence
from orchestrator.web.console.view import View

PAGE = 500


def timeline_view(entries: Sequence[Entry]) -> View:
    return {"entries": [_entry(entry) for entry in entries]}


def _entry(entry: Entry) -> View:
    size = entry.facts.get("bytes")
    return {
        "id": entry.id,
        "at": entry.at / 1000,
        "kind": entry.kind,
        "level": entry.level,
        "text": sentence(entry),
        "call": entry.call_sid,
        "conference": entry.conference_sid,
        "facts": entry.facts,
        "document": entry.body.decode("utf-8", "replace"),
        "cut": isinstance(size, int) and bool(entry.body) and len(entry.body) < size,
    }


def dry_run_view(found: DryRun) -> View:
    return {
        "at": found.at / 1000,
        "url": found.url,
        "status": found.status,
        "ms": found.ms,
        "type": found.content_type,
        "bytes": found.size,
        "document": found.body.decode("utf-8", "replace"),
        "verbs": found.verbs,
        "warnings": [{"line": line, "text": text} for line, text in found.warnings],
        "problem": found.problem,
        "masked": found.masked,
    }
