"""`demo --voice-url`: calls to somebody's own application, and everything that comes of them."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

import gevent
from rich.console import Console
from rich.text import Text

from orchestrator.app import Orchestrator
from orchestrator.demo.callers import NUMBER
from orchestrator.demo.harness import Harness
from orchestrator.demo.observe import Exchange, VerbEvent, observed_fetches, observed_verbs, plain
from orchestrator.demo.phones import Phone, Switch
from orchestrator.demo.tryout_view import TryOutView
from orchestrator.store.message import FinishedMessage
from orchestrator.texml import Dial

STAGGER_SECONDS = 1.5
SPEAK_SECONDS = 1.2
# In a conference, or connected by a Dial.
STAY_SECONDS = 8.0
LONGEST_SECONDS = 40.0
LAST_CALLBACKS_SECONDS = 10.0
VOICES_HZ = (500.0, 900.0, 1100.0, 1300.0)


@dataclass
class TryOutResult:
    """The result of a try-out."""

    exchanges: list[Exchange] = field(default_factory=list)
    dialling: dict[str, float] = field(default_factory=dict)
    """Since when (monotonic) a caller is in its Dial."""
    told: dict[int, FinishedMessage] = field(default_factory=dict)
    undelivered: int = 0

    @property
    def failed(self) -> list[Exchange]:
        return [exchange for exchange in self.exchanges if exchange.problem]

    @property
    def documents(self) -> int:
        return sum(exchange.document is not None for exchange in self.exchanges)

    @property
    def warnings(self) -> int:
        return sum(len(exchange.document.warnings) for exchange in self.exchanges if exchange.document)

    @property
    def given_up(self) -> int:
        return sum(not told.delivered for told in self.told.values()) + self.undelivered

    @property
    def usable(self) -> bool:
        return self.documents > 0 and not self.failed and not self.given_up


def try_out(console: Console, switch: Switch, voice_url: str, calls: int, pace: float) -> bool:
    """Whether the application could be used. Raises NotReady, ConfigErrors."""
    numbers = [f"+1312555{1000 + index}" for index in range(1, calls + 1)]
    findings = TryOutResult()
    with Harness(switch) as harness:
        try:
            orchestrator = harness.open(voice_url)
            console.print(Text(f"{calls} calls to {voice_url}", style="bold"), soft_wrap=True)
            view = TryOutView(console, {number: f"call {i}" for i, number in enumerate(numbers, 1)})

            def on_exchange(exchange: Exchange) -> None:
                findings.exchanges.append(exchange)
                view.exchange(exchange)

            def on_verb(event: VerbEvent) -> None:
                view.verb(event)
                if isinstance(event.verb, Dial):
                    if event.seconds is None:
                        findings.dialling[event.caller] = time.monotonic()
                    else:
                        findings.dialling.pop(event.caller, None)

            with observed_fetches(orchestrator.node.fetcher, on_exchange), observed_verbs(on_verb):
                teller = gevent.spawn(_tell, orchestrator, view, findings)
                try:
                    _make_calls(switch, view, findings, numbers, pace)
                    _wait_for_callbacks(orchestrator, findings)
                finally:
                    teller.kill()
                    # Before the verbs are let go of: they must not run on unobserved.
                    harness.close()
        finally:
            harness.close()
        _print(console, findings)
        return findings.usable


def _make_calls(
    switch: Switch, view: TryOutView, findings: TryOutResult, numbers: list[str], pace: float
) -> None:
    """They come one after the other, each says something once, and who is not sent away hangs up at last."""
    phones: dict[str, Phone] = {}
    for index, number in enumerate(numbers):
        view.say(number, f"{number} calls {NUMBER}")
        phones[number] = switch.call(NUMBER, from_=number, name=f"Call {index + 1}")
        gevent.sleep(STAGGER_SECONDS * pace)
    for (number, phone), hz in zip(phones.items(), VOICES_HZ, strict=False):
        if phone.state == "answered":
            view.say(number, "speaks")
            phone.sounds(hz)
            gevent.sleep(max(0.5, SPEAK_SECONDS * pace))
            phone.sounds(None)
    limit = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < limit and not all(
        phone.state == "ended" or _stayed(findings, number, pace) for number, phone in phones.items()
    ):
        gevent.sleep(0.05)
    for number, phone in phones.items():
        if phone.state == "ended":
            view.say(number, "the call has ended")
        else:
            view.say(number, "hangs up")
            phone.hang_up()
            gevent.sleep(0.3)


def _stayed(findings: TryOutResult, number: str, pace: float) -> bool:
    since = findings.dialling.get(number)
    return since is not None and time.monotonic() - since > STAY_SECONDS * pace


def _tell(orchestrator: Orchestrator, view: TryOutView, findings: TryOutResult) -> None:
    while True:
        _tell_once(orchestrator, view, findings)
        gevent.sleep(0.1)


def _tell_once(orchestrator: Orchestrator, view: TryOutView, findings: TryOutResult) -> None:
    for told in reversed(orchestrator.outbox.finished()):
        if told.id not in findings.told:
            findings.told[told.id] = told
            view.callback(told)


def _wait_for_callbacks(orchestrator: Orchestrator, findings: TryOutResult) -> None:
    """Those under way, their second and third attempts too."""
    gevent.sleep(0.3)
    limit = time.monotonic() + LAST_CALLBACKS_SECONDS
    while orchestrator.outbox.counts().pending and time.monotonic() < limit:
        gevent.sleep(0.1)
    orchestrator.outbox.flush()
    gevent.sleep(0.2)
    findings.undelivered = orchestrator.outbox.counts().pending


def _print(console: Console, findings: TryOutResult) -> None:
    console.print()
    counts = (
        f"{findings.documents} documents, {findings.warnings} warnings, "
        f"{len(findings.told) - findings.given_up} callbacks delivered"
    )
    if findings.usable:
        console.print(Text(f"the application can be used: {counts}", style="bold green"))
        return
    console.print(Text(f"the application cannot be used as it is: {counts}", style="bold red"))
    problems = Counter(f"{failed.method} {failed.url}: {plain(failed.problem)}" for failed in findings.failed)
    for problem, times in problems.items():
        text = f"  {problem}" + (f" ({times} times)" if times > 1 else "")
        console.print(Text(text, style="red"), soft_wrap=True)
    if not findings.exchanges:
        console.print(Text("  it was never asked: no call came through", style="red"))
    if findings.given_up:
        console.print(Text(f"  {findings.given_up} callbacks could not be delivered", style="red"))
