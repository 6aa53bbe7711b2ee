"""`orchestrator calls`."""

from __future__ import annotations

from typing import TextIO

import click

from orchestrator.cli.api import Api, ApiGroup, dialling, for_each, instructions, limit, parameters, text

STATES = ("ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled")


@click.group(cls=ApiGroup, no_args_is_help=False)
def calls() -> None:
    """Look at calls, make them, end them."""


@calls.command("list")
@click.option("--from", "caller", metavar="NUMBER", help="Only by this caller.")
@click.option("--to", metavar="NUMBER", help="Only to this number.")
@click.option("--status", type=click.Choice(STATES), help="Only those that are.")
@limit
@click.pass_obj
def list_(api: Api, caller: str | None, to: str | None, status: str | None, limit: int) -> None:
    """List calls, the newest first."""
    asked = {"From": caller, "To": to, "Status": status}
    api.output.many("calls", api.client.listed("calls", "Calls", limit=limit, **asked))


@calls.command()
@click.argument("call")
@click.pass_obj
def show(api: Api, call: str) -> None:
    """Show everything about one. CALL is its CallSid."""
    api.output.one(api.client.get("Calls", call))


@calls.command()
@click.argument("some", metavar="CALL...", nargs=-1, required=True)
@click.pass_obj
def end(api: Api, some: tuple[str, ...]) -> int:
    """End calls. CALL is a CallSid."""

    def end(sid: str) -> None:
        api.output.changed(api.client.post("Calls", sid, Status="completed"), f"{sid} is being ended")

    return for_each(some, end)


@calls.command()
@click.argument("call")
@instructions
@click.pass_obj
def redirect(api: Api, call: str, instructions: str | None, texml: TextIO | None) -> None:
    """Give a call other instructions. CALL is its CallSid."""
    if instructions is None and texml is None:
        raise click.UsageError("one of --instructions and --texml is required")
    answer = api.client.post("Calls", call, Url=instructions, Texml=text(texml))
    api.output.changed(answer, f"{call} does that now")


@calls.command()
@dialling
@instructions
@click.pass_obj
def dial(
    api: Api,
    to: str,
    caller: str,
    application: str | None,
    timeout: str | None,
    more: tuple[str, ...],
    instructions: str | None,
    texml: TextIO | None,
) -> None:
    """Call somebody who is then given instructions.

    TO is a number, or a SIP address. Without --instructions and --texml the application's document counts.
    """
    from orchestrator.web.api.dialling import CALL

    asked: dict[str, str | bool | None] = {
        "To": to,
        "From": caller,
        "Url": instructions,
        "Texml": text(texml),
        "ApplicationSid": application,
        "Timeout": timeout,
    }
    asked |= parameters(more, (parameter.name for parameter in CALL))
    api.output.many("calls", [api.client.post("Calls", **asked)])
