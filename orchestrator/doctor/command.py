"""`orchestrator doctor`."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from orchestrator.config import Settings
from orchestrator.doctor.examination import examine
from orchestrator.doctor.finding import Finding

EXIT_OK, EXIT_FAILED = 0, 1
_STYLES = {"ok": "green", "note": "yellow", "wrong": "red", "skipped": "dim"}


def run(settings: Settings) -> int:
    """Examine and print; the exit code."""
    console = Console(soft_wrap=True, highlight=False)
    found = []
    for finding in examine(settings):
        console.print(line(finding))
        found.append(finding)
    bad = sum(finding.state == "wrong" for finding in found)
    console.print(Text(f"{bad} of {len(found)} checks found something wrong" if bad else "nothing is wrong"))
    return EXIT_FAILED if bad else EXIT_OK


def line(finding: Finding) -> Text:
    text = Text(f"{finding.state:8}", style=_STYLES[finding.state])
    text.append(f"{finding.check}: ", style="bold")
    text.append(finding.text, style="default")
    if finding.remedy:
        text.append(f" -> {finding.remedy}", style="cyan")
    return text
