"""On whose behalf something is done: set by the web server for a request, read where that takes effect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, NamedTuple

By = Literal["caller", "document", "api", "console", "FreeSWITCH"]


class Actor(NamedTuple):
    by: By
    key: str = ""
    """Of the REST API: which of the account's keys it was, by its name or its number, never the key."""


_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def actor(otherwise: By) -> Actor:
    """Of the request that this greenlet serves; `otherwise`, where it serves none."""
    return _actor.get() or Actor(otherwise)


def on_behalf() -> str:
    """As a sentence goes on after something that a request had done."""
    found = _actor.get()
    if found is None:
        return ""
    if found.by == "console":
        return "from the console"
    return f"through the API{f' with {found.key}' if found.key else ''}"


def set_actor(found: Actor | None) -> None:
    """From now on, for a server whose greenlet serves one request after the other. None: for nobody."""
    _actor.set(found)


@contextmanager
def acting(by: By, key: str = "") -> Iterator[None]:
    """For what this greenlet does meanwhile."""
    token = _actor.set(Actor(by, key))
    try:
        yield
    finally:
        _actor.reset(token)
