"""The switch under the tests: a real FreeSWITCH with real softphones, or the emulator; one interface."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gevent

from tests.lab import eventsocket, softphones
from tests.lab.eventsocket import EventSocket
from tests.lab.ports import PortRange
from tests.lab.processes import die_with_parent
from tests.lab.softphones import Answers, Behaviour, NeverAnswers, Rejects, Softphones, Target

__all__ = ["Answers", "FreeSwitch", "NeverAnswers", "Rejects", "Switch"]

CONFIGURATION = Path(__file__).resolve().parents[2] / "freeswitch-conf"
BROWSER_PROFILE = CONFIGURATION.parent / "orchestrator" / "fsconfig" / "browser_profile.xml"
RELAY_PROFILE = BROWSER_PROFILE.with_name("relay_profile.xml")
USUAL_PLACE = Path("/usr/local/freeswitch/bin/freeswitch")
PASSWORD = "laboratory"


class Switch(ABC):
    """A switch as tests see it. It can play files in `media_dir` and record into `recordings_dir`."""

    kind: str
    host = "127.0.0.1"
    port: Any  # an int
    phones_address: Any  # "host:port" that reaches the registered numbers
    password = PASSWORD
    media_dir: Path
    recordings_dir: Path
    relay_port: Any = 0
    """Of its SIP profile for other nodes' calls."""
    others: Sequence[Switch] = ()
    """The other nodes, on which all rooms are opened in turn; none: this one is alone."""

    @abstractmethod
    def call(
        self,
        to: str,
        *,
        from_: str = "+13125550001",
        name: str = "",
        headers: Mapping[str, str] | None = None,
        sounds: float | None = None,
    ) -> Any:
        """A phone that calls `to` through the dialplan."""

    @abstractmethod
    def register(self, number: str, behaviour: Behaviour | None = None) -> Any:
        """A phone that can be called (the default answers at once)."""

    @property
    @abstractmethod
    def running(self) -> bool: ...

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    @abstractmethod
    def kill(self) -> None:
        """As a crash: everything is gone at once, and forgotten."""

    @abstractmethod
    def begin(self) -> None:
        """Before each test: running, and as freshly configured."""

    @abstractmethod
    def hang_up_all(self) -> None:
        """The phones' calls, not the channels: those have to go by themselves."""

    @abstractmethod
    def force_clean(self) -> None:
        """Ends what `leftovers` listed."""

    @abstractmethod
    def log_errors(self) -> list[str]:
        """The errors in the switch's log since the test began."""

    def restart(self) -> None:
        self.kill()
        self.start()

    def events(self, names: str = "all") -> EventSocket:
        """An observer's connection: its own, beside the one under test."""
        return EventSocket(self.host, self.port, self.password, events=names)

    def socket(self) -> EventSocket:
        return EventSocket(self.host, self.port, self.password)

    def api(self, command: str) -> str:
        with self.socket() as connection:
            return connection.api(command)

    def wait_for_channels(self, count: int, timeout: float = 10.0) -> None:
        """Raises TimeoutError where there are not so many in time."""
        deadline = time.monotonic() + timeout
        while sum(one.startswith("channel") for one in self.leftovers()) != count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"not {count} channels within {timeout:g} s")
            gevent.sleep(0.02)

    def leftovers(self, timeout: float = 0.0) -> list[str]:
        """Channels and conferences that are left, after waiting up to `timeout` seconds for them to go."""
        deadline = time.monotonic() + timeout
        while (left := eventsocket.left_on(self.host, self.port, self.password)) and (
            time.monotonic() < deadline
        ):
            gevent.sleep(0.05)
        return left


