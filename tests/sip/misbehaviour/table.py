"""A table of behaviours: functions by their names, each with one line that says what it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Phone = TypeVar("Phone")


class Table(dict[str, Callable[[Phone], None]], Generic[Phone]):
    def __call__(self, behaviour: Callable[[Phone], None]) -> Callable[[Phone], None]:
        """Enters it under its name."""
        assert behaviour.__doc__, f"{behaviour.__name__} does not say what it does"
        self[behaviour.__name__.replace("_", " ")] = behaviour
        return behaviour

    def explained(self, name: str) -> str:
        return f"{name}: {self[name].__doc__}"
