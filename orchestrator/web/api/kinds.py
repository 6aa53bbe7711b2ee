"""Kinds of parameters: each is a JSON schema and the way from what a client sent to a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from orchestrator.texml import converters
from orchestrator.web.api.errors import Fault

MAX_URL = 2000
MAX_TEXT = 1024


class Unfit(ValueError):
    """The value is not of its kind; in Telnyx's number and words."""

    def __init__(self, code: str, title: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.title = title
        self.detail = detail

    def fault(self, name: str) -> Fault:
        return Fault(self.code, self.title, self.detail, f"/{name}")


@dataclass(frozen=True)
class Kind:
    schema: Mapping[str, object]
    convert: Callable[[object], Any]


@dataclass(frozen=True)
class Parameter:
    name: str
    kind: Kind
    description: str = ""
    required: bool = False
    default: object = None
    """As documented; who uses the parameter knows it by itself."""


def _type_error(what: str) -> Unfit:
    return Unfit("10026", "Invalid parameter type", f"must be {what}")


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
        raise Unfit("10015", "Bad Request", "must not have control characters")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Unfit("10015", "Bad Request", "must be valid Unicode")
    return text


def text(longest: int = MAX_TEXT, shortest: int = 0) -> Kind:
    def convert(value: object) -> str:
        line = _line(value)
        if not shortest <= len(line) <= longest:
            bounds = f"must have {shortest} to {longest} characters"
            raise Unfit("10033" if line else "10004", "Value outside of range", bounds)
        return line

    return Kind({"type": "string", "minLength": shortest, "maxLength": longest}, convert)


def document(longest: int) -> Kind:
    """Text of many lines."""

    def convert(value: object) -> str:
        found = _text(value)
        if len(found) > longest or not found.strip():
            raise Unfit("10033", "Value outside of range", f"must have 1 to {longest} characters")
        return found

    return Kind({"type": "string", "maxLength": longest}, convert)


def boolean() -> Kind:
    def convert(value: object) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
        raise _type_error("true or false")

    return Kind({"type": "boolean"}, convert)


def whole(low: int, high: int) -> Kind:
    def convert(value: object) -> int:
        if isinstance(value, bool):
            raise _type_error("a whole number")
        digits = _text(value).strip()
        if not (digits.isascii() and digits.lstrip("+-").isdigit()) or len(digits) > 18:
            raise _type_error("a whole number")
        number = int(digits)
        if not low <= number <= high:
            raise Unfit("10033", "Value outside of range", f"must be between {low} and {high}")
        return number

    return Kind({"type": "integer", "minimum": low, "maximum": high}, convert)


def choice(*options: str, aliases: Mapping[str, str] | None = None) -> Kind:
    known = {option.lower(): option for option in options} | dict(aliases or {})

    def convert(value: object) -> str:
        found = known.get(_line(value).strip().lower())
        if found is None:
            detail = f"must be one of {', '.join(options)}"
            raise Unfit("10032", "Invalid enumerated value", detail)
        return found

    return Kind({"type": "string", "enum": list(options)}, convert)


def words(*options: str, aliases: Mapping[str, str] | None = None) -> Kind:
    """Words separated by spaces; a form that says its name several times, or a JSON list, will do too."""
    known = {option.lower(): option for option in options} | dict(aliases or {})

    def convert(value: object) -> frozenset[str]:
        parts = value if isinstance(value, list) else [value]
        found = [word for part in parts for word in _line(part).replace(",", " ").split()]
        unknown = [word for word in found if word.lower() not in known]
        if unknown:
            detail = f"{' '.join(unknown)[:80]}: must be among {', '.join(options)}"
            raise Unfit("10032", "Invalid enumerated value", detail)
        return frozenset(known[word.lower()] for word in found)

    example = " ".join(options[:2])
    return Kind({"type": "string", "description": f"of: {' '.join(options)}", "example": example}, convert)


def url(*, or_empty: bool = False) -> Kind:
    """Absolute: the API has no document that it could be relative to."""

    def convert(value: object) -> str:
        found = _line(value).strip()
        if not found and or_empty:
            return ""
        if len(found) > MAX_URL:
            raise Unfit("10003", "Invalid URL", f"must have at most {MAX_URL} characters")
        try:
            parts = urlsplit(found)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or " " in found:
            raise Unfit("10003", "Invalid URL", "must be an absolute http or https URL")
        return found

    return Kind({"type": "string", "format": "uri", "maxLength": MAX_URL}, convert)


def label() -> Kind:
    def convert(value: object) -> str:
        try:
            return converters.participant_label(_line(value))
        except converters.Unusable as error:
            raise Unfit("16023", "Invalid participant label", str(error)) from None

    return Kind({"type": "string", "minLength": 1, "maxLength": 128}, convert)


def headers(most: int = 50) -> Kind:
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
    return Kind({"type": "array", "maxItems": most, "items": item}, convert)
