"""Callbacks as they are, their delivery from an outbox, and a receiver for them in a process of its own."""

from __future__ import annotations

import multiprocessing
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import gevent
from gevent.event import Event
from gevent.server import StreamServer

from orchestrator.callbacks.delivery import Delivery
from orchestrator.callbacks.retry import Answer, DeliverySettings
from orchestrator.callbacks.signature import AccountKeys, load_key, new_seed
from orchestrator.store.message import Message
from orchestrator.store.outbox import Outbox

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def receiving() -> Iterator[str]:
    """Its URL."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    process = multiprocessing.get_context("fork").Process(target=_receive, args=(listener,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/callbacks"
    finally:
        process.terminate()
        listener.close()


def message(queue: str, url: str, sequence: int) -> Message:
    fields = (
        ("AccountSid", "f5586561-8ff0-4291-a51b-c7dfe4139ff9"),
        ("CallSid", f"v3:{queue}{sequence:022d}"),
        ("CallSidLegacy", f"v3:{queue}{sequence:022d}"),
        ("Coaching", "false"),
        ("ConferenceSid", queue),
        ("ConnectionId", "1234567890"),
        ("EndConferenceOnExit", "false"),
        ("FriendlyName", "Room 1234"),
        ("From", "+35319605860"),
        ("Hold", "false"),
        ("Muted", "false"),
        ("SequenceNumber", str(sequence)),
        ("StartConferenceOnEnter", "true"),
        ("StatusCallbackEvent", "participant-join"),
        ("Timestamp", f"2024-01-15T10:31:00.{sequence % 1_000_000:06d}Z"),
        ("To", "+13129457420"),
    )
    return Message(queue, url, "POST", fields, "acc", "participant-join", sequence, time.time_ns() // 1000)


def delivered_by(outbox: Outbox, url: str, queues: int, messages: int) -> float:
    """Callbacks a second, of so many messages that wait in it; it is closed afterwards."""
    keys = AccountKeys(ed25519=load_key(new_seed()))
    done, left = Event(), messages

    def on_attempt(_: object, answer: Answer, attempts: int, ms: int, again_in: float | None) -> None:
        nonlocal left
        assert answer.status == 200, answer.error
        left -= 1
        if not left:
            done.set()

    delivery = Delivery(outbox, lambda _: keys, DeliverySettings())
    delivery.on_attempt.append(on_attempt)
    names = [str(uuid4()) for _ in range(queues)]
    outbox.commit([message(names[number % queues], url, number) for number in range(messages)])
    began = time.perf_counter()
    delivery.start()
    with gevent.Timeout(60):
        done.wait()
    delivery.stop()
    rate = messages / (time.perf_counter() - began)
    outbox.close()
    return rate


def _receive(listener: socket.socket) -> None:
    """Reads requests by their Content-Length and answers each with an empty 200."""

    def handle(client: socket.socket, _: object) -> None:
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                data = client.recv(65536)
                if not data:
                    return
                buffer += data
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            while len(buffer) < length:
                buffer += client.recv(65536)
            buffer = buffer[length:]
            client.sendall(ANSWER)

    StreamServer(listener, handle).serve_forever()
