"""The store in PostgreSQL: what a server over a network can do to it that a file cannot."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from orchestrator.cli import command as cli
from orchestrator.config import ConfigErrors, load
from orchestrator.doctor.files import database as database_check
from orchestrator.doctor.result import CheckResult
from orchestrator.store.access import opening
from orchestrator.store.access.opening import open_store, visit
from orchestrator.store.batch import Batch
from orchestrator.store.entries import Entry
from orchestrator.store.interface import OutboxError
from orchestrator.store.message import Message
from orchestrator.store.postgresql import connection, schema
from orchestrator.store.postgresql.connection import Connection
from orchestrator.store.records import Record
from orchestrator.store.write_behind import WriteBehindBuffer
from tests.callbacks.conftest import make, wait_until
from tests.lab.postgresql import PASSWORD, USER, PostgresServer
from tests.lab.road import Road

URL = "http://127.0.0.1:1/"


@pytest.fixture
def road(postgresql: PostgresServer) -> Iterator[Road]:
    road = Road(postgresql.port)
    yield road
    road.close()


class Opened:
    """A store of one node behind a road, and what its buffer has handed to delivery."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.store = open_store(url, ["one"])
        self.node = self.store.of("one")
        self.handed_on: list[Message] = []
        self.buffer = WriteBehindBuffer(self.node, self.handed_on.extend)
        self.buffer.start()

    def stored(self) -> list[int]:
        """The numbers of all callbacks that wait, in the order of their ids."""
        with visit(self.url) as rows:
            return [number for (number,) in rows.read("SELECT sequence FROM pending ORDER BY id")]

    def close(self) -> None:
        self.buffer.stop(5)
        self.store.close()


@pytest.fixture
def opened(postgresql: PostgresServer, road: Road) -> Iterator[Opened]:
    opened = Opened(postgresql.empty(road.port))
    yield opened
    road.become("open")
    opened.close()


def test_others_go_on_while_a_query_waits_for_the_server(postgresql: PostgresServer) -> None:
    # psycopg before 3.1.14 and with its C implementation of waiting holds up the whole process.
    url, gaps = postgresql.empty(), list[float]()

    def beat() -> None:
        while True:
            before = time.monotonic()
            gevent.sleep(0.01)
            gaps.append(time.monotonic() - before)

    beating = gevent.spawn(beat)
    connections = [Connection(url, f"test {number}", 10) for number in range(5)]
    for each in connections:
        each.read("SELECT 1")
    began = time.monotonic()
    gaps.clear()
    gevent.joinall([gevent.spawn(each.read, "SELECT pg_sleep(1)::text") for each in connections])
    took = time.monotonic() - began
    beating.kill()
    for each in connections:
        each.close()
    assert took < 3, "all five at once"
    assert max(gaps) < 0.5
    assert len(gaps) > 20


def test_a_killed_greenlet_does_not_answer_the_next_query(postgresql: PostgresServer) -> None:
    each = Connection(postgresql.empty(), "test", 10)
    each.read("SELECT 1")
    asking = gevent.spawn(each.read, "SELECT pg_sleep(0.5)::text")
    gevent.sleep(0.1)
    asking.kill()
    assert each.read("SELECT 2 AS two") == [(2,)]
    each.close()


def test_a_greenlet_killed_in_many_queries_ends(postgresql: PostgresServer) -> None:
    # Symptom: a stop was an error of the database, and the killed part went on with its next query.
    # Cause: psycopg leaves its pipeline with an error of its own. Fix: what interrupted it is raised again.
    each = Connection(postgresql.empty(), "test", 10)
    each.write((("CREATE TABLE numbers (number int)", [()]),))
    writing = gevent.spawn(
        each.write, (("INSERT INTO numbers SELECT ? FROM pg_sleep(0.2)", [(1,), (2,), (3,)]),)
    )
    gevent.sleep(0.1)
    writing.kill()
    assert isinstance(writing.value, gevent.GreenletExit), writing.exception
    assert each.read("SELECT count(*) FROM numbers") == [(0,)]
    each.close()


def test_a_connection_that_the_server_has_ended_is_opened_again_before_it_is_used(
    postgresql: PostgresServer,
) -> None:
    """Symptom: at the end of an orchestrator whose server had been away the last entries of timelines were
    lost. Cause: the only attempt found that the connection was broken. Fix: an idle one that can be read has
    ended."""
    each = Connection(postgresql.empty(), "to be ended", 10)
    each.read("SELECT 1")
    postgresql.sql(
        "SELECT pg_terminate_backend(pid, 3000) FROM pg_stat_activity WHERE application_name = 'to be ended'"
    )
    assert each.read("SELECT 2 AS two") == [(2,)]
    each.close()


