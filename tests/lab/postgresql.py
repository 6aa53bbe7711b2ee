"""A PostgreSQL server of the tests' own: its directory, its port, started and stopped as they need it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from tests.lab.processes import die_with_parent

PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
USERS = ("postgres", "nobody")
"""Users that it runs as where we are root, as which it refuses to run."""
USER, PASSWORD = "texml", "secret of texml"
START_SECONDS = 20.0


def why_not() -> str:
    """Why there can be no server here; empty where there can."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed: pip install '.[postgres]'"
    return "" if _program("initdb") else "no PostgreSQL server is installed"


def _program(name: str) -> str | None:
    return next(
        (str(place / name) for place in reversed(PLACES) if (place / name).exists()), shutil.which(name)
    )


def _free_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class PostgresServer:
    """On loopback, with passwords. `settings`: more lines of postgresql.conf."""

    def __init__(self, settings: Sequence[str] = ("fsync = off",)) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="texml-postgresql-"))
        self.directory.chmod(0o700)
        self.port = _free_port()
        self._as: list[str] = []
        if os.geteuid() == 0:
            user = next(name for name in USERS if _exists(name))
            shutil.chown(self.directory, user, pwd.getpwnam(user).pw_gid)
            self._as = [
                "setpriv",
                f"--reuid={user}",
                f"--regid={pwd.getpwnam(user).pw_gid}",
                "--clear-groups",
            ]
        self._process: subprocess.Popen[bytes] | None = None
        self._initialise(settings)
        self.start()
        self.sql(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")

    def _initialise(self, settings: Sequence[str]) -> None:
        words = ["--username=admin", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync"]
        self._run("initdb", "-D", str(self._data), "--encoding=UTF8", "--locale=C.UTF-8", *words)
        lines = [
            f"port = {self.port}",
            "listen_addresses = '127.0.0.1'",
            f"unix_socket_directories = '{self.directory}'",
            "shared_buffers = 16MB",
            *settings,
        ]
        with (self._data / "postgresql.conf").open("a") as file:
            file.write("\n".join(lines) + "\n")

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def _run(self, name: str, *words: str) -> str:
        program = _program(name)
        assert program is not None
        done = subprocess.run(
            [*self._as, program, *words], capture_output=True, text=True, cwd=self.directory, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> None:
        program = _program("postgres")
        assert program is not None
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._as, program, "-D", str(self._data)],
                stdout=log,
                stderr=log,
                cwd=self.directory,
                preexec_fn=die_with_parent,
            )
        until = time.monotonic() + START_SECONDS
        while not self._ready():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.05)

    def _ready(self) -> bool:
        program = _program("pg_isready")
        words = [program or "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(words, check=False).returncode == 0

    def stop(self, mode: signal.Signals = signal.SIGQUIT) -> None:
        """At once, as if it had been killed, but for the shared memory that it takes with it."""
        if self._process is not None:
            self._process.send_signal(mode)
            self._process.wait(START_SECONDS)
            self._process = None

    def freeze(self, *pids: int) -> None:
        """These of its processes stand still, or all."""
        for pid in pids or self._pids():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self, *pids: int) -> None:
        for pid in pids or self._pids():
            os.kill(pid, signal.SIGCONT)

    def _pids(self) -> list[int]:
        assert self._process is not None
        parent = self._process.pid
        found = [parent]
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                words = status.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(words[1]) == parent:
                found.append(int(status.parent.name))
        return found

    def sql(self, text: str, database: str = "postgres") -> str:
        """The administrator's answer."""
        words = ["-h", str(self.directory), "-p", str(self.port), "-U", "admin", "-d", database]
        return self._run("psql", *words, "-v", "ON_ERROR_STOP=1", "-qAtc", text).strip()

    def empty(self, port: int = 0) -> str:
        """The URL of an empty schema, in which one orchestrator is as alone as in a database of its own."""
        schema = f"texml_{uuid4().hex[:12]}"
        self.sql(f"CREATE SCHEMA {schema} AUTHORIZATION {USER}")
        return f"{self.url(port=port)}?options=-csearch_path%3D{schema}"

    def url(
        self, database: str = "postgres", *, user: str = USER, password: str = PASSWORD, port: int = 0
    ) -> str:
        """Of the database, with the user's search path."""
        return f"postgresql://{user}:{password.replace(' ', '%20')}@127.0.0.1:{port or self.port}/{database}"

    def close(self) -> None:
        if self._process is not None:
            self.thaw()
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class Shared:
    """The server of a whole run of tests, started when the first of them wants it."""

    def __init__(self) -> None:
        self.wanted = False
        """Orchestrators of tests have their store in PostgreSQL: --store=postgresql."""
        self._server: PostgresServer | None = None

    @property
    def server(self) -> PostgresServer:
        if self._server is None:
            self._server = PostgresServer()
        return self._server

    def setting(self) -> str:
        """A line of the section `callbacks` with an empty store, or none."""
        return f'  postgresql: "{self.server.empty()}"\n' if self.wanted else ""

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


SHARED = Shared()


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
