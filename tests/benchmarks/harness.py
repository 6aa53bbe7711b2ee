"""A real FreeSWITCH, the orchestrator and an application, each a process of its own, for benchmarks."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

import gevent
import requests

from tests.lab.postgresql import PostgresServer
from tests.lab.processes import die_with_parent
from tests.lab.switches import PASSWORD, FreeSwitch

DIRECT = "direct"
"""Before a number: the dialplan's own conference takes the call, and no orchestrator."""
EXTENSION = f"""<extension name="{DIRECT}">
      <condition field="destination_number" expression="^{DIRECT}\\+(.+)$">
        <action application="conference" data="$1@texml.default"/>
      </condition>
    </extension>
    """
SETTINGS = """
freeswitch:
  nodes:
{nodes}
accounts: [{{sid: 5a1e5d2c-6f0b-4c1e-9d35-2f8f0c6c3b10, name: main}}]
applications: {{main: {{voice_url: "{voice}"}}}}
default_application: main
web: {{listen: "127.0.0.1:{web}"}}
callbacks: {{database: {database}{store}}}
admission: {{{admission}}}
logging: {{level: warning}}
"""
EVENTS = "start end join leave mute hold modify speaker announcement"
START_SECONDS = 60.0
QUIET_SECONDS = 1.0
POSTER_STARTS_SECONDS = 3.0
LONGEST_QUIET_SECONDS = 20.0
TICK = os.sysconf("SC_CLK_TCK")
BARE = "bare requests"
"""A process beside the orchestrator, by `Harness.post_beside`."""


def why_not() -> str:
    """Why there can be none here; empty where there can."""
    return "" if FreeSwitch.binary() else FreeSwitch.why_not()


def add_store(parser: argparse.ArgumentParser) -> None:
    """The option --store."""
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")


class BusySwitch(FreeSwitch):
    """Without softphones, and with room for thousands of calls."""

    def __init__(self, directory: Path, first_port: int = 10002) -> None:
        """`first_port`: of 9000 for RTP."""
        directory.mkdir()
        super().__init__(directory)
        self._first_port = first_port
        self.phones.start = lambda callers=0: None  # type: ignore[method-assign]
        self.phones.stop = self.phones.switch_died = lambda: None  # type: ignore[method-assign]

    def start(self, timeout: float = 30.0) -> None:
        dialplan = self.conf_dir / "dialplan" / "texml.xml"
        text = dialplan.read_text()
        if EXTENSION not in text:
            dialplan.write_text(text.replace("<extension ", EXTENSION + "<extension ", 1))
        super().start(timeout)

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {
            "FS_SESSIONS_PER_SECOND": "2000",
            "FS_MAX_SESSIONS": "4000",
            "FS_RTP_PORT_START": str(self._first_port),
            "FS_RTP_PORT_END": str(self._first_port + 8998),
        }


class Child:
    """A module of these benchmarks, as a process. Its output comes when its standard input ends."""

    def __init__(self, module: str, *arguments: str, sockets: tuple[socket.socket, ...] = ()) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[each.fileno() for each in sockets],
            preexec_fn=die_with_parent,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def end(self, text: str = "") -> str:
        printed, _ = self._process.communicate(text.encode())
        assert not self._process.returncode
        return printed.decode()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class Callback:
    """As it came: `at` in seconds of the monotonic clock."""

    def __init__(self, at: int, body: str) -> None:
        self.at = at / 1e9
        self.fields = dict(parse_qsl(body, keep_blank_values=True))


