"""Lists a page at a time: filters, page numbers, and tokens that stay put while rooms come and go.

Ours, because no library pages as both vendors' clients expect it.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import NamedTuple, TypeVar
from urllib.parse import urlencode

from orchestrator.store.records import Span
from orchestrator.web.api.errors import Fault, invalid
from orchestrator.web.api.parameter_types import Parameter, text, whole

T = TypeVar("T")

PAGE_SIZE = 20
MAX_PAGE_SIZE = 1000
# Nobody leafs so far, and an offset costs as many rows.
MAX_PAGE = 100_000
PAGE = Parameter("Page", whole(0, MAX_PAGE), "number of the page, the first is 0", default=0)
SIZE = Parameter("PageSize", whole(1, MAX_PAGE_SIZE), "entries on a page", default=PAGE_SIZE)
TOKEN = Parameter("PageToken", text(200), "from next_page_uri: where the page before ended")
PAGING = (PAGE, SIZE, TOKEN)

_OPERATORS = {"": "=", ">": ">=", "<": "<=", ">=": ">=", "<=": "<=", "_gt": ">=", "_lt": "<="}
WHEN = text(64)
"""Of a filter by time; `spans_of` looks at it."""
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Page(NamedTuple):
    number: int
    size: int
    after: tuple[int, str] | None

    @property
    def offset(self) -> int:
        return 0 if self.after else self.number * self.size


def page_of(values: Mapping[str, object]) -> Page:
    number, size = values.get("Page", 0), values.get("PageSize", PAGE_SIZE)
    token = values.get("PageToken") or ""
    assert isinstance(number, int)
    assert isinstance(size, int)
    assert isinstance(token, str)
    return Page(number, size, _after(token) if token else None)


def token_of(created_at: int, sid: str) -> str:
    return urlsafe_b64encode(f"{created_at} {sid}".encode()).rstrip(b"=").decode()


def _after(token: str) -> tuple[int, str]:
    try:
        text_ = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        at, _, sid = text_.partition(" ")
        if not re.fullmatch(r"[0-9]{1,18}", at, re.ASCII) or not sid:
            raise ValueError(token)
        return int(at), sid
    except (ValueError, binascii.Error):
        detail = "is not a token of this API"
        raise invalid(Fault("10015", "Bad Request", detail, "/PageToken")) from None


def page_body(
    page: Page, path: str, query: Mapping[str, str], shown: Sequence[object], next_token: str | None
) -> dict[str, object]:
    """The fields beside the entries themselves. `next_token` is None on the last page, and empty where the
    number of the page is enough."""
    start = page.number * page.size
    rest = {name: value for name, value in query.items() if name != "PageToken"}

    def uri(number: int, **more: str) -> str:
        given = {name: value for name, value in more.items() if value}
        asked = {**rest, "Page": str(number), "PageSize": str(page.size), **given}
        return f"{path}?{urlencode(asked)}"

    own = {"PageToken": query["PageToken"]} if query.get("PageToken") else {}
    return {
        "page": page.number,
        "page_size": page.size,
        "start": start,
        "end": max(start, start + len(shown) - 1),
        "uri": uri(page.number, **own),
        "first_page_uri": uri(0),
        "next_page_uri": None if next_token is None else uri(page.number + 1, PageToken=next_token),
        "previous_page_uri": None if page.number == 0 or own else uri(page.number - 1),
    }


def slice_of(page: Page, found: Sequence[T]) -> tuple[Sequence[T], bool]:
    """The page of a list that has up to one entry too many, and whether there is more."""
    return found[: page.size], len(found) > page.size


# Filters by time


def spans_of(name: str, query: Mapping[str, str]) -> list[Span]:
    """`DateCreated=2023-05-22`, `DateCreated=>=2023-05-22`, `DateCreated>=2023-05-22`, `StartTime_gt=…`.

    A bound without a time of day is the whole day. Raises ApiError.
    """
    spans = []
    for suffix, operator in _OPERATORS.items():
        value = query.get(name + suffix)
        if not value:
            continue
        value = value.strip()
        match = re.match(r"(>=|<=|>|<)", value) if not suffix else None
        if match:
            operator = _OPERATORS[match[0]]
            value = value[len(match[0]) :].strip()
        low, high = _moment(name + suffix, value)
        spans.append(
            Span(low if operator != "<=" else None, high if operator != ">=" else None),
        )
    return spans


def _moment(name: str, value: str) -> tuple[int, int]:
    """Its begin and end, in microseconds since the epoch."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
            day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=timezone.utc)
            return _microseconds(day), _microseconds(day) + _DAY // timedelta(microseconds=1)
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return _microseconds(moment), _microseconds(moment) + 1_000_000
    except (ValueError, OverflowError):
        raise invalid(
            Fault("10015", "Bad Request", "must be a day (YYYY-MM-DD) or an ISO 8601 time", f"/{name}")
        ) from None


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def operators(name: str) -> tuple[str, ...]:
    """Every key under which a filter by time may come."""
    return tuple(name + suffix for suffix in _OPERATORS)
