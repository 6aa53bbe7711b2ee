"""Twilio's fields about the two parties of a call: of where they are only a number's country is known."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import phonenumbers

TwilioDirection = Literal["inbound", "outbound-api", "outbound-dial"]
API_VERSION = "2010-04-01"
_PLACES = ("City", "State", "Zip")


def twilio_call_fields(from_: str, to: str, direction: TwilioDirection) -> list[tuple[str, str]]:
    """Fields of Twilio's requests for documents and callbacks about a call that Telnyx does not send.

    An empty value is one that is not known: the fields are always there.
    """
    fields = [("ApiVersion", API_VERSION), ("Called", to), ("Caller", from_), ("Direction", direction)]
    for party, number in (("From", from_), ("Caller", from_), ("To", to), ("Called", to)):
        fields += [(f"{party}{place}", "") for place in _PLACES]
        fields.append((f"{party}Country", country_of(number)))
    return fields


@lru_cache(maxsize=4096)
def country_of(number: str) -> str:
    """ISO 3166 code of a phone number in international form; empty of anything else."""
    if not number.startswith("+"):
        return ""
    try:
        found = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return ""
    # 001: a number of the whole world, as +800.
    return found if found and found.isalpha() else ""
