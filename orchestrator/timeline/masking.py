"""Hides what a timeline must not show: passwords, signatures, tokens, and the keys that a caller pressed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit, urlunsplit

from orchestrator.timeline.entry import Fact, Facts

RawFact = Fact | tuple[tuple[str, str], ...]
"""As it happened: a tuple is the fields of a request."""
STARS: Final = "***"
_NOTHING: Final = (None, "")
_SECRET: Final = (
    r"pass(?:word|wd|phrase)?|pwd|pin|pincode|secret|token|api[_-]?key|apikey|key|sig|signature|auth|"
    r"authorization|credential|credentials|access[_-]?token|auth[_-]?token|session|jwt|code|otp"
)
_SECRET_NAME: Final = re.compile(rf"(?:.*[_-])?(?:{_SECRET})", re.I)
_SECRET_HEADER: Final = re.compile(r"SipHeader_.*(?:auth|token|secret|password|cookie|key|identity)", re.I)
_KEYS_PRESSED: Final = frozenset({"Digits", "FinishedOnKey", "SpeechResult"})
_QUERY_VALUE: Final = re.compile(rf"(?i)([?&;](?:[\w.-]*[_-])?(?:{_SECRET})=)[^&;#\s\"'<>]+")
_USER_INFO: Final = re.compile(r"(?i)([a-z][a-z0-9+.-]{1,12}://)[^/?#\s@\"'<>]*@")
_ATTRIBUTE: Final = re.compile(rf"(?i)(\b(?:[\w.-]*[_-])?(?:{_SECRET})\s*=\s*)(\"[^\"<>]*\"|'[^'<>]*')")


def url(text: str) -> str:
    """Without user and password, and with stars for values of its query that may be secret."""
    try:
        parts = urlsplit(text)
        if "@" in parts.netloc:
            text = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    except ValueError:
        return "unreadable"
    return _QUERY_VALUE.sub(rf"\1{STARS}", text) if "?" in text else text


def facts(given: Mapping[str, RawFact], *, show_digits: bool) -> Facts:
    """As they may be kept: URLs, fields of requests, answers and pressed keys are masked, others stay."""
    # Left out where there is nothing to say: a reader takes what is absent for empty.
    masked: Any = {name: fact for name, fact in given.items() if fact not in _NOTHING}
    if tuple in map(type, masked.values()):
        for name, fact in masked.items():
            if type(fact) is tuple:
                masked[name] = fields(fact, show_digits=show_digits)
    if not _MASKS.keys().isdisjoint(masked):
        for name in _MASKS.keys() & masked.keys():
            if type(said := masked[name]) is str:
                masked[name] = _MASKS[name](said, show_digits)
    return cast(Facts, masked)


def fields(pairs: Iterable[tuple[str, str]], *, show_digits: bool) -> list[str]:
    """Of a request, each as `name=value`, with stars for what may be secret."""
    return [f"{name}={_value(name, value, show_digits)}" for name, value in pairs]


def digits(pressed: str, *, show: bool) -> str:
    """As many stars as keys."""
    return pressed if show else "*" * len(pressed)


def number(said: str) -> str:
    """A phone number's beginning and end, as other accounts may see it."""
    return f"{said[:4]}{'*' * (len(said) - 6)}{said[-2:]}" if len(said) > 8 else "*" * len(said)


def text(body: str) -> str:
    """A document or an answer, with stars for what may be secret in its URLs and attributes."""
    body = _USER_INFO.sub(rf"\1{STARS}@", body)
    body = _QUERY_VALUE.sub(rf"\1{STARS}", body)
    return _ATTRIBUTE.sub(lambda found: f"{found[1]}{found[2][0]}{STARS}{found[2][0]}", body)


def document(body: bytes, most: int) -> bytes:
    """The first `most` bytes of it, as `text`."""
    # Cut first: what is beyond costs nothing. A URL that is cut in its password has no @ any more.
    start = body[: most + _BEYOND].decode("utf-8", "replace")
    return text(start).encode()[:most]


_BEYOND: Final = 300


def _value(name: str, value: str, show_digits: bool) -> str:
    if name in _KEYS_PRESSED:
        return digits(value, show=show_digits) if name != "SpeechResult" else STARS
    if _SECRET_NAME.fullmatch(name) or _SECRET_HEADER.fullmatch(name):
        return STARS
    if "://" in value:
        return text(value)
    return value


_MASKS: Final[dict[str, Callable[[str, bool], str]]] = {
    "answer": lambda said, _: text(said),
    "decided": lambda said, _: text(said),
    "digits": lambda pressed, show: digits(pressed, show=show),
    "outcome": lambda said, _: text(said),
    "problem": lambda said, _: text(said),
    "error": lambda said, _: text(said),
    "subject": lambda said, _: text(said),
    "url": lambda address, _: url(address),
}
