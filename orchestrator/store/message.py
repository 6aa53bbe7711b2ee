"""One callback on its way: as it was asked for, as it waits, and as it ended."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct

from orchestrator.net.form import form_encoded
from orchestrator.types import TELNYX_USER_AGENT, Method, Signatures


class Message(Struct, frozen=True):
    """One callback to be delivered. Messages of the same `queue` are delivered strictly one after the
    other."""

    queue: str
    url: str
    method: Method
    fields: tuple[tuple[str, str], ...]
    account_sid: str
    event: str
    sequence: int
    created_at: int
    """Microseconds since the epoch, as every time here."""
    signatures: Signatures = "telnyx"
    user_agent: str = TELNYX_USER_AGENT

    def body(self) -> bytes:
        """The body as it is stored, signed and sent: the fields as application/x-www-form-urlencoded."""
        return form_encoded(self.fields).encode("ascii")


class _Stored(Struct, frozen=True):
    """The constant part of a message, from the outbox on."""

    id: int
    queue: str
    url: str
    method: Method
    body: bytes
    account_sid: str
    event: str
    sequence: int
    created_at: int


class Queued(_Stored, frozen=True):
    """A message as it waits in the outbox."""

    attempts: int = 0
    """Made so far, all of them failed."""
    next_at: int = 0
    """Not to be tried again before this."""
    waits_since: int = 0
    """When it came into the outbox, or was retried after it had failed."""
    signatures: Signatures = "telnyx"
    user_agent: str = TELNYX_USER_AGENT
    node: str = ""
    """The FreeSWITCH node whose event it is about."""


class FinishedMessage(_Stored, frozen=True):
    """A message that was delivered, or has failed."""

    done_at: int
    delivered: bool
    attempts: int
    status: int | None
    """HTTP status of the last attempt; None if there was no answer."""
    error: str


class Counts(Struct, frozen=True):
    """Of all messages."""

    pending: int
    """Messages that wait."""
    queues: int
    """Queues they wait in."""
    oldest_at: int
    """When the oldest of them was made, in microseconds since the epoch; 0 if none waits."""
    failed: int
    """Kept messages that could not be delivered."""


class CallbackQuery(NamedTuple):
    """Which callbacks of one account, the newest first. Times in microseconds since the epoch."""

    account_sid: str
    waiting: bool = True
    delivered: bool = True
    failed: bool = True
    queues: tuple[str, ...] = ()
    """Only of these; none: of all."""
    receiver: str = ""
    """As `receiver_of` has it; empty: all."""
    words: str = ""
    """A part of its URL, event, queue or of a value in its body."""
    since: int = 0
    until: int = 0
    """Made before; 0: no bound."""
    before: int = 0
    """The id of the last one of the page before; 0: from the newest on."""
    limit: int = 50


class Receiver(NamedTuple):
    """A server that callbacks go to, with those that wait for it or have failed there."""

    name: str
    """As `receiver_of` has it."""
    waiting: int
    failed: int
    last_error: str
    """Of the newest one that failed."""
    last_at: int
    """When that failed, in microseconds since the epoch."""


@lru_cache(maxsize=4096)
def receiver_of(url: str) -> str:
    """The server of a URL, as `https://app.example.com:8443`; empty where the URL cannot be read."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()
