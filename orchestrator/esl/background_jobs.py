"""API commands that FreeSWITCH runs in a thread of its own (`bgapi`): each result comes as an event."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import cast

from gevent.event import AsyncResult

from orchestrator.esl import commands
from orchestrator.esl.errors import CommandTimeout, Disconnected, SwitchError
from orchestrator.esl.events import Event
from orchestrator.esl.reply import Reply


class BackgroundJobs:
    """The jobs of one event socket whose results are still to come."""

    def __init__(self, send: Callable[[str, float], Reply]) -> None:
        self._send = send
        self._results: dict[str, AsyncResult[str]] = {}

    def __len__(self) -> int:
        return len(self._results)

    def run(self, command: str, timeout: float) -> str:
        """The output of the API command, within `timeout` seconds. Raises as `Connection.api`."""
        job = str(uuid.uuid4())
        result = self._results[job] = AsyncResult()
        ends = time.monotonic() + timeout
        try:
            self._send(f"bgapi {commands.one_line(command)}\nJob-UUID: {job}", timeout).raise_for_error()
            result.wait(max(0.0, ends - time.monotonic()))
            if result.ready():
                body = cast(str, result.get_nowait())
                Reply(body).raise_for_error()
                return body
        finally:
            self._results.pop(job, None)
        raise CommandTimeout(f"no result within {timeout} s: {command[:80]!r}")

    def on_event(self, event: Event) -> None:
        """BACKGROUND_JOB."""
        headers = event.headers()
        result = self._results.pop(headers.get("Job-UUID", ""), None)
        if result is not None:
            result.set(headers.get("_body", ""))

    def fail_all(self, error: SwitchError) -> None:
        """The socket has ended: no result will come."""
        results, self._results = self._results, {}
        for result in results.values():
            result.set_exception(Disconnected(str(error)))
