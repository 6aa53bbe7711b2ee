"""How `orchestrator reload` reaches the process that runs: one question, one answer, for its user alone."""

from __future__ import annotations

import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.reloading.control_socket import LONGEST, ControlSocket, request_reload, socket_path
from orchestrator.reloading.reloader import Reloaded

ANSWERS = (
    Reloaded(notes=("changed: numbers",)),
    Reloaded(problems=("orchestrator.yaml:3: unknown key",), bad_settings=True),
    Reloaded(notes=("changed: accounts",), waiting=("trunks", "sip")),
)


@pytest.fixture(params=["short", "d" * LONGEST])
def directory(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Also one whose path is too long for a socket's address."""
    made = tmp_path / str(request.param)
    made.mkdir()
    return made


@pytest.fixture
def control(directory: Path) -> Iterator[ControlSocket]:
    waiting = list(ANSWERS)
    control = ControlSocket(directory / "o.sqlite", directory / "o.yaml", lambda: waiting.pop(0))
    control.start()
    yield control
    control.stop()


def test_it_is_answered_with_how_the_reload_went_and_only_by_the_process_of_that_file(
    directory: Path, control: ControlSocket
) -> None:
    database, config = directory / "o.sqlite", directory / "o.yaml"
    other = request_reload(database, directory / "other.yaml", 10)
    assert other.problems == (f"the orchestrator that runs has {config}, not {directory / 'other.yaml'}",)
    assert not other.bad_settings
    assert tuple(request_reload(database, config, 10) for _ in ANSWERS) == ANSWERS
    assert stat.S_IMODE(socket_path(database).stat().st_mode) == 0o600
    control.stop()
    assert not socket_path(database).exists()
    with pytest.raises(OSError, match="No such file"):
        request_reload(database, config, 10)


@pytest.mark.parametrize("asked", [b"", b"{", b"[]", b'{"config": 1}', b"\xff" * 100])
def test_an_invalid_request_is_answered_and_reloads_nothing(tmp_path: Path, asked: bytes) -> None:
    reloads: list[bool] = []

    def reload() -> Reloaded:
        reloads.append(True)
        return Reloaded()

    control = ControlSocket(tmp_path / "o.sqlite", tmp_path / "o.yaml", reload)
    # The socket that a process before us left is no hindrance.
    socket_path(tmp_path / "o.sqlite").touch()
    control.start()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(socket_path(tmp_path / "o.sqlite")))
        connection.sendall(asked)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65536)
    control.stop()
    assert answer.startswith(b'{"problems":["not understood: ')
    assert not reloads
