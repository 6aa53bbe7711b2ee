"""`orchestrator doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from orchestrator import logs
from orchestrator.cli.options import settings_file
from orchestrator.config import load

if TYPE_CHECKING:
    from orchestrator.doctor.result import CheckResult

_STYLES = {"ok": "green", "note": "yellow", "wrong": "red", "skipped": "dim"}


@click.command()
@settings_file
def doctor(config: Path) -> int:
    """Find out what is wrong with a set-up.

    One line a check, with what to do about it where something is wrong: FreeSWITCH, its owner, modules,
    clock, dialplan, conference profiles, RTP ports and media address, both shared directories from both
    sides, the web server, signing keys and database. It asks each voice URL for a document, as a call from
    `orchestrator-doctor` would, and makes one call through FreeSWITCH's loopback endpoint into a conference
    and out. It may run beside the orchestrator. The last line has how many checks found something wrong, and
    how many were skipped.

    Exit codes: 0 nothing is wrong, 1 something is, 2 the settings are wrong.
    """
    settings = load(config)
    from orchestrator.doctor.checks import run_checks  # it brings most of the service along

    # A check's line has its result; the connection's own log lines would come between.
    logs.set_up("human", "error")
    console = Console(soft_wrap=True, highlight=False)
    found = []
    for finding in run_checks(settings):
        console.print(_line(finding))
        found.append(finding)
    bad, skipped = (sum(finding.state == state for finding in found) for state in ("wrong", "skipped"))
    result = f"{bad} of {len(found)} checks found something wrong" if bad else "nothing is wrong"
    count = {0: "none was", 1: "1 was"}.get(skipped, f"{skipped} were")
    console.print(Text(f"{result}, {count} skipped"))
    return 1 if bad else 0


def _line(finding: CheckResult) -> Text:
    text = Text(f"{finding.state:8}", style=_STYLES[finding.state])
    text.append(f"{finding.check}: ", style="bold")
    text.append(finding.text, style="default")
    if finding.remedy:
        text.append(f" -> {finding.remedy}", style="cyan")
    return text
