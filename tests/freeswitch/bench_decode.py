"""Events per CPU second over the recorded conversations: `python -m tests.freeswitch.bench_decode`."""

from gevent import monkey

monkey.patch_all()

# ruff: noqa: E402 - patching comes before any other import
import json
import subprocess
import sys
import time
from collections.abc import Callable

import gevent
import msgspec
from gevent import socket
from greenswitch import InboundESL

from orchestrator.freeswitch.connection import Connection
from orchestrator.freeswitch.events import Event, decode
from orchestrator.freeswitch.frames import FrameDecoder
from orchestrator.freeswitch.link import Link

from .wire import trace_frames, trace_names

_RECORDED = [frame for name in trace_names() for frame in trace_frames(name) if frame[0] == "text/event-json"]
BODIES = [body for _, _, body in _RECORDED]
FRAMES = b"".join(data for _, data, _ in _RECORDED)


def _plain(body: bytes) -> bytes:
    from urllib.parse import quote

    text = "".join(f"{name}: {quote(str(value))}\n" for name, value in json.loads(body).items()) + "\n"
    return f"Content-Length: {len(text)}\nContent-Type: text/event-plain\n\n{text}".encode()


def rate(what: str, run: Callable[[int], None], rounds: int) -> float:
    best = 0.0
    for _ in range(3):
        start = time.process_time()
        run(rounds)
        best = max(best, rounds * len(BODIES) / (time.process_time() - start))
    print(f"{what:<58}{best:>12,.0f} events/s{1e6 / best:>9.2f} us")
    return best


def each(function: Callable[[bytes], object]) -> Callable[[int], None]:
    def run(rounds: int) -> None:
        for _ in range(rounds):
            for body in BODIES:
                function(body)

    return run


def framed(rounds: int) -> None:
    decoder = FrameDecoder()
    for _ in range(rounds):
        for start in range(0, len(FRAMES), 65536):
            for frame in decoder.feed(FRAMES[start : start + 65536]):
                decode(frame.body)


_POUR = """
import socket, sys
sock, data = socket.socket(fileno=int(sys.argv[1])), sys.stdin.buffer.read()
sock.setblocking(True)
for _ in range(int(sys.argv[2])):
    sock.sendall(data)
"""


def _pour(sock: socket.socket, data: bytes, rounds: int) -> None:
    """In a process of its own: the far end's work is not the reader's."""
    arguments = [sys.executable, "-c", _POUR, str(sock.fileno()), str(rounds)]
    subprocess.run(arguments, input=data, pass_fds=[sock.fileno()], check=True)


def ours(rounds: int) -> None:
    """Through a socket, the reader that production runs, a handler that counts."""
    near, far = socket.socketpair()
    count = 0

    def on_event(event: Event) -> None:
        nonlocal count
        count += 1
        if count == rounds * len(BODIES):
            near.shutdown(socket.SHUT_RDWR)

    connection = Connection("", 0, "x", on_event=on_event)
    link = Link(near, connection.anomalies, connection._event)
    pouring = gevent.spawn(_pour, far, FRAMES, rounds)
    link.run()
    pouring.join()
    assert count == rounds * len(BODIES)


def theirs(rounds: int) -> None:
    """greenswitch through a socket, as it is used: plain events and a handler that counts."""
    near, far = socket.socketpair()
    count = 0

    def on_event(event: object) -> None:
        nonlocal count
        count += 1

    client = InboundESL("", 0, "x")
    client.sock, client.sock_file, client.connected = near, near.makefile("rb"), True
    client.register_handle("*", on_event)
    client.start_event_handlers()
    pouring = gevent.spawn(_pour, far, b"".join(map(_plain, BODIES)), rounds)
    while count < rounds * len(BODIES):
        gevent.sleep(0.001)
    pouring.join()
    gevent.killall([client._receive_events_greenlet, client._process_events_greenlet])


def main() -> None:
    print(f"Python {sys.version.split()[0]}, {len(BODIES)} events of {len(FRAMES) / len(BODIES):.0f} bytes")
    greenswitch = rate("greenswitch, plain events, through a socket", theirs, 3)
    rate("msgspec into Event, no socket", each(msgspec.json.Decoder(Event, strict=False).decode), 40)
    rate("events.decode, no socket", each(decode), 40)
    try:
        import orjson
    except ImportError:
        dicts = rate("json.loads into dicts, no socket (orjson is not here)", each(json.loads), 20)
    else:
        dicts = rate("orjson.loads into dicts, no socket", each(orjson.loads), 20)
    rate("frames and events, no socket", framed, 40)
    mine = rate("ours through a socket", ours, 200)
    print(
        f"ours: {mine / greenswitch:.1f} times greenswitch, {mine / dicts:.2f} times dicts without a socket"
    )


if __name__ == "__main__":
    main()
