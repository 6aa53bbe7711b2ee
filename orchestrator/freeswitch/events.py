"""A FreeSWITCH event: the headers that we use, typed, straight from its JSON."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
from msgspec import field

from .errors import ProtocolError


class Event(msgspec.Struct, gc=False):
    """One event. A header that is absent is "" or 0; what is no field here is in `headers()`.

    Every field costs time on every event: msgspec looks for each header's name among all of them.
    Sources: switch_event.c, switch_channel.c, conference_event.c.
    """

    name: str = field(default="", name="Event-Name")
    subclass: str = field(default="", name="Event-Subclass")
    action: str = field(default="", name="Action")
    uuid: str = field(default="", name="Unique-ID")
    core_uuid: str = field(default="", name="Core-UUID")
    timestamp: int = field(default=0, name="Event-Date-Timestamp")
    """Microseconds since 1970, coarse: some ms before or after the fact."""
    sequence: str = field(default="", name="Event-Sequence")
    application: str = field(default="", name="Application")
    application_data: str = field(default="", name="Application-Data")
    application_response: str = field(default="", name="Application-Response")
    application_uuid: str = field(default="", name="Application-UUID")
    job_uuid: str = field(default="", name="Job-UUID")
    hangup_cause: str = field(default="", name="Hangup-Cause")
    channel_state: str = field(default="", name="Channel-State")
    answer_state: str = field(default="", name="Answer-State")
    call_direction: str = field(default="", name="Call-Direction")
    caller_id_name: str = field(default="", name="Caller-Caller-ID-Name")
    caller_id_number: str = field(default="", name="Caller-Caller-ID-Number")
    destination: str = field(default="", name="Caller-Destination-Number")
    other_leg: str = field(default="", name="Other-Leg-Unique-ID")
    digit: str = field(default="", name="DTMF-Digit")
    conference: str = field(default="", name="Conference-Name")
    conference_size: int = field(default=0, name="Conference-Size")
    member_id: str = field(default="", name="Member-ID")
    file: str = field(default="", name="File")
    path: str = field(default="", name="Path")
    milliseconds: int = field(default=0, name="Milliseconds-Elapsed")
    error: str = field(default="", name="Error")
    body: str = field(default="", name="_body")
    # No header can have this name: mod_event_socket and SIP both end a name before a colon.
    raw: bytes = field(default=b"", name=":raw:")
    """The JSON as received."""

    def headers(self) -> dict[str, str]:
        """Every header, decoded now: tens of microseconds, so only where a new call needs them."""
        return {name: _first(value) for name, value in _loads(self.raw).items()} if self.raw else {}


# strict=False: FreeSWITCH writes numbers as strings.
_decoder: Final = msgspec.json.Decoder(Event, strict=False)
_FIELDS: Final = tuple(
    (info.encode_name, info.name, type(info.default))
    for info in msgspec.structs.fields(Event)
    if info.name != "raw"
)


def decode(raw: bytes) -> Event:
    """The event that `raw` is. Raises `ProtocolError` only when it is no JSON object at all."""
    try:
        event = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        event = _decode_leniently(raw)
    event.raw = raw
    return event


def _decode_leniently(raw: bytes) -> Event:
    """For the rare event with a header twice (a list), bytes that are no UTF-8, or a number that is none."""
    headers = _loads(raw)
    event = Event()
    for header, name, kind in _FIELDS:
        if header in headers:
            text = _first(headers[header])
            setattr(event, name, text if kind is str else _number(text))
    return event


def _loads(raw: bytes) -> dict[str, Any]:
    # cJSON copies bytes from 0x80 up as they are, and a SIP display name can be any bytes.
    text = raw.decode("utf-8", "replace")
    try:
        headers = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        try:
            headers = json.loads(text, strict=False)
        except (ValueError, RecursionError) as error:
            raise ProtocolError(f"an event that is not JSON: {text[:80]!r}") from error
    if not isinstance(headers, dict):
        raise ProtocolError(f"an event that is not a JSON object: {text[:80]!r}")
    return headers


def _first(value: object) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    if not isinstance(value, str):
        return "" if value is None else str(value)
    # A lone surrogate (`\ud800`) could not be written to a log, a database or a callback later.
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0
