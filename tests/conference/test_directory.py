"""The node of each conference name: one at a time, for all that ask, on every node."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.conference.live.directory import RESERVED_SECONDS, Home, RoomDirectory
from orchestrator.config.freeswitch import NewRooms

ACCOUNT, ROOM = "account", "Room"


class FakeRooms:
    def __init__(self) -> None:
        self.open: dict[tuple[str, str], int] = {}
        """By account and name: participants."""

    def named(self, account_sid: str, name: str) -> Any:
        return object() if (account_sid, name) in self.open else None

    @property
    def participant_count(self) -> int:
        return sum(self.open.values())


class Nodes:
    def __init__(self, new_rooms: NewRooms = "first_caller", **weights: int) -> None:
        self.now = 0.0
        self.closed: set[str] = set()
        self.directory = RoomDirectory(lambda: new_rooms, lambda: self.now)
        self.rooms = {name: FakeRooms() for name in weights}
        for name, weight in weights.items():
            home = Home(name, self.rooms[name], lambda w=weight: w, lambda n=name: n not in self.closed)
            self.directory.add(home)

    def home(self, asking: str, name: str = ROOM, account: str = ACCOUNT) -> str:
        return self.directory.home(account, name, asking)


def test_the_first_caller_s_node_has_the_room_for_all() -> None:
    nodes = Nodes(a=1, b=1)
    assert [nodes.home("b"), nodes.home("a"), nodes.home("b")] == ["b", "b", "b"]
    assert nodes.home("a", account="another") == "a"
    assert nodes.home("a", "another room") == "a"


def test_a_live_room_counts_more_than_a_reservation() -> None:
    nodes = Nodes(a=1, b=1)
    assert nodes.home("a") == "a"
    nodes.rooms["b"].open[ACCOUNT, ROOM] = 1
    assert nodes.home("a") == "b"
    del nodes.rooms["b"].open[ACCOUNT, ROOM]
    # It has ended: the next caller's node has the next one.
    assert nodes.home("a") == "a"


def test_a_reservation_ends_with_its_time() -> None:
    nodes = Nodes(a=1, b=1)
    assert nodes.home("a") == "a"
    nodes.now = RESERVED_SECONDS - 0.1
    assert nodes.home("b") == "a"
    nodes.now = RESERVED_SECONDS
    assert nodes.home("b") == "b"


def test_a_reservation_is_forgotten_and_looks_at_no_other_that_is_good() -> None:
    """Symptom: with several nodes each new conference cost more, the more there had been. Cause: each looked
    through all that were reserved within half a minute."""
    nodes = Nodes(a=1, b=1)
    reserved = nodes.directory._reserved
    for number in range(100):
        nodes.now = number / 10
        nodes.home("a", f"Room {number}")
    # One that has expired is reserved anew, and is no longer the oldest.
    nodes.now = RESERVED_SECONDS + 5.05
    assert nodes.home("b", "Room 20") == "b"
    assert [name for _, name in reserved] == [*(f"Room {number}" for number in range(51, 100)), "Room 20"]


def test_a_node_that_takes_no_rooms_gets_none_and_keeps_its_own() -> None:
    nodes = Nodes(a=1, b=1)
    assert nodes.home("a") == "a"
    nodes.closed.add("a")
    assert nodes.home("a") == "b", "what was reserved is not there yet"
    nodes.rooms["a"].open[ACCOUNT, "old"] = 3
    assert nodes.home("b", "old") == "a"
    nodes.closed.add("b")
    assert nodes.home("b", "a third") == "b", "somewhere it has to be"


@pytest.mark.parametrize(
    ("present", "weights", "expected"),
    [
        ({"a": 5, "b": 4}, {"a": 1, "b": 1}, "b"),
        ({"a": 5, "b": 4}, {"a": 2, "b": 1}, "a"),
        ({"a": 4, "b": 4}, {"a": 1, "b": 1}, "a"),
        ({"a": 0, "b": 1}, {"a": 1, "b": 100}, "a"),
    ],
)
def test_least_loaded(present: dict[str, int], weights: dict[str, int], expected: str) -> None:
    nodes = Nodes("least_loaded", **weights)
    for name, count in present.items():
        nodes.rooms[name].open[ACCOUNT, f"of {name}"] = count
    assert nodes.home("b") == expected
    assert nodes.directory.least_loaded("b") == expected
    nodes.closed.add(expected)
    assert nodes.home("b", "another") != expected
