"""Phones that can be called: their numbers, what they do, and the calls that came to them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import gevent

from orchestrator.emulator.phone import EmulatedPhone


@dataclass(frozen=True)
class Behaviour:
    """The behaviour of a called phone. Seconds; `rejects` is a SIP status.

    It rings after `rings_after`, and `answers_after` later it answers or refuses. None: it rings for ever;
    0: it has not rung before.
    """

    rings_after: float = 0.0
    answers_after: float | None = 0.1
    rejects: int | None = None
    early_media: bool = False
    hangs_up_after: float | None = None
    sounds: float | None = None


@dataclass
class Target:
    """A number that can be called, and the calls that came to it."""

    number: str
    behaviour: Behaviour
    calls: list[EmulatedPhone] = field(default_factory=list)

    def wait_called(self, timeout: float = 5.0, nth: int = 1) -> EmulatedPhone:
        """The phone that rings (the nth call to this number). Real seconds."""
        limit = time.monotonic() + timeout
        while len(self.calls) < nth:
            if time.monotonic() > limit:
                raise AssertionError(f"{self.number} was not called within {timeout:g} s")
            gevent.sleep(0.005)
        return self.calls[nth - 1]


class Registry:
    """The phones that can be called, by number or user name, and their behaviour."""

    def __init__(self) -> None:
        self.targets: dict[str, Target] = {}
        self.on_dial: Callable[[EmulatedPhone], None] | None = None

    def register(self, number: str, behaviour: Behaviour) -> Target:
        target = self.targets[number] = Target(number, behaviour)
        return target

    def find(self, number: str) -> Behaviour | None:
        target = self.targets.get(number)
        return None if target is None else target.behaviour

    def called(self, phone: EmulatedPhone) -> None:
        if target := self.targets.get(phone.number):
            target.calls.append(phone)
        if self.on_dial:
            self.on_dial(phone)
