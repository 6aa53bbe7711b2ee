"""A verb in the call's timeline: its begin, its end and its outcome."""

from __future__ import annotations

import time
from types import TracebackType

import gevent

from orchestrator.calls.document_entries import Record
from orchestrator.documents.next_action import EndCall, FetchDocument, NextAction, Redirected
from orchestrator.esl.errors import LegGone
from orchestrator.texml import Conference, Dial, Gather, Play, Say, Verb

_SHOWN = 80


class VerbEntries:
    """Around the running of a verb; `step` is set where it came to its end."""

    def __init__(self, record: Record, verb: Verb) -> None:
        self.step: NextAction = None
        self._record = record
        self._verb = verb
        self._began = 0.0

    def __enter__(self) -> VerbEntries:
        verb = self._verb
        self._began = time.monotonic()
        self._record("verb.begin", verb=type(verb).__name__, line=verb.line, subject=subject(verb))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        verb, ms = self._verb, round((time.monotonic() - self._began) * 1000)
        outcome = _outcome(self.step) if error is None else _reason(error)
        self._record("verb.end", verb=type(verb).__name__, line=verb.line, outcome=outcome, ms=ms)


def subject(verb: Verb) -> str:
    """Of a Dial its conference or its numbers, of a Play or Say what is heard."""
    match verb:
        case Dial():
            return ", ".join(_noun(noun) for noun in verb.nouns)[:_SHOWN]
        case Play():
            return verb.url or ""
        case Say():
            return f'"{verb.text.strip()[:_SHOWN]}"'
        case Gather():
            return ", ".join(f"{type(one).__name__} {subject(one)}".strip() for one in verb.prompts)[:_SHOWN]
    return ""


def _noun(noun: object) -> str:
    if isinstance(noun, Conference):
        return f"conference {noun.name}"
    return str(getattr(noun, "number", "") or getattr(noun, "address", "") or type(noun).__name__)


def _outcome(step: NextAction) -> str:
    if isinstance(step, FetchDocument):
        result = "".join(f", {name} {value}" for name, value in step.fields if name == "DialCallStatus")
        return f"{step.url or 'the same document'} is requested next{result}"
    if isinstance(step, EndCall):
        return f"it ends the call ({step.cause})"
    return "done"


def _reason(error: BaseException) -> str:
    if isinstance(error, LegGone):
        return "the call was hung up"
    if isinstance(error, Redirected):
        return "other instructions came"
    if isinstance(error, gevent.GreenletExit):
        return "it was cut off"
    return f"{type(error).__name__}: {error}"
