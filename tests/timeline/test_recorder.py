"""The recorder neither blocks nor raises, keeps within its bounds, and loses nothing that it can keep."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.clock import now
from orchestrator.store import sql
from orchestrator.store.interface import OutboxError
from orchestrator.store.outbox import Outbox
from orchestrator.timeline import recorder
from orchestrator.timeline.entry import KINDS, Entry
from orchestrator.timeline.recorder import Timeline, TimelineLimits
from orchestrator.timeline.sentences import _SENTENCES, sentence
from tests.docs.markdown import DOCS, section
from tests.web.site import wait_until

CALL, ROOM, ACCOUNT = "v3:call", "room", "account"


@pytest.fixture
def outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outbox]:
    """Its timelines are stopped in the end: one that cannot write tries for ever."""
    made, make = [], Timeline.__init__

    def noted(self: Timeline, *arguments: Any) -> None:
        make(self, *arguments)
        made.append(self)

    monkeypatch.setattr(Timeline, "__init__", noted)
    yield Outbox(tmp_path / "store.sqlite")
    for timeline in made:
        timeline._buffer.pending.clear()
        timeline.stop()


def test_entries_come_back_as_they_were_added_in_their_order(outbox: Outbox) -> None:
    timeline = Timeline(outbox.timeline).of("east")
    timeline.add("call.arrived", account=ACCOUNT, call=CALL, caller="+1", called="+2")
    timeline.add("document.answer", account=ACCOUNT, call=CALL, body=b"<Response/>", status=200)
    timeline.add("conference.join", account=ACCOUNT, call=CALL, conference=ROOM, level="warning", at=17)
    timeline.add("conference.start", account="another", conference=ROOM)
    timeline.flush()
    first, second, third = outbox.timeline.of_call(ACCOUNT, CALL)
    assert (first.kind, first.facts, first.node, first.level) == (
        "call.arrived",
        {"caller": "+1", "called": "+2"},
        "east",
        "info",
    )
    assert (second.body, second.facts) == (b"<Response/>", {"status": 200})
    assert (third.at, third.conference_sid, third.level) == (17, ROOM, "warning")
    assert first.id < second.id < third.id
    assert outbox.timeline.of_call(ACCOUNT, CALL, after=first.id, limit=1) == [second]
    assert outbox.timeline.of_conference(ACCOUNT, ROOM) == [third]
    assert outbox.timeline.of_call("another", CALL) == []
    assert [one.kind for one in outbox.timeline.since("another", 0)] == ["conference.start"]
    assert outbox.timeline.last_id == third.id + 1


def test_the_very_first_entry_is_in_each_of_its_lists(outbox: Outbox) -> None:
    timeline = Timeline(outbox.timeline)
    timeline.add("conference.join", account=ACCOUNT, call=CALL, conference=ROOM)
    timeline.flush()
    (entry,) = outbox.timeline.since(ACCOUNT, 0)
    assert entry.id == 1
    assert outbox.timeline.of_call(ACCOUNT, CALL) == [entry]
    assert outbox.timeline.of_conference(ACCOUNT, ROOM) == [entry]
    assert outbox.timeline.since(ACCOUNT, 1) == []


def test_it_is_written_within_a_second_and_listeners_hear_of_it_then(outbox: Outbox) -> None:
    timeline = Timeline(outbox.timeline)
    heard: list[Entry] = []
    timeline.listeners.append(heard.append)
    timeline.of("east").add("call.arrived", account=ACCOUNT, call=CALL)
    assert not heard
    gevent.sleep(0.8)
    assert heard == outbox.timeline.of_call(ACCOUNT, CALL)


def test_a_listener_that_fails_keeps_nobody_else_from_hearing(outbox: Outbox) -> None:
    timeline = Timeline(outbox.timeline)
    heard: list[Entry] = []

    def fails(entry: Entry) -> None:
        raise RuntimeError("a fault")

    timeline.listeners += [fails, heard.append]
    timeline.add("call.arrived", account=ACCOUNT, call=CALL)
    timeline.flush()
    assert len(heard) == 1


def test_ids_go_on_after_a_restart(outbox: Outbox) -> None:
    before = Timeline(outbox.timeline)
    before.add("call.arrived", account=ACCOUNT, call=CALL)
    before.stop()
    outbox.close()
    again = Outbox(outbox.database.path)
    after = Timeline(again.timeline)
    after.add("call.hangup", account=ACCOUNT, call=CALL)
    after.flush()
    ids = [one.id for one in again.timeline.of_call(ACCOUNT, CALL)]
    assert ids == sorted(set(ids))
    assert len(ids) == 2


def test_a_call_that_goes_on_for_ever_has_a_bounded_timeline_that_still_has_its_end(outbox: Outbox) -> None:
    timeline = Timeline(outbox.timeline, TimelineLimits(entries=20))
    for number in range(100):
        timeline.add("verb.begin", account=ACCOUNT, call=CALL, verb="Play", line=number)
    timeline.add("call.hangup", account=ACCOUNT, call=CALL)
    timeline.add("verb.begin", account=ACCOUNT, call="v3:other", verb="Play")
    timeline.flush()
    kinds = [one.kind for one in outbox.timeline.of_call(ACCOUNT, CALL)]
    assert kinds == ["verb.begin"] * 19 + ["timeline.full", "call.hangup"]
    assert len(outbox.timeline.of_call(ACCOUNT, "v3:other")) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_call_that_has_all_its_entries_only_the_end_is_kept(outbox: Outbox, kind: str) -> None:
    timeline = Timeline(outbox.timeline, TimelineLimits(entries=3))
    for _ in range(3):
        timeline.add("verb.begin", account=ACCOUNT, call=CALL)
    timeline.add(kind, account=ACCOUNT, call=CALL)
    timeline.flush()
    (*_, full, last) = [*outbox.timeline.of_call(ACCOUNT, CALL), None][:4]
    assert full is not None
    assert (full.kind, full.level, full.facts) == ("timeline.full", "warning", {"entries": 3})
    is_end = kind in ("call.hangup", "conference.end", "media.quality")
    assert (last.kind if last is not None else "") == (kind if is_end else "")


AFTER_THE_END = {
    *("callback.attempt", "callback.failed", "conference.leave", "document.failed", "media.quality"),
    *("recording.absent", "recording.completed", "verb.end"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_only_an_entry_of_something_that_goes_on_begins_to_count(outbox: Outbox, kind: str) -> None:
    timeline = Timeline(outbox.timeline)
    timeline.add(kind, account=ACCOUNT, call=CALL)
    goes_on = kind not in AFTER_THE_END
    assert timeline._buffer.counts == ({CALL: 1} if goes_on else {})
    timeline.flush()
    is_over = kind in ("call.hangup", "conference.end")
    assert timeline._buffer.counts == ({CALL: 1} if goes_on and not is_over else {})


@pytest.mark.parametrize("age", [None, -1_000_000, 10_000, 49_000, 100_000, 60_000_000])
def test_an_entry_has_the_time_of_its_event_unless_that_is_now(outbox: Outbox, age: int | None) -> None:
    """FreeSWITCH's clock goes in steps: an event that has just come has the time at which it came."""
    timeline, before = Timeline(outbox.timeline), now()
    timeline.add("call.status", account=ACCOUNT, call=CALL, at=0 if age is None else before - age)
    timeline.flush()
    (entry,) = outbox.timeline.of_call(ACCOUNT, CALL)
    if age is not None and age > 50_000:
        assert entry.at == before - age
    else:
        assert before <= entry.at <= now()