class FreeSwitch(Switch):
    """A real FreeSWITCH, run from a private copy of freeswitch-conf/ on ports of its own."""

    kind = "freeswitch"

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.conf_dir = directory / "conf"
        self.log_dir = directory / "log"
        self.media_dir = directory / "media"
        self.recordings_dir = directory / "recordings"
        self.phones = Softphones(directory / "phones")
        self.version = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._pristine: dict[Path, bytes] = {}

    @staticmethod
    def binary() -> str | None:
        """Where FreeSWITCH is on this machine."""
        return shutil.which("freeswitch") or (str(USUAL_PLACE) if os.access(USUAL_PLACE, os.X_OK) else None)

    @classmethod
    def why_not(cls) -> str:
        """Why there is no real one here; empty when there is."""
        if cls.binary() is None:
            return f"no freeswitch on the PATH nor at {USUAL_PLACE}"
        if not (CONFIGURATION / "freeswitch.xml").exists():
            return f"{CONFIGURATION.name}/freeswitch.xml is missing"
        return softphones.why_not()

    @property
    def phones_address(self) -> str:
        return self.phones.address

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log_file(self) -> Path:
        return self.log_dir / "freeswitch.log"

    def open(self) -> None:
        """Once a session: ports, configuration, phones, FreeSWITCH."""
        for path in (
            self.log_dir,
            self.media_dir,
            self.recordings_dir,
            *map(self._place, ["db", "run", "tmp"]),
        ):
            path.mkdir(parents=True, exist_ok=True)
        shutil.copytree(CONFIGURATION, self.conf_dir)
        self._media_ports = PortRange()
        self.port, self.sip_port = self._media_ports.take(), self._media_ports.take()
        self.browser_port = self._media_ports.take()
        # As `orchestrator render` writes it where there are calls from the console.
        profile = BROWSER_PROFILE.read_text().replace('"5066"', f'"{self.browser_port}"')
        (self.conf_dir / "sip_profiles" / "browser.xml").write_text(f"<include>\n{profile}</include>\n")
        self._take_relays()
        self._pristine = self._configuration()
        self.phones.start()
        self.start()
        self.version = self.api("version").split()[2].partition("-")[0]

    def _take_relays(self) -> None:
        """As `orchestrator render` writes it where there are several nodes: all others are on this host."""
        self.relay_port = self._media_ports.take()
        profile = RELAY_PROFILE.read_text().replace("RELAY_HOST", self.host)
        profile = profile.replace("RELAY_PORT", str(self.relay_port))
        profiles = self.conf_dir / "sip_profiles"
        (profiles / "relay.xml").write_text(f"<include>\n{profile}</include>\n")
        # Each line with <include> is passed over whole (switch_xml.c, preprocess).
        nodes = f'<include>\n<node type="allow" cidr="{self.host}/32"/>\n</include>\n'
        (profiles / "trunks" / "nodes.xml").write_text(nodes)

    def close(self) -> None:
        self.phones.stop()
        self.kill()  # a graceful end takes it 5 s, and nothing of it is kept
        self._media_ports.release()

    def start(self, timeout: float = 30.0, *, sip: bool = True) -> None:
        """`sip`: whether it is waited for its SIP profile."""
        program = self.binary()
        assert program, self.why_not()
        places = {
            "conf": self.conf_dir,
            "log": self.log_dir,
            "recordings": self.recordings_dir,
            **{name: self._place(name) for name in ("db", "run")},
            "temp": self._place("tmp"),
        }
        with open(self.directory / "console.log", "ab") as console:
            self._process = subprocess.Popen(
                [program, "-nonat", "-nf", "-nc", *(w for k, v in places.items() for w in (f"-{k}", str(v)))],
                env={**os.environ, **self._environment()},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                preexec_fn=die_with_parent,
            )
        deadline = time.monotonic() + timeout
        while not self._ready(sip):
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"FreeSWITCH did not start:\n{self.log_tail()}")
            gevent.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None and self.running:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self.phones.switch_died()

    def freeze(self) -> None:
        """It neither answers nor closes anything, as behind a network that drops packets; thaw() ends it."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        if self.running:
            os.kill(self.pid, signal.SIGCONT)

    def begin(self) -> None:
        if not self.running:
            self.start()
        for directory in (self.media_dir, self.recordings_dir):
            shutil.rmtree(directory)
            directory.mkdir()
        self._log_start = self.log_file.stat().st_size if self.log_file.exists() else 0

    def hang_up_all(self) -> None:
        self.thaw()
        self.phones.forget()

    def force_clean(self) -> None:
        self.api("hupall NORMAL_CLEARING")
        if self.leftovers(3.0):
            self.restart()

    def restore(self) -> None:
        """The configuration as it was, if a test changed it."""
        if self._configuration() != self._pristine:
            shutil.rmtree(self.conf_dir)
            for path, content in self._pristine.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            if self.running:
                self.api("reloadxml")

    def call(
        self,
        to: str,
        *,
        from_: str = "+13125550001",
        name: str = "",
        headers: Mapping[str, str] | None = None,
        sounds: float | None = None,
    ) -> softphones.Phone:
        uri = f"sip:{quote(to, safe='+*#')}@{self.host}:{self.sip_port}"
        return self.phones.call(uri, from_=from_, name=name, headers=headers, sounds=sounds)

    def register(self, number: str, behaviour: Behaviour | None = None) -> Target:
        return self.phones.register(number, behaviour)

    def log_errors(self) -> list[str]:
        return [line for line in self._log().splitlines() if re.search(r" \[(ERR|CRIT|ALERT)\] ", line)]

    def log_tail(self, lines: int = 60) -> str:
        return "\n".join(self._log().splitlines()[-lines:])

    def _log(self) -> str:
        try:
            with open(self.log_file, "rb") as log:
                log.seek(self._log_start)
                return log.read().decode(errors="replace")
        except FileNotFoundError:
            console = self.directory / "console.log"
            return console.read_text(errors="replace") if console.exists() else ""

    def _place(self, name: str) -> Path:
        return self.directory / name

    def _configuration(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in sorted(self.conf_dir.rglob("*")) if path.is_file()}

    def _environment(self) -> dict[str, str]:
        """The variables that freeswitch-conf/vars.xml reads."""
        return {
            "FS_EVENT_SOCKET_IP": self.host,
            "FS_EVENT_SOCKET_PORT": str(self.port),
            "FS_EVENT_SOCKET_PASSWORD": self.password,
            "FS_SIP_IP": self.host,
            "FS_SIP_PORT": str(self.sip_port),
            "FS_RTP_PORT_START": str(self._media_ports.start),
            "FS_RTP_PORT_END": str(self._media_ports.end),
            "FS_LOG_LEVEL": "info",
        }

    def _ready(self, sip: bool) -> bool:
        with contextlib.suppress(OSError, TimeoutError, ValueError), self.socket() as connection:
            if "is ready" not in connection.api("status"):
                return False
            return not sip or f":{self.sip_port}" in connection.api("sofia status")
        return False
