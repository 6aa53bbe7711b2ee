"""A recorded stream of real events through a socket to a handler: ours, greenswitch, Genesis, and JSON alone.

Seconds are CPU time of the reader, each client in a process of its own. greenswitch and Genesis make a
dict of every header, orjson too; ours makes a struct of those that are used, and of all where they are asked
for. The limits: our JSON decoder over the same bodies, and the shortest loop that splits, decodes and calls.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack

import msgspec

from orchestrator.esl.events import decode
from tests.benchmarks.event_source import Reader
from tests.benchmarks.frame import Figure, alternate, at_least, compared, measured
from tests.benchmarks.recorded import BODIES, FRAMES, plain_frames

ROUNDS = 9
REPEATS = {"ours": 240, "greenswitch": 16, "genesis": 6, "barest": 240}
"""Of the recorded events in one round: some tenths of a second each."""
GOALS = {"greenswitch": at_least(12), "genesis": at_least(4), "orjson": at_least(1.3)}


def run(options: argparse.Namespace) -> Iterable[Figure]:
    plain = plain_frames()
    contenders: dict[str, Callable[[], float]] = {}
    with ExitStack() as stack:
        for name, repeats in REPEATS.items():
            mine = name in ("ours", "barest")
            if not mine and importlib.util.find_spec(name) is None:
                continue
            frames = FRAMES if mine else plain
            reader = Reader(name, frames * repeats, repeats * len(BODIES))
            stack.callback(reader.stop)
            contenders[name] = _through_the_socket(reader, repeats)
        if importlib.util.find_spec("orjson") is not None:
            import orjson

            contenders["orjson"] = _each(orjson.loads)
        contenders["limit"] = _each(decode)
        contenders["dicts"] = _each(msgspec.json.decode)
        rates = alternate(contenders, ROUNDS)
    titles = {
        "ours": "ours, through a socket",
        "greenswitch": "greenswitch, through a socket",
        "genesis": "Genesis, through a socket",
        "orjson": "orjson into dicts, no socket",
        "barest": "limit: the shortest loop in Python, through a socket",
        "limit": "limit: our decoder alone, no socket",
        "dicts": "msgspec into dicts, no socket",
    }
    for name, rate in rates.items():
        yield measured(titles[name], rate, "events/s")
    for name, goal in GOALS.items():
        if name in rates:
            yield compared(f"ours against {titles[name]}", rates["ours"], rates[name], goal)
        else:
            yield Figure(f"ours against {titles[name]}", None, "x", goal, note="pip install '.[benchmarks]'")
    yield compared(f"ours against {titles['limit']}", rates["ours"], rates["limit"])
    yield compared("ours against the shortest loop", rates["ours"], rates["barest"])
    if "orjson" in rates:
        yield compared("the shortest loop against orjson into dicts", rates["barest"], rates["orjson"])


def _through_the_socket(reader: Reader, repeats: int) -> Callable[[], float]:
    return lambda: repeats * len(BODIES) / reader.send_all().cpu


def _each(function: Callable[[bytes], object], repeats: int = 240) -> Callable[[], float]:
    def rate() -> float:
        began = time.process_time()
        for _ in range(repeats):
            for body in BODIES:
                function(body)
        return repeats * len(BODIES) / (time.process_time() - began)

    return rate
