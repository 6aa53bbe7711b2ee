"""Callbacks delivered to a local receiver, signed and in order, against bare loops over a kept connection.

The loops post the same bodies, unsigned and unwritten, one after the other, to the same receiver, which runs
in a process of its own: with `requests.Session`; with geventhttpclient, which a user of gevent would choose;
and over a socket with the head written once, which is the limit. Ours are in the outbox on disk before, and
their ends are written to it.
"""

from __future__ import annotations

import argparse
import socket
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import requests
from geventhttpclient import HTTPClient

from orchestrator.store.outbox import Outbox
from tests.benchmarks.delivering import delivered_by, message, receiving
from tests.benchmarks.frame import Figure, alternate, at_least, compared, measured

ROUNDS = 9
MESSAGES = 400
QUEUES = {"in one room": 1, "in 100 rooms": 100}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def run(options: argparse.Namespace) -> Iterable[Figure]:
    with receiving() as url, tempfile.TemporaryDirectory() as directory:
        contenders = {name: lambda loop=loop: loop(url) for name, loop in LOOPS.items()} | {
            name: lambda queues=queues: _ours(Path(directory), url, queues) for name, queues in QUEUES.items()
        }
        rates = alternate(contenders, ROUNDS)
    for name in LOOPS:
        yield measured(f"a bare loop: {name}", rates[name], "callbacks/s")
    for name in QUEUES:
        yield measured(f"ours, {name}", rates[name], "callbacks/s")
    for name in QUEUES:
        for loop, goal in GOALS.items():
            yield compared(f"ours, {name}, against {loop}", rates[name], rates[loop], at_least(goal))


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
    return delivered_by(Outbox(directory / f"{uuid4()}.sqlite"), url, queues, MESSAGES)
