"""`orchestrator calls`."""

from __future__ import annotations

import contextlib
from typing import TextIO

import click

from orchestrator.cli import completion, timeline
from orchestrator.cli.api import Api, ApiGroup, dialling, for_each, instructions, limit, parameters, text
from orchestrator.cli.client import Resource

STATES = ("ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled")


@click.group(cls=ApiGroup, no_args_is_help=False)
def calls() -> None:
    """Look at calls, make them, end them."""


@calls.command("list")
@click.option("--from", "From", metavar="NUMBER", help="Only by this caller.")
@click.option("--to", "To", metavar="NUMBER", help="Only to this number.")
@click.option("--status", "Status", type=click.Choice(STATES), help="Only those that are.")
@limit
@click.pass_obj
def list_(api: Api, /, limit: int, **asked: str | None) -> None:
    """List calls, the newest first."""
    found = api.client.listed("calls", "Calls", limit=limit, **asked)
    api.output.many("calls", found if api.output.as_json else map(api.client.timed, found))


@calls.command()
@click.argument("call", shell_complete=completion.calls)
@click.pass_obj
def show(api: Api, call: str) -> None:
    """Show everything about one, and its timeline: all that happened to it, and why."""
    sid = api.call(call)
    _show(api, api.client.timed(api.client.get("Calls", sid)), timeline.all_of(api.client, "Calls", sid))


def _show(api: Api, call: Resource, entries: list[Resource]) -> None:
    if api.output.as_json:
        call.pop("lasted", None)
        return api.output.one(call | {"timeline": entries})
    api.output.one(call)
    click.echo()
    timeline.show(api.output, timeline.Lines(api.client, subjects=False), iter(entries))


@calls.command()
@click.argument("call", required=False, shell_complete=completion.calls)
@click.pass_obj
def tail(api: Api, call: str | None) -> None:
    """Follow what happens to a call, or to all calls and conferences, while it happens.

    Of one CALL from its beginning on, until it is over; without CALL from now on, until Ctrl+C.
    """
    sid = api.call(call) if call else ""
    path = ("Calls", sid) if sid else ()
    following = timeline.Tail(api.client, path, from_now=not sid)
    lines = timeline.Lines(api.client, subjects=not sid)
    with contextlib.suppress(KeyboardInterrupt):
        timeline.show(api.output, lines, following.follow(over=("call.hangup",) if sid else ()))


@calls.command()
@limit
@click.pass_obj
def rejected(api: Api, limit: int) -> None:
    """List calls that never became one, the newest first, with what to do about each.

    Those of no account (addresses that may not call, numbers without an application) are shown to all
    accounts; where there are several, the numbers of these are masked.
    """
    found = api.client.listed("rejected_calls", "RejectedCalls", limit=limit)
    timeline.show(api.output, timeline.Lines(api.client, subjects=False), found)


@calls.command()
@click.argument("some", metavar="CALL...", nargs=-1, required=True, shell_complete=completion.calls)
@click.pass_obj
def end(api: Api, some: tuple[str, ...]) -> int:
    """End calls."""

    def end(given: str) -> None:
        sid = api.call(given)
        api.output.changed(api.client.post("Calls", sid, Status="completed"), f"{sid} is being ended")

    return for_each(some, end)


@calls.command()
@click.argument("call", shell_complete=completion.calls)
@instructions
@click.pass_obj
def redirect(api: Api, /, call: str, texml: TextIO | None, **asked: str | None) -> None:
    """Give a call other instructions."""
    if texml is None and asked["Url"] is None:
        raise click.UsageError("one of --instructions and --texml is required")
    sid = api.call(call)
    answer = api.client.post("Calls", sid, Texml=text(texml), **asked)
    api.output.changed(answer, f"{sid} does that now")


@calls.command()
@dialling
@instructions
@click.pass_obj
def dial(api: Api, /, to: str, more: tuple[str, ...], texml: TextIO | None, **asked: str | None) -> None:
    """Call somebody who is then given instructions.

    TO is a number, or a SIP address. Without --instructions and --texml the application's document counts.
    """
    from orchestrator.web.api.dialling import CALL

    known = (parameter.name for parameter in CALL)
    asked |= {"To": to, "Texml": text(texml), **parameters(more, known)}
    api.output.many("calls", [api.client.post("Calls", **asked)])
