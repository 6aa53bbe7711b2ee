"""One-time tokens that a leg calls in place of a number: each stands for what its call is to do."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import Final, Generic, Literal, TypeVar

T = TypeVar("T")
TokenOutcome = Literal["admitted", "unknown", "used", "expired", "no_socket"]
REFUSED: Final = "OUTGOING_CALL_BARRED"
"""mod_sofia.c, hangup_cause_to_sip(): SIP 403."""
_REASONS: Final[Mapping[TokenOutcome, str]] = {
    "unknown": "no such token",
    "used": "the token was used before",
    "expired": "the token is older than {:g} s",
    "no_socket": "the WebSocket of the token is not open",
}


class TokenRefused(Exception):
    """A call with a token that is good for nothing; it is refused with SIP 403."""

    def __init__(self, outcome: TokenOutcome, seconds: float = 0.0) -> None:
        """`seconds`: for how long a token is good."""
        super().__init__(_REASONS[outcome].format(seconds))
        self.outcome = outcome


class OneTimeTokens(Generic[T]):
    """Each is good once, for some seconds. Kept as digests, and in memory alone."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        """`clock` in seconds."""
        self._seconds = seconds
        self._clock = clock
        self._tokens: dict[bytes, tuple[T | None, float]] = {}
        """By digest, for twice their time: the value, None once it is used; and when it expires."""

    def issue(self, value: T) -> str:
        self._forget_old()
        token = secrets.token_urlsafe(32)
        self._tokens[_digest(token)] = value, self._clock() + self._seconds
        return token

    def look(self, token: str) -> T:
        """The value of one that is good. Raises TokenRefused."""
        value, expires_at = self._tokens.get(_digest(token), (None, None))
        if expires_at is None:
            raise TokenRefused("unknown")
        if value is None:
            raise TokenRefused("used")
        if expires_at <= self._clock():
            raise TokenRefused("expired", self._seconds)
        return value

    def redeem(self, token: str) -> T:
        """As `look`; it is good no more. Raises TokenRefused."""
        value = self.look(token)
        self._tokens[_digest(token)] = None, self._clock() + self._seconds
        return value

    def _forget_old(self) -> None:
        """Used and expired ones are remembered a while, so that a refusal can say which it is."""
        now = self._clock()
        old = [digest for digest, (_, at) in self._tokens.items() if at + self._seconds <= now]
        for digest in old:
            del self._tokens[digest]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
