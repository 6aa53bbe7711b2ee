"""FreeSWITCHes that are none, as a process: each plays the recorded call (recorder.py) on an event socket.

    python -m tests.benchmarks.playback NODES

It prints the ports of their event sockets. For each line `RATE SECONDS` on standard input it makes that many
new calls a second, to each node in turn, until all are over, and prints what came of them. A call of its own
number and room, which stays for a second: its events come when what they follow from was ordered.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import contextlib  # noqa: E402
import json  # noqa: E402
import re  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from typing import Any, NamedTuple  # noqa: E402
from uuid import uuid4  # noqa: E402

import gevent  # noqa: E402
import gevent.event  # noqa: E402
from gevent import socket  # noqa: E402

from tests.benchmarks.recorder import RECORDED  # noqa: E402

FRAME_SECONDS = 0.02
"""From an order to what FreeSWITCH does about it: a frame of audio."""
STAY_SECONDS = 1.0
OVER_SECONDS = 30.0
"""After the last call has begun, all are over in that time."""
_MOMENT = re.compile(rb'"Event-Date-Timestamp":"\d+"')


class Recording:
    """The answers of the recorded FreeSWITCH, and the call's events in the parts in which they came."""

    def __init__(self) -> None:
        lines = [json.loads(line) for line in RECORDED.read_text().splitlines()]
        self.answers: dict[str, str] = {}
        asked = [line["out"] for line in lines if line.get("out", "").startswith("api ")]
        answered = [line["body"] for line in lines if line.get("kind") == "api/response"]
        for question, answer in zip(asked, answered, strict=True):
            self.answers.setdefault(question, answer)
        orders = [line["out"] for line in lines if line.get("out", "").startswith("sendmsg ")]
        self.leg = orders[0].split()[1]
        self.jobs = {
            re.search(r"execute-app-name: (\w+)", order)[1]: re.search(r"Event-UUID: (\S+)", order)[1]  # type: ignore[index]
            for order in orders
        }
        """Application -> the Event-UUID that it was ordered with."""
        events = [(number, line["event"]) for number, line in enumerate(lines) if "event" in line]
        rung = next(
            n for n, line in enumerate(lines) if line.get("out", "").startswith("api uuid_ring_ready")
        )
        ordered = next(n for n, line in enumerate(lines) if line.get("out", "").startswith("sendmsg "))
        gone = next(number for number, event in events if '"CHANNEL_HANGUP"' in event)
        self.comes = self._part(event for number, event in events if number < rung)
        self.rings = self._part(event for number, event in events if rung < number < ordered)
        self.joins = self._part(event for number, event in events if ordered < number < gone)
        self.goes = self._part(event for number, event in events if number >= gone)
        text = "".join(event for _, event in events)
        self.room = re.search(r'"Conference-Name":"([^"]+)"', text)[1]  # type: ignore[index]
        self.number = re.search(r'"Caller-Destination-Number":"([^"]+)"', text)[1]  # type: ignore[index]
        self.core = re.search(r'"Core-UUID":"([^"]+)"', text)[1]  # type: ignore[index]

    def _part(self, events: object) -> list[bytes]:
        return [event.encode() for event in events]  # type: ignore[attr-defined]


