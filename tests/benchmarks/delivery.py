"""Callbacks delivered to a local receiver, signed and in order, against bare loops over a kept connection.

The loops post the same bodies, unsigned and unwritten, one after the other, to the same receiver, which runs
in a process of its own: with `requests.Session`; with geventhttpclient, which a user of gevent would choose;
and over a socket with the head written once, which is the limit. Ours are in the outbox on disk before, and
their ends are written to it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import gevent
import requests
from gevent.event import Event
from gevent.server import StreamServer
from geventhttpclient import HTTPClient

from orchestrator.callbacks.delivery import Delivery
from orchestrator.callbacks.retry import Answer, DeliverySettings
from orchestrator.callbacks.signature import AccountKeys, load_key, new_seed
from orchestrator.store.message import Message
from orchestrator.store.outbox import Outbox
from tests.benchmarks.frame import Figure, alternate, at_least, compared, measured

ROUNDS = 9
MESSAGES = 400
QUEUES = {"in one room": 1, "in 100 rooms": 100}
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def run(options: argparse.Namespace) -> Iterable[Figure]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/callbacks"
    destination = multiprocessing.get_context("fork").Process(target=_receive, args=(listener,), daemon=True)
    destination.start()
    try:
        with tempfile.TemporaryDirectory() as directory:
            contenders = {name: lambda loop=loop: loop(url) for name, loop in LOOPS.items()} | {
                name: lambda queues=queues: _ours(Path(directory), url, queues)
                for name, queues in QUEUES.items()
            }
            rates = alternate(contenders, ROUNDS)
    finally:
        destination.terminate()
    for name in LOOPS:
        yield measured(f"a bare loop: {name}", rates[name], "callbacks/s")
    for name in QUEUES:
        yield measured(f"ours, {name}", rates[name], "callbacks/s")
    for name in QUEUES:
        for loop, goal in GOALS.items():
            yield compared(f"ours, {name}, against {loop}", rates[name], rates[loop], at_least(goal))


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


def _bodies(url: str) -> list[bytes]:
    return [message("room", url, number).body() for number in range(MESSAGES)]


def _with_requests(url: str) -> float:
    bodies = _bodies(url)
    with requests.Session() as session:
        began = time.perf_counter()
        for body in bodies:
            session.post(url, data=body, headers=FORM)
        return MESSAGES / (time.perf_counter() - began)


def _with_geventhttpclient(url: str) -> float:
    bodies, client = _bodies(url), HTTPClient.from_url(url)
    try:
        began = time.perf_counter()
        for body in bodies:
            client.post("/callbacks", body=body, headers=FORM).read()
        return MESSAGES / (time.perf_counter() - began)
    finally:
        client.close()


def _with_a_socket(url: str) -> float:
    bodies, parts = _bodies(url), urlsplit(url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {FORM['Content-Type']}\r\n"
    with socket.create_connection((parts.hostname, parts.port)) as client:
        began = time.perf_counter()
        for body in bodies:
            client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += client.recv(65536)
        return MESSAGES / (time.perf_counter() - began)


LOOPS = {
    "requests.Session": _with_requests,
    "geventhttpclient": _with_geventhttpclient,
    "a socket": _with_a_socket,
}
GOALS = {"requests.Session": 0.8, "geventhttpclient": 0.9, "a socket": 0.4}


def _ours(directory: Path, url: str, queues: int) -> float:
    outbox = Outbox(directory / f"{uuid4()}.sqlite")
    keys = AccountKeys(ed25519=load_key(new_seed()))
    done, left = Event(), MESSAGES

    def on_attempt(_: object, answer: Answer, attempts: int, ms: int, again_in: float | None) -> None:
        nonlocal left
        assert answer.status == 200, answer.error
        left -= 1
        if not left:
            done.set()

    delivery = Delivery(outbox, lambda _: keys, DeliverySettings())
    delivery.on_attempt.append(on_attempt)
    names = [str(uuid4()) for _ in range(queues)]
    outbox.commit([message(names[number % queues], url, number) for number in range(MESSAGES)])
    began = time.perf_counter()
    delivery.start()
    with gevent.Timeout(60):
        done.wait()
    delivery.stop()
    rate = MESSAGES / (time.perf_counter() - began)
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
