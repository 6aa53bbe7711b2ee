"""waitUrl: "A URL to an MP3 or WAV file that should be used for the conference's hold music before the
conference starts", and startConferenceOnEnter: "they are muted and hear background music until a participant
joins where startConferenceOnEnter is true".

Moments are measured on a real FreeSWITCH: what an emulated phone hears has no start and end to the frame.
"""

from __future__ import annotations

from statistics import median

import gevent
import pytest

from orchestrator.media.generated_audio import CHORDS
from tests.lab import sound
from tests.scenarios.conftest import House
from tests.sound.common import (
    FIRST,
    FLOOR_DB,
    MODERATOR,
    MUSIC,
    ROOM,
    SECOND,
    THIRD,
    loudness_between,
    watching,
)
from tests.sound.conftest import Measured

# Sound is measured where it can be.
pytestmark = pytest.mark.rather("freeswitch")

WAITS = {"startConferenceOnEnter": "false"}


@pytest.mark.only("freeswitch")
@pytest.mark.parametrize("what", ["music", "menu"])
def test_wait_audio_stops_for_all_the_moment_the_conference_starts(
    house: House, measured: Measured, what: str
) -> None:
    music = house.application.tone(MUSIC, 3.0)
    house.application.document(
        "/menu", f"<Response><Gather timeout='60'><Play loop='0'>{music}</Play></Gather></Response>"
    )
    url = music if what == "music" else "/menu"
    waiting = house.joins(waitUrl=url, waitMethod="GET", **WAITS)
    callers = [FIRST, SECOND, THIRD, "+13125550005"]
    house.documents(dict.fromkeys(callers, waiting) | {MODERATOR: house.joins()})
    phones = [house.switch.call(ROOM, from_=caller) for caller in callers]
    for phone in phones:
        phone.wait_hears(MUSIC)
    gevent.sleep(0.5)
    with watching(house) as watcher:
        moderator = house.switch.call(ROOM, from_=MODERATOR, sounds=1100)
        started = watcher.wait("add-member")
        watcher.wait("add-member", count=5)
    for phone in phones:
        phone.wait_hears(1100, 2)
    gevent.sleep(0.5)
    stops = [phone.heard(MUSIC)[-1].end - started for phone in phones]
    starters_tone = [phone.heard(1100)[0].start - started for phone in phones]
    measured(
        f"wait {what} ends after the starter's add-member, ms",
        f"{1000 * min(stops):.0f} to {1000 * max(stops):.0f}",
    )
    measured(
        "starter's tone begins after its add-member, ms",
        f"{1000 * min(starters_tone):.0f} to {1000 * max(starters_tone):.0f}",
    )
    # As heard at the phone, its jitter buffer and a busy machine included: by itself it is 30 to 50 ms.
    assert median(stops) < 0.15
    for phone in (moderator, *phones):
        phone.hang_up()
    house.delivered(12)


def test_the_music_of_those_who_wait_is_over_when_they_are_in(house: House) -> None:
    waiting = house.joins(waitUrl=house.application.tone(MUSIC, 3.0), waitMethod="GET", **WAITS)
    house.documents({FIRST: waiting, SECOND: waiting, MODERATOR: house.joins()})
    first = house.switch.call(ROOM, from_=FIRST)
    second = house.switch.call(ROOM, from_=SECOND)
    first.wait_hears(MUSIC)
    second.wait_hears(MUSIC)
    moderator = house.switch.call(ROOM, from_=MODERATOR, sounds=1100)
    first.wait_hears(1100)
    second.wait_hears(1100)
    first.wait_stops_hearing(MUSIC, 1)
    second.wait_stops_hearing(MUSIC, 1)
    for phone in (moderator, first, second):
        phone.hang_up()
    house.delivered(8)


@pytest.mark.only("freeswitch")
def test_without_a_wait_url_our_music_is_heard(house: House) -> None:
    house.voice(house.joins(**WAITS))
    phone = house.switch.call(ROOM, from_=FIRST)
    phone.wait_hears(CHORDS[0][1], 3)
    gevent.sleep(1.0)
    _, samples = phone.audio()
    music = samples[-sound.RATE :]
    assert sound.rms_db(music) > -40
    strongest = sound.strongest_hz(music)
    assert min(abs(strongest - hz) for chord in CHORDS for hz in chord) < 5
    phone.hang_up()
    house.delivered(3)


@pytest.mark.only("freeswitch")
def test_an_empty_wait_url_is_silence(house: House) -> None:
    house.voice(house.joins(waitUrl="", **WAITS))
    phone = house.switch.call(ROOM, from_=FIRST)
    house.delivered(1)
    phone.wait_answered()
    answered = phone.times["answered"]
    gevent.sleep(1.5)
    assert loudness_between(phone, answered, answered + 1.5) < FLOOR_DB
    phone.hang_up()
    house.delivered(3)


@pytest.mark.only("freeswitch")
def test_those_who_wait_do_not_hear_each_other(house: House) -> None:
    """ "they are muted": each is on its own leg, with no mix at all."""
    house.voice(house.joins(waitUrl="", **WAITS))
    one = house.switch.call(ROOM, from_=FIRST, sounds=500)
    two = house.switch.call(ROOM, from_=SECOND, sounds=900)
    house.delivered(2)
    gevent.sleep(1.0)
    assert not one.heard(900)
    assert not two.heard(500)
    one.hang_up()
    two.hang_up()
    house.delivered(5)
