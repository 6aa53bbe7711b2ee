"""The body of an answer, no longer than is wanted, and on disk where it is long."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from orchestrator.net.http_messages import Response

CHUNK_BYTES = 16384
# A document is never longer. A hundred callers who fetch their music at once should not take two gigabytes.
IN_MEMORY_BYTES = 1 << 20
_GZIP = ("gzip", "x-gzip")
# Python refuses to read longer numbers.
_MAX_DIGITS = 18


class BadBody(Exception):
    """More than is wanted, or in a form that nobody asked for."""


class Body(NamedTuple):
    start: bytes
    """All of it, or somewhat more than IN_MEMORY_BYTES."""
    file: BinaryIO | None = None
    """All of it where it is longer: a file without a name, gone when nobody holds it."""


def read_body(response: Response, max_bytes: int, directory: Path | None = None) -> Body:
    """Long ones go into `directory`. Raises BadBody, and as Response.chunks."""
    coding = response.headers.get("Content-Encoding").strip().lower()
    too_much = BadBody(f"more than {max_bytes} bytes")
    announced = response.headers.get("Content-Length")
    if announced.isdecimal() and (len(announced) > _MAX_DIGITS or int(announced) > max_bytes):
        raise too_much
    response.allow(max_bytes)
    chunks = response.chunks()
    if coding in _GZIP:
        # Not asked for, and yet some servers keep it so. A bomb goes off piece by piece.
        chunks = _unpacked(chunks)
    elif coding not in ("", "identity"):
        raise BadBody(f"sent with Content-Encoding {coding[:40]}, which was not asked for")
    start, file, size = bytearray(), None, 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise too_much
        if file is not None:
            file.write(chunk)
            continue
        start += chunk
        if size > IN_MEMORY_BYTES:
            file = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115  # the body owns it
            file.write(start)
    return Body(bytes(start), file)


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
