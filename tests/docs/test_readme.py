"""The README's way to the first heard voice, typed as it stands: a real FreeSWITCH and two softphones."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from tests.docs.markdown import ROOT, blocks, section
from tests.lab.ports import PortRange
from tests.lab.processes import die_with_parent
from tests.lab.softphones import Softphones
from tests.lab.switches import FreeSwitch
from tests.sound.common import until

README = ROOT / "README.md"
TITLE = "To the first heard voice"
PROMPT = "typed"
ANNA, BEN = 500.0, 900.0


def lines() -> list[str]:
    """The section's blocks of shell, each as it is pasted."""
    return [
        block for block in blocks(README, "sh") if block.strip() in unindented(section(README, TITLE).text)
    ]


def unindented(text: str) -> str:
    return "\n".join(line.removeprefix("   ") for line in text.splitlines())


class Terminal:
    """A shell that stays open, as a person's."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self._output = (directory / "terminal").open("w+")
        self._shell = subprocess.Popen(
            ["/bin/bash", "-m"],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._output,
            text=True,
            preexec_fn=die_with_parent,
        )
        self._typed = 0

    def type(self, text: str, timeout: float = 90.0) -> str:
        """Its output until it takes the next line."""
        self._typed += 1
        mark = f"{PROMPT} {self._typed}:"
        self.begin(f"{text}\necho {mark}$?")
        until(lambda: mark in self.printed(), timeout, what=f"the end of {text!r}")
        printed = self.printed()
        assert re.search(rf"^{mark}0$", printed, re.MULTILINE), printed
        return printed

    def begin(self, text: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{text}\n")
        self._shell.stdin.flush()

    def printed(self) -> str:
        return Path(self._output.name).read_text()

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait()
        self._output.close()


class Moved:
    """The README's ports -> ours: others run on this machine."""

    def __init__(self, ports: PortRange) -> None:
        self.sip, self.socket, self.web, self.application = (ports.take() for _ in range(4))

    def __call__(self, text: str) -> str:
        """As typed by somebody who chose these ports in place of the README's 5070, 8031, 8090 and 8100."""
        moves = {"5070": self.sip, "8031": self.socket, "8090": self.web, "8100": self.application}
        for port, ours in moves.items():
            text = text.replace(port, str(ours))
        return text


@pytest.fixture
def ports() -> Iterator[PortRange]:
    found = PortRange()
    yield found
    found.release()


@pytest.fixture
def terminal(tmp_path: Path, ports: PortRange) -> Iterator[Terminal]:
    """In a clone whose virtual environment is this one."""
    binary = FreeSwitch.binary()
    if reason := FreeSwitch.why_not():
        pytest.skip(reason)
    assert binary is not None
    (tmp_path / "docker").symlink_to(ROOT / "docker")
    command = tmp_path / ".venv" / "bin" / "orchestrator"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m orchestrator "$@"\n')
    command.chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment["PATH"] = f"{Path(binary).parent}:{os.environ['PATH']}"
    environment |= {"FS_RTP_PORT_START": str(ports.start + 20), "FS_RTP_PORT_END": str(ports.end)}
    terminal = Terminal(tmp_path, environment)
    yield terminal
    terminal.close()


@pytest.fixture
def phones(tmp_path: Path) -> Iterator[Softphones]:
    phones = Softphones(tmp_path / "phones")
    phones.start(2)
    yield phones
    phones.stop()


def test_two_callers_hear_each_other_when_the_readme_s_lines_were_typed(
    terminal: Terminal, ports: PortRange, phones: Softphones, tmp_path: Path
) -> None:
    moved = Moved(ports)
    settings, move, freeswitch, application, run, stop, kill = steps()
    terminal.type(settings)
    terminal.type(moved(move))
    pid = 0
    try:
        terminal.type(freeswitch)
        pid = int((tmp_path / "fs" / "run" / "freeswitch.pid").read_text())
        terminal.type(application.replace(":8000", f":{moved.application}"))
        terminal.begin(run)
        until(lambda: "event socket up" in terminal.printed(), 30, what="a running orchestrator")
        assert f"url=http://127.0.0.1:{moved.web}/" in terminal.printed()
        uri = f"sip:anything@127.0.0.1:{moved.sip}"
        anna = phones.call(uri, from_="anna", sounds=ANNA)
        anna.wait_answered(15)
        ben = phones.call(uri, from_="ben", sounds=BEN)
        ben.wait_answered(15)
        anna.wait_hears(BEN, 10)
        ben.wait_hears(ANNA, 10)
        for phone in (anna, ben):
            phone.hang_up()
        log = tmp_path / "sample-app.log"
        until(lambda: "conference-end" in log.read_text(), 15, what="the callback of the end")
        until(lambda: "recording" in log.read_text(), 15, what="the callback of the recording")
        assert list((tmp_path / "orchestrator-data" / "recordings").glob("*.wav"))
        interrupt(run, tmp_path)
        terminal.type(stop.replace("fs_cli", f"fs_cli -P {moved.socket}"))
        until(lambda: not Path(f"/proc/{pid}").exists(), 20, what="the end of FreeSWITCH")
        pid = 0
        terminal.type(kill)
    finally:
        if pid:
            os.kill(pid, signal.SIGKILL)


def steps() -> list[str]:
    """The blocks, the last one line by line."""
    *found, last = lines()
    return [*found, *last.splitlines()]


def interrupt(command: str, directory: Path) -> None:
    """Ctrl-C."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            there = (process / "cwd").readlink() == directory
        except OSError:
            continue
        if there and b"run" in words and b"orchestrator" in words:
            os.kill(int(process.name), signal.SIGINT)
            until(lambda process=process: gone(process), 20, what=f"the end of {command!r}")
            return
    raise AssertionError("no orchestrator runs")


def gone(process: Path) -> bool:
    gevent.sleep(0.05)
    return not process.exists()


def test_the_section_has_the_steps_that_are_typed_here() -> None:
    assert [step.split()[0] for step in steps()] == [
        ".venv/bin/orchestrator",
        "export",
        ".venv/bin/orchestrator",
        "python3",
        ".venv/bin/orchestrator",
        "fs_cli",
        "kill",
    ]


def test_the_ports_that_are_moved_are_all_that_the_example_and_freeswitch_take() -> None:
    from orchestrator.cli.command import example
    from orchestrator.fsconfig.base_files import base_file

    taken = set(re.findall(r"^ *(?:port|listen|voice_url): (?:.*:)?(\d{4})\b", example(), re.MULTILINE))
    defaults = re.findall(r'cmd="set" data="(?:event_socket|sip)_port=(\d+)"', base_file("vars.xml"))
    assert taken | set(defaults) == {"5060", "8021", "8080", "8000"}
