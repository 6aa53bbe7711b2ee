"""A FreeSWITCH event: the headers that we use, typed, straight from its JSON."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec
from msgspec import field

from orchestrator.esl.errors import ProtocolError

MAINTENANCE: Final = "conference::maintenance"
"""The subclass of all that happens in conferences."""


class Event(msgspec.Struct, gc=False):
    """One event. A header that is absent is "" or 0; what is no field here `header()` finds.

    A field is what many events are asked for: each costs a fiftieth of every event's decoding, as msgspec
    looks for each of some hundred headers' names among all fields.
    Sources: switch_event.c, switch_channel.c, conference_event.c.
    """

    name: str = field(default="", name="Event-Name")
    timestamp: int = field(default=0, name="Event-Date-Timestamp")
    """Microseconds since 1970, coarse: some ms before or after the fact."""
    uuid: str = field(default="", name="Unique-ID")
    subclass: str = field(default="", name="Event-Subclass")
    conference: str = field(default="", name="Conference-Name")
    member_id: str = field(default="", name="Member-ID")
    action: str = field(default="", name="Action")
    application: str = field(default="", name="Application")
    application_uuid: str = field(default="", name="Application-UUID")
    hangup_cause: str = field(default="", name="Hangup-Cause")
    # No header can have this name: mod_event_socket and SIP both end a name before a colon.
    raw: bytes = field(default=b"", name=":raw:")
    """The JSON as received."""

    def header(self, name: str) -> str:
        """One that is no field, or ""."""
        # Inside of a value its quotes would have backslashes before them.
        key = b'"%b":' % name.encode()
        start = self.raw.find(key)
        if start < 0:
            return ""
        value = _PLAIN(self.raw, start + len(key))
        return value[1].decode() if value is not None else self.headers().get(name, "")

    def headers(self) -> dict[str, str]:
        """Every header, decoded now: tens of microseconds, so only where a new call needs them."""
        if not self.raw:
            return {}
        try:
            return _all.decode(self.raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return {name: _first(value) for name, value in _loads(self.raw).items()}


HANGUP_COMPLETE: Final = "CHANNEL_HANGUP_COMPLETE"
_RTP: Final = "variable_rtp_audio_"


class HangupEvent(Event, gc=False):
    """A CHANNEL_HANGUP_COMPLETE, with the headers that explain the end of the call.

    They are a tenth of its two hundred. To look for each of them, or to decode all, takes many times as long.
    """

    channel_name: str = field(default="", name="Channel-Name")
    answered_time: str = field(default="", name="Caller-Channel-Answered-Time")
    hangup_time: str = field(default="", name="Caller-Channel-Hangup-Time")
    local_media_port: str = field(default="", name="variable_local_media_port")
    proto_specific_hangup_cause: str = field(default="", name="variable_proto_specific_hangup_cause")
    codec_name: str = field(default="", name="variable_rtp_use_codec_name")
    auth_username: str = field(default="", name="variable_sip_auth_username")
    gateway_name: str = field(default="", name="variable_sip_gateway_name")
    hangup_disposition: str = field(default="", name="variable_sip_hangup_disposition")
    term_status: str = field(default="", name="variable_sip_term_status")
    packets_in: str = field(default="", name=f"{_RTP}in_media_packet_count")
    packets_out: str = field(default="", name=f"{_RTP}out_media_packet_count")
    flaws: str = field(default="", name=f"{_RTP}in_flaw_total")
    skipped: str = field(default="", name=f"{_RTP}in_skip_packet_count")
    skipped_out: str = field(default="", name=f"{_RTP}out_skip_packet_count")
    jitter_max_variance: str = field(default="", name=f"{_RTP}in_jitter_max_variance")
    jitter_packets: str = field(default="", name=f"{_RTP}in_jitter_packet_count")
    mos: str = field(default="", name=f"{_RTP}in_mos")


# strict=False: FreeSWITCH writes numbers as strings.
_decoder: Final = msgspec.json.Decoder(Event, strict=False)
_hangup_decoder: Final = msgspec.json.Decoder(HangupEvent, strict=False)
# FreeSWITCH writes an event's name first.
_HANGUP: Final = b'{"Event-Name":"%b"' % HANGUP_COMPLETE.encode()
_all: Final = msgspec.json.Decoder(dict[str, str])
# A value that is read as it stands.
_PLAIN: Final = re.compile(rb'"([^"\\\x80-\xff]*)"').match
_FIELDS: Final = tuple(
    (info.encode_name, info.name, type(info.default))
    for info in msgspec.structs.fields(HangupEvent)
    if info.name != "raw"
)


def decode(raw: bytes) -> Event:
    """The event that `raw` is. Raises `ProtocolError` only when it is no JSON object at all."""
    try:
        event = _hangup_decoder.decode(raw) if raw.startswith(_HANGUP) else _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        event = _decode_leniently(raw)
    event.raw = raw
    return event


def hangup_event(event: Event) -> HangupEvent:
    """A CHANNEL_HANGUP_COMPLETE as decoded; of one that FreeSWITCH did not send, what is known."""
    if isinstance(event, HangupEvent):
        return event
    if event.raw:
        found = _hangup_decoder.decode(event.raw)
        found.raw = event.raw
        return found
    return HangupEvent(event.name, event.timestamp, event.uuid, hangup_cause=event.hangup_cause)


def _decode_leniently(raw: bytes) -> Event:
    """For the rare event with a header twice (a list), bytes that are no UTF-8, or a number that is none."""
    headers = _loads(raw)
    event = HangupEvent() if raw.startswith(_HANGUP) else Event()
    for header, name, kind in _FIELDS:
        if header in headers and hasattr(event, name):
            text = _first(headers[header])
            setattr(event, name, text if kind is str else _number(text))
    return event


def _loads(raw: bytes) -> dict[str, Any]:
    # cJSON copies bytes from 0x80 up as they are, and a SIP display name can be any bytes.
    text = raw.decode("utf-8", "replace")
    headers = from_cjson(text, "an event")
    if not isinstance(headers, dict):
        raise ProtocolError(f"an event that is not a JSON object: {text[:80]!r}")
    return headers


def from_cjson(text: str, what: str) -> Any:
    """The decoded JSON of FreeSWITCH. Raises `ProtocolError`, which begins with `what`."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        # It leaves some control characters of a caller's name as they are.
        try:
            return json.loads(text, strict=False)
        except (ValueError, RecursionError) as error:
            raise ProtocolError(f"{what} that is not JSON: {text[:80]!r}") from error


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
