"""Attempts to deliver a callback in the timelines of its call and its conference."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import unquote, urlsplit

from orchestrator.callbacks.retry import Answer
from orchestrator.store.message import Queued
from orchestrator.timeline.recorder import Timeline

_CALL = re.compile(rb"(?:^|&)CallSid=([^&]*)")
_CONFERENCE = re.compile(rb"(?:^|&)ConferenceSid=([^&]*)")


MAX_RECEIVERS = 50
"""Counted by name; further ones together, so that no document can make metrics without end."""
OTHER = "other"


class AttemptEntries:
    """`on_attempt` is called by Delivery, on a worker's greenlet."""

    def __init__(self, timeline: Timeline) -> None:
        self.by_receiver: Counter[tuple[str, str]] = Counter()
        """Attempts, by the receiver's host and their outcome."""
        self._receivers: set[str] = set()
        self._timeline = timeline

    def _count(self, message: Queued, verdict: str) -> None:
        try:
            host = urlsplit(message.url).hostname or OTHER
        except ValueError:
            host = OTHER
        if host not in self._receivers:
            if len(self._receivers) >= MAX_RECEIVERS:
                host = OTHER
            self._receivers.add(host)
        self.by_receiver[host, "delivered" if verdict == "delivered" else "failed"] += 1

    def on_attempt(
        self, message: Queued, answer: Answer, attempt: int, ms: int, again_in: float | None
    ) -> None:
        about = self._timeline.about(
            message.account_sid, _sid(_CALL, message.body), _sid(_CONFERENCE, message.body)
        )
        delivered = answer.verdict == "delivered"
        self._count(message, answer.verdict)
        about.add(
            "callback.attempt",
            level="info" if delivered else "warning",
            event=message.event,
            sequence=message.sequence,
            url=message.url,
            method=message.method,
            attempt=attempt,
            status=answer.status,
            verdict=answer.verdict,
            ms=ms,
            error=answer.error,
            answer=answer.begins.decode("utf-8", "replace"),
            again_in=round(again_in or 0.0, 1),
            queue=message.queue,
            callback=message.id,
        )
        if not delivered and again_in is None:
            about.add(
                "callback.failed",
                level="error",
                event=message.event,
                url=message.url,
                attempts=attempt,
                error=answer.error,
                callback=message.id,
            )


def _sid(pattern: re.Pattern[bytes], body: bytes) -> str:
    found = pattern.search(body)
    return unquote(found[1].decode("ascii", "replace")) if found else ""
