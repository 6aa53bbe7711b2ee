"""The orchestrator as a child process: started, killed, and asked whether it is ready."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import gevent

from orchestrator.store.access.opening import visit
from tests.crash.switches import ROOT, Lab, Switch, free_port
from tests.lab.processes import die_with_parent

START_SECONDS = 60.0
ACCOUNT, CONNECTION = "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b", "1568109700606592442"
SETTINGS = """
freeswitch:
  nodes: {nodes}
accounts:
  - sid: {account}
    name: main
    signing_key: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
applications:
  main: {{connection_id: "{connection}", voice_url: "{voice}"}}
default_application: main
trunks:
  out: {{dial_string: "{out}"}}
web: {{listen: "127.0.0.1:{web}"}}
callbacks:
  database: {database}
{store}  timeout_secs: 2
  attempts: 20
  backoff_secs: [0.1, 0.2, 0.5]
logging: {{level: {level}}}
"""


@dataclass
class Life:
    """From start to death of one process. Times by our clock, in microseconds; 0: not yet, or never."""

    started: int
    ready: int = 0
    dying: int = 0
    """From here on nothing that happens need be noticed."""
    dead: int = 0
    how: str = ""


class Service:
    def __init__(
        self, directory: Path, lab: Lab, voice_url: str, level: str = "info", postgresql: str = ""
    ) -> None:
        """`postgresql`: the URL of the database in place of a file."""
        self.lives: list[Life] = []
        self.log = directory / "orchestrator.log"
        self.database = directory / "orchestrator.sqlite"
        self._store: Path | str = postgresql or self.database
        self._settings = directory / "orchestrator.yaml"
        self._web = free_port()
        self._settings.write_text(
            SETTINGS.format(
                account=ACCOUNT,
                connection=CONNECTION,
                nodes=json.dumps([_node(node) for node in lab.nodes]),
                voice=voice_url,
                out=lab.way_out,
                web=self._web,
                database=self.database,
                store=f'  postgresql: "{postgresql}"\n' if postgresql else "",
                level=level,
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def megabytes(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def start(self) -> None:
        """Does not wait: see wait_ready()."""
        self.lives.append(Life(now()))
        with open(self.log, "ab") as log:
            log.write(f"---- life {len(self.lives)}\n".encode())
            log.flush()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "orchestrator", "run", "-c", str(self._settings)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        gevent.spawn(self._note_ready, self.lives[-1])

    def _note_ready(self, life: Life) -> None:
        """Also where nobody waits for it."""
        while not life.dying and not life.ready and self.alive:
            if self._is_ready() and not life.dying:
                life.ready = now()
            gevent.sleep(0.05)

    def wait_ready(self, seconds: float = START_SECONDS) -> bool:
        """False where it is not ready within the time. Raises RuntimeError where it ended by itself."""
        deadline = time.monotonic() + seconds
        while not self._is_ready():
            self.check()
            if time.monotonic() > deadline:
                return False
            gevent.sleep(0.05)
        self.lives[-1].ready = self.lives[-1].ready or now()
        return True

    def check(self) -> None:
        """Raises RuntimeError where it has ended by itself."""
        if not self.alive:
            raise RuntimeError(f"the orchestrator ended by itself:\n{self.log.read_text()[-3000:]}")

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._web, timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        return False

    def left(self) -> dict[str, int]:
        """Rows of things that have not ended: callbacks, rooms, recordings."""
        queries = {
            "callbacks": "SELECT count(*) FROM pending",
            "rooms": "SELECT count(*) FROM state WHERE kind = 'room'",
            "recordings": "SELECT count(*) FROM state WHERE kind IN ('recording', 'call recording')",
        }
        with visit(self._store) as rows:
            counts = {what: rows.read(query)[0][0] for what, query in queries.items()}
        return {what: count for what, count in counts.items() if count}

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self._process is None or not self.alive:
            return
        life = self.lives[-1]
        life.how, life.dying = how.name, now()
        self._process.send_signal(how)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            life.how = "SIGTERM in vain"
        life.dead = now()


def _node(switch: Switch) -> dict[str, object]:
    """Its settings."""
    relay = {"relay": f"{switch.host}:{switch.relay_port}"} if switch.relay_port else {}
    return {
        "name": switch.name,
        "host": switch.host,
        "port": switch.port,
        "password": switch.password,
        "recordings_dir": str(switch.recordings_dir),
        "media_dir": str(switch.media_dir),
    } | relay


def now() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000
