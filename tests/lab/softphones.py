"""Real softphones for tests: pjsua2 in processes of its own, each driven over a socket pair."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote, unquote

import gevent
import gevent.event

from tests.lab.phone import LEVEL_DB, Answers, Behaviour, NeverAnswers, Phone, Rejects, Target
from tests.lab.ports import PortRange
from tests.lab.processes import die_with_parent

__all__ = ["Answers", "Behaviour", "NeverAnswers", "Phone", "Rejects", "Softphones", "Target", "Worker"]

AVAILABLE = importlib.util.find_spec("pjsua2") is not None
WORKER = Path(__file__).with_name("_phone_worker.py")
CALLS = 4  # of one process: PJSUA_MAX_CALLS of the wheel
RTP_PORTS = 40  # for each process: two a call, and some that were in use a moment ago


class Worker:
    """A process with up to four calls (_phone_worker.py) and the phones in it."""

    def __init__(
        self, directory: Path, rtp_port: int, on_call: Callable[[Phone], None], port: int = 0
    ) -> None:
        directory.mkdir(parents=True)
        self.directory = directory
        self.phones: dict[str, Phone] = {}
        self.port = 0
        self._on_call, self._rtp_port = on_call, rtp_port
        self._count = itertools.count(1)
        self._ready = gevent.event.Event()
        self._registered = gevent.event.Event()
        self._stopping = False
        self._socket, theirs = socket.socketpair()
        with theirs, open(directory / "log", "wb") as log:
            words = [theirs.fileno(), directory, port, rtp_port, RTP_PORTS]
            self._process = subprocess.Popen(
                [sys.executable, str(WORKER), *map(str, words)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        self._reader = gevent.spawn(self._read)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def busy(self) -> int:
        return sum(phone.state != "ended" or phone.lost for phone in self.phones.values())

    def wait_ready(self, timeout: float = 20.0) -> None:
        if not self._ready.wait(timeout) or not self.port:
            log = (self.directory / "log").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"the softphones did not start:\n{log}")

    def stop(self) -> None:
        self._stopping = True
        self._socket.close()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.kill()

    def hang_up_all(self) -> None:
        for phone in self.phones.values():
            if phone.state != "ended":
                phone.hang_up()

    def wait_idle(self, timeout: float = 2.0) -> bool:
        """Whether every call ended, properly and in time."""
        if any(phone.lost for phone in self.phones.values()):
            return False
        deadline = time.monotonic() + timeout
        for phone in self.phones.values():
            while phone.state != "ended":
                phone._changed.clear()
                if not phone._changed.wait(max(0.0, deadline - time.monotonic())):
                    return False
        self.phones.clear()
        return True

    def again(self) -> Worker:
        """Another in its place, on the same port."""
        self.stop()
        number, _, turn = self.directory.name.partition("-")
        place = self.directory.with_name(f"{number}-{int(turn or 0) + 1}")
        worker = Worker(place, self._rtp_port, self._on_call, port=self.port)
        worker.wait_ready()
        return worker

    def add(self, caller: str, number: str) -> Phone:
        name = f"out{next(self._count)}"
        phone = self.phones[name] = Phone(self, name, caller, number)
        return phone

    def register(self, number: str, **behaviour: object) -> None:
        self._registered.clear()
        self.order(do="behave", number=number, **behaviour)
        if not self._registered.wait(5):
            raise RuntimeError("the softphones do not react")

    def order(self, **words: object) -> None:
        self._socket.sendall(json.dumps(words).encode() + b"\n")

    def _read(self) -> None:
        waiting = b""
        while data := self._receive():
            *lines, waiting = (waiting + data).split(b"\n")
            for line in lines:
                self._take(json.loads(line))
        self._ready.set()
        if not self._stopping:
            end = {"state": "ended", "at": time.monotonic(), "reason": "the softphones' process died"}
            for phone in self.phones.values():
                phone._take(end)

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(65536)
        except OSError:
            return b""

    def _take(self, event: dict[str, object]) -> None:
        if "ready" in event:
            self.port = int(str(event["ready"]))
            self._ready.set()
            return
        if "registered" in event:
            self._registered.set()
            return
        name = str(event.get("phone", ""))
        if "incoming" in event:
            number, sender = str(event["incoming"]), str(event["sender"])
            found = re.search(r"sips?:([^@;>]+)@", sender)
            phone = self.phones[name] = Phone(self, name, found.group(1) if found else sender, number)
            phone.request = str(event["request"])
            phone.state = "ringing"
            phone.times["ringing"] = float(str(event["at"]))
            self._on_call(phone)
        if (phone := self.phones.get(name)) is not None:
            phone._take(event)
        elif "failure" in event:
            print(f"softphones: {event['failure']}", file=sys.stderr)


class Softphones:
    """All the phones of a test session. Those that are called share one SIP address, `address`, and take four
    calls at a time between them; for those that call, processes are added as they are needed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.targets: dict[str, Target] = {}
        self.unregistered: list[Phone] = []  # calls to numbers nobody registered; they got 404
        self.workers: list[Worker] = []  # the first is the one that is called

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.workers[0].port}"

    def start(self, callers: int = 8) -> None:
        self._ports = PortRange()
        self._add()
        self.prepare(callers)

    def prepare(self, callers: int) -> None:
        """So many phones will call at once: starts the processes for them now (0.1 s each)."""
        while (len(self.workers) - 1) * CALLS < callers:
            self._add()
        for worker in self.workers:
            worker.wait_ready()

    def stop(self) -> None:
        for worker in self.workers:
            worker.stop()
        self.workers.clear()
        self._ports.release()

    def call(
        self,
        uri: str,
        *,
        from_: str = "+13125550001",
        name: str = "",
        headers: Mapping[str, str] | None = None,
        sounds: float | None = None,
    ) -> Phone:
        """Calls a SIP URI. `headers` go into the INVITE; `sounds` is what the phone speaks, in hertz."""
        worker = next((worker for worker in self.workers[1:] if worker.busy < CALLS), None) or self._add()
        worker.wait_ready()
        phone = worker.add(from_, unquote(re.sub(r"^sips?:|@.*$", "", uri)))
        display = '"' + re.sub(r'(["\\])', r"\\\1", name) + '" ' if name else ""
        phone._order(
            "call",
            uri=uri,
            sender=f"{display}<sip:{quote(from_, safe='+*#')}@127.0.0.1:{worker.port}>",
            headers=list((headers or {}).items()),
            hz=sounds,
            level=LEVEL_DB,
        )
        return phone

    def register(self, number: str, behaviour: Behaviour | None = None) -> Target:
        """From now on a call to this number at `address` gets this behaviour ("*": to any number)."""
        target = self.targets[number] = Target(number)
        does = behaviour or Answers()
        words: dict[str, object] = {"hz": does.sounds, "level": LEVEL_DB, "early": does.early}
        match does:
            case Answers(after):
                words["after"] = after
            case Rejects(code, after):
                words |= {"reject": code, "after": after}
        self.workers[0].register(number, **words)
        return target

    def forget(self) -> None:
        """Ends every call and forgets every registered number."""
        for number in self.targets:
            self.workers[0].order(do="forget", number=number)
        self.targets.clear()
        self.unregistered.clear()
        for worker in self.workers:
            worker.hang_up_all()
        for number, worker in enumerate(self.workers):
            if not worker.wait_idle():
                self.workers[number] = worker.again()

    def switch_died(self) -> None:
        for worker in self.workers:
            for phone in worker.phones.values():
                phone.lost = phone.lost or phone.state != "ended"

    def _add(self) -> Worker:
        number = len(self.workers)
        worker = Worker(
            self.directory / f"worker{number}", self._ports.start + number * RTP_PORTS, self._called
        )
        self.workers.append(worker)
        return worker

    def _called(self, phone: Phone) -> None:
        target = self.targets.get(phone.number) or self.targets.get("*")
        if target is None:
            self.unregistered.append(phone)
        else:
            target.came(phone)


def why_not() -> str:
    """Why there are no softphones here; empty when there are."""
    if not AVAILABLE:
        return "pjsua2 is not installed"
    return "" if os.name == "posix" else "the softphones need a POSIX system"
