"""Requests and answers of HTTP/1.1. httptools (llhttp) reads the answers.

Beyond what a library does: an answer is limited in bytes, and never read without a turn for others. A server
that sends faster than we read never makes a greenlet wait, so that no time limit would strike.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from orchestrator.net.errors import NetError, TooMuch
from orchestrator.net.hub_turn import yield_after_long_turn

HEAD_BYTES: Final = 128 * 1024
"""Of head and, where nobody asks for more, body."""
SHOWN_BYTES: Final = 40
CHUNKING: Final = 2
"""A body in small chunks takes some more bytes than the body itself."""


class Connection(Protocol):
    """As an answer uses it."""

    keeps: bool
    has_served: bool

    def receive(self) -> bytes:
        """Empty where it has ended. Raises OSError."""

    def served(self) -> None:
        """The answer was read to its end."""

    def close(self) -> None: ...


class StaleConnection(ConnectionResetError):
    """A connection that has served before was closed without an answer: send again on a new one.

    A server may close a kept connection at any time, also in the moment in which the next message is written
    to it. That is no fault of the server's and must cost no attempt.
    """


class BadAnswer(NetError):
    """No answer, or one that is not HTTP."""


class Request(NamedTuple):
    """`origin`: scheme, host and port; `target`: path and query as they go out."""

    method: str
    origin: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None = None

    @property
    def url(self) -> str:
        return self.origin + self.target


class Headers:
    """Of an answer; names are found in any case."""

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = {}

    def add(self, name: str, value: str) -> None:
        self._values.setdefault(name.lower(), []).append(value)

    def get(self, name: str, default: str = "") -> str:
        """The first of this name."""
        values = self._values.get(name.lower())
        return values[0] if values else default

    def get_all(self, name: str, default: list[str] | None = None) -> list[str]:
        """All of this name, as http.cookiejar asks for them."""
        return self._values.get(name.lower()) or default or []

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values


class Response:
    """An answer whose head is here. Its connection is kept once the body has been read to its end."""

    def __init__(self, connection: Connection, request: Request) -> None:
        self.request = request
        self.status = 0
        self.reason = ""
        self.headers = Headers()
        self._connection = connection
        self._parser = HttpResponseParser(self)
        # As servers do that are nobody's fault to be asked.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_data_after_close=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._chunks: deque[bytes] = deque()
        self._has_head = False
        self._over = False
        """All of it is here."""
        self._is_finished = False
        self._broken: BadAnswer | None = None
        self._left = HEAD_BYTES

    def __enter__(self) -> Response:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def allow(self, size: int) -> None:
        """It may have a body of `size` bytes, however it is sent."""
        self._left += CHUNKING * size

    def chunks(self) -> Iterator[bytes]:
        """The body, as it comes and as it was sent. Raises TooMuch, BadAnswer and OSError."""
        while True:
            while self._chunks:
                yield self._chunks.popleft()
            if self._over:
                self._finish()
                if self._broken is not None:
                    raise self._broken
                return
            self._receive()

    def read(self, size: int) -> bytes:
        """The body up to about so many bytes. Raises as `chunks`."""
        body = b""
        for chunk in self.chunks():
            body += chunk
            if len(body) >= size:
                break
        return body

    def close(self) -> None:
        """A connection whose answer was not read to its end serves no more."""
        if self._over:
            self._finish()
        else:
            self._is_finished = True
            self._connection.close()

    def read_head(self) -> None:
        """Raises StaleConnection, TooMuch, BadAnswer and OSError."""
        while not self._has_head:
            self._receive()

    def _receive(self) -> None:
        if self._left <= 0:
            raise TooMuch("the answer does not end")
        yield_after_long_turn()
        data = self._connection.receive()
        self._left -= len(data)
        if not data:
            self._ended()
            return
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._over = True
            self._connection.keeps = False
        except HttpParserError as error:
            self._connection.keeps = False
            if not self._over:
                self._fails(error, data)

    def _fails(self, error: HttpParserError, data: bytes) -> None:
        """Its status counts all the same, for those that need no more of it."""
        status = self._parser.get_status_code()
        if self._has_head or status >= 200:
            self._broken = BadAnswer(f"not HTTP: {error}")
            self.status = self.status or status
            self._has_head = self._over = True
        else:
            begins = data[:SHOWN_BYTES].decode("latin-1")
            raise BadAnswer(f"not HTTP: {error}, begins with {begins!r}") from error

    def _ended(self) -> None:
        self._connection.keeps = False
        if not self._has_head:
            if self._left == HEAD_BYTES and self._connection.has_served:
                raise StaleConnection("closed without an answer")
            raise BadAnswer(
                "closed without an answer" if self._left == HEAD_BYTES else "closed within its head"
            )
        if "Content-Length" in self.headers or "chunked" in self.headers.get("Transfer-Encoding").lower():
            raise BadAnswer("closed within the body")
        self._over = True

    def _finish(self) -> None:
        """The connection is the next one's from now on."""
        if not self._is_finished:
            self._is_finished = True
            self._connection.served()

    # As httptools calls them

    def on_message_begin(self) -> None:
        if self._over:
            # Nobody asked for a second one.
            self._connection.keeps = False
        elif 100 <= self.status < 200:
            self.status, self.reason, self.headers = 0, "", Headers()

    def on_status(self, status: bytes) -> None:
        if not self._over:
            self.reason += status.decode("latin-1")

    def on_header(self, name: bytes, value: bytes | None) -> None:
        if not self._over:
            self.headers.add(name.decode("latin-1"), (value or b"").decode("latin-1").strip())

    def on_headers_complete(self) -> None:
        if self._over:
            return
        self.status = self._parser.get_status_code()
        # 100 Continue and others come before the answer.
        self._has_head = self.status >= 200 or self.status == 101

    def on_body(self, body: bytes) -> None:
        if not self._over:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        if self._has_head and not self._over:
            self._over = True
            if not self._parser.should_keep_alive():
                self._connection.keeps = False
