"""The orchestrator as child processes: started, killed, and asked whether it is ready."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gevent

from orchestrator.store.access.opening import visit
from orchestrator.store.interface import OutboxError
from orchestrator.web.forwarding import FORWARDED
from tests.crash.switches import ROOT, Lab, Switch, free_port
from tests.lab.processes import die_with_parent

START_SECONDS = 60.0
OWNERS = "SELECT owner FROM nodes WHERE owner <> ''"
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
cluster: {{standby: {standby}}}
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


class _Process:
    """One `orchestrator run`, with settings of its own."""

    def __init__(self, directory: Path, name: str, settings: Callable[..., str]) -> None:
        self.log = directory / f"{name}.log"
        self.database = directory / f"{name}.sqlite"
        self.web = free_port()
        self._settings = directory / f"{name}.yaml"
        self._settings.write_text(settings(web=self.web, database=self.database))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, life: int) -> None:
        with open(self.log, "ab") as log:
            log.write(f"---- life {life}\n".encode())
            log.flush()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "orchestrator", "run", "-c", str(self._settings)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )

    def is_ready(self) -> bool:
        """Whether it has the nodes, and all of them are up."""
        if not self.alive:
            return False
        connection = http.client.HTTPConnection("127.0.0.1", self.web, timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException):
            # One that stands by does not pass on what was passed on before.
            connection.request("GET", "/readyz", headers={FORWARDED: "1"})
            return connection.getresponse().status == 200
        return False

    def end(self, how: signal.Signals) -> bool:
        """Whether it ended as it was asked to."""
        if not self.alive:
            return True
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(how)
        return self.wait_ended(30)

    def wait_ended(self, seconds: float) -> bool:
        """Kills it where it does not end within the time."""
        assert self._process is not None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return False
        return True


class Service:
    """The orchestrator: one process, or several that share a database, of which one has the nodes."""

    def __init__(
        self,
        directory: Path,
        lab: Lab,
        voice_url: str,
        level: str = "info",
        postgresql: str = "",
        orchestrators: int = 1,
    ) -> None:
        """`postgresql`: the URL of the database in place of a file; several orchestrators need one."""
        self.lives: list[Life] = []
        settings = partial(
            SETTINGS.format,
            account=ACCOUNT,
            connection=CONNECTION,
            nodes=json.dumps([_node(node) for node in lab.nodes]),
            voice=voice_url,
            out=lab.way_out,
            store=f'  postgresql: "{postgresql}"\n' if postgresql else "",
            level=level,
            standby="true" if orchestrators > 1 else "false",
        )
        names = [f"orchestrator-{number}" for number in range(1, orchestrators + 1)]
        self._processes = [
            _Process(directory, name, settings) for name in (names if orchestrators > 1 else ["orchestrator"])
        ]
        self._store: Path | str = postgresql or self.database
        self._last = self._processes[0]
        """That had the nodes when somebody looked."""

    @property
    def several(self) -> bool:
        return len(self._processes) > 1

    @property
    def database(self) -> Path:
        return self._processes[0].database

    @property
    def owner(self) -> _Process:
        """The process that has the nodes; while none has, the one that had them."""
        if self.several:
            pids = set()
            with contextlib.suppress(OutboxError), visit(self._store) as rows:
                pids = {int(owner.split()[1]) for (owner,) in rows.read(OWNERS)}
            self._last = next((one for one in self._processes if one.alive and one.pid in pids), self._last)
        return self._last

    @property
    def pid(self) -> int:
        """Of the owner."""
        return self.owner.pid

    @property
    def megabytes(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def log_text(self) -> str:
        return "\n".join(one.log.read_text() for one in self._processes if one.log.exists())

    def start(self) -> None:
        """Those that do not run. Does not wait: see wait_ready()."""
        if not self.lives or not self.several:
            self._new_life(now())
        for one in self._processes:
            if not one.alive:
                one.start(len(self.lives))

    def _new_life(self, started: int) -> None:
        self.lives.append(Life(started))
        gevent.spawn(self._note_ready, self.lives[-1])

    def _note_ready(self, life: Life) -> None:
        """Also where nobody waits for it."""
        while not life.dying and not life.ready:
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
        """Raises RuntimeError where all have ended by themselves."""
        if not any(one.alive for one in self._processes):
            raise RuntimeError(f"the orchestrator ended by itself:\n{self.log_text()[-3000:]}")

    def _is_ready(self) -> bool:
        return any(one.is_ready() for one in self._processes)

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
        """The owner's; another that stands by takes over."""
        owner = self.owner
        if not owner.alive:
            return
        life = self.lives[-1]
        life.how, life.dying = how.name, now()
        if self.several:
            self._new_life(life.dying)
        if not owner.end(how):
            life.how = "SIGTERM in vain"
        life.dead = now()

    def end_all(self) -> None:
        for one in self._processes:
            one.end(signal.SIGTERM)

    def stood_still(self, stopped: int, begin: int) -> bool:
        """After a stall of the process `stopped`, since `begin`: whether another has the nodes. The one that
        was stopped has to end then, and is started again."""
        old = next((one for one in self._processes if one.alive and one.pid == stopped), None)
        if not self.several or old is self.owner:
            return False
        life = self.lives[-1]
        life.how, life.dying = "SIGSTOP", begin
        self._new_life(begin)
        if old is not None:
            old.wait_ended(10)
        life.dead = now()
        self.start()
        return True


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
