"""Sessions of the console in Flask's signed cookie, until its time, its API key or signing out ends it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

import flask
from flask.blueprints import BlueprintSetupState
from msgspec import Struct, ValidationError, convert, to_builtins

from orchestrator.config.current import CurrentSettings
from orchestrator.store.interface import StateStore

SIGNED_OUT = "signed out of the console"


class Session(Struct, frozen=True):
    """The content of the cookie. A browser can read it, and cannot change it."""

    id: str
    account_sid: str
    key: str
    """Identifies the API key that opened it, and whose withdrawal ends it; only we can read it."""
    csrf: str
    expires_at: float
    """Seconds since the epoch."""

    def allows(self, token: str) -> bool:
        """Whether a request that changes something comes from our page."""
        return hmac.compare_digest(self.csrf.encode(), token.encode())


class Sessions:
    """A restart signs nobody out: `secret`, which signs the cookies, and who has signed out are kept in the
    database."""

    def __init__(
        self,
        current: CurrentSettings,
        outbox: StateStore,
        secret: bytes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.lifetime = current.settings.web.console_session_secs
        self._live = current
        self._outbox = outbox
        self._secret = secret
        self._clock = clock
        self._signed_out = {id_: float(until) for id_, until in outbox.load(SIGNED_OUT)}

    def set_up(self, state: BlueprintSetupState) -> None:
        """For Blueprint.record: cookies of the application that the console is part of."""
        state.app.secret_key = self._secret
        state.app.config.update(
            SESSION_COOKIE_NAME="console",
            SESSION_COOKIE_SAMESITE="Strict",
            SESSION_COOKIE_SECURE=self._live.settings.web.base_url.startswith("https:"),
            SESSION_REFRESH_EACH_REQUEST=False,
            PERMANENT_SESSION_LIFETIME=self.lifetime,
        )

    def open(self, account_sid: str, key: str) -> Session:
        expires_at = self._clock() + self.lifetime
        session = Session(
            secrets.token_urlsafe(16), account_sid, self._mark(key), secrets.token_urlsafe(32), expires_at
        )
        flask.session.clear()
        flask.session.update(to_builtins(session))
        flask.session.permanent = True
        return session

    def current(self) -> Session | None:
        """Of the request that is being answered."""
        try:
            session = convert(dict(flask.session), Session)
        except ValidationError:
            return None
        return session if self.is_good(session) else None

    def is_good(self, session: Session) -> bool:
        has_key = bool(self.key_name(session))
        return has_key and self._clock() < session.expires_at and session.id not in self._signed_out

    def key_name(self, session: Session) -> str:
        """Of the key that opened it, as Account.name_of_key; empty where the account has it no more."""
        account = self._live.settings.account(session.account_sid)
        if account is None:
            return ""
        marks = [self._mark(key.key.get_secret_value()) for key in account.api_keys]
        names = [
            name
            for name, mark in zip(account.key_names, marks, strict=True)
            if hmac.compare_digest(session.key, mark)
        ]
        return names[0] if names else ""

    def close(self, session: Session) -> None:
        """Raises OutboxError where only this process knows: a copied cookie would outlive a restart."""
        flask.session.clear()
        over = [id_ for id_, until in self._signed_out.items() if until < self._clock()]
        for id_ in over:
            del self._signed_out[id_]
        self._signed_out[session.id] = session.expires_at
        kept = (SIGNED_OUT, session.id, str(session.expires_at).encode())
        self._outbox.commit(put=[kept], delete=[(SIGNED_OUT, id_) for id_ in over])

    def _mark(self, key: str) -> str:
        return hmac.new(self._secret, key.encode(), hashlib.sha256).hexdigest()
