"""The phone at the far end of a leg, as the switch sees it: SIP messages and sound to and from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Phone(Protocol):
    """Nothing here waits."""

    speaking: float | None
    """The tone that it speaks, in Hz."""
    turns: int
    """How often it has started or stopped speaking."""
    on_voice: Callable[[], None] | None
    """Called when it starts or stops."""

    def on_status(self, status: int) -> None:
        """A SIP status that answers its INVITE."""

    def left(self, cause: str) -> None:
        """The switch ended the call."""

    def cut_off(self) -> None:
        """The switch is gone without a message."""

    def receive(self, digits: str) -> None:
        """DTMF to it."""

    def hearing(self, seconds: float) -> set[float]:
        """All frequencies in the sound to it over the last `seconds`."""

    def listen(self) -> None:
        """The sound to it has changed."""
