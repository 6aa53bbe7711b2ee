"""`orchestrator run` as a process of its own, as two of them on one machine are."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import gevent

from tests.crash.switches import free_port
from tests.lab.processes import die_with_parent
from tests.lab.switches import Switch

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b"
SETTINGS = """
freeswitch:
  nodes:
    - {{host: {host}, port: {port}, password: {password}, recordings_dir: {recordings}, media_dir: {media}}}
accounts: [{{sid: {account}, api_keys: [{key}]}}]
applications: {{main: {{voice_url: "{voice}"}}}}
default_application: main
web: {{listen: "127.0.0.1:{web}"}}
callbacks: {{database: {database}{store}}}
"""
API_KEY = "an-api-key-of-the-tests"


class Running:
    """One installation: a directory with settings and database."""

    def __init__(
        self,
        switch: Switch,
        directory: Path,
        voice_url: str = "http://127.0.0.1:9/",
        *,
        postgresql: str = "",
        more: str = "",
    ) -> None:
        """`postgresql`: the URL of the database in place of a file; `more`: other settings."""
        directory.mkdir(exist_ok=True)
        self.config = directory / "orchestrator.yaml"
        self.log = directory / "orchestrator.log"
        self.web = free_port()
        self.config.write_text(
            SETTINGS.format(
                host=switch.host,
                port=switch.port,
                password=switch.password,
                recordings=switch.recordings_dir,
                media=switch.media_dir,
                account=ACCOUNT,
                voice=voice_url,
                web=self.web,
                database=directory / "orchestrator.sqlite",
                store=f', postgresql: "{postgresql}"' if postgresql else "",
                key=API_KEY,
            )
            + more
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str) -> None:
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "orchestrator", "run", "-c", str(self.config), *words],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def problems(self) -> dict[str, str] | None:
        """The reason that /readyz names; None where nobody answers."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", self.web, timeout=2)
            connection.request("GET", "/readyz")
            found: dict[str, str] = json.loads(connection.getresponse().read())["problems"]
            return found
        return None

    def wait_ready(self, seconds: float = 30.0) -> float:
        """How many seconds it took."""
        began = time.monotonic()
        while self.problems() != {}:
            assert self._process is not None
            assert self._process.poll() is None, self.said()
            assert time.monotonic() < began + seconds, self.said()
            gevent.sleep(0.05)
        return time.monotonic() - began

    def wait_ended(self, seconds: float = 30.0) -> int:
        """The exit code."""
        assert self._process is not None
        until = time.monotonic() + seconds
        while self._process.poll() is None:
            assert time.monotonic() < until, self.said()
            gevent.sleep(0.05)
        return self._process.returncode

    def said(self) -> str:
        return self.log.read_text()

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None and self._process.poll() is None:
            self.send(signal.SIGCONT)
            self.send(number)
            self.wait_ended()
