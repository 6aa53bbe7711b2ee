"""`orchestrator callbacks`: list waiting, delivered and failed ones; retry failed ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import to_builtins

from orchestrator.cli.options import COUNT, Exclusive, settings_file
from orchestrator.cli.tables import Output
from orchestrator.config import load

if TYPE_CHECKING:
    from orchestrator.store.sql import State

_RETRY_SECONDS = 5.0


@click.group(no_args_is_help=False)
def callbacks() -> None:
    """List callbacks, and retry those that failed.

    Callbacks are kept in the file callbacks.database of the settings until they are delivered, and for
    callbacks.history_days afterwards. Both commands work while the orchestrator runs: it alone owns the file,
    the list only reads it, and a retry only leaves a note in it, on which the orchestrator acts within a few
    seconds, or when it is started.
    """


@callbacks.command("list")
@settings_file
@click.option("--waiting", is_flag=True, help="Only waiting.")
@click.option("--delivered", is_flag=True, cls=Exclusive, excludes=("--waiting",), help="Only delivered.")
@click.option(
    "--failed", is_flag=True, cls=Exclusive, excludes=("--waiting", "--delivered"), help="Only failed."
)
@click.option("--room", default="", metavar="SID", help="Only of this conference, call or recording.")
@click.option(
    "--limit", type=COUNT, default=100, show_default=True, metavar="N", help="At most so many, 0: all."
)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a line, with the body; times in microseconds."
)
def show(
    config: Path, waiting: bool, delivered: bool, failed: bool, room: str, limit: int, as_json: bool
) -> None:
    """Show callbacks.

    Prints the newest callbacks, the oldest of them first; without --waiting, --delivered or --failed, those
    that wait and those that failed. The callbacks of one room are delivered one after the other, and so are a
    call's and a recording's. URLs are shown without user, password and query.

    A callback has failed when it was refused (a redirect, 4xx), was attempted callbacks.attempts times,
    waited longer than callbacks.max_age_secs, or was the oldest of the longest queue while more than
    callbacks.max_waiting waited.
    """
    database = load(config).callbacks.database
    from orchestrator.store.interface import OutboxError
    from orchestrator.store.outbox_admin import entries  # with gevent and all: --help does without

    asked: dict[State, bool] = {"waiting": waiting, "delivered": delivered, "failed": failed}
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
@click.option("--all", "everything", is_flag=True, help="All that failed.")
def retry(config: Path, ids: tuple[int, ...], everything: bool) -> int:
    """Retry callbacks that failed.

    Each is sent with the same body and sequence number, with all its attempts. The waiting callbacks of its
    room are delivered in the order of their numbers, retried ones included; but callbacks that were delivered
    meanwhile came first, so the application receives a retried one late, after larger numbers. IDs are those
    that `orchestrator callbacks list` shows.
    """
    database = load(config).callbacks.database
    from orchestrator.store.interface import OutboxError
    from orchestrator.store.outbox_admin import all_retried, request_retry

    if bool(ids) == everything:
        raise click.UsageError("give either IDs or --all")
    try:
        asked = request_retry(database, None if everything else list(ids))
        unknown = sorted(set(ids) - set(asked))
        if unknown:
            listed = ", ".join(map(str, unknown))
            click.echo(f"orchestrator: not failed, so not retried: {listed}", err=True)
        if asked and all_retried(database, _RETRY_SECONDS):
            click.echo(f"{len(asked)} callbacks are being retried")
        elif asked:
            once = "once the orchestrator runs and has room"
            click.echo(f"{len(asked)} callbacks are noted: they are retried {once}")
        elif not unknown:
            click.echo("no callback has failed")
    except OutboxError as error:
        raise click.ClickException(str(error)) from None
    return 1 if unknown else 0
