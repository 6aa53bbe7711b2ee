"""`orchestrator conferences`."""

from __future__ import annotations

import contextlib

import click

from orchestrator.cli import completion, timeline, watching
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
@click.argument("conference", shell_complete=completion.conferences)
@click.pass_obj
def show(api: Api, conference: str) -> None:
    """Show everything about one: its participants, also those that have left, and its timeline."""
    sid = api.conference(conference)
    found = api.client.get("Conferences", sid)
    participants = ("Conferences", sid, "Participants")
    inside = list(api.client.listed("participants", *participants, IncludeLeft="true"))
    entries = timeline.all_of(api.client, "Conferences", sid)
    if api.output.as_json:
        return api.output.one(found | {"participants": inside, "timeline": entries})
    api.output.one(found)
    click.echo()
    api.output.many("participants", map(api.client.timed, inside))
    click.echo()
    timeline.show(api.output, timeline.Lines(api.client, subjects=True), iter(entries))


@conferences.command()
@click.argument("conference", required=False, shell_complete=completion.conferences)
@click.pass_obj
def watch(api: Api, conference: str | None) -> None:
    """Follow a conference, or all of them, while it happens.

    On a terminal the participants, or the conferences, stand above the last lines of the timeline; elsewhere
    the lines come one after the other. Of one CONFERENCE until it is over, else until Ctrl+C.
    """
    with contextlib.suppress(KeyboardInterrupt):
        watching.watch(api, api.conference(conference) if conference else "")


@conferences.command()
@click.argument("conference", shell_complete=completion.conferences)
@click.pass_obj
def end(api: Api, conference: str) -> None:
    """End a conference and hang up everybody in it."""
    sid = api.conference(conference)
    api.output.changed(api.client.post("Conferences", sid, Status="completed"), f"{sid} is being ended")


@conferences.command()
@click.argument("conference", shell_complete=completion.conferences)
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
