"""The cost of an event and of a join, counted and never timed: Python's instructions, SQLite's statements,
commands to FreeSWITCH. That is the same on every machine, however busy.

How long all that takes: `python -m tests.benchmarks`.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType

import gevent
import greenlet
import pytest

import orchestrator
from orchestrator.callbacks.retry import DeliverySettings
from tests.benchmarks.rig import ACCOUNT, API_KEY, Rig
from tests.callbacks.conftest import QUICK, Office, make
from tests.callbacks.receiver import Receiver

FEW, MANY = 10, 1000
GROWTH = 1.02
"""Dicts grow at some moment or other, and a random id sorts elsewhere."""
LIST = f"/v2/texml/Accounts/{ACCOUNT}/Conferences?PageSize=5"


class Cost:
    def __init__(self) -> None:
        self.steps = 0
        """Instructions of Python's: a walk takes some for each that it passes."""
        self.statements: Counter[str] = Counter()
        """SQLite's, by their first word."""
        self.commands: list[str] = []


def steps_of(act: Callable[[], object]) -> int:
    """Python's instructions in the orchestrator's own modules while `act` runs, on all greenlets."""
    ours, steps = str(Path(orchestrator.__file__).parent), 0

    def trace(frame: FrameType, event: str, argument: object) -> Callable[..., object]:
        nonlocal steps
        if event == "call":
            if not frame.f_code.co_filename.startswith(ours):
                return ignored
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            steps += 1
        return trace

    def ignored(frame: FrameType, event: str, argument: object) -> None:
        frame.f_trace_lines = False

    before, switched = sys.gettrace(), greenlet.gettrace()
    greenlet.settrace(lambda event, switch: sys.settrace(trace))
    sys.settrace(trace)
    try:
        act()
    finally:
        greenlet.settrace(switched)
        sys.settrace(before)
    return steps


def cost_of(rig: Rig, act: Callable[[], object]) -> Cost:
    cost = Cost()

    def trace(frame: FrameType, event: str, argument: object) -> Callable[..., object]:
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            cost.steps += 1
        return trace

    rig.commands.clear()
    database = rig.orchestrator.outbox.database.connection
    database.set_trace_callback(lambda statement: cost.statements.update([statement.split()[0]]))
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
    finally:
        sys.settrace(before)
        database.set_trace_callback(None)
    cost.commands = list(rig.commands)
    return cost


@pytest.fixture(scope="module")
def rigs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Rig]]:
    rigs = {}
    for rooms in (FEW, MANY):
        rigs[rooms] = Rig(tmp_path_factory.mktemp("rig"))
        rigs[rooms].fill(rooms)
    yield rigs
    for rig in rigs.values():
        rig.close()


def feed(rig: Rig, bodies: list[bytes]) -> None:
    for body in bodies:
        rig.feed(body)


def conversation(rig: Rig, part: str = "events") -> Cost:
    """Of one recorded conversation of two callers, or of a part of it. One before it warms the caches."""
    feed(rig, rig.conversation().events)
    next_one = rig.conversation()
    if part == "after_joined":
        feed(rig, next_one.until_joined)
    return cost_of(rig, lambda: feed(rig, getattr(next_one, part)))


@pytest.mark.parametrize("part", ["until_joined", "after_joined"])
def test_an_event_costs_no_more_where_a_thousand_rooms_live(rigs: dict[int, Rig], part: str) -> None:
    few, many = (conversation(rigs[rooms], part) for rooms in (FEW, MANY))
    assert many.steps <= few.steps * GROWTH
    assert many.statements == few.statements
    assert len(many.commands) == len(few.commands)


def test_a_page_of_a_list_costs_no_more_where_a_thousand_rooms_live(rigs: dict[int, Rig]) -> None:
    costs = {}
    for rooms, rig in rigs.items():
        web = rig.orchestrator.web._app.test_client()
        ask = partial(web.get, LIST, headers={"Authorization": f"Bearer {API_KEY}"})
        answers = [ask()]
        costs[rooms] = cost_of(rig, lambda ask=ask, answers=answers: answers.append(ask()))
        assert len(answers[-1].json["conferences"]) == 5
    assert costs[MANY].steps <= costs[FEW].steps * GROWTH
    assert costs[MANY].statements == costs[FEW].statements


def test_a_conversation_takes_so_many_steps_commits_and_commands(rigs: dict[int, Rig]) -> None:
    """Of 45 events, seven change a room: each is one commit; a row stays of each of two that
    leave. Raise a number only with a reason for it."""
    cost = conversation(rigs[FEW])
    assert cost.statements == {"BEGIN": 7, "COMMIT": 7, "INSERT": 22, "DELETE": 3}
    assert len(cost.commands) == 6
    # 857 with Python 3.11, a hundred of them for the timeline; others have other instructions.
    assert cost.steps < 880 * 45


def test_a_join_is_two_commands_and_a_beep_for_each_listener(rigs: dict[int, Rig]) -> None:
    commands = conversation(rigs[FEW], "until_joined").commands
    orders = [re.search(r"name: (\w+)|conference \S+ (play)", command) for command in commands]
    orders = [order and (order[1] or order[2]) for order in orders]
    assert orders == ["multiset", "conference", "multiset", "conference", "play"]
    assert sum(map(len, commands)) < 1500


def test_a_callback_that_is_sent_at_once_is_not_read(tmp_path: Path) -> None:
    """Symptom: each was read twice. Cause: once for the line of its receiver, and again by the worker. Fix:
    the worker takes what stands in the line, if that is still the first of its queue; and a copy is kept."""
    receiver, office = Receiver(), Office(tmp_path / "outbox.sqlite", QUICK)
    gevent.sleep(0.05)  # at its start it looks for changes by others
    reads: Counter[str] = Counter()

    def trace(statement: str) -> None:
        if found := re.match(r"SELECT .* FROM pending WHERE id = (\d+)", statement):
            reads[found[1]] += 1

    office.outbox.database.connection.set_trace_callback(trace)
    office.send(*(make(f"room {number % 10}", receiver.url(), number // 10) for number in range(200)))
    office.wait_results(200)
    office.outbox.database.connection.set_trace_callback(None)
    office.close()
    receiver.stop()
    assert not reads


def test_an_event_of_nobodys_call_takes_a_quarter_of_that(rigs: dict[int, Rig]) -> None:
    rig = rigs[FEW]
    strange = b'{"Event-Name":"CHANNEL_ANSWER","Unique-ID":"of-nobody","Event-Date-Timestamp":"1"}'
    rig.feed(strange)
    assert cost_of(rig, lambda: rig.feed(strange)).steps < 390


def test_a_delivered_callback_takes_so_many_steps(tmp_path: Path) -> None:
    """From its commit to its row among the delivered ones: encoded, stored, sent over a kept connection, its
    answer read. Raise the number only with a reason for it."""
    receiver, office = Receiver(), Office(tmp_path / "outbox.sqlite", DeliverySettings(timeout=30))
    with_fields = {"fields": tuple((f"Name{number}", f"value {number}") for number in range(18))}
    office.send(*(make("room", receiver.url(), number, **with_fields) for number in range(20)))
    office.wait_results(20)
    more = [make("room", receiver.url(), number, **with_fields) for number in range(20, 120)]

    def deliver() -> None:
        office.send(*more)
        office.wait_results(120)
        office.outbox.flush()

    steps = steps_of(deliver)
    office.close()
    receiver.stop()
    # 2,072 with Python 3.11; others have other instructions. 150 of them make the next request while the
    # receiver works, so that a callback takes half the time.
    assert steps < 2140 * 100
