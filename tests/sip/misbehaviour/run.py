"""One run: a FreeSWITCH and an orchestrator of its own, a call to warm up, all calls, the verdict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.switches import FreeSwitch
from tests.lab.web import Application
from tests.scenarios.captured_log import CapturedLog
from tests.scenarios.conftest import House
from tests.sip.misbehaviour.plan import Kind, Plan, plans
from tests.sip.misbehaviour.scene import PATIENCE_SECONDS, Scene
from tests.sip.misbehaviour.switch import Impatient, threads_at_rest
from tests.sip.misbehaviour.verdict import Verdict

WARM_CALLER, WARM_CALLEE = "talks and says bye", "rings and answers"
WARM_SEED = 1
LEFT_SECONDS = 15.0


@dataclass(frozen=True)
class Tried:
    """A scene whose calls are over, and the threads that FreeSWITCH had before them."""

    scene: Scene
    threads: int

    def verdict(self, patience: float = PATIENCE_SECONDS) -> Verdict:
        return self.scene.verdict(self.threads, patience)


@contextmanager
def tried(
    directory: Path,
    calls: int,
    seed: int,
    at_once: int,
    *,
    callers: Collection[str] = (),
    callees: Collection[str] = (),
    say: Callable[[str], None] = str,
) -> Iterator[Tried]:
    """`callers`, `callees`: only these behaviours. Raises AssertionError where the calls to warm up fail."""
    with impatient(directory) as switch:
        warm_up(switch, directory)
        with furnished(switch, directory / "calls") as house:
            scene = Scene(house, plans(calls, seed, callers, callees), say)
            try:
                # With the event-socket connections of both, which have a thread each.
                threads = threads_at_rest(switch)
                scene.run(at_once)
                yield Tried(scene, threads)
            finally:
                scene.close()


def warm_up(switch: FreeSwitch, directory: Path) -> None:
    """Calls of every kind by phones that behave: FreeSWITCH then has the threads that it keeps."""
    with furnished(switch, directory / "warm") as house:
        found = [
            Plan(number, kind, plan.caller, plan.callee if kind.has_callee else None, plan.room, plan.seed)
            for number, (kind, plan) in enumerate(zip(Kind, _with_callees(), strict=False))
        ]
        scene = Scene(house, found)
        try:
            scene.run(len(found))
            left = switch.leftovers(LEFT_SECONDS)
            assert not left, left
            assert scene.witness.seen, "nobody called"
        finally:
            scene.close()


def _with_callees() -> list[Plan]:
    """Enough plans of phones that behave, each with a callee."""
    found = plans(40, WARM_SEED, [WARM_CALLER], [WARM_CALLEE])
    return [plan for plan in found if plan.callee]


@contextmanager
def impatient(directory: Path) -> Iterator[Impatient]:
    home = directory / "freeswitch"
    home.mkdir()
    switch = Impatient(home)
    try:
        switch.open()
        switch.begin()
        yield switch
    finally:
        switch.close()


@contextmanager
def furnished(switch: FreeSwitch, directory: Path) -> Iterator[House]:
    """An orchestrator and an application; what is wrong in the end is the verdict's, not an exception."""
    directory.mkdir()
    application = Application()
    application.start()
    house = House(switch, application, directory, CapturedLog())
    try:
        with house.log.kept():
            house.start()
            yield house
    finally:
        house.stop()
        application.stop()
