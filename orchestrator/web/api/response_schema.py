"""Resources as clients see them: each field once, with its schema and where it comes from (6.2 to 6.6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

Vendor = Literal["telnyx", "twilio"]
PREFIXES: dict[Vendor, str] = {"telnyx": "/v2/texml", "twilio": "/2010-04-01"}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

STRING: Mapping[str, object] = {"type": "string"}
NULLABLE: Mapping[str, object] = {"type": ["string", "null"]}
INTEGER: Mapping[str, object] = {"type": "integer"}
BOOLEAN: Mapping[str, object] = {"type": "boolean"}
OBJECT: Mapping[str, object] = {"type": ["object", "null"]}
NULL: Mapping[str, object] = {"type": "null"}

PAGE_FIELDS: Mapping[str, Mapping[str, object]] = {
    "page": INTEGER,
    "page_size": INTEGER,
    "start": INTEGER,
    "end": INTEGER,
    "uri": STRING,
    "first_page_uri": STRING,
    "next_page_uri": NULLABLE,
    "previous_page_uri": NULLABLE,
}
"""Beside the entries of a list."""


def one_of(*values: str | None) -> Mapping[str, object]:
    """`None` among them: it may be null."""
    return {"type": ["string", "null"] if None in values else "string", "enum": list(values)}


class ApiBase(NamedTuple):
    """Whose resource it is, and under which vendor's addresses it was asked for."""

    vendor: Vendor
    account_sid: str

    @property
    def api_version(self) -> str:
        return PREFIXES[self.vendor].lstrip("/")

    def uri(self, *parts: str, suffix: str = ".json") -> str:
        path = "/".join(quote(part, safe=":") for part in ("Accounts", self.account_sid, *parts))
        return f"{PREFIXES[self.vendor]}/{path}{suffix}"


Get = Callable[[ApiBase, Any], object]


class Field(NamedTuple):
    name: str
    schema: Mapping[str, object]
    get: Get
    only: Vendor | None = None
    """None: both vendors have it."""


@dataclass(frozen=True)
class ResponseSchema:
    name: str
    fields: tuple[Field, ...]

    def body(self, base: ApiBase, thing: object) -> dict[str, object]:
        return {
            field.name: field.get(base, thing)
            for field in self.fields
            if field.only is None or field.only == base.vendor
        }

    def schema(self, vendor: Vendor) -> dict[str, object]:
        fields = [field for field in self.fields if field.only is None or field.only == vendor]
        return {
            "type": "object",
            "required": [field.name for field in fields],
            "properties": {field.name: dict(field.schema) for field in fields},
        }


@dataclass(frozen=True)
class ListOf:
    key: str
    shape: ResponseSchema
    more: tuple[Field, ...] = ()
    """Fields that stand beside the entries."""

    @property
    def name(self) -> str:
        return f"{self.shape.name}List"

    def schema(self, reference: str) -> dict[str, object]:
        properties: dict[str, object] = {
            self.key: {"type": "array", "items": {"$ref": reference}},
            **{name: dict(schema) for name, schema in PAGE_FIELDS.items()},
        }
        properties |= {field.name: dict(field.schema) for field in self.more}
        return {"type": "object", "required": list(properties), "properties": properties}


# Values


def rfc2822(at: int) -> str | None:
    """`Fri, 27 Oct 2023 07:41:58 +0000`; None for a time that is not known."""
    return format_datetime(_moment(at).replace(microsecond=0)) if at else None


def iso8601(at: int) -> str | None:
    """`2023-08-11T19:12:11Z`."""
    return _moment(at).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def iso8601_exact(at: int) -> str | None:
    """`2023-08-11T19:12:11.123456Z`."""
    return _moment(at).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at else None


def _moment(at: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at)


def formatted(number: str) -> str:
    """`(312) 345-6789` of a North American number, any other as it is."""
    match = re.fullmatch(r"\+?1([2-9][0-9]{2})([0-9]{3})([0-9]{4})", number, re.ASCII)
    return f"({match[1]}) {match[2]}-{match[3]}" if match else number


def constant(value: object) -> Get:
    return lambda base, thing: value
