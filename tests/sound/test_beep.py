"""beep: "Specify whether a notification beep is played to the conference when a participant joins or leaves
the conference. The participant joining the conference will never hear a beep. Options: true, false, onEnter,
onExit. Default: true."

Measured at the phones, so on a real FreeSWITCH only: an emulated phone hears whether, not how loud and long.
"""

from __future__ import annotations

from statistics import median

import gevent
import pytest

from tests.scenarios.conftest import House
from tests.sound.common import (
    ENTER,
    EXIT,
    FIRST,
    FLOOR_DB,
    MODERATOR,
    ROOM,
    SECOND,
    THIRD,
    level_between,
    watching,
)
from tests.sound.conftest import Measured

pytestmark = pytest.mark.only("freeswitch")

LONG_ENOUGH = 0.7  # seconds in which a beep that is due has been heard, tail and jitter buffer included


@pytest.mark.parametrize(
    ("beep", "entering", "leaving"),
    [("true", 1, 1), ("false", 0, 0), ("onEnter", 1, 0), ("onExit", 0, 1), (None, 1, 1)],
)
def test_a_beep_sounds_to_the_others_as_the_one_who_comes_and_goes_asks(
    house: House, beep: str | None, entering: int, leaving: int
) -> None:
    # Those who listen ask for the opposite: it is not about them.
    other = {"beep": "false" if beep in ("true", None) else "true"}
    house.documents(
        {
            FIRST: house.joins(**other),
            SECOND: house.joins(**({"beep": beep} if beep else {})),
            THIRD: house.joins(**other),
        }
    )
    first = house.switch.call(ROOM, from_=FIRST)
    house.delivered(2)
    third = house.switch.call(ROOM, from_=THIRD)
    house.delivered(3)
    gevent.sleep(LONG_ENOUGH)
    with watching(house) as watcher:
        second = house.switch.call(ROOM, from_=SECOND)
        joined = watcher.wait("add-member")
        gevent.sleep(LONG_ENOUGH)
        for other_phone in (first, third):
            assert len(other_phone.heard(ENTER, since=joined - 0.05)) == entering
        assert not second.heard(ENTER)
        assert level_between(second, ENTER, joined, joined + LONG_ENOUGH) < FLOOR_DB
        second.hang_up()
        left = watcher.wait("del-member")
        gevent.sleep(LONG_ENOUGH)
        for other_phone in (first, third):
            assert len(other_phone.heard(EXIT, since=left - 0.05)) == leaving
    first.hang_up()
    third.hang_up()


def test_a_beep_is_two_hundred_milliseconds_to_the_others_and_nothing_to_the_joiner(
    house: House, measured: Measured
) -> None:
    """The middle of five: a phone on a busy machine stretches one now and then."""
    house.voice(house.joins())
    first = house.switch.call(ROOM, from_=FIRST)
    house.delivered(2)
    enters, exits, enter_lags, exit_lags, own = [], [], [], [], []
    with watching(house) as watcher:
        for turn in range(5):
            joiner = house.switch.call(ROOM, from_=SECOND)
            joined = watcher.wait("add-member", count=turn + 1)
            gevent.sleep(LONG_ENOUGH)
            own.append(level_between(joiner, ENTER, joined, joined + LONG_ENOUGH))
            joiner.hang_up()
            left = watcher.wait("del-member", count=turn + 1)
            gevent.sleep(LONG_ENOUGH)
            (enter,) = first.heard(ENTER, since=joined - 0.05)
            (leave,) = first.heard(EXIT, since=left - 0.05)
            enters.append(enter)
            exits.append(leave)
            enter_lags.append(enter.start - joined)
            exit_lags.append(leave.start - left)
    lengths = [median(heard.seconds for heard in beeps) for beeps in (enters, exits)]
    level = median(heard.level_db for heard in enters)
    measured("beep at the others, dBFS", level)
    measured("beep at the joiner itself, dBFS (the worst of five)", max(own))
    measured(
        "enter and exit beep at the others, ms", " and ".join(f"{1000 * length:.0f}" for length in lengths)
    )
    measured("enter beep begins after add-member, ms", median(enter_lags) * 1000)
    measured("exit beep begins after del-member, ms", median(exit_lags) * 1000)
    assert lengths == [pytest.approx(0.2, abs=0.03)] * 2
    assert -18 < level < -9
    assert max(own) < FLOOR_DB
    first.hang_up()


