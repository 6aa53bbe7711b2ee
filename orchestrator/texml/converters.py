"""The text of an attribute -> its value. One function per kind of value the vendors' tables know.

A converter takes the text as written and returns the value; it raises Unusable where the attribute's default
has to stand in, and Adjusted where there is something nearer to what was meant.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from orchestrator.texml import limits, values
from orchestrator.texml.nearby import hint
from orchestrator.texml.values import Options

S = TypeVar("S", bound=str)


class Unusable(ValueError):
    """The value cannot be used; the text says why, in words that follow the attribute."""


class Adjusted(ValueError):
    """The value is out of bounds; `value` is used in its place."""

    def __init__(self, message: str, value: object) -> None:
        super().__init__(message)
        self.value = value


# A line break in a URL, a number or a name would be a header or a command of its own further down.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_WHOLE = re.compile(r"[+-]?[0-9]+")
# int() refuses thousands of digits with an error of its own.
_MANY_DIGITS = 18
_DISPLAY_NAME = re.compile(r"[\w \-~!.+]*")
_LIKE_A_CALL_SID = re.compile(r"CA[0-9a-f]{32}|v[0-9]+:.*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


def boolean(raw: str) -> bool:
    """`true` or `false`, as values.boolean() reads them."""
    value = values.boolean(raw)
    if value is None:
        raise Unusable("is neither true nor false")
    return value


def one_of(options: Options[S]) -> Callable[[str], S]:
    """One word of several; another element's word for it is Adjusted."""
    message = f"is not one of {', '.join(options.words)}"

    def convert(raw: str) -> S:
        value = options.find(raw)
        if value is not None:
            return value
        nearest = options.elsewhere.get(raw.strip().lower())
        if nearest is not None:
            raise Adjusted(message, nearest)
        raise Unusable(message + hint(raw, options.words))

    return convert


def some_of(options: Options[S], *, or_none: bool = False) -> Callable[[str], frozenset[S]]:
    """A list of words; an empty one is usable only if `or_none`."""

    def convert(raw: str) -> frozenset[S]:
        found, unknown = options.find_all(raw)
        if unknown:
            message = f"has {' '.join(unknown)}, which is not one of {', '.join(options.words)}"
            message += hint(unknown[0], options.words)
            raise Adjusted(message, found) if found else Unusable(message)
        if not found and not or_none:
            raise Unusable("is empty")
        return found

    return convert


def without(
    refused: Mapping[S, str], convert: Callable[[str], frozenset[S]]
) -> Callable[[str], frozenset[S]]:
    """The same list without words that the vendors have and we cannot do; each with the reason."""

    def convert_without(raw: str) -> frozenset[S]:
        found = convert(raw)
        left_out = sorted(found & refused.keys())
        if not left_out:
            return found
        rest = frozenset(found - refused.keys())
        why = "; ".join(f"{word}: {refused[word]}" for word in left_out)
        raise Adjusted(why, rest) if rest else Unusable(why)

    return convert_without


def whole(low: int, high: int, *, clamp_low: bool = False) -> Callable[[str], int]:
    """A whole number; too high becomes `high`.

    Too low becomes `low` only if `clamp_low`: where 0 means "no limit", or where the lowest value would cut a
    call short, a nonsensical number must not turn into it.
    """
    bounds = f"is not between {low} and {high}"

    def convert(raw: str) -> int:
        digits = raw.strip()
        if not _WHOLE.fullmatch(digits):
            raise Unusable("is not a whole number")
        value = int(digits[:_MANY_DIGITS])
        if value > high:
            raise Adjusted(bounds, high)
        if value < low:
            raise Adjusted(bounds, low) if clamp_low else Unusable(bounds)
        return value

    return convert


def text(raw: str) -> str:
    """A line of free text."""
    value = raw.strip()
    if not value:
        raise Unusable("is empty")
    if _CONTROL.search(value):
        raise Unusable("has a control character")
    return value


def url(raw: str) -> str:
    """An address as written: it may be relative, and only the fetcher knows what it is relative to."""
    if values.is_no_url(raw):
        raise Unusable("is empty")
    value = text(raw)
    if len(value) > limits.MAX_URL:
        raise Unusable(f"is longer than {limits.MAX_URL} characters")
    return value


def url_or_empty(raw: str) -> str:
    """An address where an empty one has a meaning of its own."""
    return "" if values.is_no_url(raw) else url(raw)


def keys(allowed: str, *, or_none: bool = False) -> Callable[[str], str]:
    """Telephone keys out of `allowed`, in the order written."""

    def convert(raw: str) -> str:
        value = raw.strip()
        if not value and not or_none:
            raise Unusable("is empty")
        if value.strip(allowed):
            raise Unusable(f"has other characters than {allowed}")
        if len(value) > limits.MAX_SENT_KEYS:
            raise Unusable(f"is longer than {limits.MAX_SENT_KEYS} keys")
        return value

    return convert


def display_name(raw: str) -> str:
    """A SIP display name. Telnyx: dial, fromDisplayName."""
    value = text(raw)
    if len(value) > limits.MAX_DISPLAY_NAME:
        raise Unusable(f"is longer than {limits.MAX_DISPLAY_NAME} characters")
    if not _DISPLAY_NAME.fullmatch(value):
        raise Unusable("has characters other than letters, digits, spaces and -_~!.+")
    return value


def participant_label(raw: str) -> str:
    """A label that can stand for the CallSid in a REST path. Twilio: error 16023."""
    value = text(raw)
    if len(value) > limits.MAX_LABEL:
        raise Unusable(f"is longer than {limits.MAX_LABEL} characters")
    if "/" in value or "%2f" in value.lower():
        raise Unusable("has a slash")
    if _LIKE_A_CALL_SID.fullmatch(value):
        raise Unusable("looks like a CallSid")
    return value


def room_name(raw: str) -> str:
    """The name of a room: only the white space around it goes, capitals and line breaks inside stay.

    Too long is refused rather than cut: two names with the same beginning must not become one room.
    """
    value = raw.strip()
    if not value:
        raise Unusable("is empty")
    if len(value) > limits.MAX_ROOM_NAME:
        raise Unusable(f"is longer than {limits.MAX_ROOM_NAME} characters")
    return value


def spoken(raw: str) -> str:
    """Text to speak: a document's indentation is no part of it."""
    value = " ".join(raw.split())
    if not value:
        raise Unusable("is empty")
    if len(value) > limits.MAX_SPOKEN:
        raise Adjusted(f"is longer than {limits.MAX_SPOKEN} characters, cut", value[: limits.MAX_SPOKEN])
    return value
