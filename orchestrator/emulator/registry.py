"""Phones that can be called: their numbers, what they do, and the calls that came to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

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


class Registry:
    """The phones that can be called, by number or user name, and their behaviour."""

    def __init__(self, phone_type: type[EmulatedPhone]) -> None:
        self.phone_type = phone_type
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