def test_tone_and_length_are_settings(house: House) -> None:
    house.stop()
    house.start(
        "conference:\n  enter_beep: {hz: 1200, ms: 400}\n  exit_beep: {hz: 500, ms: 100}\n",
    )
    house.voice(house.joins())
    first = house.switch.call(ROOM, from_=FIRST)
    house.delivered(2)
    second = house.switch.call(ROOM, from_=SECOND)
    first.wait_hears(1200, 3)
    second.wait_answered()
    first.wait_quiet(3)
    second.hang_up()
    first.wait_hears(500, 3)
    first.wait_quiet(3)
    (enter,) = first.heard(1200)
    (leave,) = first.heard(500)
    assert 0.36 < enter.seconds < 0.5
    assert 0.08 < leave.seconds < 0.2
    assert not first.heard(ENTER)
    first.hang_up()


def test_no_beep_before_the_start_nor_for_those_who_are_moved_in(house: House) -> None:
    waits = house.joins(startConferenceOnEnter="false", waitUrl="")
    house.documents({FIRST: waits, SECOND: waits, THIRD: waits, MODERATOR: house.joins()})
    first = house.switch.call(ROOM, from_=FIRST)
    second = house.switch.call(ROOM, from_=SECOND)
    third = house.switch.call(ROOM, from_=THIRD)
    house.delivered(3)
    third.hang_up()
    house.delivered(4)
    with watching(house) as watcher:
        moderator = house.switch.call(ROOM, from_=MODERATOR)
        watcher.wait("add-member", count=3)
    gevent.sleep(LONG_ENOUGH)
    for phone in (first, second, third, moderator):
        assert not phone.heard(ENTER)
        assert not phone.heard(EXIT)
    for phone in (first, second, moderator):
        phone.hang_up()
    house.delivered(10)


def test_ten_who_join_within_a_second_do_not_queue_behind_beeps(house: House, measured: Measured) -> None:
    house.voice(house.joins())
    house.switch.phones.prepare(12)
    first = house.switch.call(ROOM, from_=FIRST)
    house.delivered(2)
    with watching(house) as watcher:
        phones = {}
        for number in range(10):
            caller = f"+1312555020{number}"
            phones[caller] = house.switch.call(ROOM, from_=caller)
            gevent.sleep(0.1)
        watcher.wait("add-member", count=10, timeout=10)
        for phone in phones.values():
            phone.wait_answered()
        lags = [
            watcher.wait("add-member", caller) - phone.times["answered"] for caller, phone in phones.items()
        ]
    assert max(lags) < 0.150, lags
    assert {event for _, event, _ in house.delivered(12)[2:]} == {"participant-join"}
    # Ten beeps of 200 ms in a second: one after the other, none is lost, and none is mixed with the next.
    gevent.sleep(2.0)
    beeps = sum(heard.seconds for heard in first.heard(ENTER))
    assert beeps == pytest.approx(2.0, abs=0.25)
    for phone in phones.values():
        own_and_earlier = sum(heard.seconds for heard in phone.heard(ENTER))
        assert own_and_earlier < beeps
    measured("ten joins in a second: latest add-member after its 200 OK, ms", max(lags) * 1000)
    for phone in (first, *phones.values()):
        phone.hang_up()


def test_a_refused_one_is_announced_to_nobody(house: House) -> None:
    house.voice(house.joins(maxParticipants="2"))
    first = house.switch.call(ROOM, from_=FIRST)
    house.delivered(2)
    second = house.switch.call(ROOM, from_=SECOND)
    house.delivered(3)
    first.wait_hears(ENTER)
    gevent.sleep(LONG_ENOUGH)
    third = house.switch.call(ROOM, from_=THIRD)
    third.wait_ended()
    gevent.sleep(LONG_ENOUGH)
    assert len(first.heard(ENTER)) == 1
    assert not first.heard(EXIT)
    assert not second.heard(ENTER)
    first.hang_up()
    second.hang_up()


def test_a_beep_is_mixed_with_the_speaker(house: House) -> None:
    """The speaker's tone goes on beneath it."""
    house.voice(house.joins())
    first = house.switch.call(ROOM, from_=FIRST)
    speaker = house.switch.call(ROOM, from_=SECOND, sounds=600)
    house.delivered(3)
    first.wait_hears(600)
    gevent.sleep(LONG_ENOUGH)
    third = house.switch.call(ROOM, from_=THIRD)
    began = first.wait_hears(ENTER)
    gevent.sleep(LONG_ENOUGH)
    (beep,) = first.heard(ENTER, since=began - 0.1)
    middle = beep.start + beep.seconds / 2
    assert level_between(first, 600, middle - 0.05, middle + 0.05) > -26
    for phone in (first, speaker, third):
        phone.hang_up()
