"""For how long an owner of FreeSWITCH acts without asking, and who asks then."""

from __future__ import annotations

import math
import os
import time
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from orchestrator.esl.errors import SwitchError
from orchestrator.esl.heartbeat import Heartbeat
from orchestrator.esl.lease import Lease
from orchestrator.esl.ownership import LEASE_SECONDS, VARIABLE, Ownership, clock, describe, hostname, owner_of


class Switch:
    """The variables of a FreeSWITCH, and how often they were asked for."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.asked = 0

    def ask(self, command: str) -> str:
        self.asked += 1
        word, _, rest = command.removeprefix("api ").partition(" ")
        match word:
            case "global_getvar":
                return self.variables.get(rest, "")
            case "global_setvar":
                name, _, more = rest.partition("=")
                value, _, expected = more.partition("=")
                if not expected or self.variables.get(name, "") == expected:
                    self.variables[name] = value
            case "strepoch":
                return str(int(time.time()))
        return "+OK"


@pytest.mark.parametrize(("left", "renewals"), [(math.inf, 0), (60.0, 0), (-0.1, 1), (-60.0, 1)])
def test_only_a_lease_that_is_over_is_renewed_and_once_for_all_who_wait(left: float, renewals: int) -> None:
    asked = []

    def renew() -> float:
        asked.append(time.monotonic())
        gevent.sleep(0.01)
        return time.monotonic() + 60

    lease = Lease(renew)
    assert lease.until == math.inf
    lease.until = time.monotonic() + left
    waiting = [gevent.spawn(lease.check) for _ in range(5)]
    gevent.joinall(waiting, timeout=5, raise_error=True)
    assert len(asked) == renewals
    lease.check()
    assert len(asked) == renewals
    assert lease.until > time.monotonic()


def test_without_anybody_to_ask_it_lasts_and_a_refusal_reaches_everybody() -> None:
    alone = Lease()
    alone.until = time.monotonic() - 1
    alone.check()

    def refuses() -> float:
        raise SwitchError("another owns it")

    lease = Lease(refuses)
    lease.until = time.monotonic() - 1
    for _ in range(2):
        with pytest.raises(SwitchError, match="another owns it"):
            lease.check()


def test_a_claim_is_good_for_its_time_and_then_another_socket_is_asked() -> None:
    switch, sockets = Switch(), []

    def on_another_socket(question: Any) -> None:
        sockets.append(question)
        question(SimpleNamespace(ask=switch.ask))

    heartbeat = Heartbeat(
        Ownership("installation"), "node", lambda command, _: switch.ask(command), on_another_socket
    )
    session: Any = SimpleNamespace(ask=switch.ask, lease=heartbeat.lease())
    before = time.monotonic()
    heartbeat.claim(session)
    assert before + LEASE_SECONDS <= session.lease.until <= time.monotonic() + LEASE_SECONDS
    assert switch.variables[VARIABLE].startswith("installation|")
    owner = owner_of(switch.variables[VARIABLE])
    assert owner is not None
    assert (owner.pid, owner.host) == (os.getpid(), hostname())
    assert abs(owner.since - time.time()) < 5
    assert abs(owner.beat_at - time.time()) < 5
    session.lease.check()
    assert not sockets
    session.lease.until = time.monotonic() - 1
    before = time.monotonic()
    session.lease.check()
    assert len(sockets) == 1
    assert before + LEASE_SECONDS <= session.lease.until <= time.monotonic() + LEASE_SECONDS
    switch.variables[VARIABLE] = "other|p|1|1|1|1|host"
    session.lease.until = time.monotonic() - 1
    with pytest.raises(SwitchError):
        session.lease.check()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("i|p|3|90|60|17|box", "host box, pid 17, since 1970-01-01T00:01:00Z, last heartbeat 10 s ago"),
        ("i|p|3|110|60|17|box", "host box, pid 17, since 1970-01-01T00:01:00Z, last heartbeat 0 s ago"),
        ("i|p|3|90|60|17", "texml_owner='i|p|3|90|60|17'"),
        ("i|p|x|90|60|17|box", "texml_owner='i|p|x|90|60|17|box'"),
        ("i|p|3|90|60|-1|box", "texml_owner='i|p|3|90|60|-1|box'"),
        ("", "texml_owner=''"),
    ],
)
def test_an_owner_is_described_as_far_as_it_can_be_read(value: str, said: str) -> None:
    assert describe(value, 100) == said
    assert (owner_of(value) is None) is said.startswith("texml_owner")


@pytest.mark.parametrize(("answer", "seconds"), [("1700000000\n", 1_700_000_000), ("-ERR", 0), ("", 0)])
def test_freeswitch_s_clock_is_in_seconds(answer: str, seconds: int) -> None:
    assert clock(lambda command: answer if command == "api strepoch" else "") == seconds
