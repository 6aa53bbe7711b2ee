"""The event path: decoded, room changed, callback made, outbox committed; against decoding alone.

Fed are the events of a recorded conversation of two callers, again and again with other legs and another
room; the figures are per event of that mixture, of which about one in eight causes a callback. The socket is
left out on both sides; events come as fast as they can be handled, so a commit is for what is handled in one
turn of the reader (MAX_READING_SECONDS). Callbacks end in the outbox on disk, undelivered.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import gevent

from orchestrator.esl.events import decode
from orchestrator.esl.session import RECEIVE_BYTES
from orchestrator.store.database import Statements
from tests.benchmarks.frame import Figure, alternate, at_most, compared, measured
from tests.benchmarks.rig import Rig

ROUNDS = 25
CONVERSATIONS = 20


def run(options: argparse.Namespace) -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        rig = Rig(Path(directory))
        wall: dict[str, list[float]] = {"path": [], "decode": []}
        latest: list[bytes] = []
        shares: list[float] = []

        def path() -> float:
            latest[:] = [body for _ in range(CONVERSATIONS) for body in rig.conversation().events]
            spent_before = sum(in_sqlite)
            reads = pieces(latest)
            spent = microseconds(lambda: rig.read_all(reads), len(latest), wall["path"])
            shares.append((sum(in_sqlite) - spent_before) / len(latest) * 1e6)
            return spent

        def slowly() -> float:
            reads = pieces([body for _ in range(CONVERSATIONS) for body in rig.conversation().events])

            def feed_all() -> None:
                for bodies in reads:
                    rig.feed(*bodies)

            return microseconds(feed_all, sum(map(len, reads)), [])

        def decoding() -> float:
            return microseconds(decode_all, len(latest), wall["decode"])

        def decode_all() -> None:
            for body in latest:
                decode(body)

        in_sqlite = _timed_writes(rig)
        before = rig.orchestrator.outbox.depth
        contenders = {
            "path": path,
            "decode": decoding,
            "slowly": slowly,
            "commit": lambda: _commit(directory),
        }
        cpu = alternate(contenders, ROUNDS)
        callbacks = rig.orchestrator.outbox.depth - before
        events = 2 * (ROUNDS + 1) * len(latest)
        rig.close()
    note = f"SQLite alone: {statistics.median(shares[1:]) / statistics.median(cpu['decode']):.1f} x"
    yield measured("path, CPU time per event", cpu["path"], "us")
    yield measured("path, wall time per event", wall["path"][1:], "us")
    yield measured("of it, transactions of SQLite: one for each turn of the reader", shares[1:], "us")
    yield measured("decoding alone, CPU time per event", cpu["decode"], "us")
    yield compared("path against decoding, CPU time", cpu["path"], cpu["decode"], at_most(5), note)
    yield compared("path against decoding, wall time", wall["path"][1:], wall["decode"][1:], at_most(5))
    yield Figure("callbacks per event", callbacks / events)
    yield compared("for comparison: with a commit for each read of 64 KB", cpu["slowly"], cpu["decode"])
    yield measured("for comparison: the smallest transaction there can be", cpu["commit"], "us")


def _timed_writes(rig: Rig) -> list[float]:
    """Seconds of CPU time of each transaction from now on."""
    spent: list[float] = []
    write = rig.orchestrator.outbox._write

    def timed(statements: Statements, node: str | None = None) -> int:
        began = time.process_time()
        try:
            return write(statements, node)
        finally:
            spent.append(time.process_time() - began)

    rig.orchestrator.outbox._write = timed
    return spent


def pieces(bodies: Sequence[bytes]) -> list[list[bytes]]:
    """As a reader gets them that has not kept up: as much at a time as it asks the socket for."""
    found: list[list[bytes]] = [[]]
    size = 0
    for body in bodies:
        size += len(body)
        if size > RECEIVE_BYTES:
            found.append([])
            size = len(body)
        found[-1].append(body)
    return found


def microseconds(handle_all: Callable[[], None], events: int, wall: list[float]) -> float:
    """CPU time per event; the wall time goes into `wall`."""
    gevent.sleep(0)
    began, wall_began = time.process_time(), time.perf_counter()
    handle_all()
    # Greenlets that were spawned and killed on the way are part of it.
    gevent.sleep(0)
    wall.append((time.perf_counter() - wall_began) / events * 1e6)
    return (time.process_time() - began) / events * 1e6


def _commit(directory: str, times: int = 200) -> float:
    """The CPU time that SQLite itself takes for the smallest change, in microseconds."""
    database = sqlite3.connect(f"{directory}/bare.sqlite", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, value BLOB)")
    began = time.process_time()
    for number in range(times):
        database.execute("INSERT OR REPLACE INTO t VALUES (?, ?)", (number % 50, b"x" * 600))
    spent = time.process_time() - began
    database.close()
    return spent / times * 1e6
