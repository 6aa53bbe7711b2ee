"""Time limits on what FreeSWITCH is to do, which a machine that stands still does not use up.

When the time has passed, FreeSWITCH may have stood still, or we: the awaited event may lie unread in the
socket, or be about to happen. So FreeSWITCH is asked something first. Its answer comes behind all that it
had said before, and shows that it runs; anything that it has not done a little later is not under way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import gevent

from orchestrator.esl.errors import CommandTimeout, SwitchError
from orchestrator.esl.reply import OnReply, Reply

Ask = Callable[[OnReply], None]
"""`Connection.ping`, or what does the same."""
GRACE_SECONDS: Final = 1.0
"""From the answer to what a thread of FreeSWITCH's own was doing: its events go through queues of theirs."""


class Deadline:
    """Calls `passed` once, on the hub, where it must not block; never without a socket, whose next one is
    compared with what was waited for anyway."""

    __slots__ = ("_arguments", "_ask", "_over", "_passed", "_timer")

    def __init__(self, ask: Ask, seconds: float, passed: Callable[..., None], *arguments: object) -> None:
        self._ask = ask
        self._passed = passed
        self._arguments = arguments
        self._over = False
        self._start(seconds, self._due)

    def cancel(self) -> None:
        """It does not pass any more; nothing happens where it has."""
        self._over = True
        self._timer.close()

    def _start(self, seconds: float, then: Callable[[], None]) -> None:
        self._timer = gevent.get_hub().loop.timer(seconds)
        self._timer.start(then)

    def _due(self) -> None:
        self._timer.close()
        self._ask(self._answered)

    def _answered(self, outcome: Reply | SwitchError) -> None:
        if self._over:
            return
        if isinstance(outcome, CommandTimeout):
            self._ask(self._answered)
        elif isinstance(outcome, Reply):
            self._start(GRACE_SECONDS, self._pass)

    def _pass(self) -> None:
        self.cancel()
        self._passed(*self._arguments)
