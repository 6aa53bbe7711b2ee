"""`orchestrator callbacks`: look at what waits, was told or was given up, and have it told again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import to_builtins

from orchestrator.cli.options import COUNT, Exclusive, settings_file
from orchestrator.cli.tables import Output
from orchestrator.config import load

if TYPE_CHECKING:
    from orchestrator.store.outbox_admin import State

_RETRY_SECONDS = 5.0


@click.group(no_args_is_help=False)
def callbacks() -> None:
    """Look at callbacks, and have given-up ones told again.

    Callbacks are kept in the file callbacks.database of the settings until they are delivered, and as long as
    callbacks.history_days afterwards. Both commands work while the orchestrator runs: it alone owns the file,
    the list only reads it, and a retry only leaves a note in it, which the orchestrator takes up within a few
    seconds, or when it is started.
    """


@callbacks.command("list")
@settings_file
@click.option("--waiting", is_flag=True, help="Only waiting.")
@click.option("--told", is_flag=True, cls=Exclusive, excludes=("--waiting",), help="Only told.")
@click.option(
    "--given-up", is_flag=True, cls=Exclusive, excludes=("--waiting", "--told"), help="Only given up."
)
@click.option("--room", default="", metavar="SID", help="Only of this conference, call or recording.")
@click.option(
    "--limit", type=COUNT, default=100, show_default=True, metavar="N", help="At most so many, 0: all."
)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a line, with the body; times in microseconds."
)
def show(config: Path, waiting: bool, told: bool, failed: bool, room: str, limit: int, as_json: bool) -> None:
    """Show callbacks.

    Prints the newest callbacks, the oldest of them first; without an option of which kind, those that wait
    and those that were given up. The callbacks of one room are told one after the other, and so are a call's
    and a recording's. The addresses are shown without user, password and query.

    A callback is given up when it was refused (a redirect, 4xx), failed callbacks.attempts times, waited
    longer than callbacks.max_age_secs, or was the oldest of the longest queue while more than
    callbacks.max_waiting waited.
    """
    database = load(config).callbacks.database
    from orchestrator.store.outbox import OutboxError
    from orchestrator.store.outbox_admin import entries  # with gevent and all: --help does without

    asked: dict[State, bool] = {"waiting": waiting, "delivered": told, "failed": failed}
    states = tuple(state for state, only in asked.items() if only) or ("waiting", "failed")
    try:
        # One more than wanted, to know whether there are more.
        found = entries(database, states, room, limit + 1 if limit else 0)
    except OutboxError as error:
        raise click.ClickException(str(error)) from None
    shown = found[-limit:] if limit else found
    Output(as_json).many("callbacks", map(to_builtins, shown))
    if len(shown) < len(found):
        click.echo(f"only the newest {limit}: --limit shows more", err=True)


@callbacks.command()
@settings_file
@click.argument("ids", nargs=-1, type=COUNT, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="All that were given up.")
def retry(config: Path, ids: tuple[int, ...], everything: bool) -> int:
    """Have given-up callbacks told again.

    With all their attempts, with the same body and under their old sequence number. What still waits of the
    same room is told in the order of its numbers, retried ones included; but what was told meanwhile was told
    before, so a receiver sees a retried callback late, after larger numbers. IDs are those that `orchestrator
    callbacks list` shows.
    """
    database = load(config).callbacks.database
    from orchestrator.store.outbox import OutboxError
    from orchestrator.store.outbox_admin import all_retried, request_retry

    if bool(ids) == everything:
        raise click.UsageError("give either IDs or --all")
    try:
        asked = request_retry(database, None if everything else list(ids))
        unknown = sorted(set(ids) - set(asked))
        if unknown:
            listed = ", ".join(map(str, unknown))
            click.echo(f"orchestrator: not given up, so not told again: {listed}", err=True)
        if asked and all_retried(database, _RETRY_SECONDS):
            click.echo(f"{len(asked)} callbacks are being told again")
        elif asked:
            once = "once the orchestrator runs and has room"
            click.echo(f"{len(asked)} callbacks are noted: they are told again {once}")
        elif not unknown:
            click.echo("nothing was given up")
    except OutboxError as error:
        raise click.ClickException(str(error)) from None
    return 1 if unknown else 0
