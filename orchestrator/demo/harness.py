"""A whole orchestrator for a few seconds: ports that the OS chooses, files that are gone afterwards."""

from __future__ import annotations

import json
import logging
import secrets
import tempfile
import time
from pathlib import Path
from types import TracebackType

import gevent
import gevent.event
from rich.console import Console
from rich.text import Text

from orchestrator import logs
from orchestrator.app import Orchestrator
from orchestrator.callbacks.signature import load_key, new_seed, public_key
from orchestrator.config import loads
from orchestrator.demo.phones import Switch
from orchestrator.esl.ownership import STALE_SECONDS, NotOwner

ACCOUNT = "5a1e5d2c-6f0b-4c1e-9d35-2f8f0c6c3b10"
READY_SECONDS = 10.0
POLL_SECONDS = 0.2
LOG_LINES = 25

_SETTINGS = """
freeswitch:
  nodes:
    - {{host: {host}, port: {port}, password: {password}, recordings_dir: {recordings}, media_dir: {media}}}
accounts: [{{sid: {account}, name: demo, signing_key: {seed}, api_keys: [{key}]}}]
applications:
  demo: {{voice_url: {voice_url}}}
default_application: demo
web: {{listen: "127.0.0.1:0"}}
callbacks: {{database: {database}}}
"""


class NotReady(Exception):
    """The orchestrator did not come up; the text says why."""


class Harness:
    """With it as context: files are there and logs go to one of them. `open` starts the orchestrator."""

    def __init__(self, switch: Switch) -> None:
        self.switch = switch
        self.seed = new_seed()
        self.key = f"demo-{secrets.token_hex(4)}"
        """Signs in to the console."""
        self.public_key = public_key(load_key(self.seed))
        self.orchestrator: Orchestrator | None = None

    def __enter__(self) -> Harness:
        self._directory = tempfile.TemporaryDirectory(prefix="orchestrator-demo-", ignore_cleanup_errors=True)
        self.directory = Path(self._directory.name)
        # A FreeSWITCH that runs as another user plays files from here and writes recordings.
        self.directory.chmod(0o755)
        for name in ("media", "recordings"):
            (self.directory / name).mkdir()
            (self.directory / name).chmod(0o777)
        self._log = open(self.directory / "log", "w+", encoding="utf-8")
        logs.set_up(stream=self._log)
        hub = gevent.get_hub()
        self._exception_stream = hub.exception_stream
        hub.exception_stream = self._log
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        gevent.get_hub().exception_stream = self._exception_stream
        logging.getLogger().handlers[:] = [logging.NullHandler()]
        self._log.close()
        self._directory.cleanup()

    def open(self, voice_url: str) -> Orchestrator:
        """Raises NotReady, ConfigErrors."""
        text = _SETTINGS.format(
            host=json.dumps(self.switch.host),
            port=self.switch.port,
            password=json.dumps(self.switch.password),
            recordings=json.dumps(str(self.directory / "recordings")),
            media=json.dumps(str(self.directory / "media")),
            account=ACCOUNT,
            seed=json.dumps(self.seed),
            key=json.dumps(self.key),
            voice_url=json.dumps(voice_url),
            database=json.dumps(str(self.directory / "orchestrator.sqlite")),
        )
        self.orchestrator = orchestrator = Orchestrator(loads(text, file="the demo's settings", environ={}))
        refused = list[NotOwner]()
        orchestrator.node.ownership.on_refused.append(refused.append)
        orchestrator.start()
        began = time.monotonic()
        while not orchestrator.wait_ready(POLL_SECONDS):
            if refused:
                raise NotReady(str(refused[0]))
            # A dead process's ownership is free after a while.
            patience = READY_SECONDS + STALE_SECONDS * bool(orchestrator.node.ownership.problem)
            if time.monotonic() - began > patience:
                reason = orchestrator.node.connection.last_error
                raise NotReady(f"no event socket at {self.switch.host}:{self.switch.port}: {reason}")
        return orchestrator

    def show_console(self, console: Console) -> None:
        """Print where it is, and how one signs in."""
        assert self.orchestrator is not None
        line = Text("console: ", style="bold")
        line.append(f"http://127.0.0.1:{self.orchestrator.web.port}/", style="cyan")
        console.print(line.append(f"  sign in with the API key {self.key}", style="default"), soft_wrap=True)

    def wait_for_interrupt(self, console: Console) -> None:
        """The orchestrator runs on until Ctrl-C."""
        console.print()
        self.show_console(console)
        console.print(Text("it stays open until Ctrl-C"))
        try:
            gevent.event.Event().wait()
        except KeyboardInterrupt:
            console.print(Text("stopped"))

    def close(self) -> None:
        """Stop the orchestrator; its files stay until the end of the context."""
        if self.orchestrator is not None:
            self.orchestrator.stop(3)
            self.orchestrator = None

    def log_tail(self) -> list[str]:
        """The last lines that the orchestrator logged."""
        self._log.flush()
        return (self.directory / "log").read_text(encoding="utf-8").splitlines()[-LOG_LINES:]
