"""The page's lists of what is stored: each row once, page by page, and by words, states and labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from orchestrator.calls.records import CallRecord
from orchestrator.conference.live.records import RoomRecord, row_of_leave, row_of_room
from orchestrator.conference.machine.effects import StoreLeave
from orchestrator.conference.machine.state import (
    Caller,
    ConferenceOptions,
    LeaveReason,
    Participant,
    ParticipantOptions,
    Phase,
    Room,
)
from orchestrator.store.message import Message
from orchestrator.store.records import Record
from orchestrator.web.console import queries
from tests.console.conftest import address
from tests.console.test_site import Visitor, visitor
from tests.scenarios.conftest import ACCOUNT, House

__all__ = ["visitor"]

pytestmark = pytest.mark.rather("emulator")
SECOND = 1_000_000
ROWS, PAGE = 120, 50


def room(number: int) -> Record:
    """Two of a moment, so that a page may end between them; every tenth has ended."""
    at = (number // 2 + 1) * SECOND
    ended = at + 5 if number % 10 == 0 else 0
    status = "completed" if ended else "init"
    return row_of_room(
        RoomRecord(f"room-{number:03}", ACCOUNT, f"Name {number:03}", at, at, ended, status, node="x")
    )


def call(number: int) -> Record:
    at = (number // 2 + 1) * SECOND
    status = ("completed", "failed", "busy", "no-answer")[number % 4]
    one = CallRecord(f"call-{number:03}", ACCOUNT, "leg", f"+1{number:03}", "+2", True, at, at, status=status)
    return Record(
        "call",
        one.sid,
        ACCOUNT,
        at,
        at,
        at,
        status,
        from_=one.from_,
        to_="+2",
        value=msgspec.json.encode(one),
    )


def left(number: int, label: str) -> Record:
    one = Participant(
        Caller(f"call-{number:03}", "leg"), ParticipantOptions(label=label), Phase.IN, joined_at=number
    )
    inside = Room(f"room-{number:03}", ACCOUNT, "Name", ConferenceOptions())
    return row_of_leave(inside, StoreLeave(one, SECOND, LeaveReason.HUNG_UP))


@pytest.fixture
def stored(house: House) -> Iterator[House]:
    assert house.orchestrator is not None
    outbox = house.orchestrator.outbox
    outbox.records.put([make(number) for number in range(ROWS) for make in (room, call)])
    outbox.records.put([left(7, "Anna Smith"), left(8, "anna jones"), left(9, "Bert")])
    url = house.application.takes_callbacks("/later")
    messages = [
        Message(f"q{number}", url, "POST", (), ACCOUNT, "join", number, SECOND) for number in range(ROWS)
    ]
    outbox.commit(messages)
    yield house
    house.orchestrator.delivery.on_committed(messages)


def pages(visitor: Visitor, path: str, words: str = "") -> list[list[str]]:
    """Ids, page by page to the last."""
    found, after = list[list[str]](), ""
    while True:
        page = visitor.ask("GET", f"console/{path}", params={"after": after, "words": words}).json()
        found.append([one.get("sid") or one["sequence"] for one in page["items"]])
        after = page["next"]
        if after is None:
            return found


def test_each_row_is_in_one_page(stored: House, visitor: Visitor) -> None:
    assert visitor.base == address(stored)
    for kind in ("conferences", "calls", "callbacks"):
        found = pages(visitor, kind)
        assert [len(page) for page in found] == [PAGE, PAGE, ROWS - 2 * PAGE], kind
    listed = [sid for page in pages(visitor, "conferences") for sid in page]
    assert listed == [f"room-{number:03}" for number in reversed(range(ROWS))], "the newest first"
    assert [sid for page in pages(visitor, "conferences", "name") for sid in page] == listed
    assert [one for page in pages(visitor, "callbacks") for one in page] == list(reversed(range(ROWS)))


@pytest.mark.parametrize("rows", [PAGE, PAGE + 1])
def test_a_page_that_is_full_has_another_only_if_there_is_more(
    house: House, visitor: Visitor, rows: int
) -> None:
    assert house.orchestrator is not None
    house.orchestrator.outbox.records.put([room(number) for number in range(rows)])
    assert [len(page) for page in pages(visitor, "conferences")] == [PAGE, 1][: rows - PAGE + 1]


def test_rows_by_their_state_words_and_labels(
    stored: House, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(path: str, **narrowed: object) -> Any:
        return visitor.ask("GET", f"console/{path}", params=narrowed).json()

    def sids(path: str, **narrowed: object) -> list[str]:
        return [one["sid"] for one in asked(path, **narrowed)["items"]]

    assert len(sids("conferences", state="over")) == ROWS / 10
    assert not set(sids("conferences", state="live")) & set(sids("conferences", state="over"))
    for number, state in enumerate(("failed", "busy", "no-answer"), 1):
        assert {int(sid[-3:]) % 4 for sid in sids("calls", state=state)} == {number}
    assert sids("conferences", words="Name 033") == ["room-033"]
    assert sids("calls", words="+1033") == ["call-033"]
    assert sids("conferences", words="ANNA") == ["room-008", "room-007"]
    assert sids("calls", words="anna") == ["call-008", "call-007"]
    assert sids("calls", words="bert") == ["call-009"]
    assert sids("conferences", words="bert", state="over") == []
    within = {"since": 2000, "until": 3000}
    for words in ("", "name"):
        assert sids("conferences", words=words, **within) == ["room-003", "room-002"]
    # Words are sought in so many rows; then the page says how far back that was.
    assert asked("conferences", words="nobody") == {"items": [], "next": None, "searched": 0}
    monkeypatch.setattr(queries, "SEARCHED", 100)
    far = {"items": [], "next": "11000000 room-020", "searched": 11_000}
    assert asked("conferences", words="nobody") == far
    for searched in (50, 112, 113):
        monkeypatch.setattr(queries, "SEARCHED", searched)
        found = [sid for page in pages(visitor, "conferences", "anna") for sid in page]
        assert found == ["room-008", "room-007"], "once, as far back as they are"
    monkeypatch.setattr(queries, "SEARCHED", 100)
    assert asked("conferences")["searched"] == 0
