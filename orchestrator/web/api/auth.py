"""Who asks: a bearer token as Telnyx has it, or the account and a key as Twilio's clients send them."""

from __future__ import annotations

from collections.abc import Iterable

from werkzeug.datastructures import Authorization

from orchestrator.config.applications import Account


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
    # All are asked: how long it takes tells nothing of which key was nearly right.
    owners = [account for account in accounts if account.owns_key(key)]
    return owners[0] if owners else None
