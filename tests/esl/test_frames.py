"""Bytes to frames, however they are cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.esl.errors import ProtocolError
from orchestrator.esl.frames import MAX_BODY_BYTES, MAX_HEADER_BYTES, Frame, FrameDecoder
from tests.esl.wire import api_frame, event_frame, notice_frame, reply_frame, trace_frames, trace_names

SAMPLE = (
    b"Content-Type: auth/request\n\n"
    + reply_frame("+OK accepted")
    + event_frame({"Event-Name": "DTMF", "DTMF-Digit": "1"})
    + api_frame("-ERR No such channel!\n")
    + reply_frame("+OK Job-UUID: 1", Job_UUID="1")
    + event_frame({"_body": "two\n\nlines\n\nContent-Type: text/event-json\n\n"})
    + notice_frame("text/disconnect-notice", "Disconnected, goodbye.\n")
)


def decode(*pieces: bytes) -> tuple[list[Frame], str]:
    """The frames of these pieces and the error they end with, if any."""
    frames, error = feed(*pieces)
    return [
        Frame("text/event-json", {}, frame) if isinstance(frame, bytes) else frame for frame in frames
    ], error


def feed(*pieces: bytes) -> tuple[list[Frame | bytes], str]:
    decoder, frames = FrameDecoder(), list[Frame | bytes]()
    for piece in pieces:
        try:
            frames += decoder.feed(piece)
        except ProtocolError as error:
            return frames, str(error)
    return frames, str(decoder.error or "")


@pytest.mark.parametrize("name", trace_names())
def test_a_recorded_conversation_decodes_to_its_events(name: str) -> None:
    recorded = trace_frames(name)
    frames, error = decode(b"".join(data for _, data, _ in recorded))
    assert not error
    assert [(f.content_type, f.body) for f in frames] == [(kind, body) for kind, _, body in recorded]


@pytest.mark.parametrize("name", ["reject-unanswered", "errors"])
def test_a_recorded_conversation_cut_anywhere_decodes_the_same(name: str) -> None:
    data = b"".join(data for _, data, _ in trace_frames(name))
    whole, _ = decode(data)
    # Every cut near a header block, where cuts matter; every 7th byte inside the long bodies.
    for cut in range(len(data)):
        if (
            cut % 7
            and b"\n" not in data[max(0, cut - 3) : cut + 3]
            and b"Content" not in data[cut : cut + 40]
        ):
            continue
        assert decode(data[:cut], data[cut:]) == (whole, "")


def test_every_pair_of_cuts_decodes_the_same() -> None:
    whole = decode(SAMPLE)
    for first in range(len(SAMPLE)):
        for second in range(first, len(SAMPLE), 5):
            assert decode(SAMPLE[:first], SAMPLE[first:second], SAMPLE[second:]) == whole


def test_one_byte_at_a_time_decodes_the_same() -> None:
    data = b"".join(data for _, data, _ in trace_frames("reject-unanswered"))
    assert decode(*(data[i : i + 1] for i in range(len(data)))) == decode(data)


@given(st.lists(st.integers(0, len(SAMPLE)), max_size=12))
def test_any_cuts_decode_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(SAMPLE)]
    assert decode(*(SAMPLE[a:b] for a, b in itertools.pairwise(edges))) == decode(SAMPLE)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_garbage_ends_in_a_protocol_error_or_in_waiting_and_the_cut_does_not_matter(
    data: bytes, cut: int
) -> None:
    assert decode(data[:cut], data[cut:]) == decode(data)


@given(st.lists(st.binary(max_size=300), max_size=8), st.data())
def test_a_body_is_never_read_as_anything_but_a_body(bodies: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(data.draw(st.sampled_from([event_frame, api_frame]))(body) for body in bodies)
    frames, error = decode(stream)
    assert not error
    assert [frame.body for frame in frames] == bodies


@pytest.mark.parametrize(
    "length",
    [
        b"-1",
        b"+5",
        b"1_0",
        b"five",
        b"",
        b"0x10",
        b"1e3",
        b"9" * 30,
        b"9" * 5000,
        str(MAX_BODY_BYTES + 1).encode(),
    ],
)
def test_an_absurd_length_is_a_protocol_error(length: bytes) -> None:
    for frame in (
        b"Content-Length: %b\nContent-Type: text/event-json\n\n{}",
        b"Content-Type: api/response\nContent-Length: %b\n\nabc",
    ):
        frames, error = decode(frame % length)
        assert not frames
        assert "Content-Length" in error


@pytest.mark.parametrize(
    "kind", ["api/response", "text/event-json", "text/event-plain", "text/event-xml", "log/data"]
)
def test_a_body_without_a_length_is_a_protocol_error(kind: str) -> None:
    assert "without Content-Length" in decode(f"Content-Type: {kind}\n\nabc".encode())[1]


def test_two_different_lengths_are_a_protocol_error() -> None:
    assert (
        "two different"
        in decode(b"Content-Type: api/response\nContent-Length: 1\nContent-Length: 2\n\nab")[1]
    )


def test_headers_without_an_end_are_a_protocol_error() -> None:
    assert "header block" in decode(b"Content-Type: command/reply\nX: " + b"a" * MAX_HEADER_BYTES)[1]
    # Also one that comes whole.
    whole = b"Content-Type: command/reply\nX: " + b"a" * MAX_HEADER_BYTES + b"\n\n"
    assert "header block" in decode(whole)[1]


@pytest.mark.parametrize("whole", [False, True], ids=["without an end", "whole"])
@pytest.mark.parametrize("size", [MAX_HEADER_BYTES - 1, MAX_HEADER_BYTES, MAX_HEADER_BYTES + 1])
def test_a_header_block_has_so_many_bytes_and_no_more(size: int, whole: bool) -> None:
    head = b"Content-Type: command/reply\nX: ".ljust(size, b"a")
    frames, error = decode(head + (b"\n\n" if whole else b""))
    assert ("header block" in error) is (size > MAX_HEADER_BYTES)
    assert len(frames) == (1 if whole and size <= MAX_HEADER_BYTES else 0)


@pytest.mark.parametrize("data", [b"no colon\n\n", b"Content-Length: x\n\n"])
def test_a_stream_that_is_broken_at_once_is_refused_at_once(data: bytes) -> None:
    """Not at the next bytes, which may never come."""
    with pytest.raises(ProtocolError):
        FrameDecoder().feed(data)


def test_frames_before_a_protocol_error_are_still_returned() -> None:
    decoder = FrameDecoder()
    frames = decoder.feed(reply_frame("+OK") + b"no colon\n\n")
    assert [frame.headers["Reply-Text"] for frame in frames] == ["+OK"]
    assert decoder.error is not None
    with pytest.raises(ProtocolError):
        decoder.feed(reply_frame("+OK"))


@pytest.mark.parametrize(
    "text", ["a\u2028Content-Length: 9", "b\u0085X: y", "c%0AReply-Text: forged", "d\rX: y"]
)
def test_a_reply_text_forges_no_header(text: str) -> None:
    frames, error = decode(reply_frame(text))
    assert not error
    assert frames[0].headers == {"Content-Type": "command/reply", "Reply-Text": text}


def test_invalid_utf_8_in_a_header_is_replaced() -> None:
    assert (
        decode(b"Content-Type: command/reply\nReply-Text: -ERR \xff\n\n")[0][0].headers["Reply-Text"]
        == "-ERR \ufffd"
    )


def test_a_large_body_in_many_pieces_is_joined_once() -> None:
    body = b"x" * 5_000_000
    data = api_frame(body)
    frames, error = decode(*(data[i : i + 1000] for i in range(0, len(data), 1000)))
    assert not error
    assert frames[0].body == body
