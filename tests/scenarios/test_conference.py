"""The main path: calls to a number meet in a room, and their application is told."""

from __future__ import annotations

from tests.scenarios.conftest import House

MODERATOR, FIRST, SECOND, THIRD = "+13125550001", "+13125550002", "+13125550003", "+13125550004"


def test_a_lone_caller_starts_a_room_and_ends_it(house: House) -> None:
    house.voice(house.joins())
    phone = house.switch.call("+13125550100", from_=MODERATOR)
    phone.wait_answered(5)
    house.told(2)
    phone.hang_up()
    assert house.told(4) == [
        ("0", "conference-start", MODERATOR),
        ("1", "participant-join", MODERATOR),
        ("2", "participant-leave", MODERATOR),
        ("3", "conference-end", MODERATOR),
    ]


def test_two_callers_hear_each_other(house: House) -> None:
    house.voice(house.joins())
    one = house.switch.call("+13125550100", from_=FIRST, sounds=500)
    two = house.switch.call("+13125550100", from_=SECOND, sounds=900)
    one.wait_hears(900, 5)
    two.wait_hears(500, 5)
    assert not one.hears_now(500)
    one.hang_up()
    two.hang_up()
    assert [event for _, event, _ in house.told(6)][-1] == "conference-end"
