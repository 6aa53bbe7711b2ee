"""Two `orchestrator run` in front of one FreeSWITCH, on both switches.

Symptom: each call was taken by both, and every caller was cut off. Cause: only the database's lock kept
two apart, and a second installation has a database of its own. Fix: the owner is written down in FreeSWITCH.
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from orchestrator.esl.ownership import FREE, STALE_SECONDS, VARIABLE, owner_of
from tests.lab.switches import FreeSwitch, Switch
from tests.lab.web import Application
from tests.ownership.running import Running
from tests.sound.common import until

Make = Callable[[str], Running]
NUMBER, FIRST, SECOND = "+13125550100", "+13125550002", "+13125550003"
ONE, TWO = 600, 1100


@pytest.fixture
def make(switch: Switch, application: Application, tmp_path: Path) -> Iterator[Make]:
    """Installations by name."""
    made: list[Running] = []

    def make(name: str) -> Running:
        one = Running(switch, tmp_path / name, application.url("/voice"))
        made.append(one)
        return one

    yield make
    for one in made:
        one.end()


def value(switch: Switch) -> str:
    return switch.api(f"global_getvar {VARIABLE}").strip().removeprefix("-ERR no reply")


def joins(application: Application) -> None:
    application.takes_callbacks("/events")
    application.document(
        "/voice",
        f'<Response><Dial><Conference beep="false" statusCallback="{application.url("/events")}" '
        'statusCallbackEvent="start end join leave">Room</Conference></Dial></Response>',
    )


def test_the_second_does_not_start_and_says_who_owns_it_and_calls_go_on(
    switch: Switch, application: Application, make: Make
) -> None:
    joins(application)
    first, second = make("first"), make("second")
    first.start()
    first.wait_ready()
    one, two = (
        switch.call(NUMBER, from_=FIRST, sounds=ONE),
        switch.call(NUMBER, from_=SECOND, sounds=TWO),
    )
    one.wait_hears(TWO)
    began = time.monotonic()
    second.start()
    assert second.wait_ended() == 1
    assert time.monotonic() - began < 15
    (line,) = [line for line in second.said().splitlines() if "cannot start" in line]
    assert f"pid {first.pid}" in line
    assert re.search(
        r"host \S+, pid \d+, since \d{4}-\d\d-\d\dT[\d:]+Z, last heartbeat \d s ago.*--take-over", line
    )
    assert first.problems() == {}
    assert one.hears_now(TWO)
    three = switch.call(NUMBER, from_="+13125550004")
    three.wait_hears(ONE)
    for phone in (one, two, three):
        phone.hang_up()
    application.wait_for("/events", 8)
    numbers = [request.fields["SequenceNumber"] for request in application.to("/events")]
    assert numbers == [str(number) for number in range(8)]
    first.end()
    assert value(switch) == FREE


def test_two_that_start_at_once_are_one_owner_and_one_refusal(switch: Switch, make: Make) -> None:
    switch.api(f"global_setvar {VARIABLE}=")
    several = [make("first"), make("second")]
    for one in several:
        one.start()
    until(lambda: any("cannot start" in one.said() for one in several), 30, "one is refused")
    (owner,) = [one for one in several if "cannot start" not in one.said()]
    owner.wait_ready()
    found = owner_of(value(switch))
    assert found is not None
    assert found.pid == owner.pid


def test_a_killed_one_starts_again_at_once_and_another_after_the_heartbeat_went_stale(
    switch: Switch, make: Make
) -> None:
    first, second = make("first"), make("second")
    for _ in range(3):
        first.start()
        first.wait_ready()
        first.end(signal.SIGKILL)
    # A busy machine starts slowly; nothing was waited for.
    assert "another orchestrator" not in first.said()
    second.start()
    until(lambda: second.problems() is not None, 20, "it answers")
    until(lambda: "belongs to another orchestrator" in str(second.problems()), 10, "/readyz says whose it is")
    took = second.wait_ready(STALE_SECONDS + 10)
    assert took > STALE_SECONDS - 5
    assert "taken over from another orchestrator" in second.said()


def test_taking_over_stops_the_one_that_runs(switch: Switch, application: Application, make: Make) -> None:
    joins(application)
    first, second = make("first"), make("second")
    first.start()
    first.wait_ready()
    second.start("--take-over")
    second.wait_ready()
    until(lambda: "owns FreeSWITCH no longer" in first.said(), 5, "it notices")
    until(lambda: f"pid {second.pid}" in str(first.problems()), 15, "/readyz says whose it is")
    phone = switch.call(NUMBER, from_=FIRST, sounds=ONE)
    application.wait_for("/events", 2)
    gevent.sleep(1)
    assert len(application.to("/voice")) == 1
    phone.hang_up()
    application.wait_for("/events", 4)
    # When the owner leaves, the one that waits is the owner again.
    second.end()
    first.wait_ready()
    assert owner_of(value(switch)).pid == first.pid  # type: ignore[union-attr]


def test_one_that_stood_still_for_too_long_asks_before_it_acts(
    switch: Switch, application: Application, make: Make
) -> None:
    joins(application)
    first, second = make("first"), make("second")
    first.start()
    first.wait_ready()
    first.send(signal.SIGSTOP)
    second.start()
    second.wait_ready(STALE_SECONDS + 15)
    phone = switch.call(NUMBER, from_=FIRST, sounds=ONE)
    application.wait_for("/events", 2)
    first.send(signal.SIGCONT)
    until(lambda: "asking who owns FreeSWITCH" in first.said(), 10, "it asks")
    until(lambda: f"pid {second.pid}" in str(first.problems()), 15, "/readyz says whose it is")
    assert len(application.to("/voice")) == 1
    assert phone.state == "answered"
    phone.hang_up()
    application.wait_for("/events", 4)
    assert len(application.to("/events")) == 4


def test_one_that_stood_still_alone_goes_on(switch: Switch, application: Application, make: Make) -> None:
    joins(application)
    first = make("first")
    first.start()
    first.wait_ready()
    phone = switch.call(NUMBER, from_=FIRST, sounds=ONE)
    application.wait_for("/events", 2)
    first.send(signal.SIGSTOP)
    gevent.sleep(12)
    phone.hang_up()
    phone.wait_ended(5)
    gevent.sleep(0.5)
    first.send(signal.SIGCONT)
    application.wait_for("/events", 4)
    assert "asking who owns FreeSWITCH" in first.said()
    assert "event socket down" not in first.said()
    assert len(application.to("/events")) == 4


@pytest.mark.only("freeswitch")
def test_the_demo_leaves_a_freeswitch_alone_that_an_orchestrator_owns(
    switch: Switch, application: Application, make: Make
) -> None:
    first = make("first")
    first.start()
    first.wait_ready()
    command = [sys.executable, "-m", "orchestrator", "demo", "--fast", "--password", switch.password]
    done = subprocess.run(
        [*command, "--freeswitch", f"{switch.host}:{switch.port}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"belongs to another orchestrator: host {socket.gethostname()}, pid {first.pid}" in done.stdout
    assert application.to("/voice") == []
    assert first.problems() == {}


@pytest.mark.only("freeswitch")
def test_a_freeswitch_that_was_restarted_and_a_variable_that_was_deleted_are_claimed_again(
    switch: Switch, make: Make
) -> None:
    assert isinstance(switch, FreeSwitch)
    first = make("first")
    first.start()
    first.wait_ready()
    switch.restart()
    for seconds in (20, 10):
        until(lambda: bool(value(switch)), seconds, "it is claimed")
        first.wait_ready()
        switch.api(f"global_setvar {VARIABLE}=")
    until(lambda: bool(value(switch)), 10, "it is claimed")
    first.wait_ready()
    assert owner_of(value(switch)).pid == first.pid  # type: ignore[union-attr]
