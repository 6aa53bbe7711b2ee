"""Who is signed in. In memory only: after a restart one signs in again, with a key that is still good."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

MAX_SESSIONS = 1000


@dataclass(frozen=True)
class Session:
    id: str
    """Not what the cookie holds: a hash of it."""
    account_sid: str
    key: bytes
    """The fingerprint of the API key that opened it, and ends it when it is withdrawn."""
    csrf: str
    expires_at: float
    """Seconds since the epoch."""

    def allows(self, token: str) -> bool:
        """Whether a request that changes something comes from our page."""
        return hmac.compare_digest(self.csrf.encode(), token.encode())


class Sessions:
    def __init__(
        self, lifetime: float, owns: Callable[[str, bytes], bool], clock: Callable[[], float] = time.time
    ) -> None:
        """`lifetime` in seconds from signing in; `owns`: whether an account (sid) has a key now."""
        self.lifetime = lifetime
        self._owns = owns
        self._clock = clock
        self._sessions: dict[str, Session] = {}

    def open(self, account_sid: str, key: bytes) -> tuple[str, Session]:
        """What the cookie is to hold, and the session."""
        self.tidy()
        while len(self._sessions) >= MAX_SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        token = secrets.token_urlsafe(32)
        session = Session(
            _id(token), account_sid, key, secrets.token_urlsafe(32), self._clock() + self.lifetime
        )
        self._sessions[session.id] = session
        return token, session

    def get(self, token: str | None) -> Session | None:
        session = self._sessions.get(_id(token)) if token else None
        return session if session is not None and self.is_good(session) else None

    def is_good(self, session: Session) -> bool:
        return (
            session.id in self._sessions
            and self._clock() < session.expires_at
            and self._owns(session.account_sid, session.key)
        )

    def close(self, session: Session) -> None:
        self._sessions.pop(session.id, None)

    def tidy(self) -> list[Session]:
        """Forget those that are over; which they are."""
        over = [session for session in self._sessions.values() if not self.is_good(session)]
        for session in over:
            self.close(session)
        return over


def _id(token: str) -> str:
    # Looking up a hash takes a time that tells nothing of the token.
    return hashlib.sha256(token.encode()).hexdigest()
