"""Two hundred calls at twenty a second into twenty rooms: nothing is lost, sent twice, or left over."""

from __future__ import annotations

import functools
import gc
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import gevent
import pytest

from orchestrator.calls.call import Call
from orchestrator.conference.live.participant_leg import ParticipantLeg
from orchestrator.conference.machine.state import Room
from orchestrator.esl.execution import Execution
from orchestrator.esl.leg import Leg
from tests.lab.emulated import Emulator
from tests.lab.invariants import left_in
from tests.lab.switches import FreeSwitch, Switch
from tests.lab.web import Answer, Request
from tests.load import sipp
from tests.load.party import HESITATION, Caller, Role, attributes, party
from tests.scenarios.conftest import House, house

__all__ = ["house"]

RATE = 20
QUIET_SECONDS = 30.0
OURS = (Call, Execution, Leg, Room, ParticipantLeg, gevent.Greenlet)
# A call that is not forgotten keeps hundreds of blocks; Python's own free lists grow by a few hundred in all.
BLOCKS_A_CALL = 3
MEGABYTES = 12
EVERYTHING = "start end join leave speaker"
# Kept connections would be counted as growth, on both of their ends.
NOT_KEPT = {"Connection": "close"}


class Size(NamedTuple):
    """The resources of a process at rest."""

    ours: Counter[str]
    blocks: int
    megabytes: float


@pytest.fixture
def directories(tmp_path: Path) -> Iterator[Path]:
    return iter(tmp_path / f"sipp-{number}" for number in range(100))


def test_every_call_has_one_join_and_one_leave(house: House, directories: Iterator[Path]) -> None:
    rooms, stay_ms = (20, 6000) if house.switch.kind == "freeswitch" else (8, 2000)
    callers = party(rooms, stay_ms)
    house.stop()
    # A machine with other work is late: those who are refused then have tests of their own.
    house.start("admission: {max_calls: 900, max_in_setup: 900, max_delay_ms: 3600000}")
    for path in ("/events", "/status"):
        house.application.takes_callbacks(path, Answer(status=204, headers=NOT_KEPT))
    # A first party of this size warms up some hundreds of blocks, once.
    for warm_up in (party(4, 1500), callers):
        _hold(house, warm_up, next(directories))
    before = _size(house)
    _hold(house, callers, next(directories))
    after = _size_at_most(house, before)
    assert after.ours <= before.ours
    if house.switch.kind == "freeswitch":
        # The emulator lives in this process, with all that its phones have heard.
        assert after.blocks - before.blocks < BLOCKS_A_CALL * len(callers)
    assert after.megabytes - before.megabytes < MEGABYTES
    assert not house.log.lines, "\n".join(house.log.lines)
    assert not house.switch.log_errors()


def _hold(house: House, callers: list[Caller], directory: Path) -> None:
    """One party from its first call to silence, with everything that has to be true of it."""
    house.application.route("/voice", _Host(house, callers))
    _place(house.switch, callers, directory)
    _wait_for_quiet(house)
    _check_delivered(house, callers)
    _check_nothing_left(house)
    house.forget_callbacks()


class _Host:
    """The customer's application: each caller's own document, late for those who will not wait."""

    def __init__(self, house: House, callers: list[Caller]) -> None:
        self._house = house
        self._callers = {caller.number: caller for caller in callers}

    def __call__(self, request: Request) -> Answer:
        caller = self._callers[request.fields["From"]]
        document = self._house.joins(caller.calls, statusCallbackEvent=EVERYTHING, **attributes(caller))
        return Answer(document, headers=NOT_KEPT, delay=HESITATION if caller.role is Role.HASTY else 0)


def _place(switch: Switch, callers: list[Caller], directory: Path) -> None:
    if not isinstance(switch, FreeSwitch):
        _call_from_emulated_phones(switch, callers)
        return
    if reason := sipp.why_not():
        pytest.skip(reason)
    run = sipp.Sipp(callers, RATE, switch.sip_port, directory)
    try:
        run.wait()
    finally:
        run.close()


def _call_from_emulated_phones(switch: Switch, callers: list[Caller]) -> None:
    calls = []
    for caller in callers:
        calls.append(gevent.spawn(_call, switch, caller))
        gevent.sleep(1 / RATE)
    gevent.joinall(calls, timeout=60, raise_error=True)
    assert isinstance(switch, Emulator)
    switch.handsets.handsets.clear()


def _call(switch: Switch, caller: Caller) -> None:
    phone = switch.call(caller.calls, from_=caller.number)
    if not caller.admitted:
        gevent.sleep(caller.patience_ms / 1000)
    else:
        phone.wait_answered(20)
        gevent.sleep(caller.stay_ms / 1000)
    phone.hang_up()


def _wait_for_quiet(house: House) -> None:
    deadline = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < deadline and _left(house):
        gevent.sleep(0.1)


def _left(house: House) -> dict[str, int]:
    assert house.orchestrator is not None
    on_switch = len(house.switch.leftovers())
    return left_in(house.orchestrator) | ({"on the switch": on_switch} if on_switch else {})


def _check_nothing_left(house: House) -> None:
    assert not _left(house)


def _check_delivered(house: House, callers: list[Caller]) -> None:
    by_room: dict[str, list[dict[str, str]]] = defaultdict(list)
    for event in house.events():
        by_room[event["ConferenceSid"]].append(event)
    # On a busy machine a moderator may have left before its last guests came: theirs is a room of its own.
    starters = {caller.number for caller in callers if caller.role.starts}
    for events in by_room.values():
        names = [event["StatusCallbackEvent"] for event in events]
        assert [int(event["SequenceNumber"]) for event in events] == list(range(len(events)))
        joined_it = {event["From"] for event in events if event["StatusCallbackEvent"] == "participant-join"}
        assert names.count("conference-start") == bool(joined_it & starters)
        assert names.count("conference-end") == 1
        assert names[-1] == "conference-end"
    joined, left = (
        Counter(event["From"] for event in house.events() if event["StatusCallbackEvent"] == name)
        for name in ("participant-join", "participant-leave")
    )
    admitted = Counter(caller.number for caller in callers if caller.admitted)
    assert joined == admitted
    assert left == admitted
    ended = Counter(request.fields["From"] for request in house.application.to("/status"))
    assert ended == Counter(caller.number for caller in callers)


def _size(house: House) -> Size:
    # A leg that was refused commands is looked at once more after 2 s, a break is repeated after 0.1 s.
    gevent.sleep(2.5)
    for cache in [one for one in gc.get_objects() if isinstance(one, functools._lru_cache_wrapper)]:
        cache.cache_clear()  # Each has a limit of its own.
    gc.collect()
    ours = Counter(
        type(one).__name__ for one in gc.get_objects() if isinstance(one, OURS) and not _ended(one)
    )
    # Those who deliver rest when there is nothing to do: eight at most, as many as were ever needed at once.
    assert house.orchestrator is not None
    ours[gevent.Greenlet.__name__] -= len(house.orchestrator.delivery._idle_workers)
    return Size(ours, sys.getallocatedblocks(), _resident_megabytes())


def _size_at_most(house: House, before: Size, seconds: float = 15.0) -> Size:
    """Something is written down or looked at now and then, by a greenlet that is there for a moment."""
    limit = time.monotonic() + seconds
    while True:
        after = _size(house)
        if after.ours <= before.ours or time.monotonic() > limit:
            return after


def _ended(one: object) -> bool:
    return isinstance(one, gevent.Greenlet) and one.ready()


def _resident_megabytes() -> float:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