class Call:
    """`began`, `ordered`: when it was parked, and when the orchestrator ordered it into its room."""

    def __init__(self, node: Node, number: int) -> None:
        self.node = node
        self.leg = str(uuid4())
        self.number = f"+1{number:0{len(node.recording.number) - 2}d}"
        self.jobs: dict[str, str] = {}
        self.room = ""
        self.began = self.ordered = 0.0
        self.over = False

    def send(self, events: list[bytes]) -> None:
        recording = self.node.recording
        new = [(recording.leg, self.leg), (recording.number, self.number), (recording.core, self.node.core)]
        new += [(recording.jobs[name], job) for name, job in self.jobs.items() if name in recording.jobs]
        if self.room:
            new.append((recording.room, self.room))
        pairs = [(old.encode(), renamed.encode()) for old, renamed in new]
        moment = b'"Event-Date-Timestamp":"%d"' % (time.time_ns() // 1000)
        frames = []
        for event in events:
            for old, renamed in pairs:
                event = event.replace(old, renamed)
            event = _MOMENT.sub(moment, event)
            frames.append(b"Content-Length: %d\nContent-Type: text/event-json\n\n%b" % (len(event), event))
        self.node.write(b"".join(frames))

    def execute(self, application: str, argument: str, job: str) -> None:
        self.jobs[application] = job
        if application == "conference":
            self.ordered = time.monotonic()
            self.room = argument.partition("@")[0]
            gevent.spawn_later(FRAME_SECONDS, self._join)

    def _join(self) -> None:
        self.send(self.node.recording.joins)
        gevent.spawn_later(STAY_SECONDS, self.end)

    def end(self) -> None:
        if not self.over:
            self.over = True
            self.send(self.node.recording.goes)
            self.node.calls.pop(self.leg, None)


class Outcome(NamedTuple):
    calls: int
    joined: int
    refused: int
    left: int
    waits: list[float]
    """Milliseconds from the park to the order into the room."""
    rate: float
    """Calls a second that came into rooms, from the first park to the last order."""


class Node:
    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.core = str(uuid4())
        self.calls: dict[str, Call] = {}
        self.refused = 0
        self._globals: dict[str, str] = {}
        self._socket: Any = None
        self._unsent: list[bytes] = []
        self._more = gevent.event.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        gevent.spawn(self._run)
        gevent.spawn(self._write_on)

    def write(self, data: bytes) -> None:
        """In order, by another greenlet: the orchestrator may be slow to read."""
        self._unsent.append(data)
        self._more.set()

    def _write_on(self) -> None:
        while self._more.wait():
            self._more.clear()
            data, self._unsent = b"".join(self._unsent), []
            with contextlib.suppress(OSError, AttributeError):
                self._socket.sendall(data)

    def _run(self) -> None:
        while True:
            self._socket, _ = self._listener.accept()
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.write(b"Content-Type: auth/request\n\n")
            rest = b""
            with contextlib.suppress(OSError):
                while data := self._socket.recv(65536):
                    *whole, rest = (rest + data).split(b"\n\n")
                    self.write(
                        b"".join(self._answer(text) for each in whole if (text := each.strip().decode()))
                    )

    def _answer(self, text: str) -> bytes:
        if not text.startswith("api "):
            if text.startswith("sendmsg "):
                self._ordered(text)
            return b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
        answer = self._api(text).encode()
        return b"Content-Type: api/response\nContent-Length: %d\n\n%b" % (len(answer), answer)

    def _api(self, text: str) -> str:
        _, command, *words = text.split(" ", 2)
        argument = words[0] if words else ""
        match command:
            case "global_getvar" if argument == "core_uuid":
                return self.core
            case "global_getvar" if argument:
                return self._globals.get(argument, "-ERR no reply\n")
            case "global_setvar":
                name, value, *expected = argument.split("=")
                if expected and self._globals.get(name, "") != expected[0]:
                    return "-ERR"
                self._globals[name] = value
                return "+OK"
            case "strepoch":
                return str(int(time.time()))
            case "uuid_ring_ready" if argument in self.calls:
                call = self.calls[argument]
                gevent.spawn(call.send, self.recording.rings)
                return "+OK\n"
            case "uuid_kill":
                self._refuse(argument.split()[0])
                return "+OK\n"
        return self.recording.answers.get(text, "+OK\n")

    def _ordered(self, text: str) -> None:
        head, *lines = text.split("\n")
        call = self.calls.get(head.split()[1])
        headers = dict(line.split(": ", 1) for line in lines if ": " in line)
        if call is None:
            return
        if headers.get("call-command") == "hangup":
            self._refuse(call.leg)
        else:
            arguments = [
                headers.get(name, "") for name in ("execute-app-name", "execute-app-arg", "Event-UUID")
            ]
            call.execute(*arguments)

    def _refuse(self, leg: str) -> None:
        call = self.calls.get(leg)
        if call is not None:
            self.refused += 1
            gevent.spawn(call.end)


def play(nodes: list[Node], first: int, rate: float, seconds: float) -> Outcome:
    """`first`: the number of the first call."""
    calls = []
    for node in nodes:
        node.refused = 0
    began = time.monotonic()
    total = int(rate * seconds)
    while len(calls) < total:
        for number in range(len(calls), min(total, int((time.monotonic() - began) * rate) + 1)):
            node = nodes[number % len(nodes)]
            call = Call(node, first + number)
            node.calls[call.leg] = call
            call.began = time.monotonic()
            call.send(node.recording.comes)
            calls.append(call)
        gevent.sleep(0.005)
    with gevent.Timeout(OVER_SECONDS, False):  # type: ignore[arg-type]
        while any(node.calls for node in nodes):
            gevent.sleep(0.05)
    left = sum(len(node.calls) for node in nodes)
    for node in nodes:
        node.calls.clear()
    waits = [(call.ordered - call.began) * 1000 for call in calls if call.ordered]
    last = max((call.ordered for call in calls), default=began)
    came = len(waits) / max(last - began, 0.001)
    return Outcome(total, len(waits), sum(node.refused for node in nodes), left, waits, came)


def main(count: int) -> None:
    recording = Recording()
    nodes = [Node(recording) for _ in range(count)]
    print(json.dumps([node.port for node in nodes]), flush=True)
    first = 0
    while line := gevent.get_hub().threadpool.apply(sys.stdin.readline):
        rate, seconds = map(float, line.split())
        outcome = play(nodes, first, rate, seconds)
        first += outcome.calls
        print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
