"""The claim itself: with any value of the variable and any number of claimants there is one owner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import gevent
import pytest

from orchestrator.esl import ownership
from orchestrator.esl.errors import SwitchError
from orchestrator.esl.ownership import FREE, STALE_SECONDS, VARIABLE, NotOwner, Owner, Ownership, owner_of
from tests.lab.eventsocket import EventSocket
from tests.lab.switches import Switch

Ask = Callable[[str], str]
READ, WRITE = f"api global_getvar {VARIABLE}", f"api global_setvar {VARIABLE}="


@pytest.fixture
def ask(switch: Switch) -> Iterator[Callable[[], Ask]]:
    """Makes event sockets, one for each who asks."""
    sockets: list[EventSocket] = []

    def make() -> Ask:
        socket = switch.socket()
        sockets.append(socket)

        def run(command: str) -> str:
            answer = socket.api(command.removeprefix("api "))
            return "" if answer.startswith("-ERR no reply") else answer

        return run

    yield make
    for socket in sockets:
        with closing(socket):
            pass


def claims(one: Ownership, ask: Ask) -> bool:
    try:
        one.claim(ask)
    except NotOwner:
        return False
    return True


def keeps(one: Ownership, ask: Ask) -> bool:
    try:
        one.beat(ask)
    except NotOwner:
        return False
    return True


def left(switch: Switch, value: str) -> None:
    switch.api(f"global_setvar {VARIABLE}={value}")


OF_ANOTHER = Owner("other", "aaaa", 7, 1, 1, 4242, "elsewhere").value
OF_A_PREDECESSOR = Owner("mine", "bbbb", 7, 1, 1, 4242, "here").value


@pytest.mark.parametrize(
    ("value", "free"),
    [
        ("", True),
        (FREE, True),
        (OF_A_PREDECESSOR, True),
        (OF_ANOTHER, False),
        ("something|of-a-later-version", False),
    ],
    ids=["not there", "free", "a predecessor's", "another's", "unknown"],
)
def test_the_value_of_the_variable_decides(
    switch: Switch, ask: Callable[[], Ask], value: str, free: bool
) -> None:
    left(switch, value)
    one = Ownership("mine")
    assert claims(one, ask()) is free
    now = owner_of(ownership.read(ask()))
    assert (now is not None and now.installation == "mine") is free


@pytest.mark.parametrize("value", ["", FREE], ids=["not there", "free"])
def test_of_many_who_come_in_the_same_moment_one_becomes_the_owner(
    switch: Switch, ask: Callable[[], Ask], value: str
) -> None:
    for round_ in range(10):
        left(switch, value)
        several = [(Ownership(f"{round_}-{number}"), ask()) for number in range(6)]
        jobs = [gevent.spawn(claims, one, asks) for one, asks in several]
        gevent.joinall(jobs, timeout=20, raise_error=True)
        won = [pair for pair, job in zip(several, jobs, strict=True) if job.value]
        assert len(won) <= 1
        for _ in range(40):
            if won:
                break
            gevent.sleep(0.05)
            won = [pair for pair in several if claims(*pair)]
        assert len(won) == 1
        assert keeps(*won[0])


@pytest.mark.parametrize("seconds", [0.05, 0.8], ids=["briefly", "for long"])
def test_of_two_that_found_no_owner_one_is_the_owner_however_long_the_other_was_held_up(
    switch: Switch, ask: Callable[[], Ask], seconds: float
) -> None:
    """The slow one sets its own over the quick one's. Held up briefly, it is the owner, and the quick one
    sees that before it acts; held up for long, it takes it back."""
    left(switch, "")
    quick, slow = Ownership("quick"), Ownership("slow")
    quickly, slowly = ask(), ask()

    def stalled(command: str) -> str:
        if command.startswith(WRITE) and command.count("=") == 1:
            gevent.sleep(seconds)
        return slowly(command)

    jobs = [gevent.spawn(claims, slow, stalled), gevent.spawn_later(0.02, claims, quick, quickly)]
    gevent.joinall(jobs, timeout=10, raise_error=True)
    won = [job.value for job in jobs]
    assert won != [True, True]
    # An overwritten claim is noticed at the next heartbeat, and made again.
    several = [(slow, slowly), (quick, quickly)]
    owners = [keeps(*one) for one, had in zip(several, won, strict=True) if had]
    if not any(owners):
        owners = [claims(*one) for one in several]
    assert owners.count(True) == 1


def test_a_heartbeat_without_an_answer_is_still_ours(switch: Switch, ask: Callable[[], Ask]) -> None:
    one, asks = Ownership("mine"), ask()
    assert claims(one, asks)

    def deaf(command: str) -> str:
        answer = asks(command)
        if command.startswith(WRITE):
            raise SwitchError("the answer was lost")
        return answer

    with pytest.raises(SwitchError, match="lost"):
        one.beat(deaf)
    # In another second it is another heartbeat.
    gevent.sleep(1.1)
    assert keeps(one, asks)
    # And after a reconnect.
    with pytest.raises(SwitchError, match="lost"):
        one.beat(deaf)
    assert claims(one, ask())


def test_another_s_heartbeat_that_changes_is_a_refusal_and_one_that_stands_still_is_none(
    switch: Switch, ask: Callable[[], Ask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "STALE_SECONDS", 1.5)
    refused: list[NotOwner] = []
    owner, owners = Ownership("other"), ask()
    one, asks = Ownership("mine"), ask()
    one.on_refused.append(refused.append)
    assert claims(owner, owners)
    for _ in range(3):
        assert not claims(one, asks)
        assert keeps(owner, owners)
    assert not claims(one, asks)
    assert refused
    assert all(error.alive for error in refused)
    assert "last heartbeat" in str(refused[0])
    waits = 0
    while not claims(one, asks):
        gevent.sleep(0.1)
        waits += 1
    assert 13 <= waits <= 20
    assert not keeps(owner, owners)
    assert "owns FreeSWITCH no longer" in owner.problem
    assert one.problem == "", "of the time before it became the owner"


def test_a_watch_with_gaps_proves_nothing(
    switch: Switch, ask: Callable[[], Ask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """FreeSWITCH may have stood still in a gap, and the owner with it."""
    monkeypatch.setattr(ownership, "STALE_SECONDS", 0.6)
    monkeypatch.setattr(ownership, "GAP_SECONDS", 0.3)
    left(switch, OF_ANOTHER)
    one, asks = Ownership("mine"), ask()
    for _ in range(5):
        assert not claims(one, asks)
        gevent.sleep(0.4)


def test_of_two_with_copies_of_one_database_the_later_stays_the_owner(
    switch: Switch, ask: Callable[[], Ask]
) -> None:
    """Else they would take FreeSWITCH from each other for ever."""
    first, second = (Ownership("copied"), ask()), (Ownership("copied"), ask())
    assert claims(*first)
    assert claims(*second)
    assert not keeps(*first)
    for _ in range(3):
        assert not claims(*first)
        assert keeps(*second)


def test_taking_over_takes_it_once(switch: Switch, ask: Callable[[], Ask]) -> None:
    old, new = (Ownership("old"), ask()), (Ownership("new", take_over=True), ask())
    assert claims(*old)
    assert claims(*new)
    assert not keeps(*old)
    # Somebody takes it back in the same way: the order was for the first time only.
    back = (Ownership("old", take_over=True), ask())
    assert claims(*back)
    assert not keeps(*new)
    assert not claims(*new)


def test_a_clean_stop_leaves_it_free_and_a_late_one_does_not(switch: Switch, ask: Callable[[], Ask]) -> None:
    old, new, asks = Ownership("old"), Ownership("new", take_over=True), ask()
    assert old.release() is None
    assert claims(old, asks)
    assert claims(new, asks)
    asks(old.release() or "")
    assert keeps(new, asks)
    asks(new.release() or "")
    assert ownership.read(asks) == FREE


def test_stale_is_longer_than_an_owner_acts_without_asking() -> None:
    assert ownership.BEAT_SECONDS * 3 < ownership.LEASE_SECONDS < STALE_SECONDS - ownership.GAP_SECONDS


def test_the_value_is_read_as_it_was_written() -> None:
    owner = Owner("i", "p", 1, 2, 3, 4, "host.example")
    assert owner_of(owner.value) == owner
    assert owner_of("i|p|1|2|x|4|h") is None
    assert owner_of(FREE) is None
