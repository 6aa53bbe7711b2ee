"""`orchestrator callbacks`: list waiting, delivered and failed ones; retry failed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from orchestrator.cli.access import DEFAULT_FILE, access
from orchestrator.cli.api import ApiCommand, ApiGroup
from orchestrator.cli.callback_sources import CallbackSource, FromApi, FromDatabase
from orchestrator.cli.client import Client
from orchestrator.cli.options import COUNT, Exclusive
from orchestrator.cli.tables import Output
from orchestrator.config import load

if TYPE_CHECKING:
    from orchestrator.cli.callback_sources import State


class _Callbacks(NamedTuple):
    """The object of these commands."""

    source: CallbackSource
    output: Output


class _Command(ApiCommand):
    def source(self, ctx: click.Context, where: dict[str, Any], output: Output) -> _Callbacks:
        # A key alone in the environment is for other commands.
        over_the_api = bool(where["url"]) or any(
            ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in ("key", "account")
        )
        if over_the_api:
            return _Callbacks(FromApi(Client(access(**where))), output)
        store = load(where["config"] or DEFAULT_FILE).callbacks.store
        return _Callbacks(FromDatabase(store), output)


class _Group(ApiGroup):
    command_class = _Command


@click.group(cls=_Group, no_args_is_help=False)
def callbacks() -> None:
    """List callbacks, and retry those that failed.

    With --url, --key or --account, or $ORCHESTRATOR_URL, over the API: those of the account, from anywhere.
    Else in the database of the settings (-c FILE): of all accounts, also while none runs.

    The database (callbacks.database, or callbacks.postgresql) keeps callbacks until they are delivered, and
    for callbacks.history_days afterwards. The orchestrator alone owns it: the list only reads it, and a retry
    only leaves a note in it, on which the orchestrator acts within a few seconds, or when it is started.
    """


@callbacks.command("list")
@click.option("--waiting", is_flag=True, help="Only waiting.")
@click.option("--delivered", is_flag=True, cls=Exclusive, excludes=("--waiting",), help="Only delivered.")
@click.option(
    "--failed", is_flag=True, cls=Exclusive, excludes=("--waiting", "--delivered"), help="Only failed."
)
@click.option(
    "--of",
    "--room",
    "of",
    default="",
    metavar="WHAT",
    help="Only of this conference, call or recording: its name, number, label or sid.",
)
@click.option(
    "--limit", type=COUNT, default=100, show_default=True, metavar="N", help="At most so many, 0: all."
)
@click.pass_obj
def show(callbacks: _Callbacks, waiting: bool, delivered: bool, failed: bool, of: str, limit: int) -> None:
    """Show callbacks.

    Prints the newest callbacks, the oldest of them first; without --waiting, --delivered or --failed, those
    that wait and those that failed. The callbacks of one room are delivered one after the other, and so are a
    call's and a recording's. URLs are shown without user, password and query.

    A callback has failed when it was refused (a redirect, 4xx), was attempted callbacks.attempts times,
    waited longer than callbacks.max_age_secs, or was the oldest of the longest queue while more than
    callbacks.max_waiting waited.
    """
    asked: dict[State, bool] = {"waiting": waiting, "delivered": delivered, "failed": failed}
    states = tuple(state for state, only in asked.items() if only) or ("waiting", "failed")
    # One more than wanted, to know whether there are more.
    source, output = callbacks
    found = source.listed(states, of, limit)
    shown = found[-limit:] if limit else found
    output.many("callbacks", shown if output.as_json else map(source.shown, shown))
    if len(shown) < len(found):
        click.echo(f"only the newest {limit}: --limit shows more", err=True)


@callbacks.command()
@click.argument("ids", nargs=-1, type=COUNT, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="All that failed.")
@click.option("--receiver", default="", metavar="URL", help="All that failed at this server.")
@click.pass_obj
def retry(callbacks: _Callbacks, ids: tuple[int, ...], everything: bool, receiver: str) -> int:
    """Retry callbacks that failed.

    Each is sent with the same body and sequence number, with all its attempts. The waiting callbacks of its
    room are delivered in the order of their numbers, retried ones included; but callbacks that were delivered
    meanwhile came first, so the application receives a retried one late, after larger numbers. IDs are those
    that `orchestrator callbacks list` shows.
    """
    if [bool(ids), everything, bool(receiver)].count(True) != 1:
        raise click.UsageError("give either IDs, --receiver or --all")
    if receiver and "://" not in receiver:
        raise click.UsageError(f"--receiver {receiver}: this is no URL, e.g. https://app.example.com")
    from orchestrator.store.message import receiver_of

    retried = callbacks.source.retry(ids, receiver_of(receiver) if receiver else "")
    if retried.not_failed:
        listed = ", ".join(map(str, retried.not_failed))
        click.echo(f"orchestrator: not failed, so not retried: {listed}", err=True)
    if retried.number and retried.begun:
        click.echo(f"{retried.number} callbacks are being retried")
    elif retried.number:
        once = "once the orchestrator runs and has room"
        click.echo(f"{retried.number} callbacks are noted: they are retried {once}")
    elif not retried.not_failed:
        click.echo("no callback has failed")
    return 1 if retried.not_failed else 0
