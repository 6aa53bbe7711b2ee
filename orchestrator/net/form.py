"""Fields as application/x-www-form-urlencoded, in a fourth of urllib's time."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import quote_plus

# quote_plus's result for each character.
_ASCII: Final = {code: quote_plus(chr(code)) for code in range(128)}


def form_encoded(fields: Iterable[tuple[str, str]]) -> str:
    """Names and values, in their order; what is no Unicode (a lone surrogate) becomes `?`."""
    return "&".join(map(_encoded, fields))


# The requests of one call, and the callbacks of one conference, repeat most of their fields.
@lru_cache(maxsize=8192)
def _encoded(field: tuple[str, str]) -> str:
    name, value = field
    return f"{_quoted(name)}={_quoted(value)}"


def _quoted(text: str) -> str:
    return text.translate(_ASCII) if text.isascii() else quote_plus(text, errors="replace")
