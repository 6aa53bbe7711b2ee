"""Clients of the event socket that count events: `python -m tests.benchmarks.readers NAME PORT EVENTS`.

Each is used as its documentation shows, with a handler for every event. It says `api began` at the first
event, which comes alone, and after `EVENTS` of them `api spent SECONDS`: the CPU time in between.
`barest` is no client: the shortest loop that reads, splits, decodes and calls, whatever may go wrong.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Callable

GREETING = b"Content-Type: auth/request\n\n"
ANSWER = b"Content-Type: api/response\nContent-Length: 3\n\n+OK"


class Counter:
    def __init__(self, events: int, say: Callable[[str], object]) -> None:
        self._events = events
        self._say = say
        self._count = 0
        self._began = 0.0

    def ready(self) -> str:
        return "api ready"

    def on_event(self, event: object) -> None:
        self._count += 1
        if self._count == 1:
            self._say("api began")
            self._began = time.process_time()
        elif self._count == self._events:
            self._say(f"api spent {time.process_time() - self._began}")
            self._count = 0


def barest(port: int, events: int) -> None:
    from gevent import socket

    from orchestrator.esl.events import _decoder
    from orchestrator.esl.session import RECEIVE_BYTES

    head = re.compile(rb"Content-Length: (\d+)\nContent-Type: text/event-json\n\n").match
    decode, counted, began = _decoder.decode, 0, 0.0

    def on_event(event: object) -> None:
        nonlocal counted, began
        counted += 1
        if counted == 1:
            sock.sendall(b"api began\n\n")
            sock.recv(len(ANSWER))
            began = time.process_time()

    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.recv(len(GREETING))
        sock.sendall(b"api ready\n\n")
        rest = b""
        while sock.recv(len(ANSWER)):
            counted = 0
            while counted < events:
                data = rest + sock.recv(RECEIVE_BYTES)
                start = 0
                while match := head(data, start):
                    body = match.end()
                    end = body + int(match[1])
                    if end > len(data):
                        break
                    raw = data[body:end]
                    event = decode(raw)
                    event.raw = raw
                    on_event(event)
                    start = end
                rest = data[start:]
            sock.sendall(f"api spent {time.process_time() - began}\n\n".encode())


def ours(port: int, events: int) -> None:
    from gevent import monkey

    monkey.patch_all()
    import gevent

    from orchestrator.esl.connection import Connection

    counter = Counter(events, lambda command: connection.post(command))
    # It need not ask whether the far end is alive while others have their turn.
    connection = Connection("127.0.0.1", port, "ClueCon", probe_after=60.0)
    connection.on_event.append(counter.on_event)
    connection.connect()
    connection.post(counter.ready())
    while connection.connected:
        gevent.sleep(0.1)


def greenswitch(port: int, events: int) -> None:
    from gevent import monkey

    monkey.patch_all()
    import gevent
    from greenswitch import InboundESL

    client = InboundESL("127.0.0.1", port, "ClueCon")
    counter = Counter(events, lambda command: client.send(command))
    client.register_handle("*", counter.on_event)
    client.connect()
    client.send("event plain ALL")
    client.send(counter.ready())
    while client.connected:
        gevent.sleep(0.1)


def genesis(port: int, events: int) -> None:
    from genesis.inbound import Inbound

    async def read() -> None:
        async with Inbound("127.0.0.1", port, "ClueCon") as client:
            saying = set()

            def say(command: str) -> None:
                saying.add(asyncio.get_running_loop().create_task(client.send(command)))

            counter = Counter(events, say)

            async def on_event(event: object) -> None:
                counter.on_event(event)

            client.on("*", on_event)
            await client.send("events plain ALL")
            await client.send(counter.ready())
            while client.is_connected:
                await asyncio.sleep(0.1)

    asyncio.run(read())


if __name__ == "__main__":
    _, name, port, events = sys.argv
    readers = {"ours": ours, "barest": barest, "greenswitch": greenswitch, "genesis": genesis}
    readers[name](int(port), int(events))
