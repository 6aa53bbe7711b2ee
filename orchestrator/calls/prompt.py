"""Something played that may be interrupted: by a key, by the start of a conference."""

from __future__ import annotations

from collections.abc import Callable

import gevent

from orchestrator.freeswitch.errors import SwitchError
from orchestrator.freeswitch.legs import Leg


class Prompt:
    """Runs `play` beside the call's own greenlet until it is through or is stopped."""

    def __init__(self, leg: Leg, play: Callable[[], None]) -> None:
        self._leg = leg
        self._play = play
        self._greenlet = gevent.spawn(self._run)

    def _run(self) -> None:
        try:
            self._play()
        except SwitchError:
            # The call's own greenlet hears of a lost leg or socket by itself, and decides.
            return

    @property
    def over(self) -> bool:
        return bool(self._greenlet.ready())

    def wait(self, timeout: float | None = None) -> bool:
        self._greenlet.join(timeout)
        return self.over

    def abandon(self) -> None:
        """What plays goes on to its end; nothing follows."""
        self._greenlet.kill(block=False)

    def stop(self) -> None:
        """Silence within a frame; does not block."""
        if not self._greenlet.ready():
            self._greenlet.kill(block=False)
            self._leg.break_()
