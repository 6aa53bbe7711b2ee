"""A conference is stored with each status that it has; the audio of a waiting participant is replaced."""

from __future__ import annotations

import pytest

from orchestrator.conference.live.records import decode_room
from orchestrator.services.conferences import ParticipantUpdate
from tests.scenarios.conftest import ACCOUNT, NUMBER, House, house
from tests.web.site import wait_until

__all__ = ["house"]

pytestmark = pytest.mark.rather("emulator")
FIRST, SECOND = "+13125550002", "+13125550003"


def test_a_conference_is_listed_with_the_status_that_it_has(house: House) -> None:
    assert house.orchestrator is not None
    node, outbox = house.orchestrator.node, house.orchestrator.outbox
    house.documents({FIRST: house.joins(startConferenceOnEnter="false"), SECOND: house.joins()})
    house.switch.call(NUMBER, from_=FIRST)
    wait_until(lambda: list(node.rooms), "somebody waits")
    (room,) = node.rooms

    def status() -> str:
        record = outbox.records.one("conference", ACCOUNT, room.sid)
        return decode_room(record.value).status if record is not None else ""

    wait_until(lambda: status() == "init", "it is there")
    house.switch.call(NUMBER, from_=SECOND)
    wait_until(lambda: status() == "in-progress", "it has begun")
    house.switch.hang_up_all()
    wait_until(lambda: status() == "completed", "it is over")
    record = outbox.records.one("conference", ACCOUNT, room.sid)
    assert record is not None
    assert decode_room(record.value).end_reason == "last-participant-left"


def test_one_who_waits_hears_other_music_on_hold_and_the_first_one_again(house: House) -> None:
    assert house.orchestrator is not None
    waits, holds = house.application.tone(500, 2.0), house.application.tone(900, 2.0)
    house.voice(house.joins(startConferenceOnEnter="false", waitUrl=waits))
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_hears(500, 10)
    conferences, (room,) = house.orchestrator.services.conferences, house.orchestrator.node.rooms
    for changes, hz in (
        (ParticipantUpdate(hold=True, hold_url=holds), 900),
        (ParticipantUpdate(hold=False), 500),
        (ParticipantUpdate(wait_url=holds), 900),
    ):
        (one,) = conferences.participants(ACCOUNT, room.sid)
        conferences.update_participant(room.sid, one, changes)
        phone.wait_hears(hz, 10)
