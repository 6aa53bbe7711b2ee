"""A request that came already is not carried out again: it gets the answer that it got.

By the key that a client sends with it; and Telnyx's SDK, which sends none, says of a request that it is a
second try (x-stainless-retry-count), which then is the same if account, path and body are.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from gevent.event import Event
from msgspec import Struct, json
from werkzeug.datastructures import Headers

from orchestrator.clock import now
from orchestrator.store.interface import RecordStore
from orchestrator.store.records import Record
from orchestrator.store.write_behind import WriteBehindBuffer
from orchestrator.web.api.errors import Fault, invalid

KEY_HEADERS = ("Idempotency-Key", "X-Idempotency-Key", "I-Twilio-Idempotency-Token")
RETRY_HEADER = "x-stainless-retry-count"
MAX_KEY = 255
# The SDK times out long before.
RETRY_SECONDS = 300.0
MAX_REMEMBERED = 10_000


class StoredResponse(Struct, frozen=True):
    fingerprint: str
    status: int
    body: bytes


class Idempotency:
    """Answers by key are in the store for a day; all of them are in memory for some minutes."""

    def __init__(self, records: RecordStore, write_buffer: WriteBehindBuffer) -> None:
        self._records = records
        self._write_buffer = write_buffer
        self._under_way: dict[str, Event] = {}
        self._recent: OrderedDict[str, tuple[float, StoredResponse]] = OrderedDict()

    def asked(self, account_sid: str, headers: Headers, path: str, body: bytes) -> Request:
        """The request as it is remembered. Raises ApiError."""
        fingerprint = hashlib.sha256(b"\0".join((account_sid.encode(), path.encode(), body))).hexdigest()
        key = next((headers[name] for name in KEY_HEADERS if headers.get(name)), "")
        if len(key) > MAX_KEY:
            raise invalid(
                Fault("10033", "Value outside of range", f"A key has at most {MAX_KEY} characters.")
            )
        sid = hashlib.sha256(f"{account_sid} {key}".encode()).hexdigest() if key else ""
        return Request(account_sid, sid, fingerprint, headers.get(RETRY_HEADER, "0").strip() not in ("", "0"))

    @contextmanager
    def alone(self, asked: Request) -> Iterator[None]:
        """No other request of that key meanwhile: one could be looked up while the first is carried out."""
        key = asked.sid or asked.fingerprint
        while (other := self._under_way.get(key)) is not None:
            other.wait()
        done = self._under_way[key] = Event()
        try:
            yield
        finally:
            del self._under_way[key]
            done.set()

    def answered(self, asked: Request) -> StoredResponse | None:
        """Its answer, if it had one before. Raises ApiError, OutboxError."""
        if asked.sid:
            return self._by_key(asked)
        return self._remembered(asked.fingerprint) if asked.is_second_try else None

    def _by_key(self, asked: Request) -> StoredResponse | None:
        answered = self._remembered(asked.sid)
        if answered is None:
            record = self._records.one("request", asked.account_sid, asked.sid)
            if record is None:
                return None
            answered = json.decode(record.value, type=StoredResponse)
        if answered.fingerprint != asked.fingerprint:
            detail = "This key came before, with another request."
            raise invalid(Fault("10015", "Bad Request", detail))
        return answered

    def _remembered(self, key: str) -> StoredResponse | None:
        at, answered = self._recent.get(key, (0.0, None))
        return answered if answered is not None and time.monotonic() - at < RETRY_SECONDS else None

    def remember(self, asked: Request, status: int, body: bytes) -> None:
        """Never yields: nothing is dialled before it is committed, as dialling begins on another greenlet."""
        answered = StoredResponse(asked.fingerprint, status, body)
        for key in filter(None, (asked.fingerprint, asked.sid)):
            self._recent[key] = (time.monotonic(), answered)
            self._recent.move_to_end(key)
        while len(self._recent) > MAX_REMEMBERED:
            self._recent.popitem(last=False)
        if asked.sid:
            at = now()
            value = json.encode(answered)
            record = Record("request", asked.sid, asked.account_sid, at, at, at, value=value)
            self._write_buffer.commit(records=[record])


class Request(Struct, frozen=True):
    account_sid: str
    sid: str
    """Of its key; empty where it has none."""
    fingerprint: str
    is_second_try: bool
    """As its client says."""
