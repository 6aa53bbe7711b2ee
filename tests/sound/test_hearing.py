"""Mute, coach and hold. muted: "Specify whether a participant is muted or not. Default: false." coach: heard
by the named participant alone. Hold: neither hears nor is heard, back as muted as before.
"""

from __future__ import annotations

from typing import Any

import gevent
import numpy as np
import pytest

from orchestrator.clock import now
from orchestrator.conference.machine.events import Hold, Mute, RoomEvent
from tests.lab import sound
from tests.scenarios.conftest import House
from tests.sound.common import FIRST, FLOOR_DB, MODERATOR, ROOM, SECOND, THIRD, watching
from tests.sound.conftest import Measured

# Sound is measured where it can be.
pytestmark = pytest.mark.rather("freeswitch")

real = pytest.mark.only("freeswitch")
# Their tones, Hz; the hold music of these tests.
ONE, TWO, THREE = 600, 1100, 1700
HOLD = 2500
FOURTH = "+13125550005"


def dispatch(house: House, caller: str, event: type[Mute] | type[Hold], on: bool) -> None:
    assert house.orchestrator
    join = next(fields for fields in house.events() if fields["From"] == caller)
    change: RoomEvent = event(now(), join["CallSid"], on)
    house.orchestrator.node.rooms.dispatch(join["ConferenceSid"], change)


def loudest(phone: Any, hz: float, since: float = 0.0) -> float:
    """dBFS of hz in the 40 ms in which it was loudest."""
    _, samples = phone.audio(since)
    return sound.decibels(float(np.max(sound.amplitudes(samples, hz)[0])))


def pair(house: House, **second: str) -> tuple[Any, Any]:
    """Two who speak, in a room; the attributes are the second one's."""
    house.documents({FIRST: house.joins(beep="false"), SECOND: house.joins(beep="false", **second)})
    one = house.switch.call(ROOM, from_=FIRST, sounds=ONE)
    house.delivered(2)
    two = house.switch.call(ROOM, from_=SECOND, sounds=TWO)
    house.delivered(3)
    two.wait_hears(ONE)
    return one, two


# muted


@pytest.mark.parametrize(("muted", "heard"), [("true", False), ("false", True), (None, True)])
def test_a_muted_one_is_heard_by_nobody_and_hears_all(house: House, muted: str | None, heard: bool) -> None:
    one, two = pair(house, **({"muted": muted} if muted else {}))
    if heard:
        one.wait_hears(TWO)
    else:
        gevent.sleep(1.0)
        assert not one.hears_now(TWO)
        if house.switch.kind == "freeswitch":
            assert loudest(one, TWO) < FLOOR_DB
    one.hang_up()
    two.hang_up()


def test_muting_and_unmuting_take_hold(house: House) -> None:
    one, two = pair(house)
    one.wait_hears(TWO)
    dispatch(house, SECOND, Mute, True)
    one.wait_stops_hearing(TWO, 1)
    assert two.hears_now(ONE)
    dispatch(house, SECOND, Mute, False)
    one.wait_hears(TWO, 2)
    one.hang_up()
    two.hang_up()


def test_one_who_waits_muted_is_muted_when_moved_in(house: House) -> None:
    waits = {"startConferenceOnEnter": "false", "waitUrl": ""}
    house.documents({FIRST: house.joins(muted="true", **waits), MODERATOR: house.joins()})
    waiting = house.switch.call(ROOM, from_=FIRST, sounds=ONE)
    house.delivered(1)
    moderator = house.switch.call(ROOM, from_=MODERATOR, sounds=TWO)
    waiting.wait_hears(TWO)
    gevent.sleep(0.5)
    assert not moderator.hears_now(ONE)
    waiting.hang_up()
    moderator.hang_up()


# coach


