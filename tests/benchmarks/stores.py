"""Both stores side by side: seconds to join, milliseconds to a callback, callbacks a second.

SQLite and PostgreSQL, a server of the benchmark's own on the same machine and disk, in turns. The first
figures need a FreeSWITCH, and are those of the benchmarks `join` and `delay`. The last ones are of one
process: how long a commit takes, and how fast callbacks that wait are delivered.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from orchestrator.store.access.opening import open_store
from orchestrator.store.outbox import Outbox
from tests.benchmarks import delay, join
from tests.benchmarks.delivering import delivered_by, message, receiving
from tests.benchmarks.frame import Figure, alternate, measured
from tests.benchmarks.harness import why_not
from tests.lab.postgresql import PostgresServer
from tests.lab.postgresql import why_not as no_server

STORES = ("sqlite", "postgresql")
ROUNDS = 3
CALLBACKS = 4000
TOGETHER = (1, 20)
"""Callbacks of one commit: one event alone, and a turn of the reader under load."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=ROUNDS)


def run(options: argparse.Namespace) -> Iterator[Figure]:
    if reason := no_server():
        yield Figure("PostgreSQL", None, note=reason)
        return
    if reason := why_not():
        yield Figure("join, delay", None, note=reason)
    else:
        for benchmark in (join, delay):
            yield from _of_each_store(benchmark)
    server = PostgresServer(())
    try:
        with tempfile.TemporaryDirectory() as directory:
            yield from _in_one_process(Path(directory), server, options.rounds)
    finally:
        server.close()


def _of_each_store(benchmark: object) -> Iterator[Figure]:
    name = str(benchmark.__name__).rpartition(".")[2]  # type: ignore[attr-defined]
    for store in STORES:
        parser = argparse.ArgumentParser()
        benchmark.add_options(parser)  # type: ignore[attr-defined]
        figures = benchmark.run(parser.parse_args(["--store", store]))  # type: ignore[attr-defined]
        for figure in figures:
            yield replace(figure, name=f"{name}, {store}: {figure.name}")


def _in_one_process(directory: Path, server: PostgresServer, rounds: int) -> Iterator[Figure]:
    def opened(store: str) -> Outbox:
        return open_store(directory / f"{uuid4()}.sqlite" if store == "sqlite" else server.empty(), ["one"])

    for together in TOGETHER:
        ways = {store: lambda s=store, n=together: _commits(opened(s), n) for store in STORES}
        taken = alternate(ways, rounds)
        for store, seconds in taken.items():
            yield measured(f"a commit of {together}, {store}", seconds, "ms")
    with receiving() as url:
        ways = {store: lambda s=store: delivered_by(opened(s), url, 50, CALLBACKS) for store in STORES}
        rates = alternate(ways, rounds)
    for store, rate in rates.items():
        yield measured(f"waiting callbacks delivered, {store}", rate, "/s")


def _commits(outbox: Outbox, together: int) -> float:
    """Milliseconds of each, one after the other."""
    node, number = outbox.of("one"), CALLBACKS // (4 if together == 1 else 1) // together
    batches = [
        [message("room", "http://127.0.0.1/", one * together + each) for each in range(together)]
        for one in range(number)
    ]
    began = time.perf_counter()
    for messages in batches:
        node.commit(messages, [("room", "room", b"x" * 400)])
    taken = (time.perf_counter() - began) * 1000 / number
    outbox.close()
    return taken
