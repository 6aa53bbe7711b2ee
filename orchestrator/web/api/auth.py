"""Authentication: a bearer token as Telnyx has it, or the account and a key as Twilio's clients send them."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Request
from werkzeug.datastructures import Authorization

from orchestrator.config.applications import Account
from orchestrator.config.settings import Settings
from orchestrator.timeline.actor import Actor, set_actor
from orchestrator.web.api.errors import too_many_attempts, unauthorised
from orchestrator.web.attempts import Attempts, TooManyAttempts
from orchestrator.web.clients import client_address


def authenticate(attempts: Attempts, settings: Settings, asked: Request, account_sid: str = "") -> Account:
    """The account whose key was given. `account_sid`: the one that the path names. Raises ApiError."""
    given = asked.authorization
    key = _key(given)
    if key is None:
        raise unauthorised()
    address = client_address(asked, settings.web.proxies)
    # Only an account that there is has an allowance: the others have one together.
    named = account_sid.lower() if settings.account(account_sid.lower()) is not None else ""
    try:
        account = attempts.check("rest", address, named, key, lambda: account_of(settings.accounts, given))
    except TooManyAttempts as error:
        raise too_many_attempts(error) from None
    if account is None:
        raise unauthorised()
    secret = (given.token or given.password) if given is not None else None
    set_actor(Actor("api", account.name_of_key(secret or "")))
    return account


def _key(given: Authorization | None) -> str | None:
    """The key that the client presents; None where it presents none."""
    if given is not None and given.type == "bearer" and given.token:
        return given.token
    if given is not None and given.type == "basic" and given.password:
        return f"{given.username}:{given.password}"
    return None


def account_of(accounts: Iterable[Account], given: Authorization | None) -> Account | None:
    """The account whose key was given; None for anybody else."""
    if given is None:
        return None
    if given.type == "bearer" and given.token:
        return _owner(accounts, given.token)
    if given.type == "basic" and given.password:
        found = _owner(accounts, given.password)
        return found if found is not None and found.sid == (given.username or "").lower() else None
    return None


def _owner(accounts: Iterable[Account], key: str) -> Account | None:
    # All are compared: the time it takes must not reveal which key was nearly right.
    owners = [account for account in accounts if account.owns_key(key)]
    return owners[0] if owners else None
