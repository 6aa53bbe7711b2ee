"""Every row and every answer names its FreeSWITCH node; the process can hold several nodes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from orchestrator.app import Orchestrator
from orchestrator.conference.machine.state import Caller, ParticipantOptions
from orchestrator.config import Settings, loads
from orchestrator.sids import call_sid_of
from orchestrator.store.outbox import Outbox
from tests.benchmarks.rig import ACCOUNT, API_KEY, SETTINGS
from tests.callbacks.conftest import make

URL = "http://127.0.0.1:1/callbacks"
NAMES = ("frankfurt", "paris")


def settings(directory: Path, *names: str) -> Settings:
    """Of several nodes, which settings refuse for now (config/freeswitch.py)."""
    one = loads(SETTINGS.format(directory, ACCOUNT, API_KEY))
    (node,) = one.freeswitch.nodes
    nodes = tuple(
        node.model_copy(
            update={
                "name": name,
                "recordings_dir": directory / name / "recordings",
                "media_dir": directory / name / "media",
            }
        )
        for name in names
    )
    return one.model_copy(update={"freeswitch": one.freeswitch.model_copy(update={"nodes": nodes})})


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Orchestrator]:
    orchestrator = Orchestrator(settings(tmp_path, *NAMES))
    orchestrator.start()
    yield orchestrator
    orchestrator.stop(1)


def dial(orchestrator: Orchestrator, number: int, room: str) -> str:
    """Somebody who is being dialled into this room of a node; the ConferenceSid."""
    uuid, node = str(uuid4()), orchestrator.nodes[number]
    caller = Caller(call_sid_of(uuid), uuid, from_="+13125550100", to="+13125550101")
    node.call_records.open(caller, ACCOUNT)
    return node.rooms.dial(ACCOUNT, room, caller, ParticipantOptions(), False).sid


def test_a_node_keeps_its_rooms_apart_from_another_node_s(two: Orchestrator) -> None:
    sids = [dial(two, number, "Room 1234") for number in (0, 1)]
    assert sids[0] != sids[1]
    for node, sid in zip(two.nodes, sids, strict=True):
        assert [room.sid for room in node.rooms] == [sid]
        assert [key for key, _ in node.write_buffer.load("room")] == [sid]


def test_every_row_says_its_node(two: Orchestrator, tmp_path: Path) -> None:
    for number in (0, 1):
        dial(two, number, "Room 1234")
        two.nodes[number].write_buffer.commit([make(NAMES[number], URL, 0)])
        two.nodes[number].call_records.flush()
    with sqlite3.connect(tmp_path / "orchestrator.sqlite") as database:
        for table in ("state", "pending", "records"):
            where = {"state": "WHERE key <> ''"}.get(table, "")
            rows = [name for (name,) in database.execute(f"SELECT node FROM {table} {where}")]
            assert set(rows) == set(NAMES), table
            assert rows.count(NAMES[0]) == rows.count(NAMES[1]), table


def test_a_node_ends_nothing_of_another_node_after_a_restart(tmp_path: Path) -> None:
    """Symptom: living rooms and calls of one node were listed as completed when another was started with the
    same database. Cause: what was listed as living was taken for this node's. Fix: rows say their node."""
    first = Orchestrator(settings(tmp_path, *NAMES))
    first.start()
    sids = [dial(first, number, "Room 1234") for number in (0, 1)]
    for node in first.nodes:
        node.call_records.flush()
    first.stop(1)
    second = Orchestrator(settings(tmp_path, *NAMES))
    for node in second.nodes:
        node.rooms.start()
    second.services.conferences.start()
    second.nodes[0].call_records.start()
    assert [record.sid for record in second.nodes[0].store.alive("conference")] == [sids[0]]
    assert [record.sid for record in second.nodes[1].store.alive("conference")] == [sids[1]]
    assert len(second.nodes[0].call_records._live) == 1
    second.outbox.close()


def test_problems_and_metrics_name_each_node(two: Orchestrator) -> None:
    base = f"http://127.0.0.1:{two.web.port}"
    assert {"node frankfurt", "node paris"} <= requests.get(f"{base}/readyz", timeout=10).json()[
        "problems"
    ].keys()
    page = requests.get(f"{base}/metrics", timeout=10).text
    for name in NAMES:
        assert f'texml_freeswitch_connected{{node="{name}"}} 0.0' in page
        assert f'texml_freeswitch_corrections_total{{kind="joins",node="{name}"}} 0.0' in page


def test_rest_shows_the_node_as_the_region(tmp_path: Path) -> None:
    """Symptom: `region` was `default`, whatever the node was called. Cause: a room was made without its
    node."""
    orchestrator = Orchestrator(settings(tmp_path, "frankfurt"))
    orchestrator.start()
    sid = dial(orchestrator, 0, "Room 1234")
    base = f"http://127.0.0.1:{orchestrator.web.port}/v2/texml/Accounts/{ACCOUNT}/Conferences/{sid}"
    answer = requests.get(base, headers={"Authorization": f"Bearer {API_KEY}"}, timeout=10)
    orchestrator.stop(1)
    assert answer.json()["region"] == "frankfurt"


def test_state_that_the_only_node_left_under_another_name_is_still_its_own(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "orchestrator.sqlite")
    outbox.commit(put=[("installation", "", b"2"), ("signed out", "session", b"4")])
    outbox.of("old name").commit([make("room", URL, 0)], [("room", "sid", b"1"), ("room", "other", b"3")])
    outbox.claim("frankfurt")
    assert outbox.of("frankfurt").load("room") == [("other", b"3"), ("sid", b"1")]
    for kind, key, value in (("installation", "", b"2"), ("signed out", "session", b"4")):
        assert outbox.of("frankfurt").load(kind) == []
        assert outbox.get(kind, key) == value


def test_two_nodes_may_have_a_row_of_the_same_name(tmp_path: Path) -> None:
    """A caller on one node that takes part in a room on another has the same CallSid on both."""
    outbox = Outbox(tmp_path / "orchestrator.sqlite")
    nodes = [outbox.of(name) for name in NAMES]
    for node in nodes:
        node.commit(put=[("call", "sid", node.node.encode())])
    assert [node.get("call", "sid") for node in nodes] == [name.encode() for name in NAMES]
    nodes[0].commit(delete=[("call", "sid")])
    assert [node.get("call", "sid") for node in nodes] == [None, b"paris"]
    outbox.close()


def test_a_callback_of_the_old_name_waits_for_the_new_one(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "orchestrator.sqlite")
    outbox.of("old name").commit([make("room", URL, 0)])
    outbox.claim("frankfurt")
    waiting = outbox.next("room")
    assert waiting is not None
    assert waiting.node == "frankfurt"
    outbox.close()
