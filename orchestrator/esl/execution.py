"""One application that runs on a leg, until FreeSWITCH says that it has completed."""

from __future__ import annotations

from typing import Final

import gevent
import gevent.event
import gevent.queue

from orchestrator.esl.errors import CommandTimeout, SwitchError
from orchestrator.esl.events import Event

EXECUTE_TIMEOUT_SECONDS: Final = 30.0


ADOPTED_EXECUTION: Final = "found"
BRIDGED_EXECUTION: Final = "bridged"
"""Key of a `bridge` without media: it completes at once, and is over when the leg is parked again."""


class Execution:
    """One application started on a leg."""

    __slots__ = ("_outcome", "_settled", "app", "arg", "uuid")

    def __init__(self, uuid: str, app: str, arg: str = "") -> None:
        self.uuid = uuid
        self.app = app
        self.arg = arg
        self._outcome: Event | SwitchError | None = None
        self._settled: gevent.event.Event | None = None
        """Of the few that somebody waits for."""

    @property
    def done(self) -> bool:
        """Whether it has completed or failed: `wait` returns or raises at once."""
        return self._outcome is not None

    @property
    def failed(self) -> bool:
        """Whether `wait` would raise at once."""
        return isinstance(self._outcome, SwitchError)

    def wait(self, timeout: float | None = EXECUTE_TIMEOUT_SECONDS) -> Event:
        """The CHANNEL_EXECUTE_COMPLETE; may be asked for more than once, and after it came.

        Raises `LegGone` when the leg hangs up, `Disconnected` when the socket ends (the leg lives on, and so
        may the application), `CommandTimeout` after `timeout` seconds. Without a time limit the leg's end or
        the socket's ends it.
        """
        if self._outcome is None:
            if self._settled is None:
                self._settled = gevent.event.Event()
            self._settled.wait(timeout)
        outcome = self._outcome
        if outcome is None:
            raise CommandTimeout(f"{self.app} did not complete within {timeout} s")
        if isinstance(outcome, SwitchError):
            raise outcome
        return outcome

    def _settle(self, outcome: Event | SwitchError) -> None:
        if self._outcome is None:
            self._outcome = outcome
            if self._settled is not None:
                self._settled.set()