@real
def test_a_coach_is_heard_by_the_coached_one_alone_also_by_nobody_who_comes_later(
    house: House, measured: Measured
) -> None:
    documents = {caller: house.joins(beep="false") for caller in (FIRST, SECOND, FOURTH)}
    house.documents(documents)
    agent = house.switch.call(ROOM, from_=FIRST, sounds=ONE)
    customer = house.switch.call(ROOM, from_=SECOND, sounds=TWO)
    call_sid = next(event["CallSid"] for event in house.events(3) if event["From"] == FIRST)
    customer.wait_hears(ONE)
    documents[THIRD] = house.joins(beep="false", coach=call_sid)
    with watching(house) as watcher:
        coach = house.switch.call(ROOM, from_=THIRD, sounds=THREE)
        joined = watcher.wait("add-member", THIRD)
        heard = agent.wait_hears(THREE)
        measured("coach is heard by the coached after its add-member, ms", (heard - joined) * 1000)
        coach.wait_hears(ONE)
        coach.wait_hears(TWO)
        leaks = []
        for _ in range(3):
            fourth = house.switch.call(ROOM, from_=FOURTH)
            fourth.wait_hears(ONE)
            gevent.sleep(0.6)
            leaks.append(loudest(fourth, THREE))
            assert agent.hears_now(THREE)
            fourth.hang_up()
            fourth.wait_ended()
            gevent.sleep(0.3)  # pjsua keeps a call's place a little longer than the call
    at_the_customer = loudest(customer, THREE)
    measured("coach at the others, the loudest 40 ms, dBFS", at_the_customer)
    measured("coach at those who come later, the loudest 40 ms, dBFS", max(leaks))
    assert at_the_customer < FLOOR_DB
    assert max(leaks) < FLOOR_DB, leaks
    for phone in (agent, customer, coach):
        phone.hang_up()


def test_a_coach_joins_and_only_the_coached_one_hears_it(house: House) -> None:
    documents = {caller: house.joins(beep="false") for caller in (FIRST, SECOND, FOURTH)}
    house.documents(documents)
    agent = house.switch.call(ROOM, from_=FIRST, sounds=ONE)
    customer = house.switch.call(ROOM, from_=SECOND, sounds=TWO)
    call_sid = next(event["CallSid"] for event in house.events(3) if event["From"] == FIRST)
    documents[THIRD] = house.joins(beep="false", coach=call_sid)
    coach = house.switch.call(ROOM, from_=THIRD, sounds=THREE)
    agent.wait_hears(THREE)
    coach.wait_hears(ONE)
    coach.wait_hears(TWO)
    fourth = house.switch.call(ROOM, from_=FOURTH)
    fourth.wait_hears(ONE)
    fourth.wait_hears(TWO)
    assert agent.hears_now(THREE)
    assert not customer.hears_now(THREE)
    assert not fourth.hears_now(THREE)
    for phone in (agent, customer, coach, fourth):
        phone.hang_up()
    house.delivered(10)


@real
def test_a_coach_of_nobody_is_refused(house: House) -> None:
    after = house.application.tone(1500, 1.0)
    house.documents({FIRST: house.joins(), THIRD: house.joins(coach="nobody", after=f"<Play>{after}</Play>")})
    first = house.switch.call(ROOM, from_=FIRST)
    house.delivered(2)
    third = house.switch.call(ROOM, from_=THIRD, sounds=THREE)
    third.wait_hears(1500)
    third.wait_ended()
    assert not first.heard(THREE)
    assert len(house.delivered()) == 2
    first.hang_up()


# hold


@pytest.fixture
def with_hold_music(house: House) -> House:
    """Hold music that can be distinguished from everything else."""
    music = house.directory / "hold.wav"
    sound.write_wav(music, sound.tone(HOLD, 1.0))
    house.stop()
    house.start(f"conference:\n  wait_music: {music}\n")
    return house


@real
@pytest.mark.parametrize("muted", ["true", "false"])
def test_on_hold_one_neither_hears_nor_is_heard_and_comes_back_as_muted_as_before(
    with_hold_music: House, measured: Measured, muted: str
) -> None:
    house = with_hold_music
    one, two = pair(house, muted=muted)
    if muted == "false":
        one.wait_hears(TWO)
    dispatch(house, SECOND, Hold, True)
    began = two.wait_hears(HOLD, 2)
    two.wait_stops_hearing(ONE, 1)
    one.wait_stops_hearing(TWO, 1)
    gevent.sleep(1.5)
    assert loudest(two, ONE, began + 0.3) < FLOOR_DB
    assert loudest(one, TWO, began + 0.5) < FLOOR_DB
    assert loudest(one, HOLD) < FLOOR_DB
    dispatch(house, SECOND, Hold, False)
    back = two.wait_hears(ONE, 2)
    two.wait_stops_hearing(HOLD, 1)
    gevent.sleep(1.0)
    assert one.hears_now(TWO) is (muted == "false")
    assert two.heard(HOLD)[-1].end < back + 0.15
    one.hang_up()
    two.hang_up()
    house.delivered(6)


