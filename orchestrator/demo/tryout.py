"""`demo --voice-url`: calls to somebody's own application, and everything that comes of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import gevent
from rich.console import Console
from rich.text import Text

from orchestrator.app import Orchestrator
from orchestrator.conference.machine.state import Phase
from orchestrator.demo.callers import NUMBER
from orchestrator.demo.harness import Harness
from orchestrator.demo.observe import Exchange, VerbEvent, observed_fetches, observed_verbs
from orchestrator.demo.phones import Phone, Switch
from orchestrator.demo.tryout_view import TryOutView
from orchestrator.demo.verdict import Problem, TryOutResult, Waiting, circle, notes, problems
from orchestrator.texml import Dial, Gather

STAGGER_SECONDS = 1.5
SPEAK_SECONDS = 1.2
# In a conference, or connected by a Dial.
STAY_SECONDS = 8.0
LONGEST_SECONDS = 40.0
LAST_CALLBACKS_SECONDS = 10.0
# A prompt is heard for so long until a key is pressed.
LISTEN_SECONDS = 0.5
VOICES_HZ = (500.0, 900.0, 1100.0, 1300.0)


@dataclass(frozen=True)
class TryOut:
    """The calls to be made. `numbers` call `to`, one after the other."""

    voice_url: str
    numbers: tuple[str, ...]
    to: str = NUMBER
    press: tuple[str, ...] = ()
    """Keys for the first <Gather> of each call, for its second, and so on."""
    wait: float | None = None
    """Seconds that a caller stays in a Dial before it hangs up; None: STAY_SECONDS at the demo's pace."""


class TryOutRun:
    """A try-out while it runs: its phones, and what has come of it so far."""

    def __init__(self, try_out: TryOut, switch: Switch, view: TryOutView, pace: float) -> None:
        self.result = TryOutResult()
        self._try_out = try_out
        self._switch = switch
        self._view = view
        self._pace = pace
        self._phones: dict[str, Phone] = {}
        self._dialling: dict[str, float] = {}
        """Since when (monotonic) a caller is in its Dial."""
        self._keys = {number: list(try_out.press) for number in try_out.numbers}

    @property
    def stay_seconds(self) -> float:
        return STAY_SECONDS * self._pace if self._try_out.wait is None else self._try_out.wait

    def on_exchange(self, exchange: Exchange) -> None:
        self.result.events.append(exchange)
        self._view.exchange(exchange)

    def on_verb(self, event: VerbEvent) -> None:
        self.result.events.append(event)
        self._view.verb(event)
        if isinstance(event.verb, Dial):
            if event.seconds is None:
                self._dialling[event.caller] = time.monotonic()
            else:
                self._dialling.pop(event.caller, None)
        elif isinstance(event.verb, Gather) and event.seconds is None:
            self._press(event.caller)

    def _press(self, caller: str) -> None:
        keys, phone = self._keys.get(caller), self._phones.get(caller)
        if phone is None:
            return
        if not keys:
            self._view.say(caller, "presses nothing: --press gives it keys")
            return
        pressed = keys.pop(0)

        def press() -> None:
            self._view.say(caller, f"presses {pressed}")
            phone.press(pressed)

        gevent.spawn_later(LISTEN_SECONDS, press)

    def call(self) -> None:
        """One call after the other; each caller says something once. Returns when there is no more to see."""
        self._dial()
        self._speak()
        limit = time.monotonic() + LONGEST_SECONDS + (self._try_out.wait or 0.0)
        while time.monotonic() < limit and not all(map(self._is_through, self._phones)):
            gevent.sleep(0.05)

    def _dial(self) -> None:
        to = self._try_out.to
        for index, number in enumerate(self._try_out.numbers, 1):
            self._view.say(number, f"{number} calls {to}")
            self._phones[number] = self._switch.call(to, from_=number, name=f"Call {index}")
            gevent.sleep(STAGGER_SECONDS * self._pace)

    def _speak(self) -> None:
        for (number, phone), hz in zip(self._phones.items(), VOICES_HZ, strict=False):
            if phone.state == "answered":
                self._view.say(number, "speaks")
                phone.sounds(hz)
                gevent.sleep(max(0.5, SPEAK_SECONDS * self._pace))
                phone.sounds(None)

    def _is_through(self, number: str) -> bool:
        """Whether its call has ended, or there is nothing more to see of it."""
        since = self._dialling.get(number)
        stayed = since is not None and time.monotonic() - since > self.stay_seconds
        return self._phones[number].state == "ended" or stayed or bool(circle(self.result.of(number)))

    def hang_up(self) -> None:
        for number, phone in self._phones.items():
            if phone.state == "ended":
                self._view.say(number, "the call has ended")
            else:
                self._view.say(number, "hangs up")
                phone.hang_up()
                gevent.sleep(0.3)

    def watch_callbacks(self, orchestrator: Orchestrator) -> None:
        while True:
            for callback in reversed(orchestrator.outbox.finished()):
                if callback.id not in self.result.callbacks:
                    self.result.callbacks[callback.id] = callback
                    self._view.callback(callback)
            gevent.sleep(0.1)

    def wait_for_callbacks(self, orchestrator: Orchestrator) -> None:
        """Those under way, their second and third attempts too."""
        gevent.sleep(0.3)
        limit = time.monotonic() + LAST_CALLBACKS_SECONDS
        while orchestrator.outbox.counts().pending and time.monotonic() < limit:
            gevent.sleep(0.1)
        orchestrator.outbox.flush()
        gevent.sleep(0.2)
        self.result.undelivered = orchestrator.outbox.counts().pending


