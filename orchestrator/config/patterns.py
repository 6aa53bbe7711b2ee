"""Names and numbers with `*` (any characters) and `?` (one character): the most specific that fits wins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


def is_pattern(text: str) -> bool:
    return "*" in text or "?" in text


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.DOTALL)


def fits(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


def best(patterns: Iterable[str], text: str) -> str | None:
    """The pattern that fits best: an exact one, else most literal characters, else fewest `*`, else first."""
    fitting = [pattern for pattern in patterns if fits(pattern, text)]
    return max(fitting, key=_specificity, default=None)


def _specificity(pattern: str) -> tuple[bool, int, int]:
    literal = sum(character not in "*?" for character in pattern)
    return not is_pattern(pattern), literal, -pattern.count("*")
