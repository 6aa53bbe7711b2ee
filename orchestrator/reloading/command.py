"""`orchestrator reload`."""

from __future__ import annotations

import sys
from pathlib import Path

from orchestrator.config import Settings

# FreeSWITCH answers `reloadxml` and `rescan` within moments, also with hundreds of gateways.
SECONDS = 120.0
EXIT_OK, EXIT_FAILED, EXIT_SETTINGS, EXIT_WAITING = 0, 1, 2, 4

ABOUT = """\
Calls that go on are not touched; numbers, applications, accounts, profiles and trunks count from the
next call on. SIGHUP to the running process does the same and logs what would be printed here.
What FreeSWITCH has to take, profiles, trunks and SIP, waits where it is not connected or refuses it;
everything else counts at once, and both are printed. Exit codes: 0 done, 1 none runs there, 2 the settings
are wrong, 4 something waits for FreeSWITCH. Nothing has changed at 1 and 2.
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
    if result.problems:
        return EXIT_SETTINGS if result.bad_settings else EXIT_FAILED
    return EXIT_WAITING if result.waiting else EXIT_OK
