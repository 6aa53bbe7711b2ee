"""On whose behalf something is done: set by the web server for a request, read where that takes effect."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Literal, NamedTuple

By = Literal["caller", "document", "api", "console", "FreeSWITCH"]


class Actor(NamedTuple):
    by: By
    key: str = ""
    """With which of the account's keys: `API key billing` or, of one without a name, `API key 1`."""


_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def actor(otherwise: By) -> Actor:
    """Of the request that this greenlet serves; `otherwise`, where it serves none."""
    return _actor.get() or Actor(otherwise)


def on_behalf() -> str:
    """As a sentence goes on after something that a request had done."""
    found = _actor.get()
    if found is None:
        return ""
    origin = "from the console" if found.by == "console" else "through the API"
    return f"{origin} with {found.key}" if found.key else origin


def set_actor(found: Actor | None) -> None:
    """From now on, for a server whose greenlet serves one request after the other. None: for nobody."""
    _actor.set(found)