def test_a_query_has_a_time_limit(postgresql: PostgresServer) -> None:
    each = Connection(postgresql.empty(), "test", 0.2)
    with pytest.raises(OutboxError, match=r"no answer within 0\.2 s"):
        each.read("SELECT pg_sleep(5)::text")
    assert each.read("SELECT 2 AS two") == [(2,)]
    each.close()


def test_a_commit_is_acknowledged_and_holds_back_until_then(opened: Opened) -> None:
    opened.buffer.commit([make("room", URL, 1)], [("room", "1", b"one")])
    assert opened.buffer.unwritten == 1
    assert opened.buffer.get("room", "1") == b"one", "what is not written yet is seen"
    assert opened.handed_on == []
    opened.buffer.wait_committed()
    assert [message.sequence for message in opened.handed_on] == [1]
    assert (opened.buffer.unwritten, opened.stored()) == (0, [1])


def test_changes_while_a_commit_is_under_way_are_the_next_one(opened: Opened) -> None:
    for number in range(200):
        opened.buffer.commit([make(f"room {number % 7}", URL, number)], [("room", "1", b"%d" % number)])
        if number % 50 == 0:
            gevent.sleep(0)
    opened.buffer.wait_committed()
    assert opened.stored() == list(range(200))
    assert opened.node.get("room", "1") == b"199"


def test_without_an_answer_it_holds_back_for_a_moment_only(opened: Opened, road: Road) -> None:
    road.become("blocked")
    opened.buffer.commit([make("room", URL, 1)])
    began = time.monotonic()
    opened.buffer.wait_committed()
    assert 0.2 < time.monotonic() - began < 1
    assert opened.buffer.failing
    opened.buffer.commit([make("room", URL, 2)])
    began = time.monotonic()
    opened.buffer.wait_committed()
    assert time.monotonic() - began < 0.1, "nobody waits in vain a second time"
    assert opened.handed_on == [], "callbacks wait"
    road.become("open")
    wait_until(lambda: len(opened.handed_on) == 2, "they are handed on", 5)
    assert not opened.buffer.failing
    assert opened.stored() == [1, 2]


def test_nothing_is_stored_twice_when_an_answer_was_lost(opened: Opened, road: Road) -> None:
    opened.buffer.commit([make("room", URL, 1)], [("room", "1", b"1")])
    opened.buffer.wait_committed()
    road.become("losing answers")
    opened.buffer.commit([make("room", URL, 2)], [("room", "1", b"2")])
    wait_until(lambda: opened.buffer.failing, "the answer is missed", 5)
    opened.buffer.commit([make("room", URL, 3)], [("room", "1", b"3")])
    road.become("open")
    wait_until(lambda: not opened.buffer.failing and not opened.buffer.unwritten, "it is written", 10)
    assert opened.stored() == [1, 2, 3]
    assert [message.sequence for message in opened.handed_on] == [1, 2, 3]
    with visit(opened.url) as rows:
        assert rows.read("SELECT value FROM state WHERE node = 'one'") == [(b"3",)]