def test_entries_that_neither_the_disk_nor_the_memory_takes_are_counted(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "WRITE_SECONDS", 0.001)
    monkeypatch.setattr(recorder, "_AGAIN_SECONDS", 0.001)
    monkeypatch.setattr(recorder, "_MAX_UNWRITTEN", 3)
    timeline = Timeline(outbox.timeline)
    outbox.database.connection.execute("PRAGMA query_only = ON")
    for line in range(5):
        timeline.add("verb.begin", account=ACCOUNT, call=CALL, line=line)
    wait_until(lambda: timeline.lost, "some are lost")
    assert (timeline.lost, timeline.written) == (2, 0)
    assert timeline._write_error
    outbox.database.connection.execute("PRAGMA query_only = OFF")
    wait_until(lambda: timeline.written, "the others are written")
    assert not timeline._write_error
    assert (timeline.lost, timeline.written) == (2, 3)
    assert [one.facts["line"] for one in outbox.timeline.of_call(ACCOUNT, CALL)] == [2, 3, 4]


def test_the_bounds_are_those_of_the_documentation() -> None:
    text = (DOCS / "timeline.md").read_text()
    assert f"{recorder._MAX_UNWRITTEN:,} entries are kept in memory" in text
    rows = {row["Setting"]: row for row in section(DOCS / "timeline.md", "Settings").table("Setting")}
    limits = {name: rows[f"`{name}`"]["Default"] for name in TimelineLimits._fields}
    assert limits == {name: str(value) for name, value in TimelineLimits()._asdict().items()}


