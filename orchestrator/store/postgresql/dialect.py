"""sql.py's words in PostgreSQL's dialect."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from orchestrator.store import sql

_TYPES: Final = (
    (" INTEGER", " bigint"),
    # By bytes, as SQLite compares and as keys of pages are ordered.
    (" TEXT", ' text COLLATE "C"'),
    (" BLOB", " bytea"),
    (" WITHOUT ROWID", ""),
)
_INDEXED: Final = re.compile(rf"{sql.INDEXED}\w+")
_WORDS: Final = (
    # SQLite's LIKE makes no difference between capital and small letters.
    (" LIKE ", " ILIKE "),
    ("CAST(body AS TEXT)", "convert_from(body, 'LATIN1')"),
    ("?", "%s"),
)


def tables(text: str) -> str:
    """Statements that make tables."""
    for ours, theirs in _TYPES:
        text = text.replace(ours, theirs)
    return text


@lru_cache(maxsize=1000)
def query(text: str) -> str:
    """A query or a change, with psycopg's marks for values."""
    text = _INDEXED.sub("", text)
    for ours, theirs in _WORDS:
        text = text.replace(ours, theirs)
    return text
