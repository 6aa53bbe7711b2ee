"""The size of a delivered callback on the disk, and how long a copy of the running database takes."""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from orchestrator.store.outbox import Outbox
from tests.benchmarks.delivering import message
from tests.benchmarks.frame import Figure

KEPT = 100_000
OF_A_ROOM = 100


def run(options: argparse.Namespace) -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        path, copy = Path(directory) / "kept.sqlite", Path(directory) / "copy.sqlite"
        _fill(path)
        began = time.perf_counter()
        with closing(sqlite3.connect(path)) as database:
            database.execute("VACUUM INTO ?", (str(copy),))
        copied = time.perf_counter() - began
        yield Figure("a delivered callback, in the database", path.stat().st_size / KEPT, "bytes")
        yield Figure(f"a copy of {KEPT:,} delivered callbacks", copied, "s")


def _fill(path: Path) -> None:
    outbox = Outbox(path)
    for _ in range(0, KEPT, OF_A_ROOM):
        room = str(uuid4())
        outbox.commit([message(room, "http://127.0.0.1:8000/events", number) for number in range(OF_A_ROOM)])
        while (first := outbox.next(room)) is not None:
            outbox.finish(first, delivered=True, attempts=1, status=200)
        outbox.flush()
    outbox.close()