@pytest.mark.parametrize("size", [7, 8, 9])
def test_a_document_is_kept_up_to_its_bound_and_said_to_be_cut_beyond(outbox: Outbox, size: int) -> None:
    timeline = Timeline(outbox.timeline, TimelineLimits(document_bytes=8))
    timeline.add("document.answer", account=ACCOUNT, call=CALL, body=b"x" * size)
    timeline.flush()
    (entry,) = outbox.timeline.of_call(ACCOUNT, CALL)
    assert (entry.body, entry.facts) == (b"x" * min(size, 8), {"cut": True} if size > 8 else {})


def test_nothing_of_calls_and_conferences_that_are_over_stays_in_memory(outbox: Outbox) -> None:
    timeline = Timeline(outbox.timeline)
    timeline.add("call.arrived", account=ACCOUNT, call=CALL)
    timeline.add("conference.start", account=ACCOUNT, conference=ROOM)
    timeline.flush()
    assert set(timeline._buffer.counts) == {CALL, ROOM}
    timeline.add("call.hangup", account=ACCOUNT, call=CALL)
    timeline.add("verb.end", account=ACCOUNT, call=CALL)
    timeline.add("conference.end", account=ACCOUNT, conference=ROOM)
    timeline.flush()
    timeline.add("callback.attempt", account=ACCOUNT, call=CALL)
    timeline.add("recording.completed", account=ACCOUNT, conference=ROOM)
    timeline.flush()
    assert not timeline._buffer.counts
    assert len(outbox.timeline.since(ACCOUNT, 0)) == 7


