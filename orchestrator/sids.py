"""Ids that applications see.

A CallSid follows from FreeSWITCH's own Unique-ID, so that after any restart the same call has the same one.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from uuid import UUID, uuid4

CALL_SID_PREFIX = "v3:"
_TWILIO_CALL_SID = re.compile(r"CA[0-9a-f]{32}", re.ASCII | re.IGNORECASE)


# Asked for at every event of a member: without it, half of what a talking event costs.
@lru_cache(maxsize=4096)
def call_sid_of(leg: str) -> str:
    """The CallSid of the leg with this Unique-ID. Raises ValueError for anything that is no UUID."""
    return CALL_SID_PREFIX + urlsafe_b64encode(UUID(leg).bytes).rstrip(b"=").decode()


@lru_cache(maxsize=4096)
def has_call_sid(leg: str) -> bool:
    """Whether a leg with this Unique-ID has a CallSid that it follows from: a UUID in lower case.

    FreeSWITCH makes such ones; `inbound-use-callid-as-uuid` and `origination_uuid` bring others.
    """
    try:
        return leg_of(call_sid_of(leg)) == leg
    except ValueError:
        return False


def leg_of(call_sid: str) -> str:
    """The Unique-ID behind a CallSid. Raises ValueError for anything that is no CallSid of ours."""
    if not call_sid.startswith(CALL_SID_PREFIX):
        raise ValueError(f"{call_sid!r} is no CallSid: it must start with {CALL_SID_PREFIX}")
    return str(UUID(bytes=urlsafe_b64decode(call_sid[len(CALL_SID_PREFIX) :] + "==")))


def canonical_call_sid(written: str) -> str:
    """Ours for both spellings of one: Twilio's clients may want `CA` and 32 hexadecimal digits. Anything else
    is as it was."""
    if _TWILIO_CALL_SID.fullmatch(written):
        return call_sid_of(written[2:])
    return written


def twilio_call_sid_of(call_sid: str) -> str:
    """`CA` and 32 digits. Raises ValueError for anything that is no CallSid of ours."""
    return f"CA{UUID(leg_of(call_sid)).hex}"


def new_sid() -> str:
    """For conferences and recordings, which FreeSWITCH does not name."""
    return str(uuid4())
