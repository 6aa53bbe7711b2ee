"""What the demo needs of a switch and its phones: emulated ones here, real ones in loopback.py."""

from __future__ import annotations

from typing import Protocol

from orchestrator.emulator import EmulatedSwitch


class Phone(Protocol):
    """`state` is calling, ringing, answered or ended; `speaking` the tone it speaks, in Hz."""

    state: str
    speaking: float | None

    def hearing(self) -> set[float]:
        """The frequencies at its ear in the last 200 ms."""

    def sounds(self, hz: float | None) -> None:
        """What it speaks from now on; None: nothing."""

    def hang_up(self) -> None: ...


class Switch(Protocol):
    """A FreeSWITCH, real or not, with its event socket."""

    host: str
    port: int
    password: str

    @property
    def deaf(self) -> str:
        """Why nobody can tell what the phones hear; empty if it can be told."""

    def call(self, to: str, *, from_: str, name: str) -> Phone: ...

    def leftovers(self) -> list[str]:
        """Channels and conferences that are still there."""


class Emulated(EmulatedSwitch):
    """The emulator, whose phones always tell what they hear."""

    deaf = ""
