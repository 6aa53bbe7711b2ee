"""Notes when FreeSWITCH sends joins and hangups to a listener: an event socket in a process of its own.

    python -m tests.benchmarks.observer PORT PASSWORD WAKE_MS

FreeSWITCH looks for events every 20 ms on each event socket, unless it has something to read there. With
WAKE_MS it is sent an empty line that often: events then come that soon after they happen. With 0 they come as
they come to anybody. Once standard input ends it prints the events, one line of JSON each: when in
nanoseconds of the monotonic clock, Action or Event-Name, and Unique-ID.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time

SUBSCRIPTION = "event json CHANNEL_HANGUP CUSTOM conference::maintenance"


def main(port: int, password: str, wake_ms: float) -> None:
    listener = socket.create_connection(("127.0.0.1", port))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.sendall(f"auth {password}\n\n{SUBSCRIPTION}\n\n".encode())
    came: list[tuple[int, bytes]] = []
    wake = wake_ms / 1000 or None
    woken_at = time.monotonic()
    while True:
        left = None if wake is None else max(0.0, woken_at + wake - time.monotonic())
        readable, _, _ = select.select([listener, sys.stdin], [], [], left)
        if sys.stdin in readable:
            break
        if listener in readable:
            data = listener.recv(1 << 20)
            came.append((time.monotonic_ns(), data))
            if not data:
                break
        if wake is not None and time.monotonic() - woken_at >= wake:
            woken_at = time.monotonic()
            listener.sendall(b"\n")
    _print(came)


def _print(came: list[tuple[int, bytes]]) -> None:
    """Frames are taken apart afterwards: it should be back at its socket soon."""
    stream = b""
    ends: list[tuple[int, int]] = []
    for at, data in came:
        stream += data
        ends.append((len(stream), at))
    position, chunk = 0, 0
    while (head_end := stream.find(b"\n\n", position)) >= 0:
        head = stream[position:head_end].lstrip()
        length = int(head.partition(b"Content-Length: ")[2].partition(b"\n")[0] or 0)
        end = head_end + 2 + length
        if end > len(stream):
            return
        while ends[chunk][0] < end:
            chunk += 1
        if b"text/event-json" in head:
            event = json.loads(stream[head_end + 2 : end])
            what = event.get("Action") or event["Event-Name"]
            print(json.dumps([ends[chunk][1], what, event.get("Unique-ID", "")]))
        position = end


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
