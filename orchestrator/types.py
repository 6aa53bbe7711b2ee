"""Types that several packages share: words of documents, of the REST API and of callbacks."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Method = Literal["GET", "POST"]
TimestampFormat = Literal["iso8601", "iso8601-space", "rfc2822"]
Signatures = Literal["telnyx", "twilio", "both"]
RequestFields = Literal["telnyx", "twilio"]
TELNYX_USER_AGENT = "telnyx-webhooks"
Beep = Literal["true", "false", "onEnter", "onExit"]


Trim = Literal["trim-silence", "do-not-trim"]
Channels = Literal["single", "dual"]


Fields = tuple[tuple[str, str], ...]


class CallbackStyle(Struct, frozen=True, omit_defaults=True):
    """How callbacks and requests for documents are written and signed, where the vendors differ."""

    twilio_extras: bool = True
    """Add the fields that only Twilio documents (2.4)."""
    timestamp_format: TimestampFormat = "iso8601"
    """For `Timestamp` and `RecordingStartTime` (contradiction C1)."""
    signatures: Signatures = "telnyx"
    """Which of the account's keys sign."""
    user_agent: str = TELNYX_USER_AGENT
    request_fields: RequestFields = "telnyx"
    """Of requests for documents and of call callbacks: twilio adds `Caller`, `FromCity` and the like."""
