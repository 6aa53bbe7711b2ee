"""The events of the recorded conversations with a real FreeSWITCH (tests/data/traces)."""

from __future__ import annotations

import json
from urllib.parse import quote

from tests.esl.wire import trace_frames, trace_names

_RECORDED = [frame for name in trace_names() for frame in trace_frames(name) if frame[0] == "text/event-json"]
BODIES = [body for _, _, body in _RECORDED]
FRAMES = b"".join(data for _, data, _ in _RECORDED)
"""`event json`."""


def _plain(body: bytes) -> bytes:
    text = "".join(f"{name}: {quote(str(value))}\n" for name, value in json.loads(body).items()) + "\n"
    return f"Content-Length: {len(text)}\nContent-Type: text/event-plain\n\n{text}".encode()


def plain_frames() -> bytes:
    """`event plain`, which is all that greenswitch and Genesis read."""
    return b"".join(map(_plain, BODIES))
