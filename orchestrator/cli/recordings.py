"""`orchestrator recordings`."""

from __future__ import annotations

import click

from orchestrator.cli.api import Api, ApiGroup, for_each, limit
from orchestrator.cli.options import Exclusive


@click.group(cls=ApiGroup, no_args_is_help=False)
def recordings() -> None:
    """Look at recordings, and delete them."""


@recordings.command("list")
@click.option("--conference", metavar="CONFERENCE", help="Only of this one.")
@click.option("--call", metavar="CALL", cls=Exclusive, excludes=("--conference",), help="Only of this one.")
@limit
@click.pass_obj
def list_(api: Api, conference: str | None, call: str | None, limit: int) -> None:
    """List recordings, the newest first."""
    path: tuple[str, ...] = ("Recordings",)
    if conference:
        path = ("Conferences", api.conference(conference), "Recordings")
    elif call:
        path = ("Calls", api.call(call), "Recordings")
    api.output.many("recordings", api.client.listed("recordings", *path, limit=limit))


@recordings.command()
@click.argument("recording")
@click.pass_obj
def show(api: Api, recording: str) -> None:
    """Show everything about one, where it can be heard too.

    Of a conference or call with several it is the newest.
    """
    api.output.one(api.client.get("Recordings", api.recording(recording, newest=True)))


@recordings.command()
@click.argument("some", metavar="RECORDING...", nargs=-1, required=True)
@click.pass_obj
def delete(api: Api, some: tuple[str, ...]) -> int:
    """Delete recordings and their audio.

    Of a conference or call only where it has one alone.
    """

    def delete(given: str) -> None:
        sid = api.recording(given, newest=False)
        api.client.delete("Recordings", sid)
        api.output.say(f"{sid} is deleted")

    return for_each(some, delete)
