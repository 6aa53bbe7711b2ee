"""Answers that are read only as far as somebody wants them, and never without letting others run.

A server that sends faster than we read never makes a greenlet wait. Then no time limit strikes, and nobody
else runs: http.client reads `100 Continue` after `100 Continue`, or one trailer after the other, for ever.
"""

from __future__ import annotations

import io
import time
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

import gevent

from orchestrator.net.errors import TooMuch

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from requests import Response

# Head and, where nobody asks for more, body. http.client alone would take a hundred lines of 64 KiB.
HEAD_BYTES = 128 * 1024
# A body in small chunks takes some more bytes than the body itself.
CHUNKING = 2
TURN_SECONDS = 0.005
# With 0 gevent lets others run fifty times before it looks at timers and sockets.
WAY_SECONDS = 0.0001


class ResponseSizeLimit(io.RawIOBase):
    """Counts what comes in, and gives way to others."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__()
        self._raw = raw
        self._left = HEAD_BYTES
        self._turn_over_at = time.monotonic() + TURN_SECONDS

    def allow(self, more: int) -> None:
        self._left += more

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        """Raises TooMuch."""
        if self._left <= 0:
            raise TooMuch("the answer does not end")
        if time.monotonic() > self._turn_over_at:
            gevent.sleep(WAY_SECONDS)
            self._turn_over_at = time.monotonic() + TURN_SECONDS
        count: int | None = self._raw.readinto(buffer)
        self._left -= count or 0
        return count

    def close(self) -> None:
        try:
            self._raw.close()
        finally:
            super().close()


class SizeLimitedResponse(HTTPResponse):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.size_limit = ResponseSizeLimit(self.fp.detach())
        self.fp = io.BufferedReader(self.size_limit)


def allow_body(response: Response, size: int) -> None:
    """The answer may have a body of `size` bytes, however it is sent."""
    metered = getattr(response.raw, "_original_response", None)
    if isinstance(metered, SizeLimitedResponse):
        metered.size_limit.allow(CHUNKING * size)
