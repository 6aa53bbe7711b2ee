"""Entries of the timeline: each says what happened to a call or a conference, and why."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Level = Literal["info", "warning", "error"]
Fact = str | int | float | bool | None | list[str]
Facts = dict[str, Fact]


class Entry(Struct, array_like=True):
    """One of them. No secret is in it: it is masked before it is made."""

    id: int
    """Grows with every entry; 0 until it is stored."""
    at: int
    """Microseconds since the epoch."""
    kind: str
    """One of `timeline.kinds`."""
    account_sid: str = ""
    """Empty of a call that was refused before it belonged to an account."""
    call_sid: str = ""
    conference_sid: str = ""
    level: Level = "info"
    facts: Facts = {}
    body: bytes = b""
    """The start of a fetched document."""
    node: str = ""
    """The FreeSWITCH node that it happened on."""
