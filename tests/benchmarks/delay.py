"""Milliseconds from an event of FreeSWITCH's to the request at the receiver that reports it.

Calls join rooms of their own and leave again: four callbacks each. When FreeSWITCH reports it is noted at
an event socket of the benchmark's own, and when the request came by the receiver; both are processes of
their own on the same machine. FreeSWITCH looks for events every 20 ms on each event socket, so that another
listener may be reported as much later than ours: that is the first figure. For the second the other is woken
every 2 ms (an empty line does it), and so hears of everything as soon as it happens.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from orchestrator.sids import call_sid_of
from tests.benchmarks.frame import Figure, at_most
from tests.benchmarks.harness import Callback, Child, Usage, add_store, percentile, started
from tests.load.party import plain_party
from tests.load.sipp import Sipp

CALLBACKS_A_CALL = 4
STAY_SECONDS = 1.0
LEAD_SECONDS = 3.0
"""In which the first calls come; their callbacks are not counted."""
WAKE_MS = 2
CAUSES = {
    "conference-start": "add-member",
    "participant-join": "add-member",
    "participant-leave": "CHANNEL_HANGUP",
    "conference-end": "CHANNEL_HANGUP",
}
"""The first event from which the orchestrator can know: its caller is alone in the room."""


def add_options(parser: argparse.ArgumentParser) -> None:
    add_store(parser)
    parser.add_argument("--rate", type=float, default=100, help="callbacks a second")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument(
        "--profile", default="", metavar="PY-SPY", help="sample the orchestrator with this program"
    )


def run(options: argparse.Namespace) -> Iterator[Figure]:
    rate = options.rate / CALLBACKS_A_CALL
    calls = int(rate * (LEAD_SECONDS + options.seconds))
    with started(store=options.store) as harness:
        switch = harness.switch
        observers = [
            Child("observer", str(switch.port), switch.password, str(wake_ms)) for wake_ms in (0, WAKE_MS)
        ]
        before = Usage.now(harness.pids)
        harness.sampled(options.profile, LEAD_SECONDS + options.seconds)
        party = plain_party(calls, calls, int(STAY_SECONDS * 1000))
        run = Sipp(party, rate, switch.sip_port, harness.directory / "sipp")
        try:
            run.wait()
        finally:
            run.close()
        usage = Usage.now(harness.pids).since(before)
        harness.settle()
        callbacks = harness.callbacks()
        seen = [_moments(observer.end()) for observer in observers]
    goals = {50: at_most(5), 99: at_most(25)}
    ways = ("another listener's event to the request", "  the event itself to the request")
    for way, (name, moments) in enumerate(zip(ways, seen, strict=True)):
        delays = _delays(callbacks, moments)
        for percent, goal in goals.items():
            yield Figure(
                f"{name}, {percent} %",
                percentile(delays, percent),
                "ms",
                goal if way == 0 else None,
                note=f"{len(delays)} callbacks; {usage}",
            )


def _moments(printed: str) -> dict[tuple[str, str], float]:
    """Seconds of the monotonic clock, by what happened and to which call."""
    moments: dict[tuple[str, str], float] = {}
    for line in printed.splitlines():
        at, what, leg = json.loads(line)
        if what in CAUSES.values():
            moments.setdefault((what, call_sid_of(leg)), at / 1e9)
    return moments


def _delays(callbacks: list[Callback], moments: dict[tuple[str, str], float]) -> list[float]:
    """In milliseconds."""
    delays = []
    alone = {
        callback.fields["ConferenceSid"]: callback.fields["CallSid"]
        for callback in callbacks
        if callback.fields["StatusCallbackEvent"] == "participant-join"
    }
    counted_from = min(moments.values()) + LEAD_SECONDS
    for callback in callbacks:
        cause = CAUSES[callback.fields["StatusCallbackEvent"]]
        at = moments.get((cause, alone[callback.fields["ConferenceSid"]]))
        if at is not None and at >= counted_from:
            delays.append((callback.at - at) * 1000)
    return delays
