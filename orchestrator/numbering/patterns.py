"""Numbers and patterns of the settings, in the form in which they are compared; those that fit nothing are
refused while the settings are read."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Final

from orchestrator.numbering.phone import MAX_EXTENSION_DIGITS, NotANumber, exists, folded, normal, recognised

_WILD: Final = re.compile(r"[*?]")
_SEPARATORS: Final = re.compile(r"[-(). /\[\]]")
_NATIONAL_ZERO: Final = re.compile(r"\(0\)")
_NUMBER: Final = re.compile(r"[+*?][0-9*?]*")
_DIGITS: Final = re.compile(r"\+?[0-9*?]+")
_NAME: Final = re.compile(r"[0-9A-Za-z#_.~?*-]{1,64}")
MAX_DIGITS: Final = 15


class NotAPattern(ValueError):
    """The text stands for no number; `remedy` says what would."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def outbound_pattern(text: str) -> str:
    """Of what may be called or shown: `+1312*` for phone numbers, `1???` or `reception` for extensions and
    names, which are dialled as they are. Raises NotAPattern."""
    plain = _plain(text)
    compact = _SEPARATORS.sub("", _NATIONAL_ZERO.sub("", plain))
    if _NUMBER.fullmatch(compact) and not _is_short(compact):
        return _reachable(compact, text)
    if _DIGITS.fullmatch(compact) and (len(compact) > MAX_EXTENSION_DIGITS or "*" in compact):
        raise NotAPattern(
            f"{text} is neither a phone number nor an extension",
            "a phone number begins with + and its country's code, as +1312*; an extension has at most "
            f"{MAX_EXTENSION_DIGITS} digits and no *, as 1???",
        )
    if not _NAME.fullmatch(plain) or _digits(plain) > MAX_EXTENSION_DIGITS:
        raise NotAPattern(f"{text} is no number or pattern", "e.g. +13125550001, +1312*, 1???, or reception")
    return plain


def is_phone_pattern(pattern: str) -> bool:
    """Of an `outbound_pattern`: whether phone numbers can fit it."""
    return bool(_NUMBER.fullmatch(pattern)) and not _is_short(pattern)


def is_extension(text: str) -> bool:
    """Whether it can be dialled as it is: too few digits for a phone number."""
    return (
        re.fullmatch(r"[0-9A-Za-z*#_.~-]{1,64}", text) is not None and _digits(text) <= MAX_EXTENSION_DIGITS
    )


def inbound_key(text: str, region: str) -> str:
    """Of a number that is called, as a key of `numbers:`; without the plus of a phone number, which is often
    lost on the way. Raises NotAPattern."""
    plain = _plain(text)
    compact = _SEPARATORS.sub("", _NATIONAL_ZERO.sub("", plain))
    if _DIGITS.fullmatch(compact):
        if _WILD.search(compact):
            return _reachable(compact, text).removeprefix("+") if compact.startswith("+") else compact
        if compact.startswith("+"):
            try:
                return normal(compact, region).removeprefix("+")
            except NotANumber as error:
                raise NotAPattern(str(error), f"all that begin so: {compact}*") from None
        return (recognised(compact, region) or compact).removeprefix("+")
    number = recognised(plain, region)
    if number is not None:
        return number.removeprefix("+")
    if not re.fullmatch(r"[^\s@<>\"]{1,128}", plain):
        raise NotAPattern(f"{text} is no number, SIP user or pattern", "e.g. +13125550001, +1312*, reception")
    return plain


def _plain(text: str) -> str:
    try:
        return folded(text)
    except NotANumber as error:
        raise NotAPattern(str(error), "e.g. +13125550001, or +1312*") from None


def _is_short(compact: str) -> bool:
    """`?001` is an extension; `*98` and `*` are about phone numbers."""
    return compact.startswith("?") and "*" not in compact and len(compact) <= MAX_EXTENSION_DIGITS


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


def _reachable(pattern: str, text: str) -> str:
    """The pattern, or for one number its normal form. Raises NotAPattern where no phone number can fit."""
    if not _WILD.search(pattern):
        try:
            return normal(pattern, "")
        except NotANumber as error:
            raise NotAPattern(str(error), f"all that begin so: {pattern}*") from None
    begin = _WILD.split(pattern)[0]
    if begin in ("", "+"):
        return pattern
    possible, dropped = False, ""
    for number in _samples(begin):
        if number.startswith(begin):
            possible = True
            if exists(number):
                return pattern
        else:
            dropped = dropped or number
    if possible and not dropped:
        return pattern
    remedy = f"{begin} is read as {_common(begin, dropped)}" if dropped else "no country's code begins so"
    raise NotAPattern(f"{text} fits no phone number in the world", remedy)


def _samples(begin: str) -> Iterator[str]:
    """Normal forms of numbers that are spelt with this beginning."""
    for ending in (*(digit * MAX_DIGITS for digit in "0123456789"), "234567890123456"):
        for length in range(MAX_DIGITS + 2 - len(begin)):
            with contextlib.suppress(NotANumber):
                yield normal(begin + ending[:length], "")


def _common(begin: str, number: str) -> str:
    """The rest of `begin` in a number that was read from it: `+4420` of `+44020`."""
    dropped = next(at for at, (one, other) in enumerate(zip(begin, number, strict=False)) if one != other)
    for skip in range(1, len(begin) - dropped + 1):
        rest = begin[:dropped] + begin[dropped + skip :]
        if number.startswith(rest):
            return f"{rest}…"
    return f"{number[:dropped]}…"
