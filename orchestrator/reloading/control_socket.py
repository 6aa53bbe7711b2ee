"""How an operator's commands reach the process that runs: a socket beside the database, for its user alone.

One JSON object each way. `orchestrator reload`: {"config": path} and {"problems": […], "bad_settings": false,
"notes": […], "waiting": […]}. `orchestrator nodes`: {"config": path, "nodes": "list", "node": ""}, or "drain"
or "undrain" and a node's name; and {"problems": […], "nodes": […]}.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import gevent
from gevent.server import StreamServer
from msgspec import DecodeError, Struct, ValidationError, json

from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger
from orchestrator.node_availability import NodeState
from orchestrator.reloading.reloader import Reloaded

log = get_logger(__name__)

MAX_BYTES = 1024 * 1024
ASK_SECONDS = 5.0
# sun_path; Linux has 108 of them.
LONGEST = 100


NodesCommand = Literal["list", "drain", "undrain"]


class ControlRequest(Struct):
    config: str
    nodes: NodesCommand | None = None
    node: str = ""


class NodesAnswer(Struct):
    problems: tuple[str, ...] = ()
    nodes: tuple[NodeState, ...] = ()


def socket_path(database: Path) -> Path:
    return database.with_suffix(".reload")


class ControlSocket(Part):
    """Carries out `orchestrator reload` and `orchestrator nodes`, each on a greenlet of its own."""

    def __init__(
        self,
        database: Path,
        config: Path,
        reload: Callable[[], Reloaded],
        nodes: Callable[[NodesCommand, str], NodesAnswer] = lambda command, node: NodesAnswer(),
    ) -> None:
        self._path = socket_path(database)
        self._config = config.resolve()
        self._reload = reload
        self._nodes = nodes
        self._server: StreamServer | None = None

    def start(self) -> None:
        """Raises OSError. The one that a process before us left is taken away: the database has one owner."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        with _short(self._path) as path:
            listener.bind(path)
        self._path.chmod(0o600)
        listener.listen()
        listener.setblocking(False)
        self._server = StreamServer(listener, self._serve)
        self._server.start()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        if self._server is not None:
            self._server.stop()
            self._path.unlink(missing_ok=True)

    def _serve(self, connection: socket.socket, address: object) -> None:
        with contextlib.suppress(OSError, gevent.Timeout), connection:
            with gevent.Timeout(ASK_SECONDS):
                text = _read(connection)
            connection.sendall(json.encode(self._answer(text)))

    def _answer(self, text: bytes) -> Reloaded | NodesAnswer:
        try:
            asked = json.decode(text, type=ControlRequest)
        except (DecodeError, ValidationError) as error:
            return Reloaded((f"not understood: {error}",))
        if Path(asked.config) != self._config:
            return Reloaded((f"the orchestrator that runs has {self._config}, not {asked.config}",))
        return self._reload() if asked.nodes is None else self._nodes(asked.nodes, asked.node)


def request_reload(database: Path, config: Path, timeout: float) -> Reloaded:
    """Have the process that runs with this database reload. Raises OSError where none answers."""
    return json.decode(_ask(database, ControlRequest(str(config.resolve())), timeout), type=Reloaded)


def request_nodes(
    database: Path, config: Path, command: NodesCommand, node: str, timeout: float
) -> NodesAnswer:
    """Have the process that runs with this database list or drain its nodes. Raises OSError where none
    answers."""
    request = ControlRequest(str(config.resolve()), command, node)
    return json.decode(_ask(database, request, timeout), type=NodesAnswer)


def _ask(database: Path, request: ControlRequest, timeout: float) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        with _short(socket_path(database)) as path:
            connection.connect(path)
        connection.sendall(json.encode(request))
        connection.shutdown(socket.SHUT_WR)
        return _read(connection)


def _read(connection: socket.socket) -> bytes:
    parts, size = [], 0
    while (data := connection.recv(65536)) and size <= MAX_BYTES:
        parts.append(data)
        size += len(data)
    return b"".join(parts)


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """The path, in fewer letters where it has too many for a socket's address."""
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
