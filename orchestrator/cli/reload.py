"""`orchestrator reload`."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.options import settings_file
from orchestrator.config import load

# FreeSWITCH answers `reloadxml` and `rescan` within moments, also with hundreds of gateways.
SECONDS = 120.0
EXIT_OK, EXIT_FAILED, EXIT_SETTINGS, EXIT_WAITING = 0, 1, 2, 4


@click.command()
@settings_file
def reload(config: Path) -> int:
    """Have the running orchestrator take over the settings.

    Calls that go on are not touched; numbers, applications, accounts, profiles and trunks count from the
    next call on. SIGHUP to the running process does the same and logs what would be printed here.

    FreeSWITCH's part (profiles, trunks, SIP) waits where it is not connected or refuses it;
    everything else counts at once, and both are printed.

    Exit codes: 0 done, 1 none runs there, 2 the settings are wrong, 4 something waits for FreeSWITCH.
    Nothing has changed at 1 and 2.
    """
    settings = load(config)
    from orchestrator.reloading.control_socket import request_reload

    try:
        result = request_reload(settings.callbacks.database, config, SECONDS)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"none runs on {settings.callbacks.database}: {error}") from None
    for problem in result.problems:
        click.echo(f"orchestrator: {problem}", err=True)
    for note in result.notes:
        click.echo(note)
    if result.problems:
        return EXIT_SETTINGS if result.bad_settings else EXIT_FAILED
    return EXIT_WAITING if result.waiting else EXIT_OK
