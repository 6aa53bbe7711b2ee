"""How many FreeSWITCH nodes one orchestrator carries: calls a second until its core is full.

Played back is one call that was recorded from a real FreeSWITCH (recorder.py), again and again with other
legs, numbers and rooms: it comes, its document is fetched, it joins a room of its own, stays for a second and
goes; four callbacks each, signed. FreeSWITCHes and application are processes of their own, which take no
core of the orchestrator's. First one node against three at the same rate, in turns; then more and more calls.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import requests

from tests.benchmarks.frame import Figure, at_least, at_most, compared, measured
from tests.benchmarks.harness import Child, percentile, ready, seconds_of
from tests.lab.processes import die_with_parent

SETTINGS = """
freeswitch:
  nodes:
{nodes}
accounts: [{{sid: 5a1e5d2c-6f0b-4c1e-9d35-2f8f0c6c3b10, name: main,
  signing_key: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}}]
applications: {{main: {{voice_url: "{url}/voice"}}}}
default_application: main
web: {{listen: "127.0.0.1:{web}"}}
callbacks: {{database: {directory}/orchestrator.sqlite}}
admission: {{max_calls: 100000, max_in_setup: 100000}}
logging: {{level: warning}}
"""
NODE = (
    "    - {{name: n{0}, port: {1}, relay: '127.0.0.1:{2}', recordings_dir: {3}/{0}/recordings, "
    "media_dir: {3}/{0}/media, reconcile_secs: 3600}}"
)
DOCUMENT = (
    '<Response><Dial><Conference beep="false" statusCallback="{url}/events" '
    'statusCallbackEvent="start end join leave">{{to}}</Conference></Dial></Response>'
)
CALLBACKS = 4
FULL = 0.97
"""Of the orchestrator's core: with more, calls wait."""
KEPT_UP = 0.95
"""Of the calls a second that come."""
LATE_MS = 500.0
FREESWITCH_RATE = 60
"""Calls a second that a FreeSWITCH takes on two cores (`python -m tests.benchmarks load --find rate`)."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--nodes", type=int, default=3, help="under the orchestrator (3)")
    parser.add_argument("--rate", type=float, default=60, help="calls a second of the comparison (60)")
    parser.add_argument("--rounds", type=int, default=5, help="of the comparison, for each (5)")
    parser.add_argument("--step", type=float, default=20, help="calls a second more at each step (20)")
    parser.add_argument("--most", type=float, default=2000, help="calls a second at the last step (2000)")
    parser.add_argument("--seconds", type=float, default=6, help="of calls in each round and step (6)")


def run(options: argparse.Namespace) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        one, several = (Rig(Path(directory, str(count)), count) for count in (1, options.nodes))
        try:
            cost: dict[int, list[float]] = {1: [], options.nodes: []}
            for _ in range(options.rounds + 1):
                for rig in (one, several):
                    cost[rig.count].append(rig.play(options.rate, options.seconds).cpu_ms)
            cost = {count: figures[1:] for count, figures in cost.items()}
            yield measured("CPU of the orchestrator for a call, 1 node", cost[1], "ms")
            yield measured(
                f"CPU of the orchestrator for a call, {options.nodes} nodes", cost[options.nodes], "ms"
            )
            yield compared(f"{options.nodes} nodes against 1", cost[options.nodes], cost[1], at_most(1.05))
            one.close()
            yield from _found(several, options)
        finally:
            one.close()
            several.close()


def _found(rig: Rig, options: argparse.Namespace) -> Iterator[Figure]:
    rate, best = options.rate, None
    step = None
    while rate <= options.most:
        step = rig.play(rate, options.seconds)
        print(f"{rate:g} calls a second on {rig.count} nodes: {step}", file=sys.stderr)
        if step.is_full:
            break
        best = step
        rate += options.step
    if best is None:
        yield Figure("calls a second until the orchestrator's core is full", None, note=str(step))
        return
    yield Figure(
        "calls a second until the orchestrator's core is full", best.rate, goal=at_least(300), note=str(best)
    )
    yield Figure(
        "  of which each FreeSWITCH takes on two cores", FREESWITCH_RATE, note="benchmarks load --find rate"
    )
    yield Figure("FreeSWITCH nodes that one orchestrator carries", best.rate / FREESWITCH_RATE)


class Step:
    """The results of some seconds of calls."""

    def __init__(self, rate: float, share: float, cpu: float, outcome: list[Any], callbacks: int) -> None:
        """`share` of a core while calls come; `cpu` seconds for all; `outcome`: as playback.Outcome."""
        self.rate = rate
        self.share = share
        self.calls, _, self.refused, self.left, self.waits, self.came = outcome
        self.cpu_ms = cpu / self.calls * 1000
        self.missing = CALLBACKS * self.calls - callbacks

    @property
    def is_full(self) -> bool:
        late = not self.waits or percentile(self.waits, 90) > LATE_MS
        slow = self.came < KEPT_UP * self.rate
        return self.share > FULL or bool(self.refused or self.left or self.missing) or late or slow

    def __str__(self) -> str:
        waited = (
            f"{percentile(self.waits, 50):.0f} ms, 99 % {percentile(self.waits, 99):.0f}"
            if self.waits
            else "never"
        )
        return (
            f"{self.came:.0f} came, {self.share:.0%} of a core, {self.cpu_ms:.2f} ms a call, "
            f"document to join {waited}; "
            f"refused {self.refused}, left {self.left}, callbacks missing {self.missing}"
        )


class Rig:
    """An orchestrator, its FreeSWITCHes and its application, each a process of its own."""

    def __init__(self, directory: Path, count: int) -> None:
        directory.mkdir()
        self.count = count
        self._callbacks = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._url = url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._application = Child(
            "receiver", DOCUMENT.format(url=url), str(self._listener.fileno()), sockets=(self._listener,)
        )
        self._playback = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.playback", str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,
        )
        ports = json.loads(self._line())
        with socket.create_server(("127.0.0.1", 0)) as one:
            web = one.getsockname()[1]
        nodes = "\n".join(NODE.format(n, port, 1 + n, directory) for n, port in enumerate(ports))
        settings = directory / "orchestrator.yaml"
        settings.write_text(SETTINGS.format(nodes=nodes, url=url, web=web, directory=directory))
        self._orchestrator = subprocess.Popen(
            [sys.executable, "-m", "orchestrator", "run", "-c", str(settings)],
            stdout=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )
        with gevent.Timeout(60):
            while not ready(web):
                gevent.sleep(0.1)
        gevent.sleep(1)

    def play(self, rate: float, seconds: float) -> Step:
        """Until the last callback of the last call has come."""
        cpu = seconds_of(self._orchestrator.pid)
        assert self._playback.stdin is not None
        self._playback.stdin.write(f"{rate} {seconds}\n")
        self._playback.stdin.flush()
        gevent.sleep(seconds)
        busy = seconds_of(self._orchestrator.pid) - cpu
        outcome = json.loads(self._line())
        gevent.sleep(1)
        total = seconds_of(self._orchestrator.pid) - cpu
        before, self._callbacks = self._callbacks, int(requests.get(f"{self._url}/count", timeout=30).text)
        return Step(rate, busy / seconds, total, outcome, self._callbacks - before)

    def _line(self) -> str:
        assert self._playback.stdout is not None
        return self._playback.stdout.readline()

    def close(self) -> None:
        for process in (self._orchestrator, self._playback):
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
        self._application.kill()
        self._listener.close()
