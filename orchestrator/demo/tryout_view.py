"""The output of an application's try-out, as it happens."""

from __future__ import annotations

import time
from urllib.parse import parse_qsl

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from orchestrator.demo.observe import Exchange, VerbEvent, hint, plain
from orchestrator.demo.verdict import WITHOUT_EVENTS, conferences
from orchestrator.store.message import FinishedMessage
from orchestrator.texml import Conference, Dial, Gather, Number, Play, Redirect, Say, Sip, Verb

INDENT = " " * 8
MAX_DOCUMENT_LINES = 60


class TryOutView:
    """One line for each thing, with the seconds since the start. `names` are the calls by their number."""

    def __init__(self, console: Console, names: dict[str, str]) -> None:
        self._console = console
        self._names = names
        self._began = time.monotonic()
        self._shown_fields: dict[str, str] = {}
        self._shown_bodies: list[bytes] = []

    def say(self, caller: str, text: str | Text, style: str = "") -> None:
        line = Text(f"{time.monotonic() - self._began:6.2f}  ", style="dim")
        line.append(f"{self._names.get(caller, ''):<8}", style="not dim bold")
        line.append_text(text if isinstance(text, Text) else Text(text, style=style or "not dim"))
        self._console.print(line, soft_wrap=True)

    def _detail(self, text: str, style: str = "") -> None:
        self._console.print(Text(INDENT + text, style=style), soft_wrap=True)

    # requests

    def exchange(self, exchange: Exchange) -> None:
        caller = exchange.caller
        what = f"{exchange.method} {exchange.url}"
        if exchange.fetched is None:
            self.say(caller, what)
            self._problem(exchange.problem)
            return
        size = exchange.fetched.size
        kind = exchange.fetched.content_type or "no content type"
        self.say(caller, f"{what}  {size} bytes of {kind} in {exchange.milliseconds:.0f} ms")
        self._fields(exchange.fields)
        if exchange.problem:
            self._body(exchange.fetched.body)
            self._problem(exchange.problem)
        elif exchange.document is not None and self._body(exchange.fetched.body):
            self._warnings(exchange)

    def _problem(self, problem: str) -> None:
        self._detail(plain(problem), "red")
        advice = hint(problem)
        if advice:
            self._detail(advice, "bold red")

    def _fields(self, fields: dict[str, str]) -> None:
        """All of the first request; later only what is new."""
        new = {name: value for name, value in fields.items() if self._shown_fields.get(name) != value}
        self._shown_fields |= fields
        if not new:
            return
        width = max(len(name) for name in new)
        for name, value in new.items():
            self._detail(f"{name:<{width}}  {value}", "dim")

    def _body(self, body: bytes) -> bool:
        """Whether it is a new one."""
        if body in self._shown_bodies:
            self._detail("the same document as before", "dim")
            return False
        self._shown_bodies.append(body)
        text = body.decode("utf-8", "replace").rstrip()
        lines = text.splitlines()
        shown = "".join(
            c if c.isprintable() or c in "\n\t" else "�" for c in "\n".join(lines[:MAX_DOCUMENT_LINES])
        )
        self._console.print(
            Syntax(
                shown,
                "xml",
                theme="ansi_dark",
                line_numbers=True,
                background_color="default",
                word_wrap=True,
            )
        )
        if len(lines) > MAX_DOCUMENT_LINES:
            self._detail(f"… and {len(lines) - MAX_DOCUMENT_LINES} more lines", "dim")
        return True

    def _warnings(self, exchange: Exchange) -> None:
        document = exchange.document
        assert document is not None
        for warning in document.warnings:
            tag = f'{warning.element} {warning.attribute}="{warning.value}"'
            if not warning.attribute:
                tag = warning.element
            used = f"; using {warning.used}" if warning.used else ""
            self._detail(f"line {warning.line}: <{tag}>: {warning.message}{used}", "yellow")
        for conference in conferences(document):
            place = f"line {conference.line}: this <Conference> has"
            if not conference.status_callback:
                self._detail(f"{place} no statusCallback: no callback says who joins and leaves", "yellow")
            elif not conference.status_callback_event:
                self._detail(f"{place} a statusCallback and no statusCallbackEvent: {WITHOUT_EVENTS}", "red")

    # verbs, callbacks

    def verb(self, event: VerbEvent) -> None:
        verb = event.verb
        place = f"line {verb.line}  " if verb.line else ""
        if event.seconds is None:
            self.say(event.caller, Text(f"{place}{describe(verb)}", style="not dim cyan"))
        else:
            done = f"{place}<{type(verb).__name__}> {event.outcome}, after {event.seconds:.1f} s"
            self.say(event.caller, Text(done, style="not dim"))

    def callback(self, message: FinishedMessage) -> None:
        fields = dict(parse_qsl(message.body.decode("ascii"), keep_blank_values=True))
        line = Text(
            f"callback {message.sequence} {message.event}  {message.method} {message.url}  ", style="not dim"
        )
        if message.delivered:
            line.append(str(message.status), style="green")
        else:
            line.append(f"failed: {plain(message.error)}", style="bold red")
        self.say(fields.get("From", ""), line)


def describe(verb: Verb) -> str:
    match verb:
        case Say():
            return f"<Say> {_short(verb.text)}"
        case Play():
            return f"<Play> {verb.url or 'digits ' + str(verb.digits)}"
        case Redirect():
            return f"<Redirect> {verb.url}"
        case Gather():
            return f"<Gather> for {verb.timeout} s"
        case Dial():
            return "<Dial>" + "".join(f" {_noun(noun)}" for noun in verb.nouns)
    return f"<{type(verb).__name__}>"


def _noun(noun: object) -> str:
    match noun:
        case Conference():
            return f"<Conference> {noun.name}"
        case Number():
            return f"<Number> {noun.number}"
        case Sip():
            return f"<Sip> {noun.uri}"
    return ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 50 else text[:49] + "…"
