"""The switch that is killed, with the phones around it: a real FreeSWITCH under sipp, or the emulator in a
process of its own."""

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
from collections.abc import Iterator
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


class Lab(ABC):
    """`port` is the event socket's, the same over all kills; `way_out` where numbers are dialled."""

    kind: str
    host = "127.0.0.1"
    password = PASSWORD
    port: int
    way_out: str
    media_dir: Path
    recordings_dir: Path

    @property
    @abstractmethod
    def pid(self) -> int: ...

    @abstractmethod
    def open(self) -> None: ...

    @abstractmethod
    def kill(self) -> None:
        """SIGKILL."""

    @abstractmethod
    def start(self) -> None:
        """Until it takes calls."""

    @abstractmethod
    def begin_calls(self, callers: Iterator[Caller], rate: float, most: int) -> None:
        """`rate` calls a second, at most so many, until end_calls()."""

    @abstractmethod
    def end_calls(self, seconds: float) -> None:
        """No new ones. Those that last longer than `seconds` are hung up by the switch."""

    @abstractmethod
    def close(self) -> None: ...

    def left(self) -> list[str]:
        """Channels and conferences."""
        return left_on(self.host, self.port, self.password)


class _WithoutSoftphones(FreeSwitch):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        phones: Any = self.phones
        phones.start = lambda callers=0: None
        phones.stop = phones.switch_died = lambda: None


class RealLab(Lab):
    kind = "freeswitch"

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "switch").mkdir(parents=True)
        self.switch = _WithoutSoftphones(directory / "switch")
        self.media_dir, self.recordings_dir = self.switch.media_dir, self.switch.recordings_dir
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

    @property
    def pid(self) -> int:
        return self.switch.pid

    def open(self) -> None:
        self.switch.open()
        self.port = self.switch.port

    def kill(self) -> None:
        self.switch.kill()

    def start(self) -> None:
        self.switch.start()

    def begin_calls(self, callers: Iterator[Caller], rate: float, most: int) -> None:
        rows = list(itertools.islice(callers, most))
        self._phones.append(_Callers(rows, rate, self.switch.sip_port, self.directory / "phones"))

    def end_calls(self, seconds: float) -> None:
        for phones in self._phones:
            with contextlib.suppress(ProcessLookupError):
                os.kill(phones.pid, signal.SIGUSR1)
            phones.limit = seconds
            # Calls that a kill cut off are failures to it.
            with contextlib.suppress(AssertionError):
                phones.wait()
            phones.close()
        if self.switch.running:
            self.switch.api("hupall NORMAL_CLEARING")

    def close(self) -> None:
        for phones in self._phones:
            phones.close()
        if self._callees.poll() is None:
            self._callees.kill()
            self._callees.wait()
        self.switch.close()
        self._ports.release()


class _Callers(sipp.Sipp):
    """The rows of a plan that is longer than the run."""

    def __init__(self, callers: list[Caller], rate: float, port: int, directory: Path) -> None:
        rows: Any = callers  # it reads the same four fields of them
        super().__init__(rows, rate, port, directory)


class EmulatedLab(Lab):
    kind = "emulator"
    way_out = "sofia/texml/{number}@127.0.0.1:5060"

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "switch"
        self.media_dir, self.recordings_dir = self.directory / "media", self.directory / "recordings"
        for path in (self.media_dir, self.recordings_dir):
            path.mkdir(parents=True)
        self._ports = PortRange()
        self.port = self._ports.take()
        self._process: subprocess.Popen[bytes] | None = None
        self._caller: gevent.Greenlet | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def open(self) -> None:
        self.start()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def start(self) -> None:
        self._process = subprocess.Popen(
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

    def begin_calls(self, callers: Iterator[Caller], rate: float, most: int) -> None:
        self._caller = gevent.spawn(self._call, itertools.islice(callers, most), rate)

    def _call(self, callers: Iterator[Caller], rate: float) -> None:
        for caller in callers:
            line = json.dumps([caller.calls, caller.number, caller.patience_ms, caller.stay_ms])
            assert self._process is not None
            assert self._process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(line.encode() + b"\n")
                self._process.stdin.flush()
            gevent.sleep(1 / rate)

    def end_calls(self, seconds: float) -> None:
        if self._caller is not None:
            self._caller.kill()
        with gevent.Timeout(seconds, False):
            while any(one.startswith("channel") for one in self.left()):
                gevent.sleep(0.2)
        with EventSocket(self.host, self.port, self.password) as connection:
            connection.api("hupall NORMAL_CLEARING")

    def close(self) -> None:
        if self._caller is not None:
            self._caller.kill()
        self.kill()
        self._ports.release()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
