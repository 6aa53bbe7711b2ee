"""When a callback counts as told, when it is tried again, and when not any more (telnyx-texml 2.7)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

_RETRIED = frozenset({408, 429})


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """Times in seconds. The defaults are telnyx-texml section 2.7."""

    timeout: float = 5.0
    """For a whole attempt, from looking up the name to the end of the answer."""
    attempts: int = 3
    backoff: tuple[float, ...] = (1.0, 2.0, 4.0)
    """After the first, second … failed attempt; the last holds for all further ones."""
    jitter: float = 0.25
    """Up to this part of a backoff is added to it."""
    concurrency: int = 256
    """Attempts under way at once."""
    per_host: int = 32
    """Of those, to one host and port."""
    keep_alive: float = 15.0
    """Connections to a host that nothing was sent to for so long are closed."""
    retention: float = 7 * 86400.0
    """How long messages that are over stay listed."""
    flush_every: float = 0.05
    """How long an end may stay unwritten; what a kill takes within it is told again."""
    body_limit: int = 8192
    """Bytes of an answer that are read to keep its connection."""
    user_agent: str = "telnyx-webhooks"
    verify: bool | str = True
    """Check TLS certificates; or the path of the authorities to check them with."""

    def pause(self, attempts: int) -> float:
        """Seconds from the failure of attempt number `attempts` to the next."""
        seconds = self.backoff[min(attempts, len(self.backoff)) - 1]
        return seconds * (1 + random.uniform(0, self.jitter))

    @property
    def longest_pause(self) -> float:
        return max(self.backoff) * (1 + self.jitter)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt."""

    verdict: Literal["delivered", "retry", "final"]
    status: int | None = None
    error: str = ""


def judge(status: int) -> Answer:
    """Any 2xx will do. A redirect is not followed: it could lead anywhere, also inside our own network."""
    if 200 <= status < 300:
        return Answer("delivered", status)
    verdict: Literal["retry", "final"] = "retry" if status in _RETRIED or status >= 500 else "final"
    return Answer(verdict, status, f"answered {status}")
