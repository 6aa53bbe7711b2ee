"""A hundred conferences of ten: what happens is on the screen at once, and costs the browser little."""

from __future__ import annotations

import random
import statistics
import time

import gevent
import pytest
import requests

from tests.console.browser import Tab, expect
from tests.console.conftest import address, sign_in
from tests.lab.emulated import Handset
from tests.scenarios.conftest import ACCOUNT, API_KEY, NUMBER, House
from tests.web.site import wait_until

ROOMS, PEOPLE = 100, 10
SECONDS = 4.0
PARTS = ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
# Every conference changes its speaker each second; a call centre at its liveliest.
TURNS_A_SECOND = 100
# A change that is taken back within that may never have been on its way.
MOMENT_MS = 1000
# Notes when the page shows what it is sent: by the clock that the test has, too.
WITNESS = """() => {
  window.shown = [];
  new MutationObserver((records) => {
    for (const { target } of records)
      window.shown.push([target.dataset.call, "talking" in target.dataset, Date.now()]);
  }).observe(document.querySelector("#cards"), { subtree: true, attributeFilter: ["data-talking"] });
}"""


@pytest.mark.rather("emulator")
def test_a_hundred_conferences_of_ten_stay_live(tab: Tab, house: House) -> None:
    house.stop()
    house.start("admission: {max_calls: 2000, max_in_setup: 1000, max_delay_ms: 60000}")
    sign_in(tab, house)
    phones = fill(house)
    expect(tab.locator("#sum-in")).to_have_text(str(ROOMS * PEOPLE), timeout=60_000)
    assert tab.locator(".person").count() == ROOMS * PEOPLE
    listed = seconds_of_a_list(house)
    delivered = note_decisions_of_rooms(house)
    tab.evaluate(WITNESS)
    before, began = tab.metrics, time.monotonic()
    chatter(phones)
    took = time.monotonic() - began
    after = tab.metrics
    for phone in phones:
        phone.sounds(None)
    expect(tab.locator(".person[data-talking]")).to_have_count(0, timeout=60_000)
    shown = tab.evaluate("window.shown")
    delays = sorted(delays_of(delivered, shown))
    parts = {name: (after[name] - before[name]) / took for name in PARTS}
    work, heap = parts["TaskDuration"], after["JSHeapUsedSize"] / 1e6
    print(
        f"\n{ROOMS} conferences of {PEOPLE}, {len(delivered) / took:.0f} changes/s: on the screen after "
        f"{statistics.median(delays):.0f} ms (median), {delays[int(len(delays) * 0.99)]:.0f} ms (99 %), "
        f"{delays[-1]:.0f} ms (most); the page's work {work:.1%} of a core "
        f"({', '.join(f'{name} {value:.1%}' for name, value in parts.items())}), {heap:.0f} MB of heap; "
        f"a list of the API takes {1000 * listed:.0f} ms (median)"
    )
    # 50 ms on a machine with nothing else to do.
    assert listed < 0.25
    assert len(delays) > 100
    assert statistics.median(delays) < 500
    assert work < 0.2


def seconds_of_a_list(house: House) -> float:
    url = f"{address(house)}v2/texml/Accounts/{ACCOUNT}/Conferences?Status=in-progress&PageSize=50"
    times = []
    for _ in range(20):
        began = time.monotonic()
        answer = requests.get(url, headers={"Authorization": f"Bearer {API_KEY}"}, timeout=30)
        times.append(time.monotonic() - began)
        assert len(answer.json()["conferences"]) == 50
    return statistics.median(times)


def fill(house: House) -> list[Handset]:
    callers = {f"+1312555{1000 + n}": f"Room {n // PEOPLE:03}" for n in range(ROOMS * PEOPLE)}
    house.documents(
        {caller: house.joins(room, statusCallbackEvent="speaker") for caller, room in callers.items()}
    )
    phones = []
    for number, caller in enumerate(callers):
        phones.append(house.switch.call(NUMBER, from_=caller))
        if number % 50 == 49:
            wait_until(lambda: inside(house) >= len(phones) - 5, "those who called are in", 60)
    wait_until(lambda: inside(house) == ROOMS * PEOPLE, "all are in", 120)
    return phones


def inside(house: House) -> int:
    assert house.orchestrator is not None
    rooms = house.orchestrator.node.rooms
    return sum(bool(one.member_id) for room in rooms for one in room.participants.values())


def chatter(phones: list[Handset]) -> None:
    """In each conference one speaks, then another."""
    chance = random.Random(7)
    speaking: dict[int, Handset] = {}
    until = time.monotonic() + SECONDS
    turn = 0
    while time.monotonic() < until:
        room = turn % ROOMS
        if room in speaking:
            speaking.pop(room).sounds(None)
        else:
            speaking[room] = phones[room * PEOPLE + chance.randrange(PEOPLE)]
            speaking[room].sounds(440)
        turn += 1
        gevent.sleep(1 / TURNS_A_SECOND)


def note_decisions_of_rooms(house: House) -> list[tuple[str, bool, float]]:
    """CallSid, whether it speaks, and when the room knew, in milliseconds since the epoch."""
    assert house.orchestrator is not None
    rooms = house.orchestrator.node.rooms
    delivered: list[tuple[str, bool, float]] = []
    known: dict[str, bool] = {}

    def noted(room: object) -> None:
        for one in room.participants.values():
            if one.talking != known.get(one.call_sid, False):
                known[one.call_sid] = one.talking
                delivered.append((one.call_sid, one.talking, time.time() * 1000))

    rooms.on_change.append(noted)
    return delivered


def delays_of(delivered: list[tuple[str, bool, float]], shown: list[list]) -> list[float]:
    """Milliseconds from each change to its being shown; one taken back within a moment need not be."""
    seen: dict[tuple[str, bool], list[float]] = {}
    for call_sid, on, at in shown:
        seen.setdefault((call_sid, on), []).append(at)
    back: dict[str, float] = {}
    delays = []
    for call_sid, on, at in reversed(delivered):
        later = [moment for moment in seen.get((call_sid, on), ()) if moment >= at - 2]
        if later:
            delays.append(later[0] - at)
        else:
            assert back.get(call_sid, at + 1e9) - at < MOMENT_MS, (
                f"{call_sid} {on}: the page has not shown it"
            )
        back[call_sid] = at
    return delays
