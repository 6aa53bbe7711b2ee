"""The costs of an event, a join, a list and a participant with 10, 100 and 1,000 rooms of two participants
each.

Events, joins and leaves of a recorded conversation, fed past the socket as in `path`, into one more room
while the others live. The memory of a participant is that of its leg, its seat, its place in a room, and of
what the outbox has of it in this process. A call's running document is not in it: `start` has that too.
"""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

import gevent

from tests.benchmarks.frame import Figure, alternate, at_most, compared, measured
from tests.benchmarks.rig import ACCOUNT, API_KEY, Rig

SIZES = (10, 100, 1000)
ROUNDS = 15
CONVERSATIONS = 5
LISTS = 5
TRACED_ROOMS = 200
LIST = f"/v2/texml/Accounts/{ACCOUNT}/Conferences"


class Grown:
    """A rig with so many rooms, and the seconds that its parts of a round took."""

    def __init__(self, directory: Path, rooms: int) -> None:
        directory.mkdir()
        self.rig = Rig(directory)
        before = _resident()
        self.rig.fill(rooms)
        gevent.sleep(0)
        gc.collect()
        self.bytes_each = (_resident() - before) / (2 * rooms)
        self._web = self.rig.orchestrator.web._app.test_client()
        self.joins: list[float] = []
        self.lists: list[float] = []

    def round(self) -> float:
        """Microseconds per event; those of a join and of a list go into their own lists."""
        conversations = [self.rig.conversation() for _ in range(CONVERSATIONS)]
        joining = [body for each in conversations for body in each.until_joined]
        going_on = [body for each in conversations for body in each.after_joined]
        joins = _microseconds(lambda: self._feed(joining))
        events = joins + _microseconds(lambda: self._feed(going_on))
        self.joins.append(joins / (2 * CONVERSATIONS))
        self.lists.append(_microseconds(self._list) / LISTS)
        return events / (len(joining) + len(going_on))

    def _feed(self, bodies: list[bytes]) -> None:
        for body in bodies:
            self.rig.feed(body)
        gevent.sleep(0)

    def _list(self) -> None:
        for _ in range(LISTS):
            answer = self._web.get(LIST, headers={"Authorization": f"Bearer {API_KEY}"})
            assert answer.status_code == 200, answer.text


def run(options: argparse.Namespace) -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        grown = {size: Grown(Path(directory) / str(size), size) for size in SIZES}
        for each in grown.values():
            stack.callback(each.rig.close)
        events = alternate({str(size): each.round for size, each in grown.items()}, ROUNDS)
        traced = _traced(Path(directory))
    costs = {
        "event": [events[str(size)] for size in SIZES],
        "join": [grown[size].joins[1:] for size in SIZES],
        "list": [grown[size].lists[1:] for size in SIZES],
    }
    for what, by_size in costs.items():
        for size, rounds in zip(SIZES, by_size, strict=True):
            yield measured(f"one {what}, {size:,} rooms", rounds, "us")
    for what, by_size in costs.items():
        yield compared(f"one {what}, 1,000 rooms against 10", by_size[-1], by_size[0], at_most(1.15))
    yield Figure("memory of a participant, resident", grown[1000].bytes_each / 1024, "KB", at_most(15))
    yield Figure("memory of a participant, as Python counts it", traced / 1024, "KB", at_most(15))


def _traced(directory: Path) -> float:
    (directory / "traced").mkdir()
    rig = Rig(directory / "traced")
    rig.fill(1)
    tracemalloc.start()
    rig.fill(TRACED_ROOMS)
    gevent.sleep(0)
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    # Callbacks counted in place of being sent, and names of conversations, are the rig's own.
    rig.commands.clear()
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    rig.close()
    return taken / (2 * TRACED_ROOMS)


def _microseconds(act: Callable[[], None]) -> float:
    began = time.process_time()
    act()
    return (time.process_time() - began) * 1e6


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
