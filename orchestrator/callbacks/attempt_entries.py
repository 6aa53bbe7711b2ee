"""Attempts to deliver a callback, and its failure, in the timelines of its call and its conference."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import unquote, urlsplit

from orchestrator.callbacks.retry import Answer
from orchestrator.store.message import FinishedMessage, Queued
from orchestrator.timeline.recorder import Subject, Timeline

_CALL = re.compile(rb"(?:^|&)CallSid=([^&]*)")
_CONFERENCE = re.compile(rb"(?:^|&)ConferenceSid=([^&]*)")


MAX_RECEIVERS = 50
"""Counted by name; further ones together, so that no document can make metrics without end."""
OTHER = "other"


class AttemptEntries:
    """`on_attempt` is called by Delivery, on a worker's greenlet; `on_dropped` on the one that writes."""

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
        about = self._about(message)
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
            self._failed(about, message, attempt, answer.error)

    def on_dropped(self, message: FinishedMessage) -> None:
        """It failed, and not by an attempt."""
        self._failed(self._about(message), message, message.attempts, message.error)

    def _about(self, message: Queued | FinishedMessage) -> Subject:
        sids = _sid(_CALL, message.body), _sid(_CONFERENCE, message.body)
        return self._timeline.about(message.account_sid, *sids)

    @staticmethod
    def _failed(about: Subject, message: Queued | FinishedMessage, attempts: int, error: str) -> None:
        about.add(
            "callback.failed",
            level="error",
            event=message.event,
            url=message.url,
            attempts=attempts,
            error=error,
            callback=message.id,
        )


def _sid(pattern: re.Pattern[bytes], body: bytes) -> str:
    found = pattern.search(body)
    if found is None:
        return ""
    sid = found[1].decode("ascii", "replace")
    return unquote(sid) if "%" in sid else sid
