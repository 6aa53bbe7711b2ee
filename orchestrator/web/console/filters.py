"""Filters of a list: words, a span of time, a state, and the end of the page before."""

from __future__ import annotations

import re
from typing import NamedTuple

from werkzeug.datastructures import MultiDict

from orchestrator.store.records import Span

MAX_WORDS = 200
PAGE = 50
NUMBER = re.compile(r"[+\d][\d\s().+-]{3,}")


class ListFilter(NamedTuple):
    """As the page's address has it. Times in microseconds since the epoch, 0: no bound."""

    words: str = ""
    since: int = 0
    until: int = 0
    state: str = ""
    receiver: str = ""
    after: str = ""

    @property
    def alternatives(self) -> tuple[str, ...]:
        """The words, and where they are a number also its digits, as numbers are stored."""
        if not self.words:
            return ()
        if NUMBER.fullmatch(self.words):
            return (self.words, re.sub(r"[^\d]", "", self.words))
        return (self.words,)

    @property
    def span(self) -> tuple[Span, ...]:
        if not (self.since or self.until):
            return ()
        return (Span(self.since or None, self.until or None),)

    @property
    def cursor(self) -> tuple[int, str] | None:
        moment, _, sid = self.after.partition(" ")
        return (int(moment), sid) if moment.isdigit() else None


def list_filter(arguments: MultiDict[str, str]) -> ListFilter:
    """Of a request; what cannot be read narrows nothing."""

    def text(name: str) -> str:
        return arguments.get(name, "")[:MAX_WORDS].strip()

    def moment(name: str) -> int:
        value = arguments.get(name, "")
        return int(value) * 1000 if value.isdigit() and len(value) < 16 else 0

    return ListFilter(
        text("words"), moment("since"), moment("until"), text("state"), text("receiver"), text("after")
    )
