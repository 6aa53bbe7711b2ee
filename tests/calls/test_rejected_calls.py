"""Calls that never became one: all are counted, and a scanner fills no timeline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.calls.rejected_calls import RejectedCalls
from orchestrator.counters import CallCounters
from orchestrator.sids import call_sid_of
from orchestrator.store.outbox import Outbox
from orchestrator.timeline.entry import Entry
from orchestrator.timeline.recorder import Timeline

LEG = "8403fb83-fef9-4c6a-8f50-7b6e2b09f977"
ACL = 'IP {} Rejected by acl "callers"'


class Door:
    def __init__(self, outbox: Outbox) -> None:
        self.at = 1000.0
        self.counters, self.timeline, self._store = CallCounters(), Timeline(outbox.timeline), outbox.timeline
        self.calls = RejectedCalls(self.timeline, self.counters, lambda: self.at)

    def refuses(self, address: str = "192.0.2.1", reason: str = "overload") -> None:
        self.calls.add(LEG, {"Caller-Network-Addr": address}.get, reason, "503")  # type: ignore[arg-type]

    def entries(self) -> list[Entry]:
        self.timeline.flush()
        return list(reversed(self._store.rejected(10_000)))

    def times(self) -> list[object]:
        return [entry.facts["times"] for entry in self.entries()]

    @property
    def counted(self) -> int:
        return sum(self.counters.calls.values())


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    door = Door(outbox)
    yield door
    door.timeline.stop()
    outbox.close()


def test_one_has_an_entry_with_what_is_known(door: Door) -> None:
    headers = {
        "Caller-Network-Addr": "192.0.2.1",
        "Caller-Caller-ID-Number": "+1",
        "Caller-Destination-Number": "+2",
    }
    door.calls.add(LEG, lambda name: headers.get(name, ""), "overload", "503", limit="max_calls")
    door.calls.on_log(f"2026-11-28 [WARNING] sofia.c {ACL.format('192.0.2.9')} from internal")
    door.calls.on_log("2026-11-28 [WARNING] sofia.c something else")
    first, second = door.entries()
    sid = call_sid_of(LEG)
    assert (first.account_sid, first.call_sid, first.level) == ("", sid, "warning")
    assert first.facts == {
        "reason": "overload",
        "times": 1,
        "sip": "503",
        "address": "192.0.2.1",
        "caller": "+1",
        "number": "+2",
        "limit": "max_calls",
    }
    assert second.call_sid == ""
    assert second.facts == {
        "reason": "address",
        "times": 1,
        "sip": "403",
        "address": "192.0.2.9",
        "acl": "callers",
    }
    assert dict(door.counters.calls) == {("rejected", "overload"): 1, ("rejected", "address"): 1}


def test_one_of_an_account_is_among_those_refused_and_leads_to_its_page(door: Door) -> None:
    door.calls.add(LEG, lambda name: "", "password", "403", account="account")
    door.calls.add("no-uuid", lambda name: "", "no-call-sid", "480")
    of_account, other = door.entries()
    assert (of_account.account_sid, of_account.call_sid) == ("account", "")
    assert of_account.facts["page"] == call_sid_of(LEG)
    assert (other.account_sid, other.call_sid) == ("", "")
    assert "page" not in other.facts


def test_of_one_address_and_reason_there_is_an_entry_each_half_minute(door: Door) -> None:
    for seconds in (0, 1, 29.9, 30, 45, 60.5):
        door.at = 1000 + seconds
        door.refuses()
    assert door.times() == [1, 3, 2]
    door.refuses("192.0.2.2")
    door.refuses(reason="address")
    assert door.times() == [1, 3, 2, 1, 1]
    assert door.counted == 8


def test_there_are_a_hundred_and_twenty_a_minute_of_all(door: Door) -> None:
    for number in range(200):
        door.refuses(f"192.0.2.{number}")
    assert len(door.entries()) == 120
    assert door.counted == 200
    door.at += 59.9
    door.refuses("198.51.100.1")
    assert len(door.entries()) == 120
    door.at += 0.1
    door.refuses("198.51.100.2")
    # Those that had none are not forgotten.
    door.refuses("192.0.2.150")
    assert len(door.entries()) == 122
    assert door.times()[-1] == 2


def test_a_thousand_addresses_are_remembered(door: Door) -> None:
    for number in range(1001):
        if number % 100 == 0:
            door.at += 60
        door.refuses(f"address {number}")
    before = len(door.entries())
    door.at += 1
    door.refuses("address 1000")
    assert len(door.entries()) == before, "it was there a second ago"
    assert len(door.calls._seen) == 1000
    assert ("overload", "address 0") not in door.calls._seen
