"""Seconds to join: through the orchestrator, less what the dialplan's own `conference` takes.

From the INVITE to the 200 OK, and to the first packet in which the room is heard: somebody in each room makes
a tone all the time. The application is a process on the same machine. Calls take turns, one through the
orchestrator and one past it, so that whatever else the machine does weighs on both.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence

from tests.benchmarks.frame import Figure, Goal, at_most
from tests.benchmarks.harness import DIRECT, Child, Harness, add_store, percentile, seconds_of, started

ROOMS = 4
STAY_SECONDS = 1.0
LEAD_SECONDS = 2.0
MARKS = ("200 OK", "first packet", "the room heard")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--relayed",
        action="store_true",
        help="callers on another node than the room, against callers on its own, in place of the dialplan",
    )
    add_store(parser)
    parser.add_argument("--rate", type=float, default=20, help="calls a second, every other one past us")
    parser.add_argument("--calls", type=int, default=800, help="of both kinds together")
    parser.add_argument(
        "--profile", default="", metavar="PY-SPY", help="sample the orchestrator with this program"
    )


def run(options: argparse.Namespace) -> Iterator[Figure]:
    with started(nodes=2 if options.relayed else 1, store=options.store) as harness:
        calls = _calls(options)
        if options.relayed:
            yield from _relayed(options, harness)
            return
        order = json.dumps({"port": harness.switch.sip_port, "calls": calls})
        harness.sampled(options.profile, LEAD_SECONDS + options.calls / options.rate)
        child = Child("callers")
        answers = json.loads(child.end(order))
        harness.settle()
    kinds: dict[str, list[list[float | None]]] = {"through us": [], "past us": []}
    for call, answer in zip(calls, answers, strict=True):
        if not call["tone"]:
            kinds["past us" if str(call["to"]).startswith(DIRECT) else "through us"].append(answer["times"])
    yield from _figures(kinds, {"median": (50, at_most(25)), "99 %": (99, at_most(60))})


def _relayed(options: argparse.Namespace, harness: Harness) -> Iterator[Figure]:
    """The rooms are opened on the first node, by those who make the tone."""
    home, other = (switch.sip_port for switch in harness.switches)
    ports = {"relayed": other, "on its own node": home}
    calls = [
        {
            **call,
            "to": str(call["to"]).removeprefix(DIRECT),
            "port": home if call["tone"] else list(ports.values())[place % 2],
        }
        for place, call in enumerate(_calls(options))
        if not (call["tone"] and str(call["to"]).startswith(DIRECT))
    ]
    order = json.dumps({"port": home, "calls": calls})
    begun = [seconds_of(switch.pid) for switch in harness.switches]
    answers = json.loads(Child("callers").end(order))
    spent = seconds_of(harness.switches[1].pid) - begun[1]
    kinds: dict[str, list[list[float | None]]] = {kind: [] for kind in ports}
    for call, answer in zip(calls, answers, strict=True):
        if not call["tone"]:
            kinds[next(kind for kind, port in ports.items() if port == call["port"])].append(answer["times"])
    goals = {"median": (50, at_most(60)), "99 %": (99, at_most(120))}
    yield from _figures(kinds, goals)
    seconds = len(kinds["relayed"]) * STAY_SECONDS
    note = "coming and going included: calls stay for a second"
    yield Figure(
        "CPU of the callers' node, for each second of a bridge", spent / seconds * 1000, "ms/s", note=note
    )


def _calls(options: argparse.Namespace) -> list[dict[str, object]]:
    numbers = [[prefix + f"+1312555{room:04}" for room in range(ROOMS)] for prefix in ("", DIRECT)]
    total = LEAD_SECONDS + options.calls / options.rate + 2 * STAY_SECONDS
    hosts = [
        {"at": 0.1 * place, "to": to, "stay": total - 0.1 * place, "tone": True}
        for place, to in enumerate(number for kind in numbers for number in kind)
    ]
    guests = [
        {
            "at": LEAD_SECONDS + place / options.rate,
            "to": numbers[place % 2][place // 2 % ROOMS],
            "stay": STAY_SECONDS,
            "tone": False,
        }
        for place in range(options.calls)
    ]
    return hosts + guests


def _figures(
    kinds: dict[str, list[list[float | None]]], goals: dict[str, tuple[float, Goal]]
) -> Iterator[Figure]:
    for place, mark in enumerate(MARKS):
        times = {kind: _times(rows, place) for kind, rows in kinds.items()}
        came = [f"{len(times[kind])} of {len(rows)}" for kind, rows in kinds.items()]
        for name, (percent, goal) in goals.items():
            through, past = (percentile(times[kind], percent) for kind in kinds)
            yield Figure(
                f"INVITE to {mark}, {name}: {' less '.join(kinds)}",
                through - past,
                "ms",
                goal if mark != "first packet" else None,
                note=f"{through:.1f} less {past:.1f}; came so far: {came[0]} and {came[1]} calls",
            )


def _times(rows: Sequence[Sequence[float | None]], place: int) -> list[float]:
    """In milliseconds; of calls that came so far."""
    return [time * 1000 for row in rows if (time := row[place]) is not None]
