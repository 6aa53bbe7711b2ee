"""`orchestrator reload`."""

from __future__ import annotations

import sys
from pathlib import Path

from orchestrator.config import Settings

# FreeSWITCH answers `reloadxml` and `rescan` within moments, also with hundreds of gateways.
SECONDS = 120.0

ABOUT = """\
Calls that go on are not touched; numbers, applications, accounts, profiles and trunks count from the
next call on. SIGHUP to the running process does the same and logs what would be printed here.
Exit codes: 0 done, 1 none runs there or FreeSWITCH did not take it, 2 the settings are wrong.
Nothing has changed unless it is 0.
"""


def run(config: Path, settings: Settings) -> int:
    """Has the running process take over `config`, which was read and is sound; returns the exit code."""
    from orchestrator.reloading.bell import ring

    try:
        result = ring(settings.callbacks.database, config, SECONDS)
    except (OSError, ValueError) as error:
        print(f"orchestrator: none runs on {settings.callbacks.database}: {error}", file=sys.stderr)
        return 1
    for problem in result.problems:
        print(f"orchestrator: {problem}", file=sys.stderr)
    for note in result.notes:
        print(note)
    return 0 if not result.problems else 2 if result.bad_settings else 1
