"""The checks on the screen, and what the orchestrator logged where one failed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from orchestrator.demo.checks import Check
from orchestrator.demo.symbols import CROSS, TICK, UNSEEN, mark


def print_checks(console: Console, checks: Sequence[Check]) -> None:
    console.print()
    for check in checks:
        console.print(_line(console, check))
    failed = [check for check in checks if check.problem]
    unseen = [check for check in checks if check.unseen]
    console.print()
    if failed:
        console.print(Text(f"{len(failed)} of {len(checks)} checks failed", style="bold red"))
    elif unseen:
        seen = len(checks) - len(unseen)
        text = f"{seen} checks passed; {len(unseen)} could not be made here"
        console.print(Text(text, style="bold yellow"))
    else:
        console.print(Text(f"all {len(checks)} checks passed", style="bold green"))


def _line(console: Console, check: Check) -> Text:
    if check.problem:
        line = Text(f"{mark(console, CROSS)} {check.claim}", style="bold red")
        line.append(f": {check.problem}", style="not bold red")
    elif check.unseen:
        line = Text(f"{mark(console, UNSEEN)} {check.claim}", style="yellow")
        line.append(f": {check.unseen}", style="dim")
    else:
        line = Text(f"{mark(console, TICK)} ", style="green")
        line.append(check.claim, style="default")
        line.append(f"  {check.found}" if check.found else "", style="dim")
    return line


def print_log(console: Console, lines: Sequence[str]) -> None:
    """The end of the orchestrator's log."""
    if lines:
        console.print(Text("\nthe orchestrator's last log lines", style="dim"))
        for line in lines:
            console.print(Text(f"  {line}"), soft_wrap=True)


def print_limits(console: Console) -> None:
    """Checks that loopback callers cannot show."""
    console.print(
        Text(
            "Not tried: SIP, RTP, codecs and carriers. The callers were loopback legs inside FreeSWITCH; "
            "what they heard was read from files that FreeSWITCH recorded.",
            style="dim",
        )
    )
