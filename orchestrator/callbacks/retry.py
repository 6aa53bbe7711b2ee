"""When a callback counts as delivered, when it is retried, and when it has failed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Literal

from msgspec import Struct

_RETRIED = frozenset({408, 429})


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """Times in seconds. The defaults are Telnyx's."""

    timeout: float = 5.0
    """For a whole attempt, from looking up the name to the end of the answer."""
    attempts: int = 3
    backoff: tuple[float, ...] = (1.0, 2.0, 4.0)
    """After the first, second … failed attempt; the last holds for all further ones."""
    jitter: float = 0.25
    """Up to this part of a backoff is added to it."""
    max_retry_after: float = 300.0
    """A receiver's Retry-After counts up to this; all later callbacks of its room wait for it too."""
    max_age: float = 86400.0
    """Callbacks that have waited longer fail."""
    max_waiting: int = 100_000
    """When more wait, the oldest of the longest queue fails."""
    concurrency: int = 256
    """Attempts under way at once."""
    per_host: int = 32
    """Of those, to one host and port."""
    slow_after: float = 1.0
    """Receivers that take longer, or of which nothing is known yet, share half of the attempts."""
    keep_alive: float = 15.0
    """Connections to a host that nothing was sent to for so long are closed."""
    flush_every: float = 0.2
    """How long an end may stay unwritten; deliveries that a kill takes within it are repeated."""
    body_limit: int = 8192
    """Bytes of an answer that are read to keep its connection."""
    verify: bool | str = True
    """Check TLS certificates; or the path of the authorities to check them with."""

    def pause(self, attempts: int, asked: float = 0.0) -> float:
        """Seconds from the failure of attempt number `attempts` to the next; `asked` for by the receiver."""
        seconds = max(self.backoff[min(attempts, len(self.backoff)) - 1], min(asked, self.max_retry_after))
        return seconds * (1 + random.uniform(0, self.jitter))

    @property
    def longest_pause(self) -> float:
        return max(*self.backoff, self.max_retry_after) * (1 + self.jitter)


class Answer(Struct, frozen=True):
    """The result of one attempt."""

    verdict: Literal["delivered", "retry", "final"]
    status: int | None = None
    error: str = ""
    retry_after: float = 0.0
    """Seconds that the receiver asked for."""
    begins: bytes = b""
    """The first bytes of the answer."""


def judge(status: int, retry_after: str | None = None, now: float = 0.0, method: str = "POST") -> Answer:
    """Any 2xx will do. A redirect is not followed: it could lead anywhere, also inside our own network.

    `retry_after` is the header of that name, `now` in Unix seconds.
    """
    if 200 <= status < 300:
        return Answer("delivered", status)
    if status in _RETRIED or status >= 500:
        return Answer("retry", status, f"answered {status}", asked_pause(retry_after or "", now))
    hint = f" to {method}: the method beside its URL says how it is requested" if status == 405 else ""
    return Answer("final", status, f"answered {status}{hint}")


def asked_pause(retry_after: str, now: float) -> float:
    """Seconds of a Retry-After header: a number, or a date (RFC 9110 10.2.3); 0 of anything else."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return 0.0
    # "-0000" gives a naive time, which is in UTC as all of HTTP's are.
    return max(0.0, (at if at.tzinfo else at.replace(tzinfo=timezone.utc)).timestamp() - now)
