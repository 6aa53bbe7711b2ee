"""Timelines as the page draws them, calls that never became one, and documents that were requested again."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.services.timeline import DryRun
from orchestrator.timeline.entry import Entry
from orchestrator.timeline.hangups import why_rejected
from orchestrator.timeline.sentences import sentence
from orchestrator.web.console import filters
from orchestrator.web.console.filters import ListFilter
from orchestrator.web.console.view import View

PAGE = 500


def timeline_view(entries: Sequence[Entry]) -> View:
    return {"entries": [_entry(entry) for entry in entries]}


def _entry(entry: Entry) -> View:
    return {
        "id": entry.id,
        "at": entry.at / 1000,
        "kind": entry.kind,
        "node": entry.node,
        "level": entry.level,
        "text": sentence(entry),
        "call": entry.call_sid,
        "conference": entry.conference_sid,
        "facts": entry.facts,
        "document": entry.body.decode("utf-8", "replace"),
        "cut": bool(entry.facts.get("cut")),
    }


def rejected_view(entries: Sequence[Entry], wanted: ListFilter) -> View:
    """Those that fit, the newest first; `next` leads to the page after."""
    before = int(wanted.after) if wanted.after.isdigit() else 0
    fitting = [entry for entry in entries if _fits(entry, wanted) and (not before or entry.id < before)]
    shown = fitting[: filters.PAGE]
    following = str(shown[-1].id) if len(fitting) > len(shown) else None
    return {"items": [_rejected(entry) for entry in shown], "next": following}


def _fits(entry: Entry, wanted: ListFilter) -> bool:
    text = sentence(entry).lower()
    return (
        (not wanted.state or entry.facts.get("reason") == wanted.state)
        and (not wanted.words or any(words.lower() in text for words in wanted.alternatives))
        and wanted.since <= entry.at
        and (not wanted.until or entry.at < wanted.until)
    )


def _rejected(entry: Entry) -> View:
    facts = entry.facts
    why, remedy = why_rejected(facts)
    return {
        "id": entry.id,
        "at": entry.at / 1000,
        "caller": facts.get("caller", ""),
        "number": facts.get("number", ""),
        "address": facts.get("address", ""),
        "sip": facts.get("sip", ""),
        "times": facts.get("times", 1),
        "why": why,
        "remedy": remedy,
        "call": facts.get("page", ""),
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
