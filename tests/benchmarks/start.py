"""Seconds from the start of the orchestrator until it is ready, with 1,000 conferences to recover.

The orchestrator is a process of its own, killed and started again; the switch is the emulator in another one,
which has 1,000 conferences of one caller each. The emulator's CPU time meanwhile is shown, as a real
FreeSWITCH answers with other threads; with it the memory of the whole process for each call.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import gevent
import requests

from tests.benchmarks.emulated import PASSWORD
from tests.benchmarks.frame import Figure, at_most, measured
from tests.lab.processes import die_with_parent
from tests.lab.web import Application

CALLERS = 1000
ROUNDS = 3
LIMIT_SECONDS = 60.0
TICK = os.sysconf("SC_CLK_TCK")
SETTINGS = """
freeswitch:
  nodes:
    - {{host: 127.0.0.1, port: {port}, password: {password}, recordings_dir: {there}/r, media_dir: {there}/m}}
accounts: [{{sid: 5a1e5d2c-6f0b-4c1e-9d35-2f8f0c6c3b10, name: main}}]
applications: {{main: {{voice_url: "{voice}"}}}}
default_application: main
web: {{listen: "127.0.0.1:{web}"}}
callbacks: {{database: {there}/orchestrator.sqlite}}
admission: {{max_calls: 5000, max_in_setup: 1000, max_delay_ms: 60000}}
logging: {{level: error}}
"""


def run(options: argparse.Namespace) -> Iterable[Figure]:
    application = Application()
    application.start()
    application.route(
        "/voice",
        lambda request: (
            f"<Response><Dial><Conference>Room {request.fields['To']}</Conference></Dial></Response>"
        ),
    )
    with tempfile.TemporaryDirectory() as directory:
        switch = _process([sys.executable, "-m", "tests.benchmarks.emulated", str(CALLERS)], subprocess.PIPE)
        file = Path(directory) / "orchestrator.yaml"
        port, web = int(_reported(switch, "port")), _free_port()
        settings = SETTINGS.format(
            port=port, web=web, voice=application.url("/voice"), there=directory, password=PASSWORD
        )
        file.write_text(settings)
        empty = []
        for _ in range(ROUNDS):
            seconds, before = _started(file, web)
            empty.append(seconds)
            if len(empty) < ROUNDS:
                _end(before)
        bare = _seconds(before.pid)
        resident = _resident(before.pid)
        _write(switch, "call")
        joined = int(_reported(switch, "joined"))
        assert joined == CALLERS, f"{joined} of {CALLERS} calls were joined"
        each = (_resident(before.pid) - resident) / CALLERS
        ready, ours, emulators = [], [], []
        orchestrator = before
        for _ in range(ROUNDS):
            _end(orchestrator)
            spent = _seconds(switch.pid)
            seconds, orchestrator = _started(file, web)
            ready.append(seconds)
            ours.append(_seconds(orchestrator.pid))
            emulators.append(_seconds(switch.pid) - spent)
        for process in (orchestrator, switch):
            _end(process)
    application.stop()
    yield measured("ready after start, nothing to recover", empty, "s")
    yield measured(f"ready after start, {CALLERS:,} rooms to recover", ready, "s", at_most(1.5))
    yield measured("of it, CPU time of the orchestrator", ours, "s")
    yield Figure("of that, where there is nothing to recover: importing", bare, "s")
    yield measured("of it, CPU time of the emulator", emulators, "s")
    note = "a call's greenlet keeps its stack, some 3 KB; what many calls at once have used stays resident"
    yield Figure("memory of a call with its document, resident", each / 1024, "KB", at_most(15), note=note)


def _process(command: list[str], stdin: int | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent
    )


def _started(file: Path, web: int) -> tuple[float, subprocess.Popen[str]]:
    began = time.perf_counter()
    process = _process([sys.executable, "-m", "orchestrator", "run", "-c", str(file)])
    with gevent.Timeout(LIMIT_SECONDS):
        while not _ready(web):
            assert process.poll() is None
            gevent.sleep(0.02)
    return time.perf_counter() - began, process


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def _ready(web: int) -> bool:
    try:
        return bool(requests.get(f"http://127.0.0.1:{web}/readyz", timeout=5).ok)
    except requests.RequestException:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _write(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdin is not None
    process.stdin.write(word + "\n")
    process.stdin.flush()


def _reported(process: subprocess.Popen[str], word: str) -> str:
    assert process.stdout is not None
    with gevent.Timeout(LIMIT_SECONDS):
        said, _, value = process.stdout.readline().partition(" ")
    assert said == word, said
    return value


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
