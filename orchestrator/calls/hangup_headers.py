"""The headers of a CHANNEL_HANGUP_COMPLETE that explain the end of a call, decoded alone.

It has some two hundred, of which these are a tenth: to decode them all takes four times as long, and to look
for each of them ten times.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import field
from msgspec.structs import astuple

from orchestrator.esl.events import Event

_RTP: Final = "variable_rtp_audio_"
NAMES: Final = (
    "Channel-Name",
    "Caller-Network-Addr",
    "Caller-Caller-ID-Number",
    "Caller-Destination-Number",
    "Caller-Channel-Answered-Time",
    "Caller-Channel-Hangup-Time",
    "variable_local_media_port",
    "variable_proto_specific_hangup_cause",
    "variable_rtp_use_codec_name",
    "variable_sip_auth_username",
    "variable_sip_gateway_name",
    "variable_sip_hangup_disposition",
    "variable_sip_term_status",
    f"{_RTP}in_flaw_total",
    f"{_RTP}in_jitter_max_variance",
    f"{_RTP}in_jitter_packet_count",
    f"{_RTP}in_media_packet_count",
    f"{_RTP}in_mos",
    f"{_RTP}in_skip_packet_count",
    f"{_RTP}out_media_packet_count",
    f"{_RTP}out_skip_packet_count",
)
_Headers = msgspec.defstruct(
    "_Headers",
    [(f"header_{number}", str, field(default="", name=name)) for number, name in enumerate(NAMES)],
    gc=False,
)
_decode = msgspec.json.Decoder(_Headers).decode


def hangup_headers(event: Event) -> dict[str, str]:
    """Those of NAMES that it has; none of an event that FreeSWITCH did not send."""
    if not event.raw:
        return {}
    try:
        found = _decode(event.raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return event.headers()
    return {name: value for name, value in zip(NAMES, astuple(found), strict=True) if value}
