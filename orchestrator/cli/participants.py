"""`orchestrator participants`."""

from __future__ import annotations

import click

from orchestrator.cli import completion
from orchestrator.cli.api import Api, ApiGroup, dialling, for_each, method, parameters
from orchestrator.cli.client import Resource

Given = tuple[str, ...]
_conference = click.argument("conference", shell_complete=completion.conferences)
_some = click.argument(
    "some", metavar="PARTICIPANT...", nargs=-1, required=True, shell_complete=completion.participants
)


@click.group(cls=ApiGroup, no_args_is_help=False)
def participants() -> None:
    """Look at participants, mute, hold, drop, dial them."""


@participants.command("list")
@_conference
@click.option("--left", is_flag=True, help="Those that have left, too; of an ended conference all have.")
@click.pass_obj
def list_(api: Api, conference: str, left: bool) -> None:
    """List who is in a conference, or was."""
    sid = api.conference(conference)
    path = ("Conferences", sid, "Participants")
    found = list(api.client.listed("participants", *path, IncludeLeft="true" if left else None))
    if not (found or left):
        # It has ended.
        found = list(api.client.listed("participants", *path, IncludeLeft="true"))
    api.output.many("participants", found if api.output.as_json else map(api.client.timed, found))


@participants.command()
@_conference
@click.argument("participant", shell_complete=completion.participants)
@click.pass_obj
def show(api: Api, conference: str, participant: str) -> None:
    """Show everything about one."""
    sid = api.conference(conference)
    who = api.participant(sid, participant)
    api.output.one(api.client.get("Conferences", sid, "Participants", who, IncludeLeft="true"))


def _updating(name: str, about: str, **changes: bool) -> None:
    def update(api: Api, conference: str, some: Given) -> int:
        return _update(api, conference, some, **changes)

    participants.command(name, help=about)(_conference(_some(click.pass_obj(update))))


_updating("mute", "Have nobody hear them.", Muted=True)
_updating("unmute", "Have them heard again.", Muted=False)
_updating("unhold", "Take them back from hold.", Hold=False)


@participants.command()
@_conference
@_some
@click.option("--hold-url", "HoldUrl", metavar="URL", help="Audio during the hold: MP3, WAV, or a document.")
@click.pass_obj
def hold(api: Api, /, conference: str, some: Given, **asked: str | None) -> int:
    """Have them neither heard nor hearing the others."""
    return _update(api, conference, some, Hold=True, **asked)


@participants.command()
@_conference
@click.argument("heard", metavar="URL")
@_some
@method
@click.pass_obj
def announce(api: Api, /, conference: str, heard: str, some: Given, **asked: str | None) -> int:
    """Have some hear something that the others do not.

    URL leads to an MP3, a WAV, or a document with Play, Say, Pause, Redirect.
    """
    return _update(api, conference, some, AnnounceUrl=heard, **asked)


def _update(api: Api, conference: str, some: Given, **changes: str | bool | None) -> int:
    sid = api.conference(conference)
    updated: list[Resource] = []

    def change(given: str) -> None:
        who = api.participant(sid, given)
        updated.append(api.client.post("Conferences", sid, "Participants", who, **changes))

    code = for_each(some, change)
    if updated:
        api.output.many("participants", updated)
    return code


@participants.command()
@_conference
@_some
@click.pass_obj
def drop(api: Api, conference: str, some: Given) -> int:
    """Take them out and end their calls."""
    sid = api.conference(conference)

    def out(given: str) -> None:
        who = api.participant(sid, given)
        api.client.delete("Conferences", sid, "Participants", who)
        api.output.say(f"{who} is dropped")

    return for_each(some, out)


@participants.command()
@_conference
@dialling
@click.option("--label", "Label", help="Stands for the CallSid later.")
@click.option("--muted", "Muted", flag_value="true", help="Heard by nobody at first.")
@click.option(
    "--end-on-exit", "EndConferenceOnExit", flag_value="true", help="The conference ends when it leaves."
)
@click.pass_obj
def dial(api: Api, /, conference: str, to: str, more: Given, **asked: str | None) -> None:
    """Dial somebody into a conference.

    The conference may begin with it. TO is a number, or a SIP address.
    """
    from orchestrator.web.api.dialling import LEG, PARTICIPANT

    asked |= {"To": to, **parameters(more, (parameter.name for parameter in (*LEG, *PARTICIPANT)))}
    # A name is not looked up: where no conference has it, one begins.
    api.output.many("participants", [api.client.post("Conferences", conference, "Participants", **asked)])