def test_a_disk_that_refuses_loses_nothing_for_a_while(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline = Timeline(outbox.timeline)
    timeline.add("call.arrived", account=ACCOUNT, call=CALL)
    outbox.database.connection.execute("PRAGMA query_only = ON")
    with pytest.raises(OutboxError):
        timeline.flush()
    timeline.add("call.hangup", account=ACCOUNT, call=CALL)
    gevent.sleep(0.7)
    outbox.database.connection.execute("PRAGMA query_only = OFF")
    timeline.flush()
    assert [one.kind for one in outbox.timeline.of_call(ACCOUNT, CALL)] == ["call.arrived", "call.hangup"]
    timeline.stop()


@pytest.mark.parametrize("before", [0, 1])
def test_after_the_stop_nothing_is_written(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    """The store is about to be closed."""
    monkeypatch.setattr(recorder, "WRITE_SECONDS", 0.0)
    timeline = Timeline(outbox.timeline)
    for _ in range(before):
        timeline.add("call.arrived", account=ACCOUNT, call=CALL)
    timeline.stop()
    timeline.add("call.hangup", account=ACCOUNT, call=CALL)
    gevent.sleep(0.01)
    assert [one.kind for one in outbox.timeline.of_call(ACCOUNT, CALL)] == ["call.arrived"] * before


def test_old_entries_are_pruned_from_the_oldest_on_page_by_page(outbox: Outbox) -> None:
    timeline = Timeline(outbox.timeline)
    for at in range(1, 11):
        timeline.add("call.status", account=ACCOUNT, call=f"{CALL}{at}", at=at)
        timeline.add("call.status", account=ACCOUNT, call=CALL, conference=ROOM, at=at)
        timeline.flush()
    assert outbox.timeline.prune(6, limit=3) == 3
    assert outbox.timeline.prune(6, limit=3) == 2
    assert outbox.timeline.prune(6, limit=3) == 0
    assert [one.at for one in outbox.timeline.of_call(ACCOUNT, CALL)] == [6, 7, 8, 9, 10]
    assert [one.at for one in outbox.timeline.of_conference(ACCOUNT, ROOM)] == [6, 7, 8, 9, 10]
    # Nothing is left behind of the pages that are gone.
    assert outbox.database.connection.execute("SELECT count(*), min(page) FROM timeline_of").fetchone() == (
        15,
        12,
    )


ENTRY = st.tuples(
    st.sampled_from(["", ACCOUNT, "another"]),
    st.sampled_from(["", CALL, "v3:other"]),
    st.sampled_from(["", ROOM, "other room"]),
    st.sampled_from([0, 10, 150_000]),
)


@given(st.lists(st.lists(ENTRY, max_size=250), max_size=4), st.integers(0, 300), st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_pages_hide_nothing_and_keep_the_order(
    flushes: list[list[tuple[str, str, str, int]]], after: int, limit: int
) -> None:
    """Each list is that of the entries one by one, whatever was written together."""
    with tempfile.TemporaryDirectory() as directory:
        outbox = Outbox(Path(directory, "store.sqlite"))
        timeline, added = Timeline(outbox.timeline), list[tuple[str, str, str]]()
        for entries in flushes:
            for account, call, conference, size in entries:
                body = b"x" * size
                timeline.add("document.answer", account=account, call=call, conference=conference, body=body)
                added.append((account, call, conference))
            timeline.flush()
        store = outbox.timeline
        of_call = [id_ for id_, one in enumerate(added, 1) if one[:2] == (ACCOUNT, CALL) and id_ > after]
        assert [one.id for one in store.of_call(ACCOUNT, CALL, after, limit)] == of_call[:limit]
        of_room = [id_ for id_, one in enumerate(added, 1) if one[::2] == (ACCOUNT, ROOM) and id_ > after]
        assert [one.id for one in store.of_conference(ACCOUNT, ROOM, after, limit)] == of_room[:limit]
        of_account = [id_ for id_, one in enumerate(added, 1) if one[0] == ACCOUNT and id_ > after]
        assert [one.id for one in store.since(ACCOUNT, after, limit)] == of_account[:limit]
        assert store.since("", after, limit) == []
        assert store.last_id == len(added)
        timeline.stop()
        outbox.close()


def test_calls_that_never_became_one_are_of_no_account(outbox: Outbox) -> None:
    timeline = Timeline(outbox.timeline)
    for number in range(5):
        timeline.add("call.rejected", reason="address", address=f"192.0.2.{number}")
    timeline.add("call.arrived", account=ACCOUNT, call=CALL)
    timeline.flush()
    assert [one.facts["address"] for one in outbox.timeline.rejected(2)] == ["192.0.2.4", "192.0.2.3"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_without_facts_does_no_harm_to_its_reader(kind: str) -> None:
    assert "None" not in sentence(Entry(1, 1, kind))


def test_a_kind_of_a_later_version_is_shown_with_its_facts() -> None:
    assert sentence(Entry(1, 1, "call.teleported", facts={"to": "Mars"})) == "call.teleported: to Mars."


def test_each_kind_is_in_the_documentation_and_has_a_sentence() -> None:
    rows = section(DOCS / "timeline.md", "Kinds").table("Kind")
    documented = {name for row in rows for name in re.findall(r"`([a-z.]+)`", row["Kind"])}
    assert documented == set(KINDS) == set(_SENTENCES)


def test_each_list_finds_its_rows_by_an_index(outbox: Outbox) -> None:
    queries = {
        sql.PAGES_OF: (CALL, 0, ACCOUNT),
        sql.PAGES_SINCE: (ACCOUNT, 0),
        sql.NEWEST_PAGES_OF: ("rejected", 10),
    }
    for query, values in queries.items():
        plan = outbox.database.connection.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()
        assert all("SEARCH" in row[3] for row in plan), (query, plan)
