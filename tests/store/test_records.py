"""A list has what a plain list in Python would give: filters, times, order, pages, accounts."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrator.store import sql
from orchestrator.store.outbox import Records
from orchestrator.store.records import Query, Record, RecordKind, Span
from orchestrator.store.sqlite import FileRows

FEW = settings(max_examples=50, deadline=None)
ACCOUNTS = ("one", "other")
KINDS: tuple[RecordKind, ...] = ("conference", "participant", "call", "recording")
few = st.integers(0, 4)
"""So few different times that many are the same."""
texts = st.sampled_from(("", "a", "b"))
records = st.builds(
    Record,
    kind=st.sampled_from(KINDS),
    sid=st.sampled_from("abcdefgh"),
    account_sid=st.sampled_from(ACCOUNTS),
    created_at=st.integers(1, 4),
    updated_at=few,
    ended_at=few,
    status=texts,
    name=texts,
    call_sid=texts,
    value=st.binary(max_size=2),
)
kept = st.lists(records, max_size=12, unique_by=lambda record: (record.kind, record.sid))
spans = st.builds(Span, st.none() | few, st.none() | few)
queries = st.builds(
    Query,
    st.sampled_from(KINDS),
    st.sampled_from(ACCOUNTS),
    equal=st.dictionaries(st.sampled_from(("status", "name")), texts, max_size=2),
    unequal=st.dictionaries(st.sampled_from(("name", "call_sid")), texts, max_size=1),
    spans=st.dictionaries(
        st.sampled_from(("created_at", "ended_at")), st.lists(spans, max_size=2), max_size=2
    ),
    after=st.none() | st.tuples(st.integers(1, 4), st.sampled_from("abcdefgh")),
    offset=st.integers(0, 3),
    limit=st.integers(1, 5),
    words=st.lists(st.sampled_from(("a", "B", "c", "_")), max_size=2),
)


def table(*rows: Record) -> Records:
    """With these rows, in memory."""
    database = sqlite3.connect(":memory:")
    database.executescript(sql.CREATE)

    database.isolation_level = None
    made = Records(FileRows(Path(":memory:"), database))
    made.put(rows)
    return made


def found_by_hand(rows: list[Record], query: Query) -> list[Record]:
    def fits(row: Record) -> bool:
        return (
            (row.kind, row.account_sid) == (query.kind, query.account_sid)
            and all(getattr(row, column) == value for column, value in query.equal.items())
            and all(getattr(row, column) != value for column, value in query.unequal.items())
            and all(
                is_within(getattr(row, column), span) for column, each in query.spans.items() for span in each
            )
            and (query.after is None or (row.created_at, row.sid) < query.after)
            and (
                not query.words
                or any(words.lower() in text.lower() for words in query.words for text in texts_of(row))
            )
        )

    newest = sorted(filter(fits, rows), key=lambda row: (row.created_at, row.sid), reverse=True)
    return newest[query.offset : query.offset + query.limit]


def texts_of(row: Record) -> tuple[str, ...]:
    return row.sid, row.name, row.from_, row.to_, row.conference_sid, row.call_sid


def is_within(at: int, span: Span) -> bool:
    """A record without a time yet, as the end of one that lives, is before nothing."""
    low = 1 if span.low is None else span.low
    return low <= at and (span.high is None or at < span.high)


@given(kept, queries)
@FEW
def test_a_query_finds_its_records(rows: list[Record], query: Query) -> None:
    assert table(*rows).find(query) == found_by_hand(rows, query)


@given(kept, st.sampled_from(KINDS), st.sampled_from(ACCOUNTS), st.sampled_from("abcdefgh"))
@FEW
def test_one_is_found_by_its_own_account_alone(
    rows: list[Record], kind: RecordKind, account: str, sid: str
) -> None:
    wanted = [row for row in rows if (row.kind, row.account_sid, row.sid) == (kind, account, sid)]
    assert table(*rows).one(kind, account, sid) == (wanted[0] if wanted else None)


@given(kept, st.sampled_from(KINDS))
@FEW
def test_those_that_live_are_found_the_oldest_first(rows: list[Record], kind: RecordKind) -> None:
    alive = table(*rows).alive(kind)
    assert sorted(alive, key=lambda row: row.created_at) == alive
    wanted = [row for row in rows if row.kind == kind and not row.ended_at]
    assert {row.sid: row for row in alive} == {row.sid: row for row in wanted}


@given(kept, st.sampled_from(KINDS), few, st.integers(1, 3))
@FEW
def test_records_that_ended_long_ago_are_deleted_the_oldest_first(
    rows: list[Record], kind: RecordKind, before: int, limit: int
) -> None:
    stored = table(*rows)
    due = sorted(row.ended_at for row in rows if row.kind == kind and 0 < row.ended_at < before)
    assert stored.prune(kind, before, limit) == min(limit, len(due))
    left = [row for row in rows if stored.one(row.kind, row.account_sid, row.sid)]
    assert [row for row in left if row.kind != kind] == [row for row in rows if row.kind != kind]
    gone = [row for row in rows if row not in left]
    assert sorted(row.ended_at for row in gone) == due[:limit]


@given(records)
@FEW
def test_one_that_is_written_again_keeps_what_never_changes(row: Record) -> None:
    stored = table(row)
    later = replace(row, updated_at=9, ended_at=9, status="over", value=b"later")
    stored.put([replace(later, name="another")])
    assert stored.one(row.kind, row.account_sid, row.sid) == later


@pytest.mark.parametrize("name", ["names", "value = value OR 1", ""])
def test_a_column_that_is_none_is_no_part_of_a_query(name: str) -> None:
    """It would be part of the SQL."""
    for query in (
        Query("call", "one", equal={name: ""}),
        Query("call", "one", unequal={name: ""}),
        Query("call", "one", spans={name: [Span(1, None)]}),
    ):
        with pytest.raises(ValueError, match="not a column"):
            table().find(query)


def test_a_deleted_one_is_gone_and_its_namesake_of_another_kind_is_not() -> None:
    call, recording = (Record(kind, "a", "one", 1, 1) for kind in ("call", "recording"))
    stored = table(call, recording)
    stored.delete("call", "a")
    assert stored.find(Query("call", "one")) == []
    assert stored.find(Query("recording", "one")) == [recording]


@pytest.mark.parametrize("column", ["conference_sid", "call_sid", "name"])
def test_a_few_rows_among_many_are_found_by_their_index(column: str) -> None:
    """Symptom: a conference's recordings took longer with every record of the account. Cause: SQLite cannot
    see that a parameter is not empty, so it did not use a partial index. Fix: the query says so."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.executescript(sql.CREATE)
    query, values = sql.records(Query("participant", "account", {column: "x"}))
    ((*_, plan), *_) = database.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()
    assert "records_by_time" not in plan
    assert f"{column}=?" in plan
