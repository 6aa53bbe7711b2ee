"""`orchestrator participants`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from orchestrator.cli.api import Api, ApiGroup, dialling, for_each, method, parameters
from orchestrator.cli.client import Client, Resource

_LOOKED_UP = 1000

Given = tuple[str, ...]
_some = click.argument("some", metavar="PARTICIPANT...", nargs=-1, required=True)


@click.group(cls=ApiGroup, no_args_is_help=False)
def participants() -> None:
    """Look at participants, mute, hold, drop, dial them."""


@participants.command("list")
@click.argument("conference")
@click.pass_obj
def list_(api: Api, conference: str) -> None:
    """List who is in a conference."""
    sid = api.conference(conference)
    found: Iterable[Resource] = api.client.listed("participants", "Conferences", sid, "Participants")
    api.output.many("participants", found if api.output.as_json else _with_numbers(api.client, found))


def _with_numbers(client: Client, participants: Iterable[Resource]) -> Iterator[Resource]:
    """With caller and called number, which the API has for calls alone."""
    calls = client.listed("calls", "Calls", limit=_LOOKED_UP, Status="in-progress")
    known = {call["sid"]: {"from": call["from"], "to": call["to"]} for call in calls}
    for participant in participants:
        yield participant | known.get(participant["call_sid"], {})


@participants.command()
@click.argument("conference")
@click.argument("participant")
@click.pass_obj
def show(api: Api, conference: str, participant: str) -> None:
    """Show everything about one."""
    sid = api.conference(conference)
    api.output.one(api.client.get("Conferences", sid, "Participants", participant))


def _updating(name: str, about: str, **changes: bool) -> None:
    def update(api: Api, conference: str, some: Given) -> int:
        return _update(api, conference, some, **changes)

    function = click.argument("conference")(_some(click.pass_obj(update)))
    participants.command(name, help=about)(function)


_updating("mute", "Have nobody hear them.", Muted=True)
_updating("unmute", "Have them heard again.", Muted=False)
_updating("unhold", "Take them back from hold.", Hold=False)


@participants.command()
@click.argument("conference")
@_some
@click.option("--hold-url", "HoldUrl", metavar="URL", help="Audio during the hold: MP3, WAV, or a document.")
@click.pass_obj
def hold(api: Api, /, conference: str, some: Given, **asked: str | None) -> int:
    """Have them neither heard nor hearing the others."""
    return _update(api, conference, some, Hold=True, **asked)


@participants.command()
@click.argument("conference")
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

    def change(who: str) -> None:
        updated.append(api.client.post("Conferences", sid, "Participants", who, **changes))

    code = for_each(some, change)
    if updated:
        api.output.many("participants", updated)
    return code


@participants.command()
@click.argument("conference")
@_some
@click.pass_obj
def drop(api: Api, conference: str, some: Given) -> int:
    """Take them out and end their calls."""
    sid = api.conference(conference)

    def out(who: str) -> None:
        api.client.delete("Conferences", sid, "Participants", who)
        api.output.say(f"{who} is dropped")

    return for_each(some, out)


@participants.command()
@click.argument("conference")
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
