"""`orchestrator conferences`."""

from __future__ import annotations

import click

from orchestrator.cli import completing
from orchestrator.cli.api import Api, ApiGroup, limit, method

STATES = ("init", "in-progress", "completed")


@click.group(cls=ApiGroup, no_args_is_help=False)
def conferences() -> None:
    """Look at conferences, end them, speak to them."""


@conferences.command("list")
@click.option("--name", "FriendlyName", help="Only of this name.")
@click.option("--status", "Status", type=click.Choice(STATES), help="Only those that are.")
@limit
@click.pass_obj
def list_(api: Api, /, limit: int, **asked: str | None) -> None:
    """List conferences, the newest first."""
    api.output.many("conferences", api.client.listed("conferences", "Conferences", limit=limit, **asked))


@conferences.command()
@click.argument("conference", shell_complete=completing.conferences)
@click.pass_obj
def show(api: Api, conference: str) -> None:
    """Show everything about one."""
    api.output.one(api.client.get("Conferences", api.conference(conference)))


@conferences.command()
@click.argument("conference", shell_complete=completing.conferences)
@click.pass_obj
def end(api: Api, conference: str) -> None:
    """End a conference and hang up everybody in it."""
    sid = api.conference(conference)
    api.output.changed(api.client.post("Conferences", sid, Status="completed"), f"{sid} is being ended")


@conferences.command()
@click.argument("conference", shell_complete=completing.conferences)
@click.argument("heard", metavar="URL")
@method
@click.pass_obj
def announce(api: Api, /, conference: str, heard: str, **asked: str | None) -> None:
    """Have everybody in a conference hear something.

    URL leads to an MP3, a WAV, or a document with Play, Say, Pause, Redirect.
    """
    sid = api.conference(conference)
    answer = api.client.post("Conferences", sid, AnnounceUrl=heard, **asked)
    api.output.changed(answer, f"all in {sid} are about to hear it")
