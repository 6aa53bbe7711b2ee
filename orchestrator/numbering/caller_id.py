"""The caller's number as a callee is shown it: a phone number, or the user of a SIP address."""

from __future__ import annotations

import re
from typing import Final

from orchestrator.numbering.phone import NotANumber, folded, normal

ANONYMOUS: Final = "anonymous"
# FreeSWITCH decodes %XX in a caller id once more, into the headers of its INVITE.
_NAME: Final = re.compile(r"[+0-9A-Za-z*#_.~-]{1,64}")


# Placeholders of phones, carriers and vendors for a caller without a number; the digits spell ANONYMOUS,
# BLOCKED, RESTRICTED, UNAVAILABLE and UNKNOWN on a telephone's keys (Twilio).
_ANONYMOUS: Final = frozenset(
    {
        *("anonymous", "blocked", "invalid", "private", "restricted", "unavailable", "unknown", "withheld"),
        *("no caller id", "not available", "out of area", "0000000000"),
        *("266696687", "2562533", "7378742833", "86282452253", "8656696"),
    }
)


def is_anonymous(text: str) -> bool:
    """Whether it stands for a caller without a number, or one who withholds it."""
    return text.strip().lower().removeprefix("+") in _ANONYMOUS


def caller_id_of(text: str, region: str) -> str:
    """E.164 of a phone number, `anonymous`, else an extension or user name as it is. Raises NotANumber."""
    plain = folded(text)
    if is_anonymous(plain):
        return ANONYMOUS
    try:
        return normal(plain, region)
    except NotANumber as error:
        if not plain.startswith("+") and _NAME.fullmatch(plain):
            return plain
        why = str(error).replace("is no phone number", "is neither a phone number nor a user name")
        raise NotANumber(why) from None
