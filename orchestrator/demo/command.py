"""The command: what is to be shown, in front of what, and the exit code."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

from rich.console import Console
from rich.text import Text

from orchestrator.config import ConfigErrors
from orchestrator.demo.callers import NUMBER, Callers
from orchestrator.demo.conference import show_conference
from orchestrator.demo.harness import NotReady
from orchestrator.demo.loopback import LoopbackSwitch
from orchestrator.demo.phones import Emulated
from orchestrator.demo.report import print_limits
from orchestrator.demo.tryout import TryOut, try_out
from orchestrator.esl.errors import SwitchError
from orchestrator.numbering.phone import recognised

OK, FAILED, INTERRUPTED = 0, 1, 130
FAST, LIVELY = 0.2, 1.0
EVENT_SOCKET_PORT = 8021
PASSWORD_VARIABLE = "FS_EVENT_SOCKET_PASSWORD"  # as in freeswitch-conf/vars.xml


def main(
    voice_url: str | None = None,
    freeswitch: str | None = None,
    *,
    fast: bool = False,
    calls: int = 2,
    from_: Sequence[str] = (),
    to: str | None = None,
    press: Sequence[str] = (),
    wait: float | None = None,
    keep_open: bool = False,
    password: str | None = None,
    callers: Callers | None = None,
) -> int:
    """Run the demo; the exit code: 0 all was as it should be, 1 something was not.

    `voice_url` is the application to try, with so many `calls` to the number `to`; without it the built-in
    conference is shown. The calls come `from_` these numbers, further ones from numbers of the demo; each
    presses `press`, one entry for each <Gather>, and stays in a conference for `wait` seconds. `keep_open`:
    the console stays open until Ctrl-C. `freeswitch` is HOST or HOST:PORT of a real one; without `password`
    that of $FS_EVENT_SOCKET_PASSWORD.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A document or a name may hold what this terminal's encoding has not.
        sys.stdout.reconfigure(errors="replace")
    # Until the harness has a file for them, and after it: log lines would tear what is shown.
    logging.getLogger().addHandler(logging.NullHandler())
    # A closed terminal ends it as Ctrl-C does: with its files removed and its calls hung up.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    console = Console(highlight=False)
    # A pipe has no width: its reader wraps it.
    console.soft_wrap = not console.is_terminal
    pace = FAST if fast else LIVELY
    try:
        switch = _switch(freeswitch, password)
        switch.start()
        try:
            if voice_url is not None:
                asked = TryOut(voice_url, _numbers(from_, calls), to or NUMBER, tuple(press), wait)
                return OK if try_out(console, switch, asked, pace, keep_open=keep_open) else FAILED
            passed = _conference(console, switch, callers or Callers(), pace, keep_open)
            return OK if passed else FAILED
        finally:
            switch.stop()
    except (NotReady, ConfigErrors) as error:
        console.print(Text(f"the demo cannot start: {error}", style="bold red"), soft_wrap=True)
        return FAILED
    except SwitchError as error:
        console.print(Text(f"the demo lost FreeSWITCH: {error}", style="bold red"))
        return FAILED
    except KeyboardInterrupt:
        console.print(Text("stopped"))
        return INTERRUPTED


def _numbers(from_: Sequence[str], calls: int) -> tuple[str, ...]:
    """The callers' numbers, as the orchestrator reads them."""
    ours = [f"+1312555{1000 + index}" for index in range(1, calls + 1)]
    given = [recognised(number, "") or number for number in from_]
    return (*given, *(number for number in ours if number not in given))[: max(calls, len(given))]


def _conference(
    console: Console, switch: Emulated | LoopbackSwitch, callers: Callers, pace: float, keep_open: bool
) -> bool:
    if isinstance(switch, Emulated):
        where = "an emulated FreeSWITCH"
        return show_conference(console, switch, where, callers, pace, keep_open=keep_open)
    where = f"FreeSWITCH {switch.version} at {switch.host}:{switch.port}"
    passed = show_conference(console, switch, where, callers, pace, keep_open=keep_open)
    print_limits(console)
    return passed


def _switch(freeswitch: str | None, password: str | None) -> Emulated | LoopbackSwitch:
    """Raises NotReady."""
    if freeswitch is None:
        return Emulated()
    try:
        address = urlsplit(f"//{freeswitch}")
        host, port = address.hostname, address.port or EVENT_SOCKET_PORT
    except ValueError:
        host, port = None, 0
    if not host:
        raise NotReady(f"{freeswitch!r} is not HOST or HOST:PORT")
    return LoopbackSwitch(host, port, password or os.environ.get(PASSWORD_VARIABLE) or "ClueCon")