def try_out(console: Console, switch: Switch, asked: TryOut, pace: float, *, keep_open: bool = False) -> bool:
    """Whether the application could be used. `keep_open`: the console stays open until Ctrl-C.

    Raises NotReady, ConfigErrors.
    """
    with Harness(switch) as harness:
        try:
            orchestrator = harness.open(asked.voice_url)
            numbers = {number: f"call {index}" for index, number in enumerate(asked.numbers, 1)}
            calls = _count(len(numbers), "call")
            console.print(Text(f"{calls} to {asked.voice_url}", style="bold"), soft_wrap=True)
            if keep_open:
                harness.show_console(console)
            run = TryOutRun(asked, switch, TryOutView(console, numbers), pace)
            with observed_fetches(orchestrator.node.fetcher, run.on_exchange), observed_verbs(run.on_verb):
                watching = gevent.spawn(run.watch_callbacks, orchestrator)
                try:
                    run.call()
                    run.result.waiting = list(_waiting(orchestrator))
                    run.hang_up()
                    run.wait_for_callbacks(orchestrator)
                    usable = _print(console, run.result)
                    if keep_open:
                        harness.wait_for_interrupt(console)
                finally:
                    watching.kill()
                    # Before the verbs are let go of: they must not run on unobserved.
                    harness.close()
        finally:
            harness.close()
        return usable


def _waiting(orchestrator: Orchestrator) -> Iterator[Waiting]:
    for room in orchestrator.node.rooms:
        waiting = [one for one in room.participants.values() if one.phase is Phase.WAITING]
        if waiting and not room.started_at:
            yield Waiting(room.name, len(waiting), any(one.options.start_on_enter for one in waiting))


def _print(console: Console, result: TryOutResult) -> bool:
    """Whether the application can be used."""
    console.print()
    found = problems(result)
    counts = ", ".join(
        (
            _count(result.documents, "document"),
            _count(result.warnings, "warning"),
            f"{_count(result.delivered, 'callback')} delivered",
        )
    )
    if found:
        heading = Text(f"the application cannot be used as it is: {counts}", style="bold red")
    else:
        heading = Text(f"the application can be used: {counts}", style="bold green")
    console.print(heading, soft_wrap=True)
    for problem in found:
        _print_problem(console, problem, "red")
    for note in notes(result):
        _print_problem(console, note, "yellow")
    return not found


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _print_problem(console: Console, problem: Problem, style: str) -> None:
    line = Text(f"  {problem.text}", style=style)
    line.append(f" -> {problem.remedy}" if problem.remedy else "", style="cyan")
    console.print(line, soft_wrap=True)
