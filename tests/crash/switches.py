"""The switches that are killed, with the phones around them: real FreeSWITCHes under sipp, or one emulator in
a process of its own."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gevent

from tests.crash.application import CALLEE
from tests.crash.plan import Caller
from tests.lab.eventsocket import EventSocket, left_on
from tests.lab.ports import PortRange
from tests.lab.processes import die_with_parent
from tests.lab.switches import PASSWORD, FreeSwitch
from tests.load import sipp

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


class Switch(ABC):
    """One node. `port` is the event socket's, the same over all kills; `relay_port` of its SIP profile for
    other nodes, 0 where it is the only one."""

    name = "default"
    host = "127.0.0.1"
    password = PASSWORD
    port: int
    relay_port = 0
    media_dir: Path
    recordings_dir: Path

    @property
    @abstractmethod
    def pid(self) -> int: ...

    @abstractmethod
    def kill(self) -> None:
        """SIGKILL."""

    @abstractmethod
    def start(self) -> None:
        """Until it takes calls."""

    def left(self) -> list[str]:
        """Channels and conferences."""
        return left_on(self.host, self.port, self.password)


class Lab(ABC):
    """`way_out`: where numbers are dialled."""

    kind: str
    nodes: Sequence[Switch]
    way_out: str

    @abstractmethod
    def open(self) -> None: ...

    @abstractmethod
    def begin_calls(self, callers: Iterator[Caller], rate: float, most: int) -> None:
        """`rate` calls a second, at most so many, until end_calls(); to each node in turn."""

    @abstractmethod
    def end_calls(self, seconds: float) -> None:
        """No new ones. Those that last longer than `seconds` are hung up by the switch."""

    @abstractmethod
    def close(self) -> None: ...

    def left(self) -> list[str]:
        """Channels and conferences."""
        return [one for node in self.nodes for one in node.left()]


class _WithoutSoftphones(FreeSwitch):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        phones: Any = self.phones
        phones.start = lambda callers=0: None
        phones.stop = phones.switch_died = lambda: None


class _RealSwitch(Switch):
    def __init__(self, directory: Path, name: str) -> None:
        directory.mkdir(parents=True)
        self.name = name
        self.freeswitch = _WithoutSoftphones(directory)
        self.media_dir, self.recordings_dir = self.freeswitch.media_dir, self.freeswitch.recordings_dir

    @property
    def pid(self) -> int:
        return self.freeswitch.pid

    def open(self, *, alone: bool) -> None:
        self.freeswitch.open()
        self.port = self.freeswitch.port
        self.relay_port = 0 if alone else self.freeswitch.relay_port

    def kill(self) -> None:
        self.freeswitch.kill()

    def start(self) -> None:
        self.freeswitch.start()


class RealLab(Lab):
    kind = "freeswitch"

    def __init__(self, directory: Path, nodes: int = 1) -> None:
        self.directory = directory
        names = [chr(ord("a") + number) for number in range(nodes)] if nodes > 1 else ["default"]
        self._switches = [_RealSwitch(directory / "switches" / name, name) for name in names]
        self.nodes = self._switches
        self._ports = PortRange()
        self._phones: list[sipp.Sipp] = []
        callee_port = self._ports.take()
        self.way_out = f"sofia/texml/{{number}}@127.0.0.1:{callee_port}"
        self._callees = subprocess.Popen(
            [
                *("sipp", "-sf", str(HERE / "callee.xml"), "-i", "127.0.0.1", "-p", str(callee_port)),
                *("-mp", str(self._ports.take()), "-nostdin"),
            ],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )

    @staticmethod
    def why_not() -> str:
        return FreeSwitch.why_not() or sipp.why_not()

    def open(self) -> None:
        for switch in self._switches:
            switch.open(alone=len(self._switches) == 1)

    def begin_calls(self, callers: Iterator[Caller], rate: float, most: int) -> None:
        rows, nodes = list(itertools.islice(callers, most)), len(self._switches)
        for number, switch in enumerate(self._switches):
            self._phones.append(
                _Callers(
                    rows[number::nodes],
                    rate / nodes,
                    switch.freeswitch.sip_port,
                    self.directory / f"phones-{switch.name}",
                )
            )

    def end_calls(self, seconds: float) -> None:
        for phones in self._phones:
            with contextlib.suppress(ProcessLookupError):
                os.kill(phones.pid, signal.SIGUSR1)
            phones.limit = seconds
        for phones in self._phones:
            # Calls that a kill cut off are failures to it.
            with contextlib.suppress(AssertionError):
                phones.wait()
            phones.close()
        for switch in self._switches:
            if switch.freeswitch.running:
                switch.freeswitch.api("hupall NORMAL_CLEARING")

    def close(self) -> None:
        for phones in self._phones:
            phones.close()
        if self._callees.poll() is None:
            self._callees.kill()
            self._callees.wait()
        for switch in self._switches:
            switch.freeswitch.close()
        self._ports.release()


class _Callers(sipp.Sipp):
    """The rows of a plan that is longer than the run."""

    def __init__(self, callers: list[Caller], rate: float, port: int, directory: Path) -> None:
        rows: Any = callers  # it reads the same four fields of them
        super().__init__(rows, rate, port, directory)


class _EmulatedSwitch(Switch):
    """`process` is None before its start."""

    def __init__(self, directory: Path, port: int) -> None:
        self.media_dir, self.recordings_dir = directory / "media", directory / "recordings"
        for path in (self.media_dir, self.recordings_dir):
            path.mkdir(parents=True)
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.emulated", str(self.port), self.password, CALLEE],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            preexec_fn=die_with_parent,
        )
        with gevent.Timeout(30, RuntimeError("the emulator does not start")):
            while True:
                with contextlib.suppress(OSError), EventSocket(self.host, self.port, self.password):
                    return
                gevent.sleep(0.05)

    def call(self, caller: Caller) -> None:
        line = json.dumps([caller.calls, caller.number, caller.patience_ms, caller.stay_ms])
        assert self.process is not None
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()


class EmulatedLab(Lab):
    """One node: emulators in processes of their own have no SIP between them."""

    kind = "emulator"
    way_out = "sofia/texml/{number}@127.0.0.1:5060"

    def __init__(self, directory: Path) -> None:
        self._ports = PortRange()
        self._switch = _EmulatedSwitch(directory / "switch", self._ports.take())
        self.nodes = (self._switch,)
        self._caller: gevent.Greenlet | None = None

    def open(self) -> None:
        self._switch.start()

    def begin_calls(self, callers: Iterator[Caller], rate: float, most: int) -> None:
        self._caller = gevent.spawn(self._call, itertools.islice(callers, most), rate)

    def _call(self, callers: Iterator[Caller], rate: float) -> None:
        for caller in callers:
            self._switch.call(caller)
            gevent.sleep(1 / rate)

    def end_calls(self, seconds: float) -> None:
        if self._caller is not None:
            self._caller.kill()
        with gevent.Timeout(seconds, False):
            while any(one.startswith("channel") for one in self.left()):
                gevent.sleep(0.2)
        switch = self._switch
        with EventSocket(switch.host, switch.port, switch.password) as connection:
            connection.api("hupall NORMAL_CLEARING")

    def close(self) -> None:
        if self._caller is not None:
            self._caller.kill()
        self._switch.kill()
        self._ports.release()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
