"""A Dial's time limit that ends before FreeSWITCH has added the caller: a whole history, and what follows."""

from __future__ import annotations

import gevent
import pytest

from tests.lab.switches import FreeSwitch
from tests.lab.web import Answer
from tests.scenarios.conftest import House

NUMBER, FIRST, MODERATOR, AFTER = "+13125550100", "+13125550001", "+13125550003", 1500


@pytest.mark.only("freeswitch")
@pytest.mark.parametrize("somebody_waits", [True, False])
def test_a_caller_whose_time_is_up_before_it_is_in_joins_and_leaves_after_a_start(
    house: House, somebody_waits: bool
) -> None:
    switch = house.switch
    assert isinstance(switch, FreeSwitch)
    after = f"<Play>{house.application.tone(AFTER, 1.0)}</Play>"
    short = house.joins(after=after, beep="false").replace("<Dial>", "<Dial timeLimit='1'>")
    waits = house.joins(startConferenceOnEnter="false", waitUrl="", beep="false")
    house.application.route(
        "/voice",
        lambda request: waits if request.fields["From"] == FIRST else Answer(short, delay=0.5),
    )
    if somebody_waits:
        house.switch.call(NUMBER, from_=FIRST)
        house.delivered(1)
    moderator = house.switch.call(NUMBER, from_=MODERATOR)
    house.application.wait_for(lambda one: one.path == "/voice" and one.fields["From"] == MODERATOR)
    # The order to join, the end of the time limit and the order out all wait for FreeSWITCH.
    switch.freeze()
    gevent.sleep(2.5)
    switch.thaw()
    moderator.wait_hears(AFTER, 8)
    delivered = [(event, caller) for _, event, caller in house.delivered(4)]
    history = [
        ("conference-start", MODERATOR),
        ("participant-join", MODERATOR),
        ("participant-leave", MODERATOR),
    ]
    waited = [("participant-join", FIRST)] if somebody_waits else []
    assert delivered[: len(waited) + 3] == waited + history
    if not somebody_waits:
        assert delivered[3:] == [("conference-end", MODERATOR)]
