"""A scripted far end for the event socket, and a real FreeSWITCH where there is one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import gevent.event
import gevent.queue
import pytest
from gevent import socket

from orchestrator.esl import Connection
from orchestrator.esl.connection import FILTERS
from tests.esl.wire import api_frame, event_frame, reply_frame

CORE_UUID = "dccf26a6-dc8e-4506-b046-8ffba0e426da"
SUBSCRIBED = reply_frame("+OK event listener enabled json") + reply_frame("+OK filter added") * len(FILTERS)


def eventually(condition: Callable[[], object], what: str = "the condition", timeout: float = 15.0) -> None:
    """Wait until `condition` is true."""
    ends = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < ends, f"{what} did not come true within {timeout} s"
        gevent.sleep(0.002)


class Talk:
    """One accepted connection, driven by the test."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""

    def read(self) -> str:
        """The next command."""
        self.sock.settimeout(5)
        while b"\n\n" not in self.buffer:
            data = self.sock.recv(65536)
            assert data, "the client closed the socket"
            # Empty lines between commands are none, as in read_packet of mod_event_socket.c.
            self.buffer = (self.buffer + data).lstrip(b"\n")
        command, _, rest = self.buffer.partition(b"\n\n")
        self.buffer = rest.lstrip(b"\n")
        return command.decode()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def greet(self, password: str = "ClueCon") -> None:
        """Everything up to the connection being up."""
        self.send(b"Content-Type: auth/request\n\n")
        assert self.read() == f"auth {password}"
        self.send(reply_frame("+OK accepted"))
        self.hear_subscription()
        self.send(SUBSCRIBED + api_frame(CORE_UUID))

    def hear_subscription(self) -> None:
        assert self.read().startswith("event json ")
        for wanted in FILTERS:
            assert self.read() == f"filter {wanted}"
        assert self.read() == "api global_getvar core_uuid"

    def event(self, **headers: object) -> None:
        self.send(event_frame({name.replace("_", "-"): value for name, value in headers.items()}))

    def close(self) -> None:
        # shutdown as well: a listening greenlet may still hold the file
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
        finally:
            self.sock.close()


class Peer:
    """A listening socket on a free port; `accept` gives the next connection."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.talks: list[Talk] = []

    def accept(self) -> Talk:
        self.listener.settimeout(5)
        sock, _ = self.listener.accept()
        talk = Talk(sock)
        self.talks.append(talk)
        return talk

    def close(self) -> None:
        self.listener.close()
        for talk in self.talks:
            talk.close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture
def connect(peer: Peer) -> Iterator[Callable[..., Connection]]:
    """Make a Connection to the peer with quick retries; it is stopped at the end."""
    made: list[Connection] = []

    def make(**settings: object) -> Connection:
        defaults: dict[str, object] = {
            "backoff": (0.01, 0.05),
            "connect_timeout": 2.0,
            "command_timeout": 2.0,
        }
        listeners = {name: settings.pop(name) for name in [*settings] if name.startswith("on_")}
        connection = Connection("127.0.0.1", peer.port, "ClueCon", **{**defaults, **settings})  # type: ignore[arg-type]
        for name, listener in listeners.items():
            getattr(connection, name).append(listener)
        made.append(connection)
        return connection

    yield make
    for connection in made:
        connection.stop(timeout=0.05)


@pytest.fixture
def up(peer: Peer, connect: Callable[..., Connection]) -> Callable[..., tuple[Connection, Talk]]:
    """A Connection that is up, and the far end's side of it."""

    def make(**settings: object) -> tuple[Connection, Talk]:
        connection = connect(**settings)
        connection.start()
        talk = peer.accept()
        talk.greet()
        assert connection.wait_up(5)
        return connection, talk

    return make


# A real FreeSWITCH

_CONFIGURATION = """<?xml version="1.0"?>
<document type="freeswitch/xml">
  <section name="configuration">
    <configuration name="switch.conf"><settings>
      <param name="max-sessions" value="200"/><param name="sessions-per-second" value="200"/>
      <param name="loglevel" value="warning"/>
    </settings></configuration>
    <configuration name="modules.conf"><modules>
      <load module="mod_logfile"/><load module="mod_event_socket"/><load module="mod_loopback"/>
      <load module="mod_commands"/><load module="mod_conference"/><load module="mod_dptools"/>
      <load module="mod_dialplan_xml"/><load module="mod_sndfile"/><load module="mod_tone_stream"/>
    </modules></configuration>
    <configuration name="logfile.conf"><settings/><profiles><profile name="default"><settings/><mappings>
      <map name="all"
      value="info,notice,warning,err,crit,alert"/></mappings></profile></profiles></configuration>
    <configuration name="event_socket.conf"><settings>
      <param name="listen-ip" value="127.0.0.1"/><param name="listen-port" value="PORT"/>
      <param name="password" value="ClueCon"/></settings></configuration>
    <configuration name="acl.conf"><network-lists/></configuration>
    <configuration name="conference.conf"><profiles/></configuration>
    <configuration name="timezones.conf"/><configuration
    name="post_load_modules.conf"><modules/></configuration>
  </section>
  <section name="dialplan"><context name="default">
    <extension name="echo"><condition field="destination_number" expression="^echo$">
      <action application="answer"/><action application="echo"/></condition></extension>
  </context></section>
</document>
"""


class RealSwitch:
    """A FreeSWITCH of our own in a directory of its own."""

    def __init__(self, binary: str, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._binary, self._home = binary, home
        for name in ("conf", "log", "db", "run", "temp"):
            (home / name).mkdir()
        text = _CONFIGURATION.replace("PORT", str(self.port))
        (home / "conf" / "freeswitch.xml").write_text(text, encoding="utf-8")
        self.start()

    def start(self) -> None:
        arguments = [self._binary, "-nonat", "-nf", "-nc"]
        for name in ("conf", "log", "db", "run", "temp"):
            arguments += [f"-{name}", str(self._home / name)]
        self._process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually(self._listens, "FreeSWITCH listening", 30)

    def _listens(self) -> bool:
        assert self._process.poll() is None, "FreeSWITCH did not start"
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def crash(self) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self, frozen: bool) -> None:
        """Stop the process without closing anything: what dropped packets look like."""
        self._process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)


@pytest.fixture(scope="session")
def real_switch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSwitch]:
    binary = (
        os.environ.get("FREESWITCH") or shutil.which("freeswitch") or "/usr/local/freeswitch/bin/freeswitch"
    )
    if not Path(binary).exists():
        pytest.skip("no FreeSWITCH here (set FREESWITCH to its binary)")
    switch = RealSwitch(binary, tmp_path_factory.mktemp("freeswitch"))
    yield switch
    switch.crash()
