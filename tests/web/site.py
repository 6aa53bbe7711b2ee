"""A recordings directory and the real HTTP server before it, in a test's hands."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from uuid import uuid4

import gevent
import numpy as np
import soundfile

from orchestrator.recordings.files import RecordingFiles
from orchestrator.recordings.signed_urls import UrlSigner
from orchestrator.web.recordings import CONVERT_SECONDS, RecordingAudio, recordings
from orchestrator.web.server import WebServer

RATE = 8000


@dataclass(frozen=True)
class Answer:
    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Site:
    """Signs with `lifetime`; its clock is the real one plus `ahead` seconds."""

    directory: Path
    lifetime: int | None = None
    mp3_seconds: float = CONVERT_SECONDS
    key: bytes = bytes(32)
    ahead: float = 0.0
    server: WebServer = field(init=False)
    files: RecordingFiles = field(init=False)

    def __post_init__(self) -> None:
        signer = (
            UrlSigner(self.key, self.lifetime, lambda: time.time() + self.ahead) if self.lifetime else None
        )
        self.files = RecordingFiles(
            self.directory, lambda path: path, lambda: f"http://h:{self.port}", signer
        )
        self.server = WebServer("127.0.0.1", 0, [recordings(RecordingAudio(self.files, self.mp3_seconds))])
        self.server.start()

    @property
    def port(self) -> int:
        return self.server.port

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """The path goes out as it is; in header names _ stands for -."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=fields)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def ask_url(self, url: str) -> Answer:
        return self.ask(url.removeprefix(self.files.base_url()))

    def starts_listening(self, sid: str) -> socket.socket:
        """A listener that has asked for the WAV, and takes no more of it than the test reads."""
        listener = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        listener.sendall(f"GET /recordings/{sid}.wav HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        assert listener.recv(12) == b"HTTP/1.1 200"
        return listener

    def listens(self, listener: socket.socket, size: int) -> None:
        """Takes at least so many bytes of what comes."""
        while size > 0:
            taken = len(listener.recv(1 << 20))
            assert taken, f"it ended {size} bytes early"
            size -= taken

    def record(self, seconds: float = 1.0, channels: int = 1, sid: str = "") -> str:
        """A finished recording of a tone; its sid."""
        sid = sid or str(uuid4())
        time_ = np.arange(int(seconds * RATE)) / RATE
        tone = 0.3 * np.sin(2 * np.pi * 440 * time_)
        soundfile.write(self.files.path(sid), np.column_stack([tone] * channels), RATE, subtype="PCM_16")
        return sid

    def record_hugely(self, megabytes: int) -> str:
        """A recording of so many megabytes, which take no room on the disk."""
        sid = str(uuid4())
        size = megabytes * 1024 * 1024
        with self.files.path(sid).open("wb") as file:
            file.write(b"RIFF" + (size - 8).to_bytes(4, "little") + b"WAVE")
            file.truncate(size)
        return sid

    def open_files(self, sid: str) -> int:
        """How many of our file descriptors are of this recording."""
        found = 0
        for descriptor in Path("/proc/self/fd").iterdir():
            try:
                found += sid in os.readlink(descriptor)
            except FileNotFoundError:
                continue
        return found


def wait_until(fits: Callable[[], object], what: str, timeout: float = 10.0) -> None:
    deadline = time.monotonic() + timeout
    while not fits():
        assert time.monotonic() < deadline, f"not in {timeout:g} s: {what}"
        gevent.sleep(0.005)
