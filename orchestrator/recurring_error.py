"""A fault that comes back every second, in the log as one story: begun, still there each minute, over."""

from __future__ import annotations

import time

from orchestrator.logs import Log

_AGAIN_SECONDS = 60.0


class RecurringError:
    """With something that is tried again and again; `what` goes on in words what that means."""

    def __init__(self, log: Log, what: str) -> None:
        self._log = log
        self._what = what
        self._since: float | None = None
        self._next_line = 0.0

    def __bool__(self) -> bool:
        return self._since is not None

    def on_error(self, error: Exception) -> None:
        now = time.monotonic()
        if self._since is None:
            self._since, self._next_line = now, now
        if now >= self._next_line:
            self._next_line = now + _AGAIN_SECONDS
            self._log.critical(self._what, seconds=round(now - self._since), problem=str(error))

    def on_success(self) -> None:
        if self._since is not None:
            self._log.warning(f"recovered: {self._what}", seconds=round(time.monotonic() - self._since, 1))
            self._since = None