def test_a_mute_meanwhile_counts_when_the_hold_ends(with_hold_music: House) -> None:
    house = with_hold_music
    one, two = pair(house)
    one.wait_hears(TWO)
    dispatch(house, SECOND, Hold, True)
    two.wait_hears(HOLD, 2)
    dispatch(house, SECOND, Mute, True)
    gevent.sleep(0.5)
    assert two.hears_now(HOLD)
    assert not two.hears_now(ONE)
    dispatch(house, SECOND, Hold, False)
    two.wait_hears(ONE, 2)
    gevent.sleep(1.0)
    assert not one.hears_now(TWO)
    dispatch(house, SECOND, Mute, False)
    one.wait_hears(TWO, 2)
    one.hang_up()
    two.hang_up()


def test_a_caller_that_hangs_up_on_hold_leaves_nothing_behind(with_hold_music: House) -> None:
    """The switch fixture fails if a channel or a conference is left."""
    house = with_hold_music
    one, two = pair(house)
    dispatch(house, SECOND, Hold, True)
    two.wait_hears(HOLD, 2)
    two.hang_up()
    assert house.delivered(4)[3][1:] == ("participant-leave", SECOND)
    one.hang_up()
    house.delivered(6)


def test_one_on_hold_goes_on_with_its_document_when_the_moderator_ends_the_room(
    with_hold_music: House,
) -> None:
    """Symptom: its call was hung up five seconds later. Cause: FreeSWITCH lets go of a member only once the
    music that it plays to it is over. Fix: a kick ends the music."""
    house = with_hold_music
    after = house.application.tone(1500, 1.0)
    house.documents(
        {
            FIRST: house.joins(after=f"<Play>{after}</Play>"),
            MODERATOR: house.joins(endConferenceOnExit="true"),
        }
    )
    first = house.switch.call(ROOM, from_=FIRST)
    house.delivered(2)
    moderator = house.switch.call(ROOM, from_=MODERATOR)
    house.delivered(3)
    dispatch(house, FIRST, Hold, True)
    first.wait_hears(HOLD, 2)
    moderator.hang_up()
    first.wait_hears(1500, 2)
    first.wait_ended()
    house.delivered(6)


@real
def test_a_participant_on_hold_hears_no_beep(with_hold_music: House) -> None:
    house = with_hold_music
    house.voice(house.joins())
    one = house.switch.call(ROOM, from_=FIRST)
    house.delivered(2)
    dispatch(house, FIRST, Hold, True)
    one.wait_hears(HOLD, 2)
    two = house.switch.call(ROOM, from_=SECOND)
    house.delivered(3)
    gevent.sleep(0.7)
    dispatch(house, FIRST, Hold, False)
    one.wait_stops_hearing(HOLD, 1)
    gevent.sleep(0.7)
    assert not one.heard(880)
    one.hang_up()
    two.hang_up()


@real
def test_one_who_waits_on_hold_is_moved_in_on_hold(with_hold_music: House) -> None:
    house = with_hold_music
    waits = {"startConferenceOnEnter": "false", "waitUrl": ""}
    house.documents({FIRST: house.joins(**waits), MODERATOR: house.joins()})
    first = house.switch.call(ROOM, from_=FIRST, sounds=ONE)
    house.delivered(1)
    dispatch(house, FIRST, Hold, True)
    moderator = house.switch.call(ROOM, from_=MODERATOR, sounds=TWO)
    house.delivered(3)
    first.wait_hears(HOLD, 2)
    gevent.sleep(1.2)
    assert loudest(first, TWO) < FLOOR_DB
    assert not moderator.hears_now(ONE)
    dispatch(house, FIRST, Hold, False)
    first.wait_hears(TWO, 2)
    moderator.wait_hears(ONE, 2)
    first.hang_up()
    moderator.hang_up()
    house.delivered(6)


# announcements


@real
@pytest.mark.parametrize("to_all", [True, False])
def test_an_announcement_is_heard_by_all_or_by_one(house: House, to_all: bool) -> None:
    assert house.orchestrator
    path = house.switch.media_dir / "announcement.wav"
    sound.write_wav(path, sound.tone(HOLD, 0.5))
    house.voice(house.joins(beep="false"))
    with watching(house) as watcher:
        one = house.switch.call(ROOM, from_=FIRST)
        house.delivered(2)
        two = house.switch.call(ROOM, from_=SECOND)
        house.delivered(3)
        watcher.wait("add-member", count=2)
        member = "" if to_all else watcher.member(FIRST)
        house.orchestrator.node.rooms._executor.announce(watcher.room, str(path), member)
    one.wait_hears(HOLD, 2)
    one.wait_stops_hearing(HOLD, 2)
    gevent.sleep(0.3)
    assert bool(two.heard(HOLD)) is to_all
    one.hang_up()
    two.hang_up()
