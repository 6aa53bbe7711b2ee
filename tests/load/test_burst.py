"""More calls in a second than anybody can serve: each is soon in its conference, or refused with SIP 503."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from orchestrator.calls.call import Call
from orchestrator.calls.overload import ALWAYS, QUIET_SECONDS
from orchestrator.esl.leg import Leg
from tests.lab.switches import FreeSwitch
from tests.lab.web import Answer
from tests.load import sipp
from tests.load.party import plain_party
from tests.load.test_load import _check_delivered, _check_nothing_left, _wait_for_quiet
from tests.load.test_two_hours import alive
from tests.scenarios.conftest import House, house

__all__ = ["house"]

CALLS, A_SECOND, ROOMS, STAY_MS = 150, 300, 15, 4000
INTAKE = "admission: {max_in_setup: 40}"
# FreeSWITCH's own limit (100) would refuse most of them before us.
SESSIONS_A_SECOND = 1000
BUSY_SECONDS = 1.0
REFUSED = "calls are refused with SIP 503"


@pytest.fixture
def hurried(house: House) -> Iterator[House]:
    assert isinstance(house.switch, FreeSwitch)
    usual = house.switch.api("fsctl sps").split()[-1]
    house.switch.api(f"fsctl sps {SESSIONS_A_SECOND}")
    house.stop()
    house.start(INTAKE)
    # It holds from FreeSWITCH's next second on.
    gevent.sleep(1.5)
    yield house
    house.switch.api(f"fsctl sps {usual}")


@pytest.mark.only("freeswitch")
@pytest.mark.skipif(bool(sipp.why_not()), reason=sipp.why_not())
def test_a_burst_is_served_or_refused_and_nothing_in_between(hurried: House, tmp_path: Path) -> None:
    house, switch, orchestrator = hurried, hurried.switch, hurried.orchestrator
    assert isinstance(switch, FreeSwitch)
    assert orchestrator is not None
    house.application.route("/voice", lambda request: house.joins(request.fields["To"]))
    callers = plain_party(ROOMS, CALLS, STAY_MS)
    run = sipp.Sipp(callers, A_SECOND, switch.sip_port, tmp_path / "sipp")
    try:
        run.wait()
        joined, refused = run.join_times(), run.refusal_times()
    finally:
        run.close()
    limiter = orchestrator.node.admission.limiter
    assert len(joined) + len(refused) == CALLS
    assert (limiter.accepted, limiter.refused.total()) == (len(joined), len(refused))
    assert len(joined) >= ALWAYS
    assert refused
    _wait_for_quiet(house)
    asked = {request.fields["From"] for request in house.application.to("/voice")}
    assert len(asked) == len(joined)
    _check_delivered(house, [caller for caller in callers if caller.number in asked])
    _check_nothing_left(house)
    gevent.sleep(QUIET_SECONDS)
    gc.collect()
    assert not alive(Leg)
    assert not alive(Call)
    assert [REFUSED in line for line in house.log.lines].count(True) == 1
    assert not switch.log_errors()
    phone = switch.call("+13125550100")
    phone.wait_answered(5)
    phone.hang_up()


@pytest.mark.only("freeswitch")
def test_a_freeswitch_with_less_room_than_ours_is_warned_of(house: House) -> None:
    house.stop()
    house.start("admission: {max_calls: 100000}")
    with gevent.Timeout(5):
        while not house.log.has("max_sessions=1000", "max_calls=100000"):
            gevent.sleep(0.05)


def test_a_refused_caller_gets_503_and_its_application_is_not_asked(house: House) -> None:
    house.stop()
    house.start("admission: {max_calls: 1}")
    house.voice(house.joins())
    first = house.switch.call("+13125550100")
    first.wait_answered(5)
    second = house.switch.call("+13125550100")
    second.wait_ended(5)
    assert second.sip_status == 503
    assert len(house.application.to("/voice")) == 1
    first.hang_up()
    _wait_for_quiet(house)
    third = house.switch.call("+13125550100")
    third.wait_answered(5)
    third.hang_up()


@pytest.mark.rather("emulator")
def test_a_process_that_is_late_admits_fewer_at_a_time(house: House) -> None:
    house.stop()
    house.start("admission: {max_in_setup: 20, max_delay_ms: 100}")
    assert house.orchestrator is not None
    limiter = house.orchestrator.node.admission.limiter
    busy_until = time.monotonic() + BUSY_SECONDS
    while time.monotonic() < busy_until:
        pass  # As whatever keeps the processor from all greenlets.
    gevent.sleep(0.01)
    assert limiter.delay(time.monotonic()) > BUSY_SECONDS / 2
    assert limiter.allowed(time.monotonic()) == ALWAYS
    house.application.route("/voice", Answer(house.joins(), delay=1.0))
    phones = [house.switch.call("+13125550100") for _ in range(ALWAYS + 2)]
    with gevent.Timeout(10):
        while any(phone.state not in ("answered", "ended") for phone in phones):
            gevent.sleep(0.05)
    assert [phone.sip_status for phone in phones].count(503) == 2
    for phone in phones:
        if phone.state != "ended":
            phone.hang_up()
