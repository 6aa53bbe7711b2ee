"""Bytes from the event socket -> frames. Pure: feed it what was received, cut anywhere."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from orchestrator.esl.errors import ProtocolError

# mod_event_socket.c builds every header block in a buffer of at most 1024 bytes.
MAX_HEADER_BYTES: Final = 16 * 1024
# The largest honest body is `show channels as json`: about 1 KB a channel.
MAX_BODY_BYTES: Final = 64 * 1024 * 1024

EVENT_JSON: Final = "text/event-json"
# As read_packet() in mod_event_socket.c writes it for every event; whatever else is read as any other frame.
_EVENT: Final = re.compile(rb"Content-Length: (\d{1,7})\nContent-Type: text/event-json\n\n").match
_MAX_DIGITS: Final = len(str(MAX_BODY_BYTES))
_NEEDS_BODY: Final = frozenset(
    {"api/response", "text/event-json", "text/event-plain", "text/event-xml", "log/data"}
)


class Frame(msgspec.Struct, gc=False):
    """One frame.

    Header values are taken as they stand: of what an inbound connection receives, FreeSWITCH URL-encodes only
    the inside of `text/event-plain` bodies (switch_event_serialize), never a frame's own headers.
    """

    content_type: str
    headers: dict[str, str]
    body: bytes


class FrameDecoder:
    """Splits one socket's stream into frames. An event is its body alone: its frame says nothing else.

    A violation of the protocol raises `ProtocolError`, once every frame before it has been handed out, and
    again on every later call: a stream that is out of step never gets back into step.
    """

    __slots__ = ("_chunks", "_error", "_held", "_wanted")

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._held = 0
        self._wanted = 0
        self._error: ProtocolError | None = None

    @property
    def error(self) -> ProtocolError | None:
        """The reason why the stream ended, None if it has not: to be read after each `feed`."""
        return self._error

    @property
    def inside_frame(self) -> bool:
        """Whether the stream, if it ended now, would end inside a frame."""
        return self._held > 0

    def feed(self, data: bytes) -> list[Frame | bytes]:
        """The frames that `data` completes, in order. Raises `ProtocolError` when there is none and never
        will be."""
        if self._error is not None:
            raise self._error
        frames: list[Frame | bytes] = []
        start = 0
        try:
            if self._chunks:
                if self._held + len(data) < self._wanted:
                    # A large body in many pieces is joined once, when it is whole, not at every piece.
                    self._hold(data)
                    return []
                # Only the frame that was cut is copied together; the rest of `data` stays where it is.
                start = self._wanted - self._held if self._wanted else len(data)
                whole = b"".join((*self._chunks, data[:start]))
                self._chunks.clear()
                self._held = 0
                rest, self._wanted = self._split(whole, frames, 0)
                if rest < len(whole):
                    self._hold(whole[rest:])
                    return frames
            rest, self._wanted = self._split(data, frames, start)
        except ProtocolError as error:
            self._error = error
            if not frames:
                raise
            return frames
        if rest < len(data):
            self._hold(data[rest:])
        return frames

    def _hold(self, data: bytes) -> None:
        self._chunks.append(data)
        self._held += len(data)

    @staticmethod
    def _split(data: bytes, frames: list[Frame | bytes], start: int) -> tuple[int, int]:
        """Append the whole frames of `data`; return where the incomplete one starts and how many bytes it
        needs."""
        append, size = frames.append, len(data)
        while start < size:
            event = _EVENT(data, start)
            if event is not None:
                body = event.end()
                end = body + int(event[1])
                if end > size:
                    return start, end - start
                append(data[body:end])
                start = end
                continue
            if data.startswith(b"\n", start):
                start += 1
                continue
            head_end = data.find(b"\n\n", start)
            if head_end < 0:
                if size - start > MAX_HEADER_BYTES:
                    raise ProtocolError(f"a header block of more than {MAX_HEADER_BYTES} bytes")
                return start, 0
            if head_end - start > MAX_HEADER_BYTES:
                raise ProtocolError(f"a header block of more than {MAX_HEADER_BYTES} bytes")
            content_type, headers, length = _head(data[start:head_end])
            body = head_end + 2
            end = body + length
            if end > size:
                return start, end - start
            content = data[body:end]
            append(content if content_type == EVENT_JSON else Frame(content_type, headers, content))
            start = end
        return start, 0


def _head(block: bytes) -> tuple[str, dict[str, str], int]:
    headers: dict[str, str] = {}
    length: bytes | None = None
    # Only \n ends a line. str.splitlines() would also split at U+2028, U+0085 and others that a caller may
    # send.
    for line in block.split(b"\n"):
        name, colon, value = line.partition(b":")
        if not colon:
            raise ProtocolError(f"a header line without a colon: {line[:80]!r}")
        value = value.strip(b" \r")
        if name.lower() == b"content-length":
            if length is not None and length != value:
                raise ProtocolError("two different Content-Length headers")
            length = value
        headers.setdefault(name.decode("utf-8", "replace"), value.decode("utf-8", "replace"))
    content_type = headers.get("Content-Type")
    if content_type is None:
        raise ProtocolError(f"a frame without Content-Type: {block[:80]!r}")
    if length is None:
        if content_type in _NEEDS_BODY:
            raise ProtocolError(f"{content_type} without Content-Length")
        return content_type, headers, 0
    return content_type, headers, _length(length)


def _length(digits: bytes) -> int:
    # int() alone would take b"-1", b"+1", b"1_0" and b" 1".
    if not digits.isdigit() or len(digits) > 2 * _MAX_DIGITS:
        raise ProtocolError(f"Content-Length is not a length: {digits[:40]!r}")
    length = int(digits)
    if length > MAX_BODY_BYTES:
        raise ProtocolError(f"Content-Length {length} is more than {MAX_BODY_BYTES}")
    return length
