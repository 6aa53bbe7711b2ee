"""recordingTimeout: "The number of seconds that Telnyx will wait for the recording to be stopped if silence
is detected. The timer only starts when the speech is detected. 0 means no timeout. Default: 0."

The truth is what another phone heard; the emulator's phones do not measure to the frame.
"""

from __future__ import annotations

import gevent
import pytest

from tests.scenarios.conftest import House
from tests.sound.common import (
    FIRST,
    ROOM,
    SECOND,
    THIRD,
    listen,
    recorded,
    recording_callbacks,
    seconds,
    watching,
)
from tests.sound.conftest import Measured

pytestmark = pytest.mark.only("freeswitch")
ONE, OTHER = 600, 1100


def test_it_ends_so_long_after_the_last_word_of_anybody_and_the_conference_goes_on(
    house: House, measured: Measured
) -> None:
    house.voice(house.joins(**recorded(house, recordingTimeout="3")))
    first = house.switch.call(ROOM, from_=FIRST)
    second = house.switch.call(ROOM, from_=SECOND)
    ear = house.switch.call(ROOM, from_=THIRD)
    house.delivered(4)
    with watching(house) as watcher:
        first.sounds(ONE)
        ear.wait_hears(ONE)
        second.sounds(OTHER)
        ear.wait_hears(OTHER)
        first.sounds(None)
        ear.wait_stops_hearing(ONE)
        gevent.sleep(2.0)
        second.sounds(None)
        stopped = watcher.wait("stop-recording", timeout=10)
        # Looked up now: on a busy machine a tone may pause before it is over.
        last_word = max(ear.heard(hz)[-1].end for hz in (ONE, OTHER))
        error = stopped - last_word - 3
        measured("recordingTimeout=3 ends after the last word, error in ms", error * 1000)
        assert abs(error) < 0.25
    _, completed = recording_callbacks(house, 2)
    assert completed["RecordingStatus"] == "completed"
    assert seconds(listen(completed)) > 5
    second.sounds(OTHER)
    first.wait_hears(OTHER)
    gevent.sleep(0.5)
    assert len(house.application.to("/recording")) == 2
    for phone in (first, second, ear):
        phone.hang_up()
    house.delivered(8)
    gevent.sleep(0.3)
    assert len(house.application.to("/recording")) == 2


def test_silence_before_the_first_word_does_not_count(house: House) -> None:
    house.voice(house.joins(**recorded(house, recordingTimeout="1")))
    first = house.switch.call(ROOM, from_=FIRST)
    recording_callbacks(house, 1)
    gevent.sleep(3.5)
    assert len(house.application.to("/recording")) == 1
    first.sounds(ONE)
    gevent.sleep(0.5)
    first.sounds(None)
    _, completed = recording_callbacks(house, 2)
    assert seconds(listen(completed)) > 4.5
    first.hang_up()


@pytest.mark.parametrize("timeout", ["0", None])
def test_without_a_timeout_silence_ends_nothing(house: House, timeout: str | None) -> None:
    house.voice(house.joins(**recorded(house, **({"recordingTimeout": timeout} if timeout else {}))))
    first = house.switch.call(ROOM, from_=FIRST, sounds=ONE)
    recording_callbacks(house, 1)
    gevent.sleep(1.0)
    first.sounds(None)
    gevent.sleep(3.5)
    assert len(house.application.to("/recording")) == 1
    first.hang_up()
    recording_callbacks(house, 2)


@pytest.mark.parametrize("how", ["hangs up", "is muted", "is put on hold"])
def test_a_speaker_who_is_cut_off_in_mid_word_speaks_no_more(house: House, how: str) -> None:
    """Symptom: the recording never ended. Cause: FreeSWITCH sends no stop-talking for a speaker that it mutes
    or holds (conference_api.c clears the flag without a word). Fix: mute and hold end the speech."""
    house.voice(house.joins(**recorded(house, recordingTimeout="2")))
    first = house.switch.call(ROOM, from_=FIRST, sounds=ONE)
    second = house.switch.call(ROOM, from_=SECOND)
    second.wait_hears(ONE)
    recording_callbacks(house, 1)
    gevent.sleep(1.0)
    _cut_off(house, first, how)
    with watching(house) as watcher:
        stopped = watcher.wait("stop-recording", timeout=10)
    last_word = second.heard(ONE)[-1].end
    assert stopped - last_word == pytest.approx(2.0, abs=0.5)
    recording_callbacks(house, 2)
    first.hang_up()
    second.hang_up()


def _cut_off(house: House, phone: object, how: str) -> None:
    from orchestrator.clock import now
    from orchestrator.conference.machine.events import Hold, Mute

    assert house.orchestrator
    join = next(event for event in house.events() if event["From"] == FIRST)
    if how == "hangs up":
        phone.hang_up()  # type: ignore[attr-defined]
    elif how == "is muted":
        house.orchestrator.node.rooms.dispatch(join["ConferenceSid"], Mute(now(), join["CallSid"], True))
    else:
        house.orchestrator.node.rooms.dispatch(join["ConferenceSid"], Hold(now(), join["CallSid"], True))
