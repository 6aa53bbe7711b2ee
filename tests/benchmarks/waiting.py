"""The costs of callbacks that wait for a silent receiver: memory of each, and the time until all are in
line."""

from __future__ import annotations

import argparse
import gc
import socket
import tempfile
import time
import tracemalloc
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import gevent

from orchestrator.callbacks.delivery import Delivery
from orchestrator.callbacks.retry import DeliverySettings
from orchestrator.store.outbox import Outbox
from tests.benchmarks.delivering import message
from tests.benchmarks.frame import Figure

SIZES = ((5000, 50), (5000, 5000), (50_000, 1000))
"""Callbacks, and the rooms that they are of."""
SETTINGS = DeliverySettings(max_waiting=10**9, max_age=10**9)


def run(options: argparse.Namespace) -> Iterable[Figure]:
    with (
        tempfile.TemporaryDirectory() as directory,
        closing(socket.create_server(("127.0.0.1", 0), backlog=1024)) as silent,
    ):
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/callbacks"
        for waiting, queues in SIZES:
            path = Path(directory) / f"{waiting}-{queues}.sqlite"
            _fill(path, url, waiting, queues)
            what = f"{waiting:,} of {queues:,} rooms"
            opened, lined_up, _, _ = _start(path, queues)
            yield Figure(f"{what}: outbox opened", opened, "s")
            yield Figure(f"{what}: all in line", lined_up, "s")
            tracemalloc.start()
            _, _, indexed, taken = _start(path, queues)
            tracemalloc.stop()
            yield Figure(f"{what}: each in the index", indexed / waiting, "bytes")
            yield Figure(f"{what}: each, with delivery", taken / waiting, "bytes")


def _fill(path: Path, url: str, waiting: int, queues: int) -> None:
    names = [str(uuid4()) for _ in range(queues)]
    outbox = Outbox(path)
    for begin in range(0, waiting, 1000):
        outbox.commit([message(names[n % queues], url, n) for n in range(begin, begin + 1000)])
    outbox.close()


def _start(path: Path, queues: int) -> tuple[float, float, int, int]:
    """Seconds until the outbox is open and until all is in line; bytes that Python counts after each."""
    gc.collect()
    began = time.perf_counter()
    outbox = Outbox(path)
    opened = time.perf_counter() - began
    indexed = tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else 0
    delivery = Delivery(outbox, lambda _: None, SETTINGS)
    delivery.start()
    while delivery.busy_queues < queues:
        gevent.sleep(0.01)
    lined_up = time.perf_counter() - began
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else 0
    delivery.stop(0)
    outbox.close()
    return opened, lined_up, indexed, taken