class Harness:
    def __init__(self, directory: Path, noun: str, limiter: str, nodes: int = 1, more: str = "") -> None:
        """`noun`: attributes of the Conference in the application's document, besides its callbacks'.
        `nodes`: FreeSWITCHes, of which `switch` is the first. `more`: settings."""
        self.directory = directory
        self.switches = [
            BusySwitch(directory / f"switch{number}", 10002 + 9000 * number) for number in range(nodes)
        ]
        self.switch = self.switches[0]
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        noun = f'{noun} statusCallback="{url}/events" statusCallbackEvent="{EVENTS}"'
        document = f"<Response><Dial><Conference {noun}>{{to}}</Conference></Dial></Response>"
        self._application = Child(
            "receiver", document, str(self._listener.fileno()), sockets=(self._listener,)
        )
        self._url = url
        self._voice = f"{url}/voice"
        self._admission = limiter
        self._more = more
        self.store = ""
        """In the section `callbacks`."""
        self._orchestrator: subprocess.Popen[bytes] | None = None
        self._poster: Child | None = None

    @property
    def pids(self) -> dict[str, int]:
        assert self._orchestrator is not None
        pids = {"orchestrator": self._orchestrator.pid, "FreeSWITCH": self.switch.pid}
        return pids if self._poster is None else pids | {BARE: self._poster.pid}

    def post_beside(self, a_second: float) -> None:
        """From now on, so many requests a second by a bare requests.Session, to the same application."""
        self._poster = Child("poster", f"{self._url}/bare", f"{a_second}")
        gevent.sleep(POSTER_STARTS_SECONDS)

    def start(self) -> None:
        for switch in self.switches:
            switch.open()
            switch.begin()
        self._orchestrator = self._start_orchestrator()

    def stop(self) -> None:
        if self._orchestrator is not None:
            self._orchestrator.send_signal(signal.SIGTERM)
            self._orchestrator.wait()
            print((self.directory / "log").read_text()[:3000], end="", file=sys.stderr)
        if self._poster is not None:
            self._poster.kill()
        for switch in self.switches:
            switch.close()
        self._application.kill()
        self._listener.close()

    def usage_of(self, seconds: float, callers: int) -> Usage:
        """From now on for so long, of all that takes part; `callers` is a process."""
        pids = self.pids | {"application": self._application.pid, "callers": callers}
        before = Usage.now(pids)
        gevent.sleep(seconds)
        return Usage.now(pids).since(before)

    def participants(self) -> int:
        return int(self.switch.api("show channels count").split()[0])

    def sampled(self, program: str, seconds: float) -> subprocess.Popen[bytes] | None:
        """Samples the orchestrator with py-spy, whose path `program` is; nothing where it is empty."""
        if not program:
            return None
        out = Path(tempfile.gettempdir()) / f"orchestrator-{self.pids['orchestrator']}.profile"
        print(f"profile: {out}", file=sys.stderr)
        words = (program, "record", "-p", str(self.pids["orchestrator"]), "-d", f"{seconds:.0f}")
        return subprocess.Popen(
            [*words, "-g", "-r", "250", "-f", "raw", "-o", str(out)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )

    def callbacks(self) -> list[Callback]:
        """All that came until now; nothing is taken after that."""
        if self._poster is not None:
            self._poster.kill()
        return [Callback(*json.loads(line)) for line in self._application.end().splitlines()]

    def drain(self, number: int) -> None:
        """No room is opened on this node."""
        command = [sys.executable, "-m", "orchestrator", "nodes", "drain", f"n{number}", "-c"]
        subprocess.run([*command, str(self.directory / "orchestrator.yaml")], check=True, capture_output=True)

    def settle(self) -> None:
        """Until no call is left, and all callbacks are delivered."""
        self.switch.leftovers(LONGEST_QUIET_SECONDS)
        gevent.sleep(QUIET_SECONDS)

    def _node(self, number: int) -> str:
        switch = self.switches[number]
        place = self.directory / f"media{number}"
        return (
            f"    - {{name: n{number}, host: 127.0.0.1, port: {switch.port}, password: {PASSWORD}, "
            f"relay: '127.0.0.1:{switch.relay_port}', recordings_dir: {place}, media_dir: {place}}}"
        )

    def _start_orchestrator(self) -> subprocess.Popen[bytes]:
        file, web = self.directory / "orchestrator.yaml", self.switch._media_ports.take()
        file.write_text(
            SETTINGS.format(
                nodes="\n".join(map(self._node, range(len(self.switches)))),
                voice=self._voice,
                database=self.directory / "orchestrator.sqlite",
                store=self.store,
                admission=self._admission,
                web=web,
            )
            + self._more
        )
        with open(self.directory / "log", "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "orchestrator", "run", "-c", str(file)],
                stderr=log,
                preexec_fn=die_with_parent,
            )
        with gevent.Timeout(START_SECONDS):
            # Calls that come before it is connected are nobody's.
            while not ready(web):
                assert process.poll() is None, (self.directory / "log").read_text()
                gevent.sleep(0.1)
        return process


@contextmanager
def started(
    noun: str = "",
    limiter: str = "",
    nodes: int = 1,
    more: str = "",
    kind: type[Harness] | None = None,
    store: str = "sqlite",
) -> Iterator[Harness]:
    """`store`: or postgresql, a server of the benchmark's own."""
    problem = why_not()
    if problem:
        sys.exit(f"this benchmark needs a FreeSWITCH: {problem}")
    directory = Path(tempfile.mkdtemp(prefix="benchmark-"))
    harness = (kind or Harness)(directory, noun, limiter, nodes, more)
    server = PostgresServer(()) if store == "postgresql" else None
    harness.store = f', postgresql: "{server.empty()}"' if server is not None else ""
    try:
        harness.start()
        yield harness
    finally:
        harness.stop()
        if server is not None:
            server.close()
        shutil.rmtree(directory, ignore_errors=True)


def ready(port: int) -> bool:
    try:
        return bool(requests.get(f"http://127.0.0.1:{port}/readyz", timeout=1).ok)
    except requests.RequestException:
        return False


@dataclass(frozen=True)
class Usage:
    """Up to a moment: seconds of CPU time."""

    at: float
    spent: dict[str, float]
    idle: float
    """Of all processors together, as the next."""
    stolen: float
    """CPU time that the machine below this one gave to others."""
    waited: float
    """The orchestrator could have run so long, and others did."""

    @classmethod
    def now(cls, pids: dict[str, int]) -> Usage:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()
        idle, stolen = (int(fields[4]) + int(fields[5])) / TICK, int(fields[8]) / TICK
        waited = int(Path(f"/proc/{pids['orchestrator']}/schedstat").read_text().split()[1]) / 1e9
        return cls(
            time.monotonic(), {name: seconds_of(pid) for name, pid in pids.items()}, idle, stolen, waited
        )

    def since(self, earlier: Usage) -> Usage:
        spent = {name: self.spent[name] - earlier.spent[name] for name in self.spent}
        return Usage(
            self.at - earlier.at,
            spent,
            self.idle - earlier.idle,
            self.stolen - earlier.stolen,
            self.waited - earlier.waited,
        )

    @property
    def taken(self) -> float:
        """The share of all processors that these had, in what `since` gave."""
        return sum(self.spent.values()) / self.at / (os.cpu_count() or 1)

    def __str__(self) -> str:
        shares = [f"{name} {seconds / self.at:.0%} of one processor" for name, seconds in self.spent.items()]
        idle, stolen = (each / self.at / (os.cpu_count() or 1) for each in (self.idle, self.stolen))
        others = (f"{idle:.0%} of all idle", f"{stolen:.0%} stolen")
        return ", ".join((*shares, f"orchestrator waited {self.waited / self.at:.0%} of the time", *others))


def seconds_of(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def megabytes(pid: int) -> float:
    """Resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def percentile(values: list[float], percent: float) -> float:
    """The smallest value that so many percent of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
