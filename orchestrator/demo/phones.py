"""The interface of the demo to a switch and its phones: emulated ones here, real ones in loopback.py."""

from __future__ import annotations

from typing import Protocol

from orchestrator.emulator import EmulatedSwitch


class Phone(Protocol):
    """`state` is calling, ringing, answered or ended; `speaking` the tone it speaks, in Hz."""

    state: str
    speaking: float | None

    def hearing(self) -> set[float]:
        """The frequencies that it heard in the last 200 ms."""

    def sounds(self, hz: float | None) -> None:
        """The frequency that it sends from now on; None: silence."""

    def press(self, digits: str) -> None:
        """Keys, one after the other."""

    def hang_up(self) -> None: ...


class Switch(Protocol):
    """A FreeSWITCH, real or not, with its event socket."""

    host: str
    port: int
    password: str

    @property
    def deaf(self) -> str:
        """The reason why the sound at the phones cannot be measured; empty if it can."""

    def call(self, to: str, *, from_: str, name: str) -> Phone: ...

    def leftovers(self) -> list[str]:
        """Channels and conferences that are still there."""


class Emulated(EmulatedSwitch):
    """The emulator, whose phones always report the sound that they hear."""

    deaf = ""
