"""Kinds of parameters: each is a JSON schema and the way from what a client sent to a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from orchestrator.sids import canonical_call_sid
from orchestrator.texml import converters, values
from orchestrator.texml.values import Options
from orchestrator.web.api.errors import Fault

MAX_URL = 2000
MAX_TEXT = 1024


class InvalidValue(ValueError):
    """The value is not of its kind; in Telnyx's number and words."""

    def __init__(self, code: str, title: str, detail: str, *, unsupported: bool = False) -> None:
        """`unsupported`: the vendors have it, and it is not done here."""
        super().__init__(detail)
        self.unsupported = unsupported
        self.code = code
        self.title = title
        self.detail = detail

    def fault(self, name: str) -> Fault:
        return Fault(self.code, self.title, self.detail, f"/{name}")


@dataclass(frozen=True)
class ParameterType:
    schema: Mapping[str, object]
    convert: Callable[[object], Any]
    """Raises InvalidValue; None: as if it was not given."""


@dataclass(frozen=True)
class Parameter:
    name: str
    kind: ParameterType
    description: str = ""
    required: bool = False
    default: object = None
    """As documented; who uses the parameter knows it by itself."""


def _type_error(what: str) -> InvalidValue:
    return InvalidValue("10026", "Invalid parameter type", f"must be {what}")


def _text(value: object) -> str:
    """A number or a boolean of a JSON body is taken for its text, as in a form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str):
        raise _type_error("a text")
    return value


def _line(value: object) -> str:
    text = _text(value)
    if any(ord(letter) < 32 or 127 <= ord(letter) < 160 or letter in "\u2028\u2029" for letter in text):
        raise InvalidValue("10015", "Bad Request", "must not have control characters")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise InvalidValue("10015", "Bad Request", "must be valid Unicode")
    return text


def _line_of_list(value: object) -> str:
    """White space of any kind parts the words of a list."""
    return _line(" ".join(_text(value).split()))


def text(longest: int = MAX_TEXT, shortest: int = 0) -> ParameterType:
    def convert(value: object) -> str:
        line = _line(value)
        if not shortest <= len(line) <= longest:
            bounds = f"must have {shortest} to {longest} characters"
            raise InvalidValue("10033" if line else "10004", "Value outside of range", bounds)
        return line

    return ParameterType({"type": "string", "minLength": shortest, "maxLength": longest}, convert)


def document(longest: int) -> ParameterType:
    """Text of many lines."""

    def convert(value: object) -> str:
        found = _text(value)
        if len(found) > longest or not found.strip():
            raise InvalidValue("10033", "Value outside of range", f"must have 1 to {longest} characters")
        return found

    return ParameterType({"type": "string", "maxLength": longest}, convert)


def boolean() -> ParameterType:
    def convert(value: object) -> bool:
        found = values.boolean(_text(value))
        if found is None:
            raise _type_error("true or false")
        return found

    return ParameterType({"type": "boolean"}, convert)


def whole(low: int, high: int) -> ParameterType:
    def convert(value: object) -> int:
        if isinstance(value, bool):
            raise _type_error("a whole number")
        digits = _text(value).strip()
        if not (digits.isascii() and digits.lstrip("+-").isdigit()) or len(digits) > 18:
            raise _type_error("a whole number")
        number = int(digits)
        if not low <= number <= high:
            raise InvalidValue("10033", "Value outside of range", f"must be between {low} and {high}")
        return number

    return ParameterType({"type": "integer", "minimum": low, "maximum": high}, convert)


def choice(*options: str, aliases: Mapping[str, str] | None = None) -> ParameterType:
    return one_of(Options(options, aliases or {}))


def one_of(options: Options[Any]) -> ParameterType:
    """One word of several."""

    def convert(value: object) -> str:
        found = options.find(_line(value))
        if found is None:
            detail = f"must be one of {', '.join(options.words)}"
            raise InvalidValue("10032", "Invalid enumerated value", detail)
        return str(found)

    return ParameterType({"type": "string", "enum": list(options.words)}, convert)


def words(*options: str, aliases: Mapping[str, str] | None = None) -> ParameterType:
    return some_of(Options(options, aliases or {}))


def some_of(options: Options[Any]) -> ParameterType:
    """A list of words; a form that says its name several times, or a JSON list, will do too.

    An empty one is as if it was not given.
    """

    def convert(value: object) -> frozenset[str] | None:
        parts = value if isinstance(value, list) else [value]
        found, unknown = options.find_all(" ".join(map(_line_of_list, parts)))
        if unknown:
            detail = f"{' '.join(unknown)[:80]}: must be among {', '.join(options.words)}"
            raise InvalidValue("10032", "Invalid enumerated value", detail)
        return found or None

    example = " ".join(options.words[:2])
    about = f"of: {' '.join(options.words)}"
    return ParameterType({"type": "string", "description": about, "example": example}, convert)


def url(*, or_empty: bool = False, needed: bool = False) -> ParameterType:
    """Absolute: the API has no document that it could be relative to. An empty one is as if it was not given,
    unless it is `or_empty`, where it has a meaning, or `needed`, where it is what is asked for."""

    def convert(value: object) -> str | None:
        found = _line(value).strip()
        if values.is_no_url(found) and not needed:
            return "" if or_empty else None
        if len(found) > MAX_URL:
            raise InvalidValue("10003", "Invalid URL", f"must have at most {MAX_URL} characters")
        try:
            parts = urlsplit(found)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or " " in found:
            raise InvalidValue("10003", "Invalid URL", "must be an absolute http or https URL")
        return found

    return ParameterType({"type": "string", "format": "uri", "maxLength": MAX_URL}, convert)


def digits(longest: int) -> ParameterType:
    def convert(value: object) -> str:
        found = _line(value).strip().lower()
        if not re.fullmatch(rf"[0-9*#w]{{1,{longest}}}", found, re.ASCII):
            raise InvalidValue("90014", "Invalid digits", f"must be 1 to {longest} of 0-9, *, # and w")
        return found

    return ParameterType({"type": "string", "pattern": f"^[0-9*#wW]{{1,{longest}}}$"}, convert)


def call_sid() -> ParameterType:
    """In either spelling; the value is ours."""

    def convert(value: object) -> str:
        return canonical_call_sid(_line(value).strip())

    return ParameterType({"type": "string", "minLength": 1, "maxLength": 128}, convert)


def label() -> ParameterType:
    def convert(value: object) -> str:
        try:
            return converters.participant_label(_line(value))
        except converters.Unusable as error:
            raise InvalidValue("16023", "Invalid participant label", str(error)) from None

    return ParameterType({"type": "string", "minLength": 1, "maxLength": 128}, convert)


def headers(most: int = 50) -> ParameterType:
    """A list of names and values; as a form it is that list in JSON."""

    def convert(value: object) -> tuple[tuple[str, str], ...]:
        if isinstance(value, str):
            try:
                value = msgspec.json.decode(value)
            except msgspec.DecodeError:
                raise _type_error("a list of name and value") from None
        if not isinstance(value, list) or len(value) > most:
            raise _type_error(f"a list of at most {most} of name and value")
        found = []
        for entry in value:
            if not isinstance(entry, dict) or not {"name", "value"} <= entry.keys():
                raise _type_error("a list of name and value")
            found.append((_line(entry["name"]), _line(entry["value"])))
        return tuple(found)

    item = {
        "type": "object",
        "required": ["name", "value"],
        "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
    }
    return ParameterType({"type": "array", "maxItems": most, "items": item}, convert)
