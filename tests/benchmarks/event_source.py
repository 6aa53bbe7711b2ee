"""The far end of an event socket, which sends recorded events to a client in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass

from gevent import socket

from tests.benchmarks.readers import ANSWER, GREETING
from tests.lab.processes import die_with_parent

START_SECONDS = 30.0
ROUND_SECONDS = 60.0


@dataclass(frozen=True)
class Spent:
    """The seconds that reading all events took the reader."""

    cpu: float
    wall: float


class Reader:
    """`python -m tests.benchmarks.readers NAME`, connected and subscribed."""

    def __init__(self, name: str, frames: bytes, events: int) -> None:
        self._frames = frames
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            command = [sys.executable, "-m", "tests.benchmarks.readers", name, str(port), str(events)]
            self._process = subprocess.Popen(command, preexec_fn=die_with_parent)
            listener.settimeout(START_SECONDS)
            self._sock, _ = listener.accept()
        self._sock.settimeout(ROUND_SECONDS)
        self._buffer = b""
        self._sock.sendall(GREETING)
        self._command(b"api ready")

    def send_all(self) -> Spent:
        first = self._frames.index(b"\n\n") + 2
        first += int(self._frames.partition(b"Content-Length: ")[2].partition(b"\n")[0])
        self._sock.sendall(self._frames[:first])
        self._command(b"api began")
        began = time.perf_counter()
        self._sock.sendall(self._frames[first:])
        cpu = float(self._command(b"api spent "))
        return Spent(cpu, time.perf_counter() - began)

    def stop(self) -> None:
        self._sock.close()
        self._process.terminate()
        self._process.wait()

    def _command(self, wanted: bytes) -> bytes:
        """Answers commands up to one that begins with `wanted`; returns the rest of it."""
        while True:
            while b"\n\n" not in self._buffer.lstrip(b"\n"):
                data = self._sock.recv(65536)
                if not data:
                    raise ConnectionError(f"the reader went away before it said {wanted!r}")
                self._buffer += data
            # An empty line is no command: it is sent to wake FreeSWITCH.
            command, _, self._buffer = self._buffer.lstrip(b"\n").partition(b"\n\n")
            if command.startswith(b"api "):
                self._sock.sendall(ANSWER)
            else:
                self._sock.sendall(b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n")
            if command.startswith(wanted):
                return command[len(wanted) :]
