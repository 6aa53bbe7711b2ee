"""CPU time and memory of the orchestrator, beside FreeSWITCH's for the same calls with sound.

sipp's callers send and are sent RTP, 50 packets a second each way; each speaks for 2.5 s of every 24. They
come at a rate, stay until all have been there together for a while, and go; all callbacks are on. Both
processes are looked at over the same window, from the first INVITE until the last callback is delivered.

    --find participants   more and more of them, until no processor is left: how many, and who takes most
    --find rate           the same of calls a second, each for a second and without sound
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import gevent

from tests.benchmarks.frame import Figure, Goal, at_most
from tests.benchmarks.harness import BARE, Harness, Usage, megabytes, percentile, started
from tests.load.party import plain_party
from tests.load.sipp import Sipp

CYCLE_SECONDS, SPEECH_SECONDS = 24.0, 2.5
SAMPLES_A_SECOND = 8000
QUIET, LOUD = b"\xfe\xff\x7f\x7e", b"\x90\x98\xa0\x10\x18\x20"
"""Bytes of mu-law: nearly silence, and what an energy meter takes for speech."""
STEP_SECONDS = 5.0
LONGEST_SECONDS = 600.0
RATES = (10, 20, 30, 40, 60, 80, 100, 130)
FULL = 0.94
"""Of all processors, or of one: with more, somebody waits for it all the time."""
WIDE_ADMISSION = "max_calls: 3000, max_in_setup: 1000"
LATE_MS = 1000.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--participants", type=int, default=200, help="with --find the most")
    parser.add_argument("--rooms", type=int, default=20)
    parser.add_argument("--rate", type=float, default=10, help="calls a second")
    parser.add_argument(
        "--together", type=float, default=25, metavar="S", help="all of them are there so long"
    )
    parser.add_argument("--silent", action="store_true", help="no RTP")
    parser.add_argument("--beep", default="true")
    parser.add_argument(
        "--admission", default="", metavar="YAML", help='e.g. "max_in_setup: 50, max_calls: 200"'
    )
    parser.add_argument("--find", choices=("participants", "rate"))
    parser.add_argument(
        "--beside",
        type=float,
        default=0.0,
        metavar="N",
        help="what N requests a call cost that a bare requests.Session makes in another process meanwhile",
    )
    parser.add_argument(
        "--profile", default="", metavar="PY-SPY", help="sample the orchestrator with this program"
    )


def run(options: argparse.Namespace) -> Iterator[Figure]:
    find = {None: _fixed, "participants": _find_participants, "rate": _find_rate}[options.find]
    limiter = options.admission or (WIDE_ADMISSION if options.find else "")
    with started(f'beep="{options.beep}"', limiter) as harness:
        yield from find(harness, options)


def _fixed(harness: Harness, options: argparse.Namespace) -> Iterator[Figure]:
    filling = options.participants / options.rate
    if options.beside:
        harness.post_beside(options.beside * options.participants / (2 * filling + options.together))
    empty = {name: megabytes(pid) for name, pid in harness.pids.items()}
    began = Usage.now(harness.pids)
    harness.sampled(options.profile, 2 * filling + options.together)
    with _Crowd(harness, options, options.rooms, options.participants, filling + options.together) as crowd:
        gevent.sleep(filling + 1)
        full = Usage.now(harness.pids)
        gevent.sleep(max(1.0, options.together - 2))
        together = Usage.now(harness.pids).since(full)
        taken = {name: megabytes(pid) - empty[name] for name, pid in harness.pids.items()}
        crowd.calls.wait()
        harness.settle()
        whole = Usage.now(harness.pids).since(began)
        joined = crowd.calls.join_times()
    callbacks = harness.callbacks()
    yield _share("CPU time of the orchestrator to FreeSWITCH's", whole, at_most(6))
    yield _share("  while nobody comes or goes", together, at_most(3))
    if options.beside:
        share = whole.spent[BARE] / whole.spent["FreeSWITCH"]
        yield Figure(
            "  as many HTTP requests by a bare requests.Session",
            share * 100,
            "%",
            note=f"{options.beside:g} a call",
        )
    yield Figure(
        "CPU time of the orchestrator a call",
        whole.spent["orchestrator"] / options.participants * 1000,
        "ms",
        note=f"{len(callbacks)} callbacks for {options.participants} calls",
    )
    each = {name: much / options.participants * 1000 for name, much in taken.items()}
    yield Figure(
        "memory of the orchestrator a participant",
        each["orchestrator"],
        "kB",
        note=f"{empty['orchestrator']:.0f} MB before; FreeSWITCH {each['FreeSWITCH']:.0f} kB",
    )
    yield Figure(
        "INVITE to 200 OK",
        percentile(joined, 50),
        "ms",
        note=f"99 % {percentile(joined, 99):.0f}; {len(joined)} of {options.participants} joined",
    )


def _find_participants(harness: Harness, options: argparse.Namespace) -> Iterator[Figure]:
    """All stay, and more come."""
    there, last, full = 0, None, None
    with _Crowd(harness, options, options.rooms, options.participants, LONGEST_SECONDS) as crowd:
        for _ in range(1 + int(options.participants / options.rate / STEP_SECONDS)):
            usage = harness.usage_of(STEP_SECONDS, crowd.calls.pid)
            if _is_full(usage):
                full = usage
                break
            there, last = harness.participants(), usage
            print(f"{there} participants: {usage}", file=sys.stderr)
    yield from _found("participants", there, last, full)


def _find_rate(harness: Harness, options: argparse.Namespace) -> Iterator[Figure]:
    found, last, full = 0, None, None
    for rate in RATES:
        with _Crowd(
            harness, options, options.rooms, int(rate * STEP_SECONDS), 1.0, rate, silent=True
        ) as crowd:
            usage = harness.usage_of(STEP_SECONDS, crowd.calls.pid)
            crowd.calls.wait()
            times, refused = crowd.calls.join_times(), crowd.calls.refusal_times()
        harness.settle()
        if _is_full(usage) or refused or percentile(times, 90) > LATE_MS:
            full = usage
            break
        found, last = rate, usage
    yield from _found("calls a second", found, last, full)


def _is_full(usage: Usage) -> bool:
    """No processor is left, or the one that the orchestrator can use is."""
    return usage.taken > FULL or usage.spent["orchestrator"] / usage.at > FULL


def _found(what: str, most: int, last: Usage | None, full: Usage | None) -> Iterator[Figure]:
    if full is None:
        yield Figure(f"{what}, and a processor is left", most, note=f"{last}")
    else:
        both = {name: full.spent[name] for name in ("orchestrator", "FreeSWITCH")}
        first = max(both, key=lambda name: both[name])
        yield Figure(
            f"{what} until no processor is left", most, note=f"{first} takes more. A step on: {full}"
        )
    if last is not None:
        yield _share("CPU time of the orchestrator to FreeSWITCH's then", last)


def _share(name: str, usage: Usage, goal: Goal | None = None) -> Figure:
    share = usage.spent["orchestrator"] / usage.spent["FreeSWITCH"]
    return Figure(name, share * 100, "%", goal, note=f"{usage}")


class _Crowd:
    """Callers of one sipp, so many a room."""

    def __init__(
        self,
        harness: Harness,
        options: argparse.Namespace,
        rooms: int,
        callers: int,
        stay: float,
        rate: float | None = None,
        *,
        silent: bool = False,
    ) -> None:
        directory = harness.directory / f"sipp-{rate or options.rate:g}"
        directory.mkdir()
        party = plain_party(rooms, callers, int(stay * 1000))
        sound = None if silent or options.silent else party_sound(directory / "sound")
        self.calls = Sipp(party, rate or options.rate, harness.switch.sip_port, directory, sound)

    def __enter__(self) -> _Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        self.calls.close()


def party_sound(file: Path) -> Path:
    """The sound that each caller sends, over and over: somewhere in it, it speaks."""
    chance = random.Random(1)
    samples = int(CYCLE_SECONDS * SAMPLES_A_SECOND)
    spoken = range(samples // 2, samples // 2 + int(SPEECH_SECONDS * SAMPLES_A_SECOND))
    file.write_bytes(bytes(chance.choice(LOUD if place in spoken else QUIET) for place in range(samples)))
    return file
