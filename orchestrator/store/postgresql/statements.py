"""Many rows of several statements of sql.py as one statement of PostgreSQL with one parameter: a JSON text.

An executed statement costs psycopg more than the server; with an array for each column, the array does. One
JSON text is encoded by msgspec in a tenth of that time, and is taken apart by the server.

A statement begins with the fence: which of the nodes are still of the epoch that their owner believes in.
Every part joins it, so where another process has taken a node over nothing is written, and the count of nodes
says so. The row lock that it takes on them is held to the end of the transaction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from orchestrator.store import sql

_NUMBERS: Final = frozenset(
    {"id", "sequence", "created_at", "waits_since", "updated_at", "ended_at", "at", "page"}
)
_BYTES: Final = frozenset({"body", "value", "entries"})
_encode = msgspec.json.Encoder().encode
# No text of PostgreSQL can hold it. Behind an even number of backslashes, else the backslash is meant.
_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


class Part(NamedTuple):
    """One statement of sql.py for all its rows: `{rows}` stands for them, each as `r`."""

    text: str
    more: str = ""
    """A second part, which reads the first one's name, `{name}`."""


def _value(number: int, column: str) -> str:
    if column in _NUMBERS:
        return f"(r->>{number})::bigint"
    return f"decode(r->>{number}, 'base64')" if column in _BYTES else f"r->>{number}"


def _insert(table: str, columns: Sequence[str], conflict: str, *, fenced: bool = True) -> Part:
    values = ", ".join(_value(number, column) for number, column in enumerate(columns))
    source = "fence, {rows}" if fenced else "{rows}"
    text = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {source} {conflict}"
    return Part(text)


PARTS: Final[dict[str, Part | None]] = {
    # A commit whose answer was lost is repeated, with more in it.
    sql.ADD: _insert("pending", sql.NEW_COLUMNS, "ON CONFLICT (id) DO NOTHING"),
    sql.PUT_STATE: _insert("state", sql.STATE_COLUMNS, sql.REPLACE_STATE),
    sql.PUT_RECORD: _insert("records", sql.RECORD_COLUMNS, sql.REPLACE_RECORD),
    sql.DELETE_STATE: Part(
        "DELETE FROM state USING fence, {rows} WHERE kind = r->>0 AND key = r->>1 AND node = r->>2"
    ),
    sql.POSTPONE: Part(
        "UPDATE pending SET attempts = (r->>0)::bigint, next_at = (r->>1)::bigint "
        "FROM fence, {rows} WHERE id = (r->>2)::bigint AND node = fence.name"
    ),
    sql.FINISH: Part(
        "DELETE FROM pending USING fence, {rows} WHERE id = (r->>5)::bigint AND node = fence.name "
        "RETURNING pending.*, r",
        more=f"INSERT INTO finished ({sql.FINISH_COLUMNS}) SELECT {sql.MESSAGE_COLUMNS}, (r->>0)::bigint, "
        "(r->>1)::bigint, coalesce((r->>2)::bigint, attempts), (r->>3)::bigint, r->>4 FROM {name} "
        f"{sql.REPLACE_FINISHED}",
    ),
    sql.REMOVE: None,  # the one before it has done that
    sql.ADD_PAGE: _insert("timeline", sql.PAGE_COLUMNS, "", fenced=False),
    sql.ADD_TO_PAGE: _insert("timeline_of", sql.PAGE_OF_COLUMNS, "", fenced=False),
}
"""None: nothing is left to do."""


def given(
    statements: Sequence[tuple[str, Sequence[Sequence[object]]]],
) -> dict[str, Sequence[Sequence[object]]]:
    """Those with rows, and something to do."""
    return {text: rows for text, rows in statements if rows and PARTS[text] is not None}


def encode(rows: Mapping[str, Sequence[Sequence[object]]]) -> str:
    """The parameter."""
    text = _encode(list(rows.values()))
    if b"\\u0000" in text:
        text = _NUL.sub(rb"\1\\ufffd", text)
    return text.decode()


def encode_epochs(epochs: Mapping[str, int]) -> str:
    return _encode(epochs).decode()


@lru_cache(maxsize=100)
def combined(texts: tuple[str, ...]) -> str:
    """The statement for these: its parameters are the epochs by node, as JSON, and the rows. It answers with
    the number of nodes that are of these epochs."""
    parts = [
        "given AS (SELECT %s::jsonb AS epochs, %s::jsonb AS rows)",
        "fence AS (SELECT name FROM nodes "
        "WHERE epoch = ((SELECT epochs FROM given)->>name)::bigint FOR SHARE)",
    ]
    for number, text in enumerate(texts):
        part, name = PARTS[text], f"part{number}"
        assert part is not None
        rows = f"given, jsonb_array_elements(given.rows->{number}) AS rows_of(r)"
        parts.append(f"{name} AS ({part.text.replace('{rows}', rows)})")
        if part.more:
            parts.append(f"{name}_more AS ({part.more.replace('{name}', name)})")
    return f"WITH {', '.join(parts)} SELECT count(*) FROM fence"
