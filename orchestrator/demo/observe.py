"""The exchange between the orchestrator and an application, seen from inside: requests, documents, verbs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from requests.cookies import RequestsCookieJar

from orchestrator.callbacks.signature import UNSIGNED, Signer
from orchestrator.calls.call import Call
from orchestrator.calls.verb_executor import Act, Executor
from orchestrator.documents.document import document_of, is_audio
from orchestrator.documents.fetch import Fetched, Fetcher, FetchError, Limits
from orchestrator.documents.next_action import EndCall, FetchDocument, NextAction
from orchestrator.esl.errors import LegGone
from orchestrator.texml import Document, DocumentError, Verb
from orchestrator.verbs.table import VERBS


@dataclass(frozen=True)
class Exchange:
    """One request to the application and its answer, or the `problem` that there is none."""

    method: str
    url: str
    fields: dict[str, str]
    milliseconds: float
    fetched: Fetched | None = None
    document: Document | None = None
    problem: str = ""

    @property
    def audio(self) -> bool:
        return self.fetched is not None and is_audio(self.fetched)

    @property
    def caller(self) -> str:
        """Empty of a request for a sound."""
        return self.fields.get("From", "")


@dataclass(frozen=True)
class VerbEvent:
    """A verb of a call begins (`seconds` is None) or is through, with `outcome` as what came of it."""

    caller: str
    verb: Verb
    seconds: float | None = None
    outcome: str = ""


@contextmanager
def observed_fetches(fetcher: Fetcher, on_exchange: Callable[[Exchange], None]) -> Iterator[None]:
    """Calls `on_exchange` for every request that is made through `fetcher`."""
    fetch = fetcher.fetch

    def observed(
        url: str,
        method: str,
        fields: Sequence[tuple[str, str]],
        cookies: RequestsCookieJar,
        limits: Limits | None = None,
        signer: Signer = UNSIGNED,
    ) -> Fetched:
        began = time.monotonic()

        def report(
            fetched: Fetched | None = None, document: Document | None = None, problem: str = ""
        ) -> None:
            elapsed = (time.monotonic() - began) * 1000
            on_exchange(Exchange(method, url, dict(fields), elapsed, fetched, document, problem))

        try:
            fetched = fetch(url, method, fields, cookies, limits, signer)
        except FetchError as error:
            report(problem=error.problem)
            raise
        # A request with parameters asks for instructions; one without fetches what a <Play> names.
        if not fields or is_audio(fetched):
            report(fetched)
            return fetched
        try:
            report(fetched, document_of(fetched))
        except DocumentError as error:
            report(fetched, problem=f"line {error.line}: {error.message}" if error.line else error.message)
        return fetched

    fetcher.fetch = observed  # type: ignore[method-assign]
    try:
        yield
    finally:
        fetcher.fetch = fetch  # type: ignore[method-assign]


@contextmanager
def observed_verbs(on_verb: Callable[[VerbEvent], None]) -> Iterator[None]:
    """Calls `on_verb` at each verb's beginning and end."""
    before = dict(VERBS)
    for kind, (run, resume, finish) in before.items():
        VERBS[kind] = Executor(_observed(run, on_verb), _observed(resume, on_verb), finish)
    try:
        yield
    finally:
        VERBS.update(before)


def _observed(run: Act, on_verb: Callable[[VerbEvent], None]) -> Act:
    def observed(call: Call, verb: Verb) -> NextAction:
        caller, began = call.caller.from_, time.monotonic()
        on_verb(VerbEvent(caller, verb))
        outcome = "failed"
        try:
            step = run(call, verb)
            outcome = _outcome(step)
            return step
        except LegGone:
            outcome = "the call has ended"
            raise
        finally:
            on_verb(VerbEvent(caller, verb, time.monotonic() - began, outcome))

    return observed


def _outcome(step: NextAction) -> str:
    match step:
        case FetchDocument(url, method, fields):
            said = ", ".join(f"{name}={value}" for name, value in fields)
            return f"goes on with {method} {url or 'the same document'}" + (f", {said}" if said else "")
        case EndCall(cause):
            return "hangs up" if cause == EndCall().cause else f"hangs up with {cause}"
    return "done"


_HINTS = (
    ("Connection refused", "nothing listens there: is your application running, and on this port?"),
    ("NameResolution", "this name is not known: is it spelt right?"),
    ("not known", "this name is not known: is it spelt right?"),
    ("No route to host", "this address cannot be reached from here"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted here; http:// will do for a trial"),
    ("SSLError", "it does not speak TLS there: is it http:// and not https://?"),
    ("answered 404", "the application does not know this path"),
    ("answered 405", "the application does not take POST on this path"),
    ("answered 401", "the application wants a login: http://user:password@host/ gives one"),
    ("answered 403", "the application refuses: a token or signature that it checks?"),
    ("answered 5", "the application failed: its own log says why"),
    ("no complete answer", "the application is too slow, or something on the way drops packets"),
    ("redirects", "it redirects in circles, or by too many steps: name the URL that answers by itself"),
    (
        "an HTML page",
        "a login, an error or the wrong path? It has to answer with TeXML: <Response>…</Response>",
    ),
    ("is JSON", "it has to answer with TeXML: <Response>…</Response>"),
    ("not XML", "it has to answer with TeXML: <Response>…</Response>"),
    ("is empty", "it has to answer with TeXML: <Response>…</Response>"),
    ("the root is", "a document begins with <Response>"),
)


def hint(problem: str) -> str:
    """A remedy for a failed request; empty if none is known."""
    return next((advice for mark, advice in _HINTS if mark in problem), "")


def plain(problem: str) -> str:
    """A failed request without the layers of libraries that it came through."""
    reasons = re.findall(r"\[Errno -?\d+\] ([^\"')\]]+)", problem)
    return reasons[-1] if reasons else problem
