"""The body of an answer, no longer than is wanted."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from requests import Response

from orchestrator.net.meter import grant_body

CHUNK_BYTES = 16384
_GZIP = ("gzip", "x-gzip")
# Python refuses to read longer numbers.
_MAX_DIGITS = 18


class BadBody(Exception):
    """More than is wanted, or in a form that nobody asked for."""


def read_body(response: Response, max_bytes: int) -> bytes:
    """Raises BadBody, and what urllib3 raises when a connection breaks."""
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    too_much = BadBody(f"more than {max_bytes} bytes")
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and (len(announced) > _MAX_DIGITS or int(announced) > max_bytes):
        raise too_much
    grant_body(response, max_bytes)
    chunks = response.raw.stream(CHUNK_BYTES, decode_content=False)
    if coding in _GZIP:
        # Not asked for, and yet some servers keep it so. A bomb goes off piece by piece.
        chunks = _unpacked(chunks)
    elif coding not in ("", "identity"):
        raise BadBody(f"sent with Content-Encoding {coding[:40]}, which was not asked for")
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            raise too_much
    return bytes(body)


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for chunk in chunks:
            while chunk and not unpacker.eof:
                yield unpacker.decompress(chunk, CHUNK_BYTES)
                chunk = unpacker.unconsumed_tail
    except zlib.error as error:
        raise BadBody(f"sent as gzip, which it is not: {error}") from error
    if not unpacker.eof:
        raise BadBody("sent as gzip, and not to its end")
