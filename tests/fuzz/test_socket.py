"""Any bytes over the event socket: frames or a ProtocolError, events or a ProtocolError, in bounded time
and memory."""

from __future__ import annotations

import json
import time

from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.esl.errors import ProtocolError
from orchestrator.esl.events import Event, decode
from orchestrator.esl.frames import MAX_BODY_BYTES, MAX_HEADER_BYTES, Frame, FrameDecoder
from tests.fuzz.profile import FUZZ

SECONDS = 5.0
# Pieces of the protocol, right and wrong, that chance alone would never put together.
PIECES = st.one_of(
    st.sampled_from(
        [
            b"Content-Length: ",
            b"content-length: 3\n",
            b"Content-Length: -1\n",
            b"Content-Length: 99999999999999999999\n",
            b"Content-Length: 5\nContent-Type: text/event-json\n\n",
            b"Content-Type: text/event-json\n",
            b"Content-Type: api/response\n",
            b"Content-Type: command/reply\nReply-Text: +OK\n\n",
            b"Content-Type: text/disconnect-notice\n",
            b"\n",
            b"\n\n",
            b"\r\n\r\n",
            b": \n",
            b"\0",
            b"{}",
            "\u2028\u0085".encode(),
            b"\xff\xfe",
            b"7",
        ]
    ),
    st.binary(max_size=30),
)
STREAMS = st.lists(PIECES, max_size=40).map(b"".join)


def held(decoder: FrameDecoder) -> int:
    return decoder._held


def frames_of(data: bytes, cuts: list[int]) -> tuple[list[Frame | bytes], bool]:
    """The frames, and whether the stream was found to be broken; every piece is fed, whatever came of it."""
    decoder, frames, at = FrameDecoder(), list[Frame | bytes](), 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        try:
            frames += decoder.feed(data[at:cut])
        except ProtocolError:
            assert decoder.error is not None
        at = cut
        assert held(decoder) <= MAX_HEADER_BYTES + MAX_BODY_BYTES + len(data)
    return frames, decoder.error is not None


@FUZZ
@given(STREAMS, st.lists(st.integers(0, 2000), max_size=8))
@example(b"Content-Length: 0\nContent-Type: text/event-json\n\n" * 3, [1, 2, 3])
def test_any_bytes_cut_anywhere_are_the_same_frames_or_the_same_fault(data: bytes, cuts: list[int]) -> None:
    began = time.monotonic()
    assert frames_of(data, cuts) == frames_of(data, [])
    assert time.monotonic() - began < SECONDS


@FUZZ
@given(st.binary(min_size=1, max_size=64), st.integers(1, 200))
def test_a_stream_without_an_end_of_line_is_abandoned_before_it_fills_the_memory(
    piece: bytes, size: int
) -> None:
    decoder = FrameDecoder()
    chunk = piece.replace(b"\n", b"x") * size
    for _ in range(2 * MAX_HEADER_BYTES // len(chunk) + 3):
        try:
            decoder.feed(chunk)
        except ProtocolError:
            return
        assert held(decoder) <= MAX_HEADER_BYTES + len(chunk)
    raise AssertionError("an endless header is held for ever")


def test_an_endless_header_byte_by_byte_is_abandoned_in_time() -> None:
    decoder, began = FrameDecoder(), time.monotonic()
    for _ in range(MAX_HEADER_BYTES):
        decoder.feed(b"x")
    assert time.monotonic() - began < SECONDS


NAMES = st.one_of(
    st.sampled_from(Event.__struct_encode_fields__),
    st.text(max_size=10),
)
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just("9" * 5000)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def check_event(raw: bytes) -> Event | None:
    try:
        event = decode(raw)
    except ProtocolError:
        return None
    assert event.raw == raw
    for name, value in zip(
        event.__struct_fields__, (getattr(event, n) for n in event.__struct_fields__), strict=True
    ):
        assert isinstance(value, bytes if name == "raw" else str | int)
        if isinstance(value, str):
            # Goes into logs, a database and callbacks.
            value.encode()
    for header, value in event.headers().items():
        assert isinstance(value, str), header
        value.encode()
    return event


@FUZZ
@given(st.dictionaries(NAMES, VALUES, max_size=8), st.booleans())
def test_any_json_is_an_event_or_a_protocol_error(headers: dict[str, object], ascii_only: bool) -> None:
    text = json.dumps(headers, ensure_ascii=ascii_only)
    assert check_event(text.encode("utf-8", "surrogatepass")) is not None


@FUZZ
@given(
    st.one_of(st.binary(max_size=100), st.binary(max_size=20).map(lambda b: b'{"Event-Name":"' + b + b'"}'))
)
@example(b'{"Event-Name":"\\ud800","Unique-ID":"\xed\xa0\x80"}')
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b'{"Event-Date-Timestamp":"1e999","Conference-Size":"\xd9\xa3"}')
@example(b'{"Event-Date-Timestamp":"' + b"9" * 10_000 + b'"}')
def test_any_bytes_are_an_event_or_a_protocol_error(raw: bytes) -> None:
    began = time.monotonic()
    check_event(raw)
    assert time.monotonic() - began < SECONDS