def test_of_an_earlier_connection_nothing_is_written_after_a_later_one_has(
    opened: Opened, postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's process stands still with a commit in its socket; it goes on once nobody waits for it."""
    writer = opened.store.database._writer  # type: ignore[attr-defined]
    monkeypatch.setattr(writer, "_seconds", 0.3)
    pid = int(writer.read("SELECT pg_backend_pid() AS pid")[0][0])
    epochs = dict(opened.store.database._epochs)  # type: ignore[attr-defined]
    postgresql.freeze(pid)
    opened.buffer.commit([make("room", URL, 1)], [("room", "1", b"early")])
    wait_until(lambda: opened.buffer.failing, "nobody waits for it", 5)
    opened.buffer.commit(put=[("room", "1", b"late")])
    gevent.sleep(0.5)
    postgresql.thaw(pid)
    wait_until(lambda: not opened.buffer.failing and not opened.buffer.unwritten, "it is written", 20)
    gevent.sleep(0.2)
    assert opened.stored() == [1]
    assert opened.store.database._epochs["one"] > epochs["one"]  # type: ignore[attr-defined]
    with visit(opened.url) as rows:
        assert rows.read("SELECT value FROM state WHERE node = 'one'") == [(b"late",)]


def test_a_process_that_has_lost_a_node_writes_nothing_more_and_says_so(opened: Opened) -> None:
    lost: list[OutboxError] = []
    opened.store.database.on_lost.append(lost.append)
    with visit(opened.url, write=True) as rows:
        rows.write((("UPDATE nodes SET owner = ?, epoch = epoch + 1 WHERE name = ?", [("other", "one")]),))
    with pytest.raises(OutboxError, match="another process has taken a node of ours over"):
        opened.node.commit(
            [make("room", URL, 1)], [("room", "1", b"x")], records=[Record("call", "c", "a", 1, 1)]
        )
    assert len(lost) == 1
    assert opened.stored() == []
    with visit(opened.url) as rows:
        assert rows.read("SELECT count(*) FROM state WHERE node = 'one'") == [(0,)]
        assert rows.read("SELECT count(*) FROM records") == [(0,)]


def test_a_second_orchestrator_is_refused_until_the_first_has_ended(postgresql: PostgresServer) -> None:
    url = postgresql.empty()
    first = open_store(url, ["one"])
    with pytest.raises(OutboxError, match=r"another orchestrator has it \(host .*, pid \d+\)"):
        open_store(url, ["one"])
    first.close()
    open_store(url, ["one"]).close()


def test_characters_that_no_text_can_hold_stop_nothing(opened: Opened) -> None:
    record = Record("conference", "c", "account", 1, 1, name='a\0b\\u0000"', value=b"\0\xff")
    opened.node.commit([make("room\0", URL, 1)], [("key", "\0", b"\0\1")], records=[record])
    found = opened.store.records.one("conference", "account", "c")
    assert found is not None
    assert (found.name, found.value) == ('a\ufffdb\\u0000"', b"\0\xff")


def test_an_entry_of_the_timeline_is_there_once_after_a_lost_answer(opened: Opened, road: Road) -> None:
    timeline = opened.store.timeline
    timeline.add([Entry(0, 1, "first", "account", "call")])
    road.become("losing answers")
    with pytest.raises(OutboxError):
        timeline.add([Entry(0, 2, "second", "account", "call")])
    road.become("open")
    gevent.sleep(0.3)
    timeline.add([Entry(0, 2, "second", "account", "call"), Entry(0, 3, "third", "account", "call")])
    assert [entry.kind for entry in timeline.of_call("account", "call")] == ["first", "second", "third"]


# Errors in words


def refused(url: str) -> str:
    with pytest.raises(OutboxError) as caught:
        open_store(url, ["one"])
    assert "secret" not in str(caught.value)
    return str(caught.value)


def test_the_error_names_the_fault_of_a_server(postgresql: PostgresServer) -> None:
    assert "user or password is wrong" in refused(postgresql.url(password="other secret"))
    assert 'database "nowhere" does not exist' in refused(postgresql.url("nowhere"))
    assert "createdb" in refused(postgresql.url("nowhere"))
    assert "nothing listens there" in refused(postgresql.url(port=1))
    assert "unknown host: no.such.host.invalid" in refused("postgresql://a:secret@no.such.host.invalid/b")
    postgresql.sql("CREATE SCHEMA not_ours")
    for _ in range(2):
        assert "must own the database" in refused(f"{postgresql.url()}?options=-csearch_path%3Dnot_ours")
        postgresql.sql(f"GRANT USAGE ON SCHEMA not_ours TO {USER}")
    postgresql.sql("DROP SCHEMA not_ours")


def test_a_server_that_is_too_old_is_named(
    postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "OLDEST_SERVER", 990000)
    assert "version 99 or later is needed" in refused(postgresql.empty())


def test_without_psycopg_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("orchestrator.store.postgresql")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "pip install 'texml-orchestrator[postgres]'" in refused("postgresql://a:secret@127.0.0.1/b")
    with pytest.raises(OutboxError, match="psycopg"), opening.visit("postgresql://a:b@127.0.0.1/b"):
        pass


def test_tables_of_a_later_version_or_another_program_are_left_alone(postgresql: PostgresServer) -> None:
    url = postgresql.empty()
    with pytest.raises(OutboxError, match="no tables of the orchestrator"), visit(url):
        pass
    open_store(url, ["one"]).close()
    with visit(url, write=True) as rows:
        rows.write((("INSERT INTO texml_schema (version) VALUES (?)", [(99,)]),))
    assert "a newer version (schema 99, this program knows" in refused(url)
    other = postgresql.empty()
    each = Connection(other, "test", 5)
    each.write((("CREATE TABLE records (id int)", [()]),))
    each.close()
    assert "some other program's table is in it: records" in refused(other)


def test_an_earlier_version_s_tables_are_converted(
    postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.empty()
    first = open_store(url, ["one"])
    first.of("one").commit([make("room", URL, 1)])
    first.close()
    later = (
        *schema.MIGRATIONS,
        "ALTER TABLE nodes ADD COLUMN other text",
        "ALTER TABLE nodes ADD COLUMN more text",
    )
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    with pytest.raises(OutboxError, match="an earlier version"), visit(url):
        pass
    second = open_store(url, ["one"])
    assert second.depth == 1
    assert second.database.read("SELECT other, more FROM nodes WHERE name = 'one'") == [(None, None)]
    assert second.database.read("SELECT max(version) FROM texml_schema") == [(len(later),)]
    second.close()


def test_a_batch_keeps_the_ids_of_its_first_try(opened: Opened) -> None:
    batch = Batch()
    batch.add([make("room", URL, 1)])
    opened.node.write(batch)
    opened.node.write(batch)
    assert (batch.ids, opened.stored()) == ([1], [1])


# As operators see it

SETTINGS = """
accounts: [{{sid: 5a1e5d2c-6f0b-4c1e-9d35-2f8f0c6c3b10, name: main}}]
freeswitch: {{nodes: [{{recordings_dir: recordings, media_dir: media}}]}}
callbacks:
  database: {database}
  postgresql: "{url}"
"""


@pytest.fixture
def settings(opened: Opened, tmp_path: Path) -> Path:
    path = tmp_path / "orchestrator.yaml"
    path.write_text(SETTINGS.format(database=tmp_path / "orchestrator.sqlite", url=opened.url))
    return path


def fail(opened: Opened, *numbers: int) -> None:
    opened.node.commit([make("room", URL, number) for number in numbers])
    for _ in numbers:
        head = opened.store.next("room")
        assert head is not None
        opened.store.finish(head, delivered=False, attempts=3, status=500, error="bad")
    opened.store.flush()


def test_callbacks_are_listed_and_retried_while_an_orchestrator_has_them(
    opened: Opened, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(opened, 1, 2)
    opened.node.commit([make("room", URL, 3)])
    assert cli.main(["callbacks", "list", "--failed", "-c", str(settings)]) == 0
    out = capsys.readouterr().out
    assert out.count("participant-join") == 2, out
    assert not opened.store.retries_asked()
    retrying = gevent.spawn(cli.main, ["callbacks", "retry", "1", "7", "-c", str(settings)])
    wait_until(opened.store.retries_asked, "the orchestrator sees it", 5)
    assert opened.store.requeue(10, set()) == (1, ["room"])
    assert retrying.get(timeout=10) == 1
    said = capsys.readouterr()
    assert "1 callbacks are being retried" in said.out
    assert "not failed, so not retried: 7" in said.err
    assert [message.sequence for message in opened.store.waiting()] == [1, 3]


def test_the_doctor_reports_versions_and_faults(
    opened: Opened, settings: Path, postgresql: PostgresServer
) -> None:
    found = database_check(load(settings))
    assert (found.state, "PostgreSQL" in found.text) == ("ok", True)
    assert "secret" not in found.text

    def with_url(url: str) -> CheckResult:
        settings.write_text(SETTINGS.format(database="x.sqlite", url=url))
        return database_check(load(settings))

    assert "makes its tables at the start" in with_url(postgresql.empty()).text
    for url, words in (
        (postgresql.url("nowhere"), 'database "nowhere" does not exist'),
        (postgresql.url(password="other"), "the user or password is wrong"),
        (postgresql.url(port=1), "nothing listens there"),
        (f"{postgresql.url()}?options=-csearch_path%3Dnowhere", "may not create tables"),
    ):
        found = with_url(url)
        assert (found.state, words in found.text) == ("wrong", True), found
        assert found.remedy
    off = with_url(f"{postgresql.empty()}%20-csynchronous_commit%3Doff")
    assert (off.state, "synchronous_commit is off" in off.text) == ("note", True)


def test_a_url_that_is_none_is_a_mistake_in_the_settings(settings: Path) -> None:
    settings.write_text(SETTINGS.format(database="x.sqlite", url="mysql://a:secret@b/c"))
    with pytest.raises(ConfigErrors) as caught:
        load(settings)
    assert "no URL of PostgreSQL" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_each_way_to_name_a_server_leads_to_it(postgresql: PostgresServer) -> None:
    schema_ = postgresql.empty().rpartition("?")[2]
    login = f"{USER}:{PASSWORD.replace(' ', '%20')}"
    port, directory = postgresql.port, str(postgresql.directory).replace("/", "%2F")
    for where in (
        f"{login}@localhost:{port}/postgres?{schema_}",
        f"{login}@127.0.0.1:1,localhost:{port}/postgres?target_session_attrs=read-write&{schema_}",
        f"/postgres?host={directory}&port={port}&user={USER}&{schema_}",
    ):
        each = Connection(f"postgresql://{where}", "test", 10)
        assert each.read("SELECT current_user::text") == [(USER,)], where
        assert "secret" not in each.place
        each.close()
