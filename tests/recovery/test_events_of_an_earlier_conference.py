"""FreeSWITCH ends a conference with its last member, and begins another of the same name with the next one.

Symptom: everybody was out of a conference that went on. Cause: the end of the one before came late. Fix: an
end counts for the conference that bears its Conference-Unique-ID.
"""

from __future__ import annotations

import gevent
import msgspec

from orchestrator.esl.events import decode
from tests.scenarios.conftest import NUMBER, House
from tests.sound.common import watching

FIRST, SECOND = "+13125550002", "+13125550003"
ANOTHER = "5f2c1b1e-7c1d-4a60-9d1c-0f3a6f1f0a11"


def test_the_end_of_an_earlier_one_ends_nothing(house: House) -> None:
    house.voice(house.joins(beep="false"))
    with watching(house) as watcher:
        first = house.switch.call(NUMBER, from_=FIRST, sounds=500)
        second = house.switch.call(NUMBER, from_=SECOND)
        house.delivered(3, 10)
        watcher.wait("add-member", SECOND)
        (added,) = watcher.events("add-member", SECOND)
    del added["at"]
    assert house.orchestrator is not None
    assert added["Conference-Unique-ID"] != ANOTHER
    event = {**added, "Action": "conference-destroy", "Conference-Unique-ID": ANOTHER}
    house.orchestrator.node.dispatcher.on_event(decode(msgspec.json.encode(event)))
    gevent.sleep(0.5)
    assert len(house.delivered()) == 3
    second.wait_hears(500, 10, since=0)
    for phone in (first, second):
        phone.hang_up()
    assert [event for _, event, _ in house.delivered(6, 10)[3:]] == [
        "participant-leave",
        "participant-leave",
        "conference-end",
    ]
