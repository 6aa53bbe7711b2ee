"""`orchestrator run`: one line with the remedy where it cannot start, the console's URL where it can."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from tests.docs.markdown import ROOT

SETTINGS = """
freeswitch:
  nodes: [{{port: {switch}, recordings_dir: {directory}/recordings, media_dir: {directory}/media}}]
accounts:
  - {{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b, signing_key: {seed}{key}}}
applications: {{main: {{voice_url: "http://127.0.0.1:1/"}}}}
default_application: main
web: {{listen: "{listen}"}}
callbacks: {{database: {directory}/orchestrator.sqlite}}
"""

SEED = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def command(tmp_path: Path, taken: int) -> Callable[..., list[str]]:
    def make(listen: str, key: str = "") -> list[str]:
        path = tmp_path / "orchestrator.yaml"
        path.write_text(SETTINGS.format(switch=taken, seed=SEED, directory=tmp_path, listen=listen, key=key))
        return [sys.executable, "-m", "orchestrator", "run", "-c", str(path)]

    return make


def run(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=30, cwd=ROOT, check=False)


@pytest.mark.parametrize(
    ("host", "fault", "remedy"),
    [
        ("127.0.0.1", "another program has this port", "`ss -lntp 'sport = :{port}'` says which"),
        ("192.0.2.1", "this is no address of this machine", "`ip address` shows those that it has"),
    ],
)
def test_an_address_that_cannot_be_had_is_one_line(
    command: Callable[..., list[str]], taken: int, host: str, fault: str, remedy: str
) -> None:
    done = run(command(f"{host}:{taken}"))
    assert done.returncode == 1
    (line,) = (done.stdout + done.stderr).splitlines()
    assert f"web.listen {host}:{taken}: {fault}" in line
    assert remedy.format(port=taken) in line


def test_a_failed_start_is_undone_and_leaves_nothing_locked(
    command: Callable[..., list[str]], taken: int, tmp_path: Path
) -> None:
    words = command(f"127.0.0.1:{taken}")
    assert [run(words).returncode, run(words).returncode] == [1, 1]
    assert (tmp_path / "orchestrator.sqlite").exists()


@pytest.mark.parametrize(
    ("key", "sign_in"),
    [
        (", api_keys: [hush]", "with one of an account's api_keys"),
        ("", "nobody can: no account has api_keys"),
    ],
)
def test_the_consoles_url_is_printed_with_how_one_signs_in(
    command: Callable[..., list[str]], key: str, sign_in: str
) -> None:
    words = command("127.0.0.1:0", key)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    with gevent.Timeout(20):
        line = next(line for line in process.stdout if " console " in line)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert "url=http://127.0.0.1:" in line
    assert sign_in in line
