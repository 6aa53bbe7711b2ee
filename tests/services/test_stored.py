"""Stored conferences and calls: those that a restart left, and those that are looked for or deleted."""

from __future__ import annotations

import time

import pytest

from orchestrator.calls.records import CallRecord, _record
from orchestrator.conference.live.records import RoomRecord, decode_room, row_of_room
from orchestrator.rejection import NotFound, ServiceError
from tests.console.conftest import start_room
from tests.scenarios.conftest import ACCOUNT, OTHER_ACCOUNT, House, house

__all__ = ["house"]

pytestmark = pytest.mark.rather("emulator")


def test_after_a_restart_a_conference_without_a_room_has_ended_and_no_other(house: House) -> None:
    sid = start_room(house, 1)
    assert house.orchestrator is not None
    node = house.orchestrator.node.name
    lost = RoomRecord("lost", ACCOUNT, "Lost", 1, 1, status="in-progress", node=node)
    at = time.time_ns() // 1000
    over = RoomRecord("over", ACCOUNT, "Over", at, at, at, "completed", "time-exceeded", node=node)
    house.orchestrator.outbox.records.put([row_of_room(lost), row_of_room(over)])
    house.stop()
    house.start()
    records = house.orchestrator.outbox.records

    def stored(sid: str) -> RoomRecord:
        row = records.one("conference", ACCOUNT, sid)
        assert row is not None
        found = decode_room(row.value)
        assert (row.status, row.ended_at, row.updated_at) == (found.status, found.ended_at, found.updated_at)
        return found

    ended = stored("lost")
    assert (ended.status, ended.end_reason, ended.created_at) == ("completed", "last-participant-left", 1)
    assert ended.ended_at == pytest.approx(time.time() * 1e6, abs=30e6)
    assert ended.updated_at == pytest.approx(ended.ended_at, abs=1e6)
    assert stored("over") == over
    assert (stored(sid).status, stored(sid).ended_at) == ("in-progress", 0)


def test_a_call_is_found_by_its_number_and_deleted_once_it_has_ended(house: House) -> None:
    assert house.orchestrator is not None
    calls = house.orchestrator.services.calls
    numbers = {
        "+13125550100": "+13125550100",
        "(312) 555-0100": "+13125550100" if house.orchestrator.settings.default_region == "US" else "",
        "sip:anna@h": "sip:anna@h",
        "SIP:anna@h": "SIP:anna@h",
        "tel:+13125550100": "+13125550100",
        "anna": "anna",
    }
    for text, normal in numbers.items():
        if normal:
            assert calls.normal_number(text) == normal, text
    living, ended = (
        CallRecord(sid, ACCOUNT, sid, "+1", "+2", False, 1, 1, 1, at, "completed")
        for sid, at in (("living", 0), ("ended", 9))
    )
    house.orchestrator.outbox.records.put([_record(living), _record(ended)])
    assert calls.call(ACCOUNT, "ended") == ended
    with pytest.raises(ServiceError, match="once it has ended"):
        calls.delete_call(ACCOUNT, "living")
    with pytest.raises(NotFound):
        calls.delete_call(OTHER_ACCOUNT, "ended")
    calls.delete_call(ACCOUNT, "ended")
    with pytest.raises(NotFound):
        calls.call(ACCOUNT, "ended")
    assert calls.call(ACCOUNT, "living") == living
