"""Names are looked up beside everything else."""

from __future__ import annotations

import socket

import gevent
import pytest
from gevent.monkey import get_original

from orchestrator.media.audio import in_thread
from orchestrator.net.errors import LookupFailed
from orchestrator.net.name_lookup import Found, Names, ask_system
from tests.lab.cost import Turns

# Of the threads, not of greenlets.
block_thread = get_original("time", "sleep")
new_lock = get_original("_thread", "allocate_lock")
THREADS, WAITING = 32, 1000
HERE: Found = [(int(socket.AF_INET), ("127.0.0.1", 0))]


def slow(seconds: float) -> Names:
    """Name servers that do not answer for so long, as the C library waits for them: in its thread."""

    def ask(name: bytes) -> Found | str:
        if name.startswith(b"slow"):
            block_thread(seconds)
        return HERE

    return Names(ask)


def lookups(names: Names, hosts: list[str], timeout: float) -> list[gevent.Greenlet]:
    def ask(host: str) -> str:
        try:
            return str(names.addresses(host, timeout)[0][1][0])
        except LookupFailed as error:
            return str(error)

    return [gevent.spawn(ask, host) for host in hosts]


def test_names_that_nobody_answers_hold_up_nobody_else() -> None:
    """Symptom: while ten names were looked up whose servers did not answer, no other name was found and no
    audio converted for half a minute. Cause: gevent looks up names in the ten threads that it has for
    everything. Fix: threads of their own, and a time limit."""
    held = new_lock()
    held.acquire()

    def ask(name: bytes) -> Found | str:
        if name.startswith(b"slow"):
            with held:
                pass
        return HERE

    names = Names(ask)
    try:
        stuck = lookups(names, [f"slow{number}.test" for number in range(THREADS - 2)], timeout=0.3)
        gevent.sleep(0.01)
        turns = Turns(0.005)
        turns.wait_while(lambda: not all(one.ready() for one in stuck))
        assert turns.longest < 0.25
        assert {one.value.partition(": ")[2] for one in stuck} == {"the name was not resolved within 0.3 s"}
        # The threads are still held.
        assert lookups(names, ["quick.test"], 30)[0].get() == "127.0.0.1"
        assert in_thread(int, "7") == 7
    finally:
        held.release()


def test_with_all_threads_stuck_a_name_is_abandoned_in_time() -> None:
    names = slow(1.0)
    lookups(names, [f"slow{number}.test" for number in range(THREADS)], timeout=0.1)
    (other,) = lookups(names, ["quick.test"], 0.2)
    assert "the name was not resolved within 0.2 s" in other.get(timeout=5)
    (again,) = lookups(names, ["quick.test"], 5)
    assert again.get(timeout=10) == "127.0.0.1"


def test_many_who_ask_for_the_same_name_ask_once() -> None:
    asked = []

    def ask(name: bytes) -> Found | str:
        asked.append(name)
        block_thread(0.05)
        return HERE

    found = lookups(Names(ask), ["app.test"] * 100, 5)
    assert {one.get(timeout=10) for one in found} == {"127.0.0.1"}
    assert asked == [b"app.test"]


@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "0177.0.0.1", "127.1", "127.0.0.1"])
def test_odd_numbers_are_what_the_system_takes_them_for(host: str) -> None:
    assert Names().addresses(host)[0][1][0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["", "a" * 64, "a..b", "x" * 300, "a\0b", "nosuch.invalid"])
def test_a_name_that_is_none_fails_by_type(host: str) -> None:
    with pytest.raises(LookupFailed):
        Names().addresses(host, 10)


def test_the_system_s_reason_is_reported() -> None:
    answer = ask_system(b"nosuch.invalid")
    assert isinstance(answer, str)
    assert answer


@pytest.mark.parametrize(("length", "is_asked"), [(253, True), (254, True), (255, False), (0, False)])
def test_a_name_has_253_characters_and_a_dot_at_most(length: int, is_asked: bool) -> None:
    host = (("a" * 60 + ".") * 5)[: length - 1] + "." if length == 254 else (("a" * 60 + ".") * 5)[:length]
    asked: list[bytes] = []

    def ask(name: bytes) -> str:
        asked.append(name)
        return "nobody is called so"

    with pytest.raises(LookupFailed):
        Names(ask).addresses(host)
    assert bool(asked) is is_asked


def test_only_so_many_names_are_looked_up_at_once_and_later_others_are_again() -> None:
    names = slow(2.0)
    stuck = lookups(names, [f"slow{number}.test" for number in range(THREADS)], timeout=30)
    queued = lookups(names, [f"quick{number}.test" for number in range(WAITING - THREADS)], timeout=30)
    gevent.sleep(0)
    # A second request for one of those shares its answer; another one has to ask later.
    shares, fails = lookups(names, ["quick1.test", "late.test"], timeout=30)
    assert fails.get() == f"late.test: {WAITING} other names are being looked up"
    assert {one.get() for one in (*stuck, *queued, shares)} == {"127.0.0.1"}
    assert lookups(names, ["late.test"], 5)[0].get() == "127.0.0.1"
