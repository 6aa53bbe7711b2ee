"""Whether an application can be used, judged by its try-out: each problem with its remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from orchestrator.calls.runner import MAX_QUICK_DOCUMENTS, QUICK_DOCUMENTS, QUICK_SECONDS
from orchestrator.demo.observe import Exchange, VerbEvent, hint, plain
from orchestrator.store.message import FinishedMessage
from orchestrator.texml import Conference, Dial, Document, Gather, Play, Record, Reject, Say, Verb

# The caller hears something, is asked something, or is connected; Dial only with a noun.
HAVE_EFFECT = (Say, Play, Gather, Record, Reject)
SKIPPED = ("is not built", "unknown inside Response")
WITHOUT_EVENTS = (
    'statusCallbackEvent="start end join leave" beside it asks for the events; without it nothing is sent'
)


class Problem(NamedTuple):
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Waiting:
    """A conference that had not started when its callers hung up."""

    name: str
    callers: int
    may_start: bool
    """Whether one of them has startConferenceOnEnter."""


@dataclass
class TryOutResult:
    """Everything that came of a try-out, as it happened."""

    events: list[Exchange | VerbEvent] = field(default_factory=list)
    callbacks: dict[int, FinishedMessage] = field(default_factory=dict)
    undelivered: int = 0
    waiting: list[Waiting] = field(default_factory=list)

    @property
    def exchanges(self) -> list[Exchange]:
        return [event for event in self.events if isinstance(event, Exchange)]

    @property
    def documents(self) -> int:
        return sum(exchange.document is not None for exchange in self.exchanges)

    @property
    def warnings(self) -> int:
        return sum(len(exchange.document.warnings) for exchange in self.exchanges if exchange.document)

    @property
    def delivered(self) -> int:
        return sum(callback.delivered for callback in self.callbacks.values())

    def of(self, caller: str) -> list[Exchange | VerbEvent]:
        """Requests for its documents, and its verbs."""
        return [event for event in self.events if event.caller == caller]

    @property
    def callers(self) -> list[str]:
        return list(dict.fromkeys(exchange.caller for exchange in self.exchanges if exchange.document))


def problems(result: TryOutResult) -> list[Problem]:
    """Every reason why the application cannot be used as it is; none: it can."""
    found = [
        *_failed_requests(result.exchanges),
        *(problem for caller in result.callers for problem in _of_caller(result.of(caller))),
        *_without_events(result.exchanges),
        *(_waiting(conference) for conference in result.waiting),
        *_failed_callbacks(result),
    ]
    if not result.exchanges:
        found.append(Problem("it was never asked: no call came through"))
    return _counted(found)


def notes(result: TryOutResult) -> list[Problem]:
    """It can be used, and somebody may miss something."""
    rejected = {
        event.caller
        for event in result.events
        if isinstance(event, VerbEvent)
        if isinstance(event.verb, Reject)
    }
    if rejected and rejected == set(result.callers):
        remedy = "call from a number, or to one, that it takes: --from NUMBER, --to NUMBER"
        return [Problem("every call was refused with <Reject>", remedy)]
    return []


def circle(events: Iterable[Exchange | VerbEvent]) -> str:
    """The document that a caller is sent in circles by; empty if there is none. Documents that a caller hears
    while it waits in a Dial may go round for ever."""
    quick, seconds, dialling, last = 0, 0.0, False, ""
    for event in events:
        if isinstance(event, VerbEvent):
            if isinstance(event.verb, Dial):
                dialling = event.seconds is None
            seconds += event.seconds or 0.0
        elif event.document is not None and not dialling:
            quick = quick + 1 if seconds < QUICK_SECONDS else 0
            seconds, last = 0.0, event.url
            if quick > QUICK_DOCUMENTS:
                return last
    return ""


def _failed_requests(exchanges: Iterable[Exchange]) -> Iterator[Problem]:
    for failed in exchanges:
        if failed.problem:
            yield Problem(f"{failed.method} {failed.url}: {plain(failed.problem)}", hint(failed.problem))


def _of_caller(events: list[Exchange | VerbEvent]) -> Iterator[Problem]:
    if url := circle(events):
        remedy = (
            "let <Redirect> or action lead to another document, or put something before it that takes its "
            "time: <Say>, <Play>, <Gather>, <Pause>"
        )
        text = (
            f"the documents lead in circles, here {url}: a call is ended after {MAX_QUICK_DOCUMENTS} of them"
        )
        yield Problem(text, remedy)
        return
    verbs = [event.verb for event in events if isinstance(event, VerbEvent)]
    if any(map(_has_effect, verbs)):
        return
    documents = [event for event in events if isinstance(event, Exchange) and event.document is not None]
    skipped = [one for exchange in documents for one in _skipped(exchange)]
    if skipped:
        names = ", ".join(dict.fromkeys(skipped))
        remedy = "docs/texml.md lists the verbs that are built: say the same with those"
        yield Problem(f"it answers with nothing that is built here: {names}", remedy)
    elif not verbs:
        remedy = "put a verb into <Response>: <Say>, <Play>, <Gather> or <Dial>"
        yield Problem(f"the document of {documents[0].url} has no verb: the call ends at once", remedy)


def _has_effect(verb: Verb) -> bool:
    return isinstance(verb, HAVE_EFFECT) or (isinstance(verb, Dial) and bool(verb.nouns))


def _skipped(exchange: Exchange) -> Iterator[str]:
    """The elements of a document that are skipped where a verb is expected."""
    for warning in _document(exchange).warnings:
        if warning.message.startswith(SKIPPED):
            yield f"<{warning.element}> in line {warning.line}"


def _without_events(exchanges: Iterable[Exchange]) -> Iterator[Problem]:
    documents = {(each.url, each.fetched.body): each for each in exchanges if each.document and each.fetched}
    for exchange in documents.values():
        for noun in conferences(_document(exchange)):
            if noun.status_callback and not noun.status_callback_event:
                place = f"line {noun.line} of {exchange.url}"
                yield Problem(f"{place}: statusCallback without statusCallbackEvent", WITHOUT_EVENTS)


def conferences(document: Document) -> Iterator[Conference]:
    for verb in document.verbs:
        if isinstance(verb, Dial) and verb.conference is not None:
            yield verb.conference


def _waiting(conference: Waiting) -> Problem:
    callers = "1 caller waits" if conference.callers == 1 else f"{conference.callers} callers wait"
    if conference.may_start:
        return Problem(
            f"the conference {conference.name} did not start: {callers} in it", "more callers: --calls N"
        )
    return Problem(
        f"nobody can start the conference {conference.name}: {callers} in it, each with "
        'startConferenceOnEnter="false"',
        'let one of them have startConferenceOnEnter="true", the default, or call from the number of '
        "one that has it: --from NUMBER",
    )


def _failed_callbacks(result: TryOutResult) -> Iterator[Problem]:
    for callback in result.callbacks.values():
        if not callback.delivered:
            error = plain(callback.error)
            yield Problem(f"callback {callback.method} {callback.url} failed: {error}", hint(callback.error))
    if result.undelivered:
        yield Problem(
            f"{result.undelivered} callbacks could not be delivered yet", "is their receiver slow, or busy?"
        )


def _document(exchange: Exchange) -> Document:
    assert exchange.document is not None
    return exchange.document


def _counted(found: list[Problem]) -> list[Problem]:
    """Each once, with how often there was it."""
    return [
        problem._replace(text=f"{problem.text} ({times} times)") if times > 1 else problem
        for problem, times in Counter(found).items()
    ]
